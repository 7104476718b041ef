"""Commands that compute, or prepare it: run, sweep, new."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wgflow.app.commands.arguments import CodeOption, ForceOption, ProblemArgument, QuietOption, SetOption
from wgflow.system.launchers import LAUNCH
from wgflow.system.signals import INTERRUPTED_CODE, terminations_interrupt
from wgflow.system.terminal import say
from wgflow.text import error_text

if TYPE_CHECKING:
    from wgflow.flows import Evolution


@contextmanager
def _ending_by_signals() -> Iterator[None]:
    """Let signals end a command where no run takes them, before the first step and after the last one; that is said."""
    with terminations_interrupt():
        try:
            yield
        except KeyboardInterrupt:
            if LAUNCH.is_first:
                say("interrupted", error=True)
            raise


@_ending_by_signals()
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
    allow_code: CodeOption = False,
) -> None:
    """Run a problem and write its trajectory."""
    since = clock.perf_counter()  # the wall time of a run holds what is loaded and prepared for it
    from wgflow.app.console import announce, report, say_finished, say_resumable, warnings_as_lines
    from wgflow.flows.loop import Observers
    from wgflow.problems import open_problem
    from wgflow.problems import run as run_problem
    from wgflow.ranks.world import world
    from wgflow.runs.progress import shown_progress
    from wgflow.trajectory.output import default_output

    if plot is not None:
        from wgflow.plotting import check_figure_path

        check_figure_path(plot)
    with shown_progress(not quiet):
        prepared = open_problem(problem, settings or (), force=force, allow_code=allow_code)
    named = output if output is not None else default_output(problem, resume=resume, overwrite=overwrite)
    path = world().told(named)  # another rank may see the file there already
    begin = partial(announce, prepared, path, quiet=quiet, estimate=estimate and not resume)
    continued: list[Evolution] = []
    try:
        with shown_progress(not quiet) as display, warnings_as_lines(quiet=quiet):
            trajectory = run_problem(
                prepared,
                path,
                resume,
                overwrite=overwrite,
                estimate=estimate,
                force=force,
                observers=Observers(begin=[display.pause, begin, display.begin], start=[continued.append]),
                since=since,
                progress=not quiet,
            )
    except KeyboardInterrupt as interruption:
        for error in interruption.args:
            say(f"error: {error_text(error)}", error=True)
        say_resumable(problem, path, settings or (), allow_code=allow_code)
        raise typer.Exit(INTERRUPTED_CODE) from None
    if resume and not continued:
        say_finished(trajectory, prepared, quiet=quiet)
    report(trajectory, path, quiet=quiet)
    if plot is not None:
        trajectory.plot(plot)
        if not quiet:
            say(f"figure      {plot}")


@_ending_by_signals()
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
    launcher: Annotated[
        str, typer.Option("--launcher", metavar="COMMAND", help="Start each run by this command, e.g. 'mpiexec -n 4'.")
    ] = "",
    quiet: QuietOption = False,
    force: ForceOption = False,
    allow_code: CodeOption = False,
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
            allow_code=allow_code,
            launcher=launcher,
        )
    )


@_ending_by_signals()
def sweep_run(
    folder: Annotated[Path, typer.Argument(help="Folder of the sweep.")],
    problem_folder: Annotated[Path, typer.Argument(help="Folder that paths in the problem are relative to.")],
    index: Annotated[int, typer.Argument(help="Number of the run.")],
    resume: Annotated[bool, typer.Option("--resume/--overwrite", help="Continue its file, or replace it.")],
    force: ForceOption = False,
    allow_code: CodeOption = False,
) -> None:
    """Do one run of a sweep, as workers ask a launcher for; see `wgflow sweep --launcher`."""
    from wgflow.app.sweeps.launching import run_launched

    run_launched(folder, problem_folder, index, resume=resume, force=force, allow_code=allow_code)


def new(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="A kind of problem.")],
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="A kind of domain.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; PROBLEM_DOMAIN.toml by default.")
    ] = None,
) -> None:
    """Write a commented problem file that runs as it is."""
    from wgflow.problems.template import write_template

    path = output if output is not None else Path(f"{problem}_{domain}.toml")
    write_template(problem, domain, path)
    say(f"problem     {path}; run it with: wgflow run {path}")
