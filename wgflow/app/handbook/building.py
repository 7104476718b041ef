"""How the handbook is built: from a copy of its sources, into the cache, once for each state of them."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wgflow.app.handbook.sources import copy_sources, fingerprint
from wgflow.errors import ComputationError, InputError, MissingExtraError
from wgflow.system.caching import cache_folder
from wgflow.system.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = ".wgflow-handbook"  # a file of every folder with a built handbook, which holds its fingerprint
LIBRARIES = ("sphinx", "myst_parser", "numpydoc", "sphinx_gallery", "pydata_sphinx_theme")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def build_handbook(output: Path | None = None, *, strict: bool = False, quick: bool = False) -> Path:
    """Build the handbook, unless this state of it was built before, and give its folder.

    Parameters
    ----------
    output : Path, optional
        Where it goes: a new or empty folder, or one with an earlier handbook, which is replaced. By default it stays in
        the cache of wgflow.
    strict : bool
        Build anew, warn of references that lead nowhere, and take each warning for an error.
    quick : bool
        Show the scripts of tutorials and examples without running them: their pages have no figures.

    Returns
    -------
    Path
        The folder; its front page is ``index.html``.

    Raises
    ------
    MissingExtraError
        If a library of the extra ``docs`` is not installed.
    InputError
        If the output is a folder with other contents.
    ComputationError
        If it cannot be built; with ``strict``, also if there were warnings.
    """
    for library in LIBRARIES:
        if importlib.util.find_spec(library) is None:
            raise MissingExtraError(library, "docs", "the handbook")
    if output is not None:
        check_output(output)
    kept = cache_folder()
    with _temporary(kept) as workplace:
        state = fingerprint(quick)
        shelf = (Path(kept) if kept else workplace) / "handbook"
        if strict or not _holds(shelf, state):
            _make_pages(workplace, state, strict=strict, quick=quick)
            _replace(workplace / "html", shelf)
        if output is None and kept:
            return shelf
        output = output or Path("handbook")
        _copy(shelf, output)
    return output


def check_output(output: Path) -> None:
    """Raise InputError unless a folder is new, empty, or holds an earlier handbook."""
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; give a folder for the handbook")
    if output.exists() and any(output.iterdir()) and not (output / MARK).exists():
        raise InputError(f"{output} holds other files; give a new or empty folder, or one with an earlier handbook")


@contextmanager
def _temporary(folder: str | None) -> Iterator[Path]:
    """A folder for the work, on the file system of the cache; Sphinx leaves through it on every error."""
    with tempfile.TemporaryDirectory(prefix="handbook-", dir=folder) as name:
        yield Path(name)


def _holds(folder: Path, state: str) -> bool:
    mark = folder / MARK
    return mark.exists() and mark.read_text(encoding="utf-8") == state


def _make_pages(workplace: Path, state: str, *, strict: bool, quick: bool) -> None:
    """Build all pages in ``workplace / "html"``."""
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    source, pages = workplace / "source", workplace / "html"
    copy_sources(source)
    warnings = io.StringIO()
    settings = {"nitpicky": strict, "plot_gallery": str(not quick)}
    try:
        with patch_docutils(str(source)), docutils_namespace(), _kept_directory():
            app = Sphinx(
                source, source, pages, workplace / "doctrees", "html", settings, None, warnings, warningiserror=strict
            )
            app.build()
    except SphinxError as error:
        raise ComputationError(f"the handbook cannot be built: {error}") from None
    if strict:
        _refuse_warnings(COLOURS.sub("", warnings.getvalue()).replace(f"{source}{os.sep}", "").splitlines())
    (pages / MARK).write_text(state, encoding="utf-8")


def _refuse_warnings(told: list[str]) -> None:
    """Print the warnings of a build, and raise ComputationError if there are any."""
    for line in told:
        say(line, error=True)
    if told:
        raise ComputationError(f"the handbook has {len(told)} lines of warnings")


@contextmanager
def _kept_directory() -> Iterator[None]:
    """Galleries change the working directory while scripts run, and an error must not leave it changed."""
    before = Path.cwd()
    try:
        yield
    finally:
        os.chdir(before)


def _replace(pages: Path, shelf: Path) -> None:
    """Put new pages in the place of earlier ones."""
    shutil.rmtree(shelf, ignore_errors=True)
    pages.rename(shelf)


def _copy(pages: Path, output: Path) -> None:
    """Copy pages into a folder that is new, empty, or holds an earlier handbook, of which nothing stays."""
    if (output / MARK).exists():
        shutil.rmtree(output)
    shutil.copytree(pages, output, dirs_exist_ok=True)
