"""Commands that tell what files hold: info, cite, certify, compare, list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wgflow.app.commands.arguments import CodeOption, FileArgument
from wgflow.errors import InputError
from wgflow.system.terminal import say


def info(
    file: FileArgument,
    check: Annotated[bool, typer.Option("--check", help="Check its schema and every checksum instead.")] = False,
) -> None:
    """Show what a trajectory file holds."""
    if check:
        from wgflow.app.console import show_checks
        from wgflow.trajectory.checking import check_trajectory

        show_checks(check_trajectory(file), file)
        return
    from wgflow.app.console import describe
    from wgflow.problems import load

    describe(load(file), file)


def cite(file: FileArgument) -> None:
    """Print the BibTeX of the methods that a run used."""
    from wgflow.app.citations import citations_of, format_citations
    from wgflow.problems import load_problem

    say(format_citations(citations_of(load_problem(file).config)))


def certify(
    file: FileArgument,
    mass_bound: Annotated[
        float | None, typer.Option("--mass-bound", metavar="M", help="Compare with measures of mass at most M.")
    ] = None,
    allow_code: CodeOption = False,
) -> None:
    """Bound how far F at the end of a trajectory is from its least value over all measures."""
    from wgflow.analysis.optimality.certificates import certify_trajectory
    from wgflow.app.console import show_certificate
    from wgflow.problems import load

    trajectory = load(file, allow_code=allow_code)
    if trajectory.problem is not None and trajectory.problem.code.withheld:
        raise InputError(trajectory.problem.code.withheld)
    show_certificate(certify_trajectory(trajectory, mass_bound=mass_bound)[0], trajectory)


def compare(
    first: Annotated[Path, typer.Argument(metavar="A.h5", help="A trajectory file.")],
    second: Annotated[Path, typer.Argument(metavar="B.h5", help="A trajectory of the same problem.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also draw the comparison (.png, .pdf or .svg).")
    ] = None,
    transport: Annotated[
        str,
        typer.Option(help="Wasserstein distances in more than one dimension: auto, exact (by POT), sliced or none."),
    ] = "auto",
) -> None:
    """Compare two runs of one problem: risks, predictors, measures and masses."""
    from wgflow.app.console import show_comparison
    from wgflow.app.run_comparison import compare_files, plot_comparison_of

    if output is not None:
        from wgflow.plotting import check_figure_path, save_figure

        check_figure_path(output)
    comparison = compare_files(first, second, transport=transport)
    show_comparison(comparison)
    if output is not None:
        save_figure(plot_comparison_of(comparison), output)
        say(f"figure      {output}")


def list_problems() -> None:
    """List the problems that ship with wgflow."""
    from wgflow.app.console import list_files
    from wgflow.problems.shipped import shipped_problems

    list_files(shipped_problems())
