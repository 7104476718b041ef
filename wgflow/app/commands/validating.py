"""The command that runs validations: validate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SCALING, ON_RANKS = "scaling", "benchmarks.mpi"


def validate(
    name: Annotated[str, typer.Argument(help="Name of a validation; without it, all are listed.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Run all of them.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Coarse grids and few repetitions.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for NAME.json and its pictures; validation_results by default."),
    ] = None,
    mpi: Annotated[
        bool, typer.Option("--mpi", help="Of scaling: that on several ranks of MPI, which is benchmarks.mpi.")
    ] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option of the validation.")
    ] = None,
) -> None:
    """Compare what wgflow computes with what is known; writes rows as JSON, beside pictures; 1 if one fails."""
    from wgflow.app.validation.finding import benchmark_names, validation_names
    from wgflow.app.validation.running import DEFAULT_FOLDER, list_validations, run_all, run_validation
    from wgflow.errors import InputError

    if mpi:
        if name != SCALING:
            raise InputError(f"--mpi is an option of the validation {SCALING!r}; found {name!r}")
        name = ON_RANKS
    if everything and (name or settings):
        raise InputError("--all runs every validation as it is; give either a name or --all, and --set with a name")
    folder = output or DEFAULT_FOLDER
    if everything:
        raise typer.Exit(0 if run_all(quick=quick, output=folder) else 1)
    if not name:
        list_validations([*validation_names(), *benchmark_names()])
        return
    record = run_validation(name, quick=quick, output=folder, assignments=settings or ())
    raise typer.Exit(0 if record.passed else 1)
