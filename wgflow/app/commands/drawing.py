"""Commands that write figures, films, pages, and files of other programs: plot, animate, report, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wgflow.app.commands.arguments import FileArgument, QuietOption, path_beside
from wgflow.system.terminal import say


def plot(
    file: FileArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Figure (.png, .pdf or .svg); FILE.png by default.")
    ] = None,
) -> None:
    """Draw a trajectory."""
    from wgflow.plotting import check_figure_path
    from wgflow.problems import load

    path = output if output is not None else path_beside(file, ".png")
    check_figure_path(path)
    load(file).plot(path)
    say(f"figure      {path}")


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
    from wgflow.app.console import frame_bar
    from wgflow.plotting import animate_trajectory, check_film
    from wgflow.problems import load

    path = output if output is not None else path_beside(file, ".gif")
    check_film(path, frames, rate)
    trajectory = load(file)
    with frame_bar(quiet=quiet) as progress:
        animate_trajectory(trajectory, trajectory.problem, path, frames=frames, rate=rate, progress=progress)
    if not quiet:
        say(f"film        {path}")


def report(
    file: FileArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Page to write; FILE.html by default.")] = None,
    frames: Annotated[int, typer.Option("--frames", help="Pictures under the slider at most.")] = 41,
    quiet: QuietOption = False,
) -> None:
    """Write one web page with problem, curves, the measure under a time slider, checks and provenance."""
    from wgflow.app.console import frame_bar
    from wgflow.app.report import check_report, write_report
    from wgflow.problems import load
    from wgflow.trajectory.checking import check_trajectory

    path = output if output is not None else path_beside(file, ".html")
    check_report(path, frames)
    trajectory = load(file)
    with frame_bar(quiet=quiet) as progress:
        write_report(trajectory, trajectory.problem, check_trajectory(file), path, frames=frames, progress=progress)
    if not quiet:
        say(f"report      {path}")


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
