"""What the handbook is made of: its chapters and scripts, the worked examples, figures, and the list of changes."""

from __future__ import annotations

import ast
import hashlib
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from wgflow.problems.shipped import shipped_folder

PACKAGE = Path(__file__).resolve().parents[2]
TOOLS = ("wgflow", "sphinx", "myst-parser", "numpydoc", "sphinx-gallery", "pydata-sphinx-theme", "matplotlib")

# Titles of the worked examples in solvers/, in the order of the gallery.
EXAMPLES = {
    "sphere": "The sphere equation for a network with a teacher",
    "continuity": "The continuity equation for both layers",
    "particles": "A finite network: gradient flow, descent and SGD",
    "variational": "Variational steps, one by one",
}
HEADER = """Worked examples
===============

Scripts that build every object by hand, solve, and look at the result. Each stands alone: download it from the foot of
its page, and run it.
"""


def chapters() -> Path:
    """Give the folder of the chapters, from the source tree or as they were installed."""
    return PACKAGE / "handbook"


def copy_sources(target: Path) -> None:
    """Copy all that Sphinx reads into a folder that does not exist yet; it writes beside what it reads."""
    shutil.copytree(chapters(), target, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(shipped_folder("data/figures"), target / "figures")
    shutil.copy(shipped_folder("CHANGELOG.md"), target / "about" / "CHANGELOG.md")
    shutil.copy(shipped_folder("CITATION.cff"), target / "about" / "CITATION.cff")
    examples = target / "scripts" / "examples"
    examples.mkdir()
    (examples / "GALLERY_HEADER.rst").write_text(HEADER, encoding="utf-8")
    for number, (name, title) in enumerate(EXAMPLES.items()):
        text = (shipped_folder("solvers") / f"{name}.py").read_text(encoding="utf-8")
        (examples / f"{number}_{name}.py").write_text(with_title(text, title), encoding="utf-8")


def with_title(script: str, title: str) -> str:
    """Give a script with a title above its docstring, as galleries want; lines of commands become blocks of code."""
    statement = ast.parse(script).body[0]
    told = ast.literal_eval(statement.value) if isinstance(statement, ast.Expr) else ""
    body = script.splitlines(keepends=True)[statement.end_lineno :]
    parts = [title, "=" * len(title), "", *_with_blocks(told.strip())]
    return '"""\n' + "\n".join(parts) + '\n"""\n' + "".join(body)


def _with_blocks(text: str) -> Iterator[str]:
    """Lines of a docstring, in which indented ones that follow an empty one begin a block of commands."""
    lines = text.splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("    ") and not before.strip():
            yield from (".. code-block:: sh", "")
        yield line


def fingerprint(*choices: object) -> str:
    """Give a hash of all that the handbook is made from, of versions, and of how it is built."""
    found = hashlib.sha256(repr((choices, [_version_of(tool) for tool in TOOLS])).encode())
    for folder in (PACKAGE, *map(shipped_folder, ("solvers", "data", "validation"))):
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.suffix not in {".pyc", ".nbi", ".nbc"}:
                found.update(f"{file.relative_to(folder)} {file.stat().st_size}".encode() + file.read_bytes())
    found.update(shipped_folder("CHANGELOG.md").read_bytes())
    return found.hexdigest()[:20]


def _version_of(tool: str) -> str:
    try:
        return version(tool)
    except PackageNotFoundError:
        return "none"
