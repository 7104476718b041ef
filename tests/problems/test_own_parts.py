"""Losses, activations and internal energies in Python files beside a problem."""

from __future__ import annotations

import sys

import pytest

import wgflow
from wgflow.app.cli import _exit_code
from wgflow.app.sweeps.plan import make_plan

pytestmark = pytest.mark.usefixtures("without_layout")

CODE = '''
import numpy as np

class Huber:
    """Squares near 0 and lines beyond."""

    nonnegative = True

    def __init__(self, width=0.5):
        self.width = width

    def value(self, h, y):
        size = np.abs(h - y)
        return np.where(size < self.width, 0.5 * size**2, self.width * (size - 0.5 * self.width))

    def gradient(self, h, y):
        return np.clip(h - y, -self.width, self.width)

    def hessian(self, h, y):
        return np.where(np.abs(h - y) < self.width, 1.0, 0.0)

wide = Huber(5.0)

class Logistic:
    labels = nonnegative = True

    def value(self, h, y):
        return np.logaddexp(0.0, -y * h)

    def gradient(self, h, y):
        return -y / (1.0 + np.exp(y * h))

    def hessian(self, h, y):
        return 1.0 / (2.0 + 2.0 * np.cosh(y * h))

class Swish:
    def value(self, z):
        return z / (1.0 + np.exp(-z))

    def gradient(self, z):
        share = 1.0 / (1.0 + np.exp(-z))
        return share * (1.0 + z * (1.0 - share))

class Squares:
    def value(self, r):
        return r**2

    def gradient(self, r):
        return 2.0 * r

    def hessian(self, r):
        return np.full_like(r, 2.0)

def U(r):
    return r**2

def slope(r):
    return 2.0 * r

def curvature(r):
    return np.full_like(r, 2.0)

def minus(r):
    return -r**2

def minus_slope(r):
    return -2.0 * r

def minus_curvature(r):
    return np.full_like(r, -2.0)

class WrongSlope(Squares):
    def gradient(self, r):
        return r

class NoSlope:
    def value(self, h, y=0.0):
        return h

class Broken(Huber):
    def gradient(self, h, y):
        raise KeyError("lost")

class Needy(Huber):
    def __init__(self, width):
        self.width = width

class Root(Huber):
    nonnegative = False

    def value(self, h, y):
        return -np.exp(-((h - y) ** 2))

    def gradient(self, h, y):
        return 2.0 * (h - y) * np.exp(-((h - y) ** 2))

    def hessian(self, h, y):
        return (2.0 - 4.0 * (h - y) ** 2) * np.exp(-((h - y) ** 2))
'''
DATA = "x,y\n" + "".join(f"{x},{y}\n" for x, y in ((-1.0, -0.8), (-0.5, 0.3), (0.25, 0.2), (1.0, 4.0)))
LABELS = "x,z,y\n" + "".join(f"{x},{z},{y}\n" for x, z, y in ((0.0, 0.5, 1), (1.0, 0.0, -1), (0.5, 2.0, 1)))
OUTPUT = {"snapshots": 3}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in {"mine.py": CODE, "data.csv": DATA, "labels.csv": LABELS}.items():
        (tmp_path / name).write_text(text)
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


def robust(loss="mine.py:Huber"):
    """Directions of ReLU neurons on a circle."""
    return {
        "problem": {"kind": "two_layer", "data": "data.csv", "loss": loss},
        "domain": {"kind": "circle", "cells": 16, "signed": True},
        "solver": {"t_end": 0.5},
        "output": OUTPUT,
    }


def smooth(activation="mine.py:Swish", **more):
    """Particles of neurons (a, b) in space."""
    return {
        "problem": {"kind": "two_layer", "data": "data.csv", "activation": activation, **more},
        "domain": {"kind": "space", "dimension": 3},
        "initial": {"kind": "balanced"},
        "solver": {"kind": "particles", "t_end": 1.0},
        "particles": {"count": 10},
        "output": OUTPUT,
    }


def porous(internal="mine.py:Squares", **solver):
    """A density that spreads in a box."""
    return {
        "problem": {"kind": "energy", "internal": internal},
        "domain": {"kind": "box", "bounds": [[-2.0, 2.0]], "shape": [32]},
        "initial": {"kind": "gaussian", "covariance": 0.2},
        "solver": {"t_end": 0.05, **solver},
        "particles": {"count": 5},
        "output": OUTPUT,
    }


LABELLED = {"kind": "two_layer", "loss": "mine.py:Logistic", "dataset": {"path": "labels.csv", "bias": False}}
CLASSIFIED = {**robust(), "problem": LABELLED}


def in_python():
    found = {}
    exec(CODE, found)
    return found


def test_a_loss_of_a_file_is_that_of_python(folder):
    trajectory = wgflow.run(robust(), allow_code=True)
    data = trajectory.problem.dataset
    risk = wgflow.Features(wgflow.Relu(data.inputs), data.targets, loss=in_python()["Huber"])
    expected = wgflow.solve(risk, trajectory.domain, trajectory.density[0], 0.5, times=trajectory.time)
    assert folder.exists()
    assert trajectory.density[-1] == pytest.approx(expected.density[-1], rel=1e-9)
    assert trajectory.risk[-1] < trajectory.risk[0]


def test_losses_may_be_objects_and_need_labels(folder):
    wide, square = (wgflow.run(robust(loss), allow_code=True) for loss in ("mine.py:wide", "square"))
    assert wide.density[-1] == pytest.approx(square.density[-1], rel=1e-9)
    own, known = (
        wgflow.run({**CLASSIFIED, "problem": {**LABELLED, "loss": loss}}, allow_code=True)
        for loss in ("mine.py:Logistic", "logistic")
    )
    assert own.problem.dataset.targets.tolist() == [1.0, -1.0, 1.0]
    assert own.density[-1] == pytest.approx(known.density[-1], rel=1e-9)
    assert folder.exists()
    with pytest.raises(wgflow.InputError, match="this loss allows only the labels"):
        wgflow.open_problem(robust("mine.py:Logistic"), allow_code=True)


def test_a_loss_of_a_file_is_certified_with_permission_only(command):
    wgflow.run(robust(), output="flow.h5", allow_code=True)
    code, said = command("certify", "flow.h5")
    assert code == 2
    assert "'mine.py:Huber' is Python code" in said
    assert "--allow-code" in said
    assert command("certify", "flow.h5", "--allow-code")[0] == 0


def test_an_activation_of_a_file_is_trained_and_predicts(folder):
    trajectory = wgflow.run(smooth(), allow_code=True)
    data = trajectory.problem.dataset
    layer = wgflow.Neurons(wgflow.SmoothLayer(data.inputs, in_python()["Swish"]))
    start = trajectory.measure(0)
    expected = wgflow.simulate(
        wgflow.Features(layer, data.targets), start, 1.0, domain=trajectory.domain, times=trajectory.time, reaction=0.0
    )
    assert trajectory.position[-1] == pytest.approx(expected.position[-1], rel=1e-6)
    path = trajectory.save(folder / "flow.h5")
    with pytest.raises(wgflow.InputError, match=r"'mine.py:Swish' is Python code.*read /.*mine.py, then allow it"):
        wgflow.load(path).predict([0.1])
    assert wgflow.load(path, allow_code=True).predict([0.1]) == pytest.approx(trajectory.predict([0.1]), rel=1e-14)


def test_an_internal_energy_of_a_file_is_the_known_one(folder):
    table = {"kind": "python", "function": "mine.py:U", "gradient": "mine.py:slope", "hessian": "mine.py:curvature"}
    known = wgflow.run(porous({"kind": "power", "exponent": 2.0}))
    assert folder.exists()
    for internal in ("mine.py:Squares", table):
        found = wgflow.run(porous(internal), allow_code=True)
        assert found.density[-1] == pytest.approx(known.density[-1], rel=1e-9)


@pytest.mark.parametrize("sections", [CLASSIFIED, smooth(), porous()], ids=["loss", "activation", "internal"])
def test_nothing_is_run_without_permission(folder, sections, command):
    (folder / "mine.py").write_text("import pathlib\npathlib.Path('ran').touch()\n" + CODE)
    with pytest.raises(wgflow.InputError, match=r"'mine.py:\w+' is Python code, .* read mine.py, .*--allow-code"):
        wgflow.run(sections)
    assert not (folder / "ran").exists()
    first = wgflow.run(sections, output="flow.h5", allow_code=True)
    assert (folder / "ran").exists()
    (folder / "ran").unlink()
    withheld = wgflow.load("flow.h5")
    for look in (lambda run: run.potential(-1), wgflow.certify_trajectory):
        with pytest.raises(wgflow.InputError, match=r"'mine.py:\w+' is Python code.*read /.*/mine.py, then allow it"):
            look(withheld)
    looks = (["info", "flow.h5"], ["plot", "flow.h5"], ["compare", "flow.h5", "flow.h5"])
    for arguments in looks if sections == smooth() else looks[::2]:  # whose picture shows predictions, if any does
        assert command(*arguments)[0] == 0
    assert not (folder / "ran").exists()
    assert wgflow.load("flow.h5", allow_code=True).potential(-1) == pytest.approx(first.potential(-1), rel=1e-12)
    (folder / "mine.py").write_text(CODE + "\n")
    sections = {**sections, "solver": {**sections["solver"], "t_end": 1.5}}
    with pytest.raises(wgflow.InputError, match=r"holds a run with another mine.py: sha256"):
        wgflow.run(sections, output="flow.h5", resume=True, allow_code=True)
    with pytest.raises(wgflow.InputError, match=r"holds a run with another mine.py: sha256"):
        wgflow.load("flow.h5", allow_code=True)


def test_memory_is_estimated_without_running_code(folder):
    (folder / "mine.py").write_text("raise RuntimeError\n")
    own, known = (make_plan(robust(loss), {"domain.cells": [16, 32]}).memory() for loss in ("mine.py:Huber", "square"))
    assert own == known


MISTAKES = {
    "no such name": (
        robust("squares"),
        r"\[problem\] loss = 'squares' is not allowed; allowed is 'square', .*FILE.py:N",
    ),
    "no reference": (robust("mine.py:"), r"\[problem\] loss = 'mine.py:' is not allowed; give \"FILE.py:NAME\""),
    "a number": (smooth(3), r"\[problem\] activation = 3 is not allowed; allowed is 'relu', 'tanh'"),
    "no such class": (robust("mine.py:Hubert"), r"mine.py has no function 'Hubert' \(did you mean 'Huber'"),
    "no methods": (
        robust("mine.py:NoSlope"),
        "mine.py:NoSlope has no gradient and no hessian; give an object or class",
    ),
    "arguments": (
        robust("mine.py:Needy"),
        "mine.py:Needy failed.*TypeError.*; give an object, or a class that is made",
    ),
    "an error": (robust("mine.py:Broken"), r"mine.py:Broken.gradient failed \(line \d+\): KeyError: 'lost'"),
    "not convex": (robust("mine.py:Root"), "the loss mine.py:Root is not convex"),
    "no slope": (
        smooth("mine.py:NoSlope"),
        "mine.py:NoSlope has no gradient; give an object or class with the methods",
    ),
    "two arguments": (smooth("mine.py:Huber"), r"mine.py:Huber.value failed: TypeError"),
    "on a circle": (
        {**smooth(), "domain": {"kind": "circle", "cells": 16}},
        'activation = "mine.py:Swish" need not be homogeneous of degree 1',
    ),
    "no margin": (
        {**robust(), "solver": {"kind": "normalised", "t_end": 1.0}},
        'loss = "mine.py:Huber" has no normalised form, which .* needs; choose "softmin"',
    ),
    "a teacher": (
        {
            **robust(),
            "problem": {
                "kind": "two_layer",
                "data": "gaussian_teacher",
                "loss": "mine.py:Huber",
                "teacher": {"angles": [0.5], "weights": [1.0]},
            },
        },
        'allows only loss = "square"; found "mine.py:Huber"',
    ),
    "no derivatives": (porous("mine.py:U"), "mine.py:U has no gradient and no hessian"),
    "another slope": (porous("mine.py:WrongSlope"), "mine.py:WrongSlope: the derivative of the internal energy U is"),
    "concave": (
        porous(
            {
                "kind": "python",
                "function": "mine.py:minus",
                "gradient": "mine.py:minus_slope",
                "hessian": "mine.py:minus_curvature",
            }
        ),
        "mine.py:minus: the internal energy U is not convex",
    ),
    "particles": (porous(kind="particles"), r'\[problem.internal\] kind = "python" needs a density'),
    "an object as potential": (
        {**porous(), "problem": {"kind": "energy", "potential": "mine.py:wide"}},
        "mine.py:wide is an object that cannot be called; give a function",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line_before_any_work(folder, mistake):
    sections, said = MISTAKES[mistake]
    assert folder.exists()
    with pytest.raises(wgflow.InputError, match=said) as error:
        wgflow.open_problem(sections, allow_code=True)
    assert "\n" not in str(error.value)
