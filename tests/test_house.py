"""The shape of the house: layers, documentation that matches the code, and kernels that cache."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

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
    "ranks",
    "compilation",
    "reductions",
    "domains",
    "measures",
    "upwind",
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
STOREYS = 12  # from the ground to the command line

# They stand beside each other on flows, and are strangers to each other.
SOLVERS = {"finite_volume", "particles", "characteristics", "variational", "normalised"}
PERMITTED = {
    # Nodes move as particles on the circle do, by the same methods; a base below both would be the whole room.
    ("characteristics", "particles"),
}

TYPED_KERNELS = {"wgflow.trajectory.hdf5.fletcher", "wgflow.reductions"}

LONGEST_FILE = 400  # lines
LONGEST_BODY = 45


def room_of(file: Path) -> str:
    """Name of the room that a file of the library stands in."""
    return file.relative_to(ROOT / "wgflow").parts[0].removesuffix(".py")


def library() -> list[Path]:
    """All files of the library but those at its door, and the scripts of the handbook."""
    return [
        file for file in (ROOT / "wgflow").rglob("*.py") if room_of(file) != "handbook" and room_of(file)[:2] != "__"
    ]


@cache
def nodes_of(file: Path) -> list[ast.AST]:
    """All nodes of the syntax tree of a file."""
    return list(ast.walk(ast.parse(file.read_text())))


@cache
def imports_in(file: Path) -> list[ast.ImportFrom]:
    """What a file imports from the library when it is loaded or when its functions run; not for type checking."""
    ignored = {
        id(inner)
        for node in nodes_of(file)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    imports = [node for node in nodes_of(file) if isinstance(node, ast.ImportFrom) and id(node) not in ignored]
    return [node for node in imports if (node.module or "").startswith("wgflow.")]


def imports_of(file: Path) -> set[str]:
    """Rooms that a file imports."""
    return {node.module.split(".")[1] for node in imports_in(file)}


def rooms_below() -> dict[str, set[str]]:
    """Rooms that each room imports."""
    below = {room: set() for room in ROOMS}
    for file in library():
        below[room_of(file)] |= imports_of(file) - {room_of(file)}
    return below


def module_of(file: Path) -> str:
    """Name of the module in a file."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def names_of(package: Path) -> dict[str, str]:
    """Names that a package hands on, with the modules which they come from."""
    stub = package.with_suffix(".pyi")
    if package.name != "__init__.py" or not stub.exists():
        return {}
    lines = [node for node in ast.walk(ast.parse(stub.read_text())) if isinstance(node, ast.ImportFrom)]
    return {alias.name: f"{module_of(package)}.{line.module}" for line in lines for alias in line.names}


def modules_below() -> dict[str, set[str]]:
    """Modules that each module imports: also those whose names it takes from a package."""
    files = {module_of(file): file for file in library()}
    handed = {module: names_of(file) for module, file in files.items()}
    below = {}
    for module, file in files.items():
        below[module] = {line.module for line in imports_in(file)}
        for line in imports_in(file):
            places = [(f"{line.module}.{alias.name}", handed[line.module].get(alias.name)) for alias in line.names]
            below[module] |= {place for pair in places for place in pair if place in files}
    return below


def body_length(function: ast.FunctionDef) -> int:
    """Lines of a function from the first statement after its docstring to the last one."""
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_from_those_before_them(room):
    files = [file for file in library() if room_of(file) == room]
    assert files
    for file in files:
        assert imports_of(file) <= {*ROOMS[: ROOMS.index(room) + 1]}, file


def test_solvers_are_strangers_to_each_other():
    found = {(room, other) for room, others in rooms_below().items() for other in others if {room, other} <= SOLVERS}
    assert found == PERMITTED


def test_the_house_is_not_too_high():
    below = rooms_below()
    storeys = {}
    for room in ROOMS:  # each imports only from those before it
        storeys[room] = 1 + max((storeys[other] for other in below[room]), default=0)
    assert max(storeys.values()) <= STOREYS, storeys


def test_no_imports_run_in_circles():
    TopologicalSorter(modules_below()).prepare()  # raises CycleError, which names a circle


def test_kernels_stand_in_files_of_kernels():
    """But for those with types: mypy's exceptions are one pattern."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    assert [part["module"] for part in overrides if part.get("disallow_untyped_defs") is False] == [
        ["wgflow.*.kernels.*"]
    ]
    makers = {"kernel", "inlined_kernel", "reduction", "parallel_kernel"}
    found = {
        module_of(file)
        for file in library()
        for line in imports_in(file)
        if line.module == "wgflow.compilation" and makers & {alias.name for alias in line.names}
    }
    assert {module for module in found if ".kernels." not in module} == TYPED_KERNELS


def test_no_file_is_too_long():
    files = [file for folder in ("wgflow", "solvers", "validation", "tests") for file in (ROOT / folder).rglob("*.py")]
    assert [file for file in files if len(file.read_text().splitlines()) > LONGEST_FILE] == []


def test_no_function_is_too_long():
    functions = [
        (file.relative_to(ROOT).as_posix(), node)
        for file in library()
        for node in nodes_of(file)
        if isinstance(node, ast.FunctionDef)
    ]
    assert [f"{file} {node.name}" for file, node in functions if body_length(node) > LONGEST_BODY] == []


def test_no_two_public_classes_share_a_name():
    """One name stands for one thing, wherever it is imported from."""
    places = Counter(
        node.name
        for file in library()
        for node in nodes_of(file)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in places.items() if count > 1] == []


def test_no_type_has_the_name_of_a_class():
    """Nor is a type at the top of a module called as a class elsewhere is."""
    nodes = [(file, node) for file in library() for node in nodes_of(file)]
    classes = {node.name for _, node in nodes if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}
    types = [
        f"{module_of(file)}.{target.id}"
        for file, node in nodes
        if isinstance(node, ast.Module)
        for line in node.body
        if isinstance(line, ast.Assign)
        for target in line.targets
        if isinstance(target, ast.Name) and target.id in classes
    ]
    assert types == []


def test_every_module_stands_in_a_room():
    assert {room_of(file) for file in library()} == set(ROOMS)


DOMAINS = {"Box", "Circle", "Sphere", "Space", "Hypersphere", "Gridless", "Signed"}
PLACES = {"domain", "base", "grid", "source", "target", "box"}  # what variables that hold domains are called


def asks_for_a_domain(node: ast.AST) -> bool:
    """Whether code asks which class or kind a domain is."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
        return bool(DOMAINS & {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)})
    if isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        kinds = [side for side in sides if isinstance(side, ast.Attribute) and side.attr == "kind"]
        return len(kinds) == 1 and bool(PLACES & set(re.split(r"\W+", ast.unparse(kinds[0].value))))
    return False


def writes_in_loops(function: ast.FunctionDef) -> bool:
    """Whether a loop of a function writes into an array."""
    loops = [node for node in ast.walk(function) if isinstance(node, ast.For | ast.While)]
    inner = [node for loop in loops for node in ast.walk(loop)]
    return any(isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) for node in inner)


def test_sums_that_may_be_reordered_do_not_depend_on_where_arrays_lie():
    """Without that word, loops that also write go one by one where they find arrays near one another."""
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in library()
        for node in nodes_of(file)
        if isinstance(node, ast.FunctionDef)
        and any("reduction" in ast.unparse(decorator) for decorator in node.decorator_list)
        and writes_in_loops(node)
        and "arrays_apart()" not in ast.unparse(node)
    ]
    assert found == []


def test_no_code_asks_which_class_a_domain_is():
    """What depends on it stands in a `DomainTable`, or is carried by the domain."""
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in library()
        if room_of(file) != "domains"
        for node in ast.walk(ast.parse(file.read_text()))
        if asks_for_a_domain(node)
    ]
    assert found == []


def test_core_knows_nothing_of_configuration():
    core = ROOMS[: ROOMS.index("exact") + 1]
    for file in library():
        assert room_of(file) not in core or "pydantic" not in file.read_text(), file


def test_help_needs_no_heavy_library():
    heavy = ("numba", "scipy", "h5py", "matplotlib")
    code = f"import sys, wgflow.app.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


NEEDLESS = (
    *("matplotlib", "xarray", "ot", "scipy.special", "scipy.sparse", "scipy.stats", "scipy.integrate", "scipy.spatial"),
    *("wgflow.plotting", "wgflow.variational", "wgflow.normalised", "wgflow.characteristics", "wgflow.exact"),
    *("wgflow.app.sweeps", "rich", "wgflow.runs.estimates", "wgflow.upwind.sphere", "wgflow.upwind.high_order"),
    *("wgflow.networks.population", "wgflow.functionals.energies.interaction", "wgflow.particles.system"),
)


def modules_after(code: str, folder: Path) -> set[str]:
    """Names of all modules that a new process has loaded at the end of some code."""
    told = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=open('modules', 'w'))); {code}"
    subprocess.run([sys.executable, "-c", told], check=True, cwd=folder, capture_output=True)
    return set((folder / "modules").read_text().split())


def test_a_run_loads_what_it_needs(tmp_path):
    """Packages that are loaded by their names alone hold nothing: what counts is modules in them."""
    few = "'run', 'el_nino', '-o', 'run.h5', '--set', 'domain.cells=16', '--set', 'solver.t_end=0.2'"
    found = modules_after(f"sys.argv = ['wgflow', {few}]; from wgflow.app.cli import main; main()", tmp_path)
    assert (tmp_path / "run.h5").exists()
    loaded = {name for name in found if name.startswith("wgflow.") and (ROOT / name.replace(".", "/")).is_dir()}
    assert [name for name in sorted(found - loaded) if name.startswith(NEEDLESS)] == [
        "wgflow.characteristics.tolerance"
    ]


def test_the_package_itself_loads_nothing(tmp_path):
    found = modules_after("import wgflow", tmp_path)
    assert [name for name in ("numpy", "numba", "scipy", "pydantic", "typer", "rich", "h5py") if name in found] == []
    assert len([name for name in found if name.startswith("wgflow")]) == 3


SHORT_RUNS = """
import wgflow
from wgflow.compilation import compilation_count

def short_runs(cells):
    settings = [f"domain.cells={cells}", "solver.t_end=0.2", "output.snapshots=2"]
    flows = [wgflow.run(wgflow.open_problem(name, settings)) for name in ("teacher", "el_nino")]
    return [number for flow in flows for number in (flow.risk[-1].item(), flow.density.sum().item())]
"""


def test_second_process_compiles_nothing():
    """Not for another size either; nor does it load what numba needs to compile."""
    exec(SHORT_RUNS + "short_runs(16)", {})
    code = SHORT_RUNS + "import sys; short_runs(24); print(compilation_count(), 'numba.np.arraymath' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["0", "False"]


def test_nothing_is_written_into_the_source_tree():
    assert not [file for pattern in ("*.nbi", "*.nbc") for file in (ROOT / "wgflow").rglob(pattern)]


def test_kernels_give_the_same_without_compilation():
    """The plain Python functions behind the kernels, run by the interpreter, agree with the compiled ones."""
    compiled: dict = {}
    exec(SHORT_RUNS + "numbers = short_runs(8)", compiled)
    done = subprocess.run(
        [sys.executable, "-c", SHORT_RUNS + "print(*short_runs(8))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    assert [float(word) for word in done.stdout.split()] == pytest.approx(compiled["numbers"], rel=1e-12)


NAMES_IN_THREADS = """
import threading, wgflow
names = ["Sphere", "Features", "JkoFlow", "draw_particles", "Particles", "solve", "RungeKutta4", "Trajectory"]
failed = []
def ask(name):
    try:
        getattr(wgflow, name)
    except Exception as error:
        failed.append(error)
threads = [threading.Thread(target=ask, args=(name,)) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failed)
"""


def test_threads_may_ask_for_names_at_the_same_time():
    done = subprocess.run([sys.executable, "-c", NAMES_IN_THREADS], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_version_is_among_the_names():
    assert {"__version__", "run", "Box"} <= set(dir(importlib.import_module("wgflow")))
