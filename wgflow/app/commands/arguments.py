"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wgflow.errors import InputError
from wgflow.system.terminal import silence_log

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


def path_beside(file: Path, ending: str) -> Path:
    """The file of the same name with another ending."""
    if not file.name:
        raise InputError(f"trajectory {str(file)!r} is not the name of a file")
    return file.with_suffix(ending)
