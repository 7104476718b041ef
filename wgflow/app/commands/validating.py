"""The command that runs validations: validate."""

from __future__ import annotations

from typing import Annotated

import typer


def validate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a validation; without it, all are listed.")] = "",
) -> None:
    """Run a validation that ships with wgflow; further options are passed on to it."""
    from wgflow.app.console import list_files
    from wgflow.app.validations import run_validation, shipped_validations

    if not name:
        list_files(shipped_validations())
        return
    raise typer.Exit(run_validation(name, context.args))
