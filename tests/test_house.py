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

# Each layer imports only itself and those before it.
LAYERS = [
    "typing",
    "errors",
    "text",
    "caching",
    "threads",
    "drafts",
    "paths",
    "compilation",
    "reductions",
    "domains",
    "functionals",
    "memory",
    "schemes",
    "particles",
    "variational",
    "trajectory",
    "metrics",
    "optimality",
    "signals",
    "timeloop",
    "walls",
    "growth",
    "estimates",
    "flow",
    "problems",
    "citations",
    "terminal",
    "sweeps",
    "export",
    "comparison",
    "plotting",
    "reporting",
    "cli",
]


def imports_of(file: Path) -> set[str]:
    """Layers that a file imports when it is loaded or when its functions run; type checking does not count."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("wgflow."):
            found.add(node.module.split(".")[1])
    return found


@pytest.mark.parametrize("layer", LAYERS[:-1])
def test_layers_import_only_those_above_them(layer):
    place = ROOT / "wgflow" / layer
    files = list(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    # comparison draws and reporting shows comparisons: both by imports inside functions
    allowed = {*LAYERS[: LAYERS.index(layer) + 1], *({"plotting"} if layer == "comparison" else ())}
    for file in files:
        assert imports_of(file) <= allowed, file


def test_every_module_belongs_to_a_layer():
    names = {path.stem for path in (ROOT / "wgflow").iterdir() if not path.name.startswith("_")}
    assert names - {"py"} == set(LAYERS)


def test_readme_shows_the_keys_of_problem_files():
    assert key_table() in (ROOT / "README.md").read_text()


def test_core_knows_nothing_of_configuration():
    for layer in LAYERS[LAYERS.index("domains") : LAYERS.index("optimality") + 1]:
        for file in (ROOT / "wgflow" / layer).glob("*.py"):
            assert "pydantic" not in file.read_text(), file


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
