"""The command line ``wgflow``.

Exit codes: 0 done; 1 the computation failed; 2 bad input; 130 interrupted (the file is closed and can be resumed).
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import warnings
from typing import Annotated, Any

import typer

from wgflow.app.commands.computing import new, run, sweep, sweep_run
from wgflow.app.commands.documenting import docs
from wgflow.app.commands.drawing import animate, export, plot, report
from wgflow.app.commands.kinds_in_help import KindsInHelp
from wgflow.app.commands.telling import certify, cite, compare, info, list_problems
from wgflow.app.commands.validating import validate
from wgflow.errors import FlowWarning, InputError, WgflowError
from wgflow.system.launchers import refuse_ranks
from wgflow.system.signals import INTERRUPTED_CODE
from wgflow.system.terminal import open_missing_streams, say
from wgflow.text import error_text

# After which garbage is looked for: more than a run needs to begin; by default 700, which takes a tenth of that time.
ALLOCATIONS = 200_000

LAUNCHED_RUN = "sweep-run"  # what workers of a sweep start by a launcher, perhaps on several ranks

app = typer.Typer(
    name="wgflow",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Wasserstein gradient flows on grids and with particles.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"wgflow {version('wgflow')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - the callback acts on it
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Wasserstein gradient flows on grids and with particles."""
    if debug:
        os.environ["WGFLOW_DEBUG"] = "1"
    if context.invoked_subcommand not in (run.__name__, LAUNCHED_RUN):
        refuse_ranks(f"wgflow {context.invoked_subcommand}", "start it once, without mpiexec")


for command in (run, sweep, new, info, cite, plot, certify, animate, report, export, compare, validate, docs):
    app.command(cls=KindsInHelp if command is new else None)(command)
app.command(name="list")(list_problems)
app.command(name=LAUNCHED_RUN, hidden=True)(sweep_run)


def main() -> None:
    """Run the command line and exit with the code that its outcome has; warnings about a flow are single lines."""
    gc.set_threshold(ALLOCATIONS)
    atexit.register(gc.freeze)  # the system takes all memory back at once: to look through it takes a sixth of a second
    ordinary = warnings.formatwarning

    def as_line(message: Warning | str, category: type[Warning], *place: Any, **line: Any) -> str:
        found = ordinary(message, category, *place, **line)
        return f"warning: {error_text(message)}\n" if issubclass(category, FlowWarning) else found

    warnings.formatwarning = as_line
    open_missing_streams()
    sys.exit(_exit_code())


def _exit_code() -> int:
    command = typer.main.get_command(app)
    try:
        result = command.main(prog_name="wgflow", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except KeyboardInterrupt:
        return _ended(INTERRUPTED_CODE)
    except (WgflowError, OSError) as error:  # the latter of the disk, above all, where nothing could say more of it
        if os.environ.get("WGFLOW_DEBUG"):
            raise
        said = f"{error.filename or 'the system'}: {error.strerror or error}" if isinstance(error, OSError) else error
        return _ended(2 if isinstance(error, InputError) else 1, error_text(said))
    except MemoryError as error:
        if os.environ.get("WGFLOW_DEBUG"):
            raise
        return _ended(1, f"the memory does not suffice{_said(error)}; choose fewer cells, particles or outputs")
    except Exception as error:
        # Errors of the command line itself (unknown option, missing argument) carry their own exit code.
        code, text = getattr(error, "exit_code", None), getattr(error, "format_message", None)
        if code is None or os.environ.get("WGFLOW_DEBUG"):
            raise
        return _ended(int(code), error_text(text()) if text is not None and text() else "")


def _ended(code: int, text: str = "") -> int:
    """Print an error, on one rank of several, and give the exit code."""
    from wgflow.ranks.world import end_ranks

    shown = end_ranks(code, f"error: {text}" if text else "")
    if shown:
        say(shown, error=True)
    return code


def _said(error: MemoryError) -> str:
    return f": {error_text(error)}" if str(error) else ""


if __name__ == "__main__":
    main()
