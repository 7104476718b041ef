"""Functions in Python files beside a problem: what they give, and when they are run."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

import wgflow
from wgflow.app.cli import _exit_code
from wgflow.app.sweeps.plan import make_plan

pytestmark = pytest.mark.usefixtures("without_layout")

CODE = """
import numpy as np

def V(x):
    return 0.5 * ((x - 0.25) ** 2).sum(axis=1)

def V_gradient(x):
    return x - 0.25

def W(z):
    return np.exp(-2.0 * (z**2).sum(axis=-1))

def start(x):
    return np.exp(-2.0 * ((x - 0.5) ** 2).sum(axis=1))

def cosine(c):
    return 1.0 - c

def cosine_slope(c):
    return -np.ones_like(c)

def around(x):
    return x[:, 0] ** 2

def fails(x):
    return 1 / 0

def matrix(x):
    return x

def below(x):
    return x[:, 0] - 5.0

def wrong(x):
    return 2.0 * x

number = 3.0
"""

PROBLEM = """
initial = "mine.py:start"

[problem]
kind = "energy"
potential = "mine.py:V"
interaction = "mine.py:W"

[domain]
kind = "box"
bounds = [[-4.0, 4.0]]
shape = [32]

[solver]
t_end = 0.2

[output]
snapshots = 5
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "problem.toml").write_text(PROBLEM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Run the command line in the folder; gives exit code and what was printed to stderr."""
    assert folder.exists()

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["wgflow", *arguments])
        return _exit_code(), capsys.readouterr().err

    return run


def in_python(**changed):
    sections = {
        "problem": {"kind": "energy", "potential": "mine.py:V", "interaction": "mine.py:W"},
        "domain": {"kind": "box", "bounds": [[-4.0, 4.0]], "shape": [32]},
        "initial": "mine.py:start",
        "solver": {"t_end": 0.2},
        "output": {"snapshots": 5},
    }
    return sections | changed


def test_functions_of_a_file_are_those_of_python(folder):
    trajectory = wgflow.run(folder / "problem.toml", allow_code=True)
    found = {}
    exec(CODE, found)
    box = wgflow.Box([(-4.0, 4.0)], 32)
    own = wgflow.Potential(found["V"]) + wgflow.Interaction(found["W"])
    expected = wgflow.solve(own, box, trajectory.density[0], 0.2, times=trajectory.time, reaction=0.0)
    assert trajectory.density[-1] == pytest.approx(expected.density[-1], rel=1e-9)
    assert trajectory.density[0] == pytest.approx(np.exp(-2.0 * (box.points[:, 0] - 0.5) ** 2), abs=1e-2)


def test_nothing_is_run_without_permission(command, folder):
    (folder / "mine.py").write_text("import pathlib\npathlib.Path('ran').touch()\n" + CODE)
    code, errors = command("run", "problem.toml")
    assert code == 2
    assert errors.startswith("error: problem.toml: 'mine.py:V' is Python code")
    assert "read mine.py, then allow it by --allow-code (allow_code=True in Python)" in errors
    for source in (folder / "problem.toml", in_python()):
        with pytest.raises(wgflow.InputError, match="is Python code"):
            wgflow.run(source)
        with pytest.raises(wgflow.InputError, match="is Python code"):
            wgflow.open_problem(source)
    with pytest.raises(wgflow.InputError, match="is Python code"):
        wgflow.sweep(in_python(), {"domain.shape": [[16], [32]]}, folder / "sweep")
    assert not (folder / "ran").exists()
    assert command("run", "problem.toml", "--allow-code", "-q") == (0, "")
    assert (folder / "ran").exists()


def test_other_code_is_neither_resumed_nor_reopened(command, folder):
    assert command("run", "problem.toml", "--allow-code", "-q")[0] == 0
    done = wgflow.load("problem.h5", allow_code=True)
    assert done.potential(-1).shape == (32,)
    withheld = wgflow.load("problem.h5")
    assert (withheld.density == done.density).all()
    with pytest.raises(wgflow.InputError, match=r"read /.*/mine.py, then allow it by --allow-code \(allow_code=True"):
        withheld.potential(-1)
    for look in ("info", "plot"):
        assert command(look, "problem.h5")[0] == 0
    longer = ["run", "problem.toml", "--resume", "--set", "solver.t_end=0.3", "-q"]
    assert command(*longer)[0] == 2
    assert command(*longer, "--allow-code")[0] == 0
    (folder / "mine.py").write_text(CODE + "\n")
    code, errors = command(*longer, "--allow-code")
    assert code == 2
    assert "holds a run with another mine.py: sha256" in errors
    assert "there" in errors
    with pytest.raises(wgflow.InputError, match=r"another mine.py: sha256 \w{12}... there, \w{12}... in .*mine.py"):
        wgflow.load("problem.h5", allow_code=True)
    (folder / "mine.py").unlink()
    with pytest.raises(wgflow.InputError, match=r"mine.py cannot be read"):
        wgflow.load("problem.h5", allow_code=True)
    assert wgflow.load("problem.h5").time[-1] == 0.3


def test_particles_follow_functions_with_and_without_gradients(folder):
    particles = {"solver": {"kind": "particles", "t_end": 0.2}, "particles": {"count": 20}}
    potential = {"kind": "python", "function": "mine.py:V"}
    runs = [
        wgflow.run(in_python(problem={"kind": "energy", "potential": chosen}, **particles), allow_code=True)
        for chosen in (potential, {**potential, "gradient": "mine.py:V_gradient"})
    ]
    assert folder.exists()
    assert runs[0].position[-1] == pytest.approx(runs[1].position[-1], rel=1e-7)
    assert runs[0].mass[0] == pytest.approx(wgflow.run(in_python(), allow_code=True).mass[0], rel=1e-12)


def test_circles_have_kernels_of_cosines(folder):
    assert folder.exists()
    around = {
        "domain": {"kind": "circle", "cells": 16},
        "initial": {"kind": "python", "function": "mine.py:around", "mass": 2.0},
    }
    kernel = {"kind": "python", "function": "mine.py:cosine", "gradient": "mine.py:cosine_slope"}
    trajectory = wgflow.run(in_python(problem={"kind": "energy", "interaction": kernel}, **around), allow_code=True)
    points, masses = trajectory.domain.points, trajectory.density[-1] * trajectory.domain.volumes
    assert trajectory.mass[-1] == pytest.approx(2.0, rel=1e-12)
    assert trajectory.potential(-1) == pytest.approx((1.0 - points @ points.T) @ masses, rel=1e-10)


def energy(function, **more):
    return {"kind": "energy", "potential": {"kind": "python", "function": function, **more}}


MISTAKES = {
    "no such file": ({"problem": energy("other.py:V")}, "code .*other.py does not exist"),
    "no such function": (
        {"problem": energy("mine.py:start_")},
        r"mine.py has no function 'start_' \(did you mean 'start'",
    ),
    "no function": ({"problem": energy("mine.py:number")}, "mine.py has no function 'number'"),
    "no reference": (
        {"problem": energy("mine")},
        r"\[problem.potential\] function = 'mine' is not allowed; give \"FILE.py",
    ),
    "another folder": ({"problem": energy("../mine.py:V")}, r"function = '../mine.py:V' is not allowed"),
    "a link": ({"problem": energy("link.py:V")}, "link.py leads to .*elsewhere.py, out of the folder"),
    "an error": ({"problem": energy("mine.py:fails")}, r"mine.py:fails failed \(line 26\): ZeroDivisionError"),
    "an error in the file": (
        {"problem": energy("broken.py:V")},
        r"code broken.py failed \(line 2\): NameError: .*'nowhere'",
    ),
    "no Python": ({"problem": energy("text.py:V")}, r"code text.py failed \(line 1\): SyntaxError"),
    "another shape": ({"problem": energy("mine.py:matrix")}, r"mine.py:matrix: .* has shape \(32, 1\)"),
    "another gradient": (
        {"problem": energy("mine.py:V", gradient="mine.py:wrong")},
        r"mine.py:V: its gradient at \[-?[\d.]+\] is .*, but differences of the function give",
    ),
    "a negative density": ({"initial": "mine.py:below"}, r"\[initial\] mine.py:below goes down to -[\d.]+; a density"),
    "a number as function": (
        {"initial": {"kind": "python", "function": 3}},
        r"\[initial\] function = 3 is not allowed",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line_before_any_work(folder, mistake, monkeypatch):
    inner = folder / "inner"
    inner.mkdir()
    for name, text in {"mine.py": CODE, "broken.py": "x = 1\nnowhere()\n", "text.py": "this is no Python\n"}.items():
        (inner / name).write_text(text)
    (folder / "elsewhere.py").write_text(CODE)
    (inner / "link.py").symlink_to("../elsewhere.py")
    changed, said = MISTAKES[mistake]
    monkeypatch.chdir(inner)
    with pytest.raises(wgflow.InputError, match=said) as error:
        wgflow.open_problem(in_python(**changed), allow_code=True)
    assert "\n" not in str(error.value)


def test_an_error_on_the_way_is_a_failed_computation(command, folder):
    text = CODE.replace("return 0.5 * ((x", "assert abs(x).max() < 3.99 or len(x) < 999\n    return 0.5 * ((x")
    (folder / "mine.py").write_text(text)
    code, errors = command("run", "problem.toml", "--allow-code", "-q", "--set", "domain.shape=[1000]")
    assert code == 1
    assert errors.startswith("error: mine.py:V failed (line 5): AssertionError")
    assert len(errors.splitlines()) == 1


def test_runs_of_a_sweep_have_the_permission_of_the_sweep(folder):
    plan = make_plan(folder / "problem.toml", {"domain.shape": [[16], [24]]})
    with pytest.raises(wgflow.InputError, match="is Python code"):
        plan.check()
    allowed = replace(plan, allow_code=True)
    allowed.check()
    assert allowed.problem(1).domain.shape == (24,)
