"""The oldest supported versions are those that are tested, and the selections of tests exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("xarray", "sweep", "sphere", "vtk", "transport", "test")
TOOLS = {"build", "mypy", "ruff", "scipy-stubs"}  # which check the sources, and do not run with them
if not (ROOT / ".ci").exists():
    pytest.skip("there is no checkout here", allow_module_level=True)


def listed(name: str) -> list[str]:
    """Lines of a file of .ci but comments."""
    return [line for line in (ROOT / ".ci" / name).read_text().splitlines() if not line.startswith("#")]


def test_the_oldest_versions_are_those_that_are_asked_for():
    """Of what a run, an extra of it, or a test needs; the comparisons with other packages are made by hand."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for name in EXTRAS for line in project["optional-dependencies"][name]]
    asked = {}
    for requirement in map(Requirement, [*project["dependencies"], *extras]):
        if requirement.name not in TOOLS | {"wgflow"}:
            [bound] = requirement.specifier
            assert bound.operator == ">=", requirement
            asked[requirement.name] = Version(bound.version)
    pinned = dict(line.split("==") for line in listed("oldest.txt"))
    assert {name: Version(version) for name, version in pinned.items()} == asked


def test_one_library_has_one_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds: dict[str, set[str]] = {}
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (Requirement(line) for group in groups for line in group):
        bounds.setdefault(requirement.name, set()).add(str(requirement.specifier))
    assert [name for name, found in bounds.items() if len(found) > 1] == []


@pytest.mark.parametrize("selection", ["quick.txt", "interpreted.txt"])
def test_selections_name_tests(selection):
    for line in listed(selection):
        path, _, name = line.partition("::")
        assert (ROOT / path).is_file(), line
        assert re.search(rf"def {name}", (ROOT / path).read_text()), line


TOP = {
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "wgflow",
    "solvers",
    "tests",
    "validation",
    "data",
}


@pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="no checkout")
def test_the_top_level_holds_nothing_else():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {path.partition("/")[0] for path in listed.stdout.split("\0") if path} <= TOP | {".ci", ".gitignore"}
