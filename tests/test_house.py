"""The shape of the house: layers, documentation that matches the code, and kernels that cache."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wgflow.problems.documentation import key_table

ROOT = Path(__file__).resolve().parent.parent

# From the ground up: each room imports only from itself and from those before it.
ROOMS = [
    "typing",
    "errors",
    "text",
    "former_names",
    "registry",
    "dispatch",
    "system",
    "compilation",
    "reductions",
    "domains",
    "measures",
    "functionals",
    "networks",
    "flows",
    "finite_volume",
    "particles",
    "characteristics",
    "variational",
    "normalised",
    "trajectory",
    "analysis",
    "runs",
    "exact",
    "problems",
    "plotting",
    "app",
]
LONGEST_FILE = 400  # lines
LONGEST_BODY = 45


def room_of(file: Path) -> str:
    """Name of the room that a file of the library stands in."""
    return file.relative_to(ROOT / "wgflow").parts[0].removesuffix(".py")


def library() -> list[Path]:
    """All files of the library but those at its door."""
    return [file for file in (ROOT / "wgflow").rglob("*.py") if not room_of(file).startswith("__")]


def imports_of(file: Path) -> set[str]:
    """Rooms that a file imports when it is loaded or when its functions run; type checking does not count."""
    tree = ast.parse(file.read_text())
    ignored = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    return {
        node.module.split(".")[1]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wgflow.") and id(node) not in ignored
    }


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_from_those_before_them(room):
    files = [file for file in library() if room_of(file) == room]
    assert files
    for file in files:
        assert imports_of(file) <= {*ROOMS[: ROOMS.index(room) + 1]}, file


def test_every_module_stands_in_a_room():
    assert {room_of(file) for file in library()} == set(ROOMS)


def test_readme_shows_the_keys_of_problem_files():
    assert key_table() in (ROOT / "README.md").read_text()


def test_core_knows_nothing_of_configuration():
    core = ROOMS[: ROOMS.index("exact") + 1]
    for file in library():
        assert room_of(file) not in core or "pydantic" not in file.read_text(), file


def test_help_needs_no_heavy_library():
    heavy = ("numba", "scipy", "h5py", "matplotlib")
    code = f"import sys, wgflow.app.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SECOND_PROCESS = """
import wgflow
from wgflow.compilation import compilation_count
wgflow.run(wgflow.open_problem("teacher", ["domain.cells=%d", "solver.t_end=0.1"]))
wgflow.run(wgflow.open_problem("el_nino", ["domain.cells=%d", "solver.t_end=0.2"]))
print(compilation_count())
"""


def test_second_process_compiles_nothing():
    """Not for another size either."""
    counts = []
    for cells in (64, 128):
        code = SECOND_PROCESS % (cells, cells)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        counts.append(int(done.stdout))
    assert counts[1] == 0


def test_nothing_is_written_into_the_source_tree():
    assert not [file for pattern in ("*.nbi", "*.nbc") for file in (ROOT / "wgflow").rglob(pattern)]


def test_kernels_give_the_same_without_compilation():
    """The plain Python functions behind the kernels, run by the interpreter, agree with the compiled ones."""
    code = (
        "import wgflow, numpy as np;"
        "f = wgflow.run(wgflow.open_problem('teacher', ['domain.cells=16', 'solver.t_end=0.2', 'output.snapshots=2']));"
        "g = wgflow.run(wgflow.open_problem('el_nino', ['domain.cells=8', 'solver.t_end=0.2', 'output.snapshots=2']));"
        "print(f.risk[-1].item(), g.risk[-1].item(), f.density.sum().item(), g.density.sum().item())"
    )
    results = []
    for disabled in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
        )
        results.append([float(word) for word in done.stdout.split()])
    assert results[0] == pytest.approx(results[1], rel=1e-12)
