"""The command line ``wgflow``.

Exit codes: 0 done; 1 the computation failed; 2 bad input; 130 interrupted (the file is closed and can be resumed).
"""

from __future__ import annotations

import os
import sys
import time as clock
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from wgflow.app.terminal import open_missing_streams, say, silence_log
from wgflow.errors import FlowWarning, InputError, WgflowError
from wgflow.text import error_text

app = typer.Typer(
    name="wgflow",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Wasserstein gradient flows on grids and with particles.",
)

ProblemArgument = Annotated[
    Path,
    typer.Argument(metavar="PROBLEM.toml", help="A problem file, or the name of one that `wgflow list` shows."),
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE.h5", help="A trajectory file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a key of the problem; may be repeated."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.", callback=silence_log)]
ForceOption = Annotated[bool, typer.Option("--force", help="Run what needs more memory than is free.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"wgflow {version('wgflow')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[  # noqa: ARG001 - the callback acts on it
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Wasserstein gradient flows on grids and with particles."""
    if debug:
        os.environ["WGFLOW_DEBUG"] = "1"


@app.command()
def run(
    problem: ProblemArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Trajectory file; PROBLEM.h5 by default.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the output from its last snapshot.")] = False,
    settings: SetOption = None,
    quiet: QuietOption = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")] = False,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Estimate errors by runs on half and a quarter of the cells or particles."),
    ] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="PNG", help="Draw the trajectory when the run is done.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Run a problem and write its trajectory."""
    since = clock.perf_counter()  # the wall time of a run holds what is loaded and prepared for it
    from wgflow.app.reporting import announce, progress_of, report, say_resumable, warnings_as_lines
    from wgflow.problems import open_problem
    from wgflow.problems import run as run_problem
    from wgflow.trajectory.output import default_output

    if plot is not None:
        from wgflow.plotting import check_figure_path, plot_trajectory, save_figure

        check_figure_path(plot)
    prepared = open_problem(problem, settings or (), force=force)
    path = output if output is not None else default_output(problem, resume=resume, overwrite=overwrite)
    begin = partial(announce, prepared, path, quiet=quiet, estimate=estimate and not resume)
    try:
        with progress_of(prepared, quiet=quiet) as observers, warnings_as_lines(quiet=quiet):
            observers = replace(observers, begin=[begin, *observers.begin])
            trajectory = run_problem(
                prepared,
                path,
                resume,
                overwrite=overwrite,
                estimate=estimate,
                force=force,
                observers=observers,
                since=since,
            )
    except KeyboardInterrupt as interruption:
        for error in interruption.args:
            say(f"error: {error_text(error)}", error=True)
        say_resumable(problem, path, settings or ())
        raise
    report(trajectory, path, quiet=quiet)
    if plot is not None:
        save_figure(plot_trajectory(trajectory, prepared), plot)
        if not quiet:
            say(f"figure      {plot}")


@app.command()
def sweep(
    problem: ProblemArgument,
    over: Annotated[
        list[str],
        typer.Option(
            "--over",
            metavar="SECTION.KEY=VALUES",
            help="Values of a key: START:STOP, START:STOP:STEP or START:STOP:xFACTOR (geometric), all without STOP; or "
            "a comma list. E.g. initial.seed=0:30, particles.count=32:4096:x2 (32, 64, ..., 2048), "
            "finite_volume.limiter=minmod,mc. May be repeated; all combinations are run.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder; the same again continues.")],
    settings: SetOption = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Run on the workers of this dask scheduler.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; by default one for each core.")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of the kernels in each process.")] = 1,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Run a problem for all combinations of some values; DIR/sweep.nc holds the scalars of all runs.

    Other values of initial.seed draw independent particles; the same seed with another particles.count draws from the
    same random numbers.
    """
    from wgflow.app.sweeps.command import sweep_command

    raise typer.Exit(
        sweep_command(
            problem,
            over,
            output,
            settings or (),
            scheduler=scheduler,
            workers=workers,
            threads=threads,
            quiet=quiet,
            force=force,
        )
    )


@app.command()
def new(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="two_layer, quadratic or energy.")],
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="circle, sphere, box, space or hypersphere.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; PROBLEM_DOMAIN.toml by default.")
    ] = None,
) -> None:
    """Write a commented problem file that runs as it is."""
    from wgflow.problems.template import write_template

    path = output if output is not None else Path(f"{problem}_{domain}.toml")
    write_template(problem, domain, path)
    say(f"problem     {path}; run it with: wgflow run {path}")


@app.command()
def info(
    file: FileArgument,
    check: Annotated[bool, typer.Option("--check", help="Check its schema and every checksum instead.")] = False,
) -> None:
    """Show what a trajectory file holds."""
    if check:
        from wgflow.app.reporting import show_checks
        from wgflow.trajectory.checking import check_trajectory

        show_checks(check_trajectory(file), file)
        return
    from wgflow.app.reporting import describe
    from wgflow.problems import load

    describe(load(file), file)


@app.command()
def cite(file: FileArgument) -> None:
    """Print the BibTeX of the methods that a run used."""
    from wgflow.app.citations import citations_of, format_citations
    from wgflow.problems import load_problem

    say(format_citations(citations_of(load_problem(file).config)))


@app.command()
def plot(
    file: FileArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Figure (.png, .pdf or .svg); FILE.png by default.")
    ] = None,
) -> None:
    """Draw a trajectory."""
    from wgflow.plotting import check_figure_path, plot_trajectory, save_figure
    from wgflow.problems import load, load_problem

    path = output if output is not None else _beside(file, ".png")
    check_figure_path(path)
    trajectory = load(file)
    problem = load_problem(file) if "problem" in trajectory.attributes else None
    save_figure(plot_trajectory(trajectory, problem), path)
    say(f"figure      {path}")


@app.command()
def certify(
    file: FileArgument,
    mass_bound: Annotated[
        float | None, typer.Option("--mass-bound", metavar="M", help="Compare with measures of mass at most M.")
    ] = None,
) -> None:
    """Bound how far F at the end of a trajectory is from its least value over all measures."""
    from wgflow.analysis.optimality.certificates import certify_trajectory
    from wgflow.app.reporting import show_certificate
    from wgflow.problems import load

    trajectory = load(file)
    show_certificate(certify_trajectory(trajectory, mass_bound=mass_bound)[0], trajectory)


@app.command()
def animate(
    file: FileArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Film (.gif, or .mp4 with ffmpeg); FILE.gif by default.")
    ] = None,
    frames: Annotated[int, typer.Option("--frames", help="Frames at most, spread evenly over the snapshots.")] = 100,
    rate: Annotated[float, typer.Option("--rate", help="Frames per second.")] = 20.0,
    quiet: QuietOption = False,
) -> None:
    """Make a film of a trajectory."""
    from wgflow.app.reporting import frame_bar
    from wgflow.plotting import animate_trajectory, check_film
    from wgflow.problems import load, load_problem

    path = output if output is not None else _beside(file, ".gif")
    check_film(path, frames, rate)
    trajectory = load(file)
    problem = load_problem(file) if "problem" in trajectory.attributes else None
    with frame_bar(quiet=quiet) as progress:
        animate_trajectory(trajectory, problem, path, frames=frames, rate=rate, progress=progress)
    if not quiet:
        say(f"film        {path}")


@app.command()
def report(
    file: FileArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Page to write; FILE.html by default.")] = None,
    frames: Annotated[int, typer.Option("--frames", help="Pictures under the slider at most.")] = 41,
    quiet: QuietOption = False,
) -> None:
    """Write one web page with problem, curves, the measure under a time slider, checks and provenance."""
    from wgflow.app.report import check_report, write_report
    from wgflow.app.reporting import frame_bar
    from wgflow.problems import load, load_problem
    from wgflow.trajectory.checking import check_trajectory

    path = output if output is not None else _beside(file, ".html")
    check_report(path, frames)
    trajectory = load(file)
    problem = load_problem(file) if "problem" in trajectory.attributes else None
    with frame_bar(quiet=quiet) as progress:
        write_report(trajectory, problem, check_trajectory(file), path, frames=frames, progress=progress)
    if not quiet:
        say(f"report      {path}")


@app.command()
def export(
    file: FileArgument,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help=".csv (table), .mat (MATLAB), or .pvd (ParaView; a file per snapshot)."),
    ],
    snapshot: Annotated[
        int | None, typer.Option("--snapshot", help="Only the state at this snapshot, -1 for the last.")
    ] = None,
) -> None:
    """Write a trajectory in the format of another program."""
    from wgflow.app.export import check_export
    from wgflow.app.export import export as export_trajectory
    from wgflow.problems import load

    check_export(output)
    export_trajectory(load(file), output, snapshot)
    say(f"exported    {output}")


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A.h5", help="A trajectory file.")],
    second: Annotated[Path, typer.Argument(metavar="B.h5", help="A trajectory of the same problem.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also draw the comparison (.png, .pdf or .svg).")
    ] = None,
) -> None:
    """Compare two runs of one problem: risks, predictors, measures and masses."""
    from wgflow.app.comparison import compare_files, plot_comparison_of
    from wgflow.app.reporting import show_comparison

    if output is not None:
        from wgflow.plotting import check_figure_path, save_figure

        check_figure_path(output)
    comparison = compare_files(first, second)
    show_comparison(comparison)
    if output is not None:
        save_figure(plot_comparison_of(comparison), output)
        say(f"figure      {output}")


@app.command(name="list")
def list_problems() -> None:
    """List the problems that ship with wgflow."""
    from wgflow.app.reporting import list_files
    from wgflow.problems.shipped import shipped_problems

    list_files(shipped_problems())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def validate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a validation; without it, all are listed.")] = "",
) -> None:
    """Run a validation that ships with wgflow; further options are passed on to it."""
    from wgflow.app.reporting import list_files
    from wgflow.problems.shipped import find_validation, shipped_validations

    if not name:
        list_files(shipped_validations())
        return
    import subprocess

    done = subprocess.run([sys.executable, find_validation(name), *context.args], check=False)
    raise typer.Exit(done.returncode)


def _beside(file: Path, ending: str) -> Path:
    """The file of the same name with another ending."""
    if not file.name:
        raise InputError(f"trajectory {str(file)!r} is not the name of a file")
    return file.with_suffix(ending)


def main() -> None:
    """Run the command line and exit with the code that its outcome has; warnings about a flow are single lines."""
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
        return 130
    except (WgflowError, OSError) as error:  # the latter of the disk, above all, where nothing could say more of it
        if os.environ.get("WGFLOW_DEBUG"):
            raise
        said = f"{error.filename or 'the system'}: {error.strerror or error}" if isinstance(error, OSError) else error
        say(f"error: {error_text(said)}", error=True)
        return 2 if isinstance(error, InputError) else 1
    except MemoryError as error:
        if os.environ.get("WGFLOW_DEBUG"):
            raise
        say(f"error: the memory does not suffice{_said(error)}; choose fewer cells, particles or outputs", error=True)
        return 1
    except Exception as error:
        # Errors of the command line itself (unknown option, missing argument) carry their own exit code.
        code, text = getattr(error, "exit_code", None), getattr(error, "format_message", None)
        if code is None or os.environ.get("WGFLOW_DEBUG"):
            raise
        if text is not None and text():
            say(f"error: {error_text(text())}", error=True)
        return int(code)


def _said(error: MemoryError) -> str:
    return f": {error_text(error)}" if str(error) else ""


if __name__ == "__main__":
    main()
