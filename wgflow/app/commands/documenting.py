"""The command that opens the handbook: docs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def docs(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder for the pages, which are not opened then."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not run tutorials and examples: a quarter of a minute, no figures.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Build anew, warnings are errors; the pages are not opened.")
    ] = False,
) -> None:
    """Build the handbook, and open it in a browser; a second time at once (needs the extra docs)."""
    from wgflow.app.handbook.building import build_handbook
    from wgflow.system.terminal import say

    page = build_handbook(output, strict=strict, quick=quick).resolve() / "index.html"
    say(f"handbook    {page}")
    if output is None and not strict:
        import webbrowser

        webbrowser.open(page.as_uri())
