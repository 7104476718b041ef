"""Mistakes in problem files, data and commands: exit code 2, and an error that names key, value and remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wgflow.app.cli import _exit_code

PROBLEM = """
[problem]
kind = "two_layer"
loss = "square"

[problem.dataset]
path = "data.csv"
inputs = ["x"]
output = "y"

[domain]
kind = "circle"
signed = true
cells = 16

[solver]
t_end = 0.1

[output]
snapshots = 3
"""

TEACHER = """
[problem]
kind = "two_layer"
data = "gaussian_teacher"

[problem.teacher]
angles = [0.5, 2.9]
weights = [1.0, -1.0]

[domain]
kind = "circle"
signed = true
cells = 16

[solver]
t_end = 0.1
"""

QUADRATIC = """
[problem]
kind = "quadratic"
target = [[1.0, 0.0], [0.0, 0.5]]

[domain]
kind = "circle"
cells = 16

[initial]
kind = "angular_gaussian"
covariance = [[0.5, 0.0], [0.0, 0.3]]

[solver]
t_end = 0.1
"""

DATA = "x,y\n0.0,1.0\n1.0,2.0\n2.5,-1.0\n"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run the command line in a folder of its own; gives exit code and what was printed to stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["wgflow", *arguments])
        return _exit_code(), capsys.readouterr().err

    return run


def _fails_well(code: int, errors: str, named: list[str]) -> None:
    assert code == 2, errors
    assert errors.startswith("error: ")
    assert 1 <= len(errors.strip().splitlines()) <= 3
    assert "Traceback" not in errors
    for name in named:
        assert name in errors, f"{name!r} is not in {errors!r}"


# (what to replace, with what, what the error must name)
CHANGES = {
    "unknown key": (PROBLEM, "cells = 16", "celss = 16", ["celss", "[domain]", "'cells'"]),
    "unknown section": (PROBLEM, "[solver]", "[slover]", ["slover", "'solver'"]),
    "key of another section": (PROBLEM, "t_end = 0.1", "t_end = 0.1\norder = 1", ["order", "[finite_volume]"]),
    "negative cells": (PROBLEM, "cells = 16", "cells = -5", ["[domain] cells", "-5", "greater than"]),
    "too few cells": (PROBLEM, "cells = 16", "cells = 3", ["[domain] cells", "3", "4"]),
    "cells a string": (PROBLEM, "cells = 16", 'cells = "many"', ["[domain] cells", "many", "integer"]),
    "cells a fraction": (PROBLEM, "cells = 16", "cells = 16.5", ["[domain] cells", "16.5", "integer"]),
    "signed a number": (PROBLEM, "signed = true", "signed = 1", ["[domain] signed", "1", "boolean"]),
    "unknown domain": (PROBLEM, 'kind = "circle"', 'kind = "torus"', ["[domain] kind", "torus", "circle"]),
    "unknown problem": (PROBLEM, '"two_layer"', '"three_layer"', ["[problem] kind", "three_layer", "two_layer"]),
    "no problem kind": (PROBLEM, 'kind = "two_layer"', "", ["[problem] kind", "missing", "two_layer"]),
    "unknown activation": (PROBLEM, '"square"', '"square"\nactivation = "sine"', ["activation", "sine", "softplus"]),
    "tanh on a circle": (PROBLEM, '"square"', '"square"\nactivation = "tanh"', ["tanh", "circle", "relu", "box"]),
    "unknown loss": (PROBLEM, '"square"', '"cube"', ["[problem] loss", "cube", "softmin"]),
    "no t_end": (PROBLEM, "t_end = 0.1", "", ["[solver] t_end", "missing"]),
    "no solver": (PROBLEM, "[solver]\nt_end = 0.1", "", ["[solver]", "missing"]),
    "negative t_end": (PROBLEM, "t_end = 0.1", "t_end = -1.0", ["[solver] t_end", "-1.0", "greater than 0"]),
    "t_end nan": (PROBLEM, "t_end = 0.1", "t_end = nan", ["[solver] t_end", "nan"]),
    "t_end infinite": (PROBLEM, "t_end = 0.1", "t_end = inf", ["[solver] t_end", "inf"]),
    "one snapshot": (PROBLEM, "snapshots = 3", "snapshots = 1", ["[output] snapshots", "1", "2"]),
    "time outside": (PROBLEM, "snapshots = 3", "times = [0.05, 7.0]", ["times", "7", "t_end"]),
    "negative mass": (PROBLEM, "[solver]", "[initial]\nmass = -2.0\n[solver]", ["[initial] mass", "-2.0"]),
    "unknown initial": (PROBLEM, "[solver]", '[initial]\nkind = "spike"\n[solver]', ["[initial] kind", "spike"]),
    "unknown solver": (PROBLEM, "t_end = 0.1", 't_end = 0.1\nkind = "magic"', ["[solver] kind", "magic", "particles"]),
    "third order": (PROBLEM, "[output]", "[finite_volume]\norder = 3\n[output]", ["[finite_volume] order", "3"]),
    "unknown limiter": (PROBLEM, "[output]", '[finite_volume]\nlimiter = "tvd"\n[output]', ["limiter", "tvd", "mc"]),
    "seed too large": (PROBLEM, "[solver]", "[initial]\nseed = 99999999999999999999\n[solver]", ["seed", "9223372"]),
    "input named twice": (PROBLEM, '["x"]', '["x", "x"]', ["'x'", "twice"]),
    "a box for a network": (
        PROBLEM,
        'kind = "circle"\nsigned = true\ncells = 16',
        'kind = "box"\nbounds = [[0.0, 1.0]]\nshape = [8]',
        ["two_layer", "box"],
    ),
    "an empty box": (
        QUADRATIC,
        'kind = "circle"\ncells = 16',
        'kind = "box"\nbounds = [[0.0, 1.0], [2.0, 2.0]]\nshape = [8, 8]',
        ["[domain]", "bounds[1]", "larger"],
    ),
    "a Gaussian on a circle": (QUADRATIC, '"angular_gaussian"', '"gaussian"', ["gaussian", "circle"]),
    "no particles": (PROBLEM, "[output]", "[particles]\ncount = 0\n[output]", ["[particles] count", "0"]),
    "missing data file": (PROBLEM, "data.csv", "nowhere.csv", ["nowhere.csv", "does not exist"]),
    "data of another kind": (PROBLEM, "data.csv", "data.xlsx", ["data.xlsx", ".csv", ".npz"]),
    "unknown column": (PROBLEM, '["x"]', '["X2"]', ["X2", "Columns: x, y"]),
    "two sources": (PROBLEM, '"square"', '"square"\ndata = "data.csv"', ["[problem]", "once"]),
    "no bias": (PROBLEM, 'output = "y"', 'output = "y"\nbias = false', ["1 inputs", "needs 2", "bias"]),
    "not TOML": (PROBLEM, "cells = 16", "cells = = 16", ["problem.toml", "line"]),
    "labels expected": (PROBLEM, '"square"', '"logistic"', ["'y'", "2", "+1 and -1"]),
    "teacher without weights": (TEACHER, "weights = [1.0, -1.0]", "", ["weights", "missing"]),
    "teacher weights short": (TEACHER, "[1.0, -1.0]", "[1.0]", ["[problem.teacher]", "2 neurons", "1 weights"]),
    "teacher twice": (TEACHER, "weights", "directions = [[1.0, 0.0]]\nweights", ["angles", "directions"]),
    "teacher in space": (TEACHER, "angles = [0.5, 2.9]", "directions = [[1.0,0.0,0.0],[0.0,1.0,0.0]]", ["3", "2"]),
    "teacher with logistic": (TEACHER, "data =", 'loss = "logistic"\ndata =', ["square", "logistic"]),
    "teacher with tanh": (TEACHER, "data =", 'activation = "tanh"\ndata =', ["relu", "tanh"]),
    "teacher missing": (TEACHER, "[problem.teacher]\nangles = [0.5, 2.9]\nweights = [1.0, -1.0]", "", ["teacher"]),
    "teacher and table": (
        TEACHER,
        "[domain]",
        '[problem.dataset]\npath = "data.csv"\n[domain]',
        ["remove data", "table"],
    ),
    "teacher left": (TEACHER, '"gaussian_teacher"', '"data.csv"', ["[problem.teacher]", "remove it"]),
    "target ragged": (QUADRATIC, "[0.0, 0.5]]", "[0.5]]", ["target", "[problem]"]),
    "target asymmetric": (QUADRATIC, "[0.0, 0.5]]", "[0.3, 0.5]]", ["target", "symmetric"]),
    "target too large": (QUADRATIC, "[[1.0, 0.0], [0.0, 0.5]]", "[[1.0]]", ["target", "2"]),
    "covariance indefinite": (QUADRATIC, "[0.0, 0.3]]", "[0.0, -0.3]]", ["covariance", "positive definite"]),
}


@pytest.mark.parametrize("mistake", CHANGES)
def test_mistake_in_problem_file(command, tmp_path, mistake):
    text, old, new, named = CHANGES[mistake]
    assert old in text
    (tmp_path / "data.csv").write_text(DATA)
    (tmp_path / "problem.toml").write_text(text.replace(old, new, 1))
    code, errors = command("run", "problem.toml", "-q")
    _fails_well(code, errors, named)
    assert not list(tmp_path.glob("*.h5")), "a failed start must not leave a file"


DATA_MISTAKES = {
    "empty": ("", ["holds no data"]),
    "header only": ("x,y\n", ["holds no data"]),
    "ragged": ("x,y\n0,1\n1,2,3\n2,3\n", ["line 3", "3 columns", "header has 2"]),
    "text": ("x,y\n0,1\n1,two\n", ["line 3", "'y'", "'two'"]),
    "missing value": ("x,y\n0,1\n,2\n", ["line 3", "'x'", "''"]),
    "nan": ("x,y\n0,1\n1,nan\n", ["'y'", "nan", "row 2"]),
    "infinite": ("x,y\n0,1\ninf,2\n", ["'x'", "inf", "row 2"]),
    "quoted line break": ('x,y\n"0\n1",1\n2,3\n', ["quoted"]),
    "underscore": ("x,y\n1_0,1\n2,3\n", ["'x'", "1_0"]),
    "too large": ("x,y\n1e308,1\n-1e308,2\n1e308,3\n", ["'x'", "too large"]),
    "constant up to round-off": ("x,y\n0,0.1\n1,0.1\n2,0.1\n", ["'y'", "constant"]),
    "no header": ("0,1\n1,2\n", ["no header"]),
    "same names": ("x,x\n0,1\n1,2\n", ["same name", "x, x"]),
    "constant": ("x,y\n1,1\n1,2\n", ["'x'", "constant", "standardize"]),
}


@pytest.mark.parametrize("mistake", DATA_MISTAKES)
def test_mistake_in_data(command, tmp_path, mistake):
    text, named = DATA_MISTAKES[mistake]
    (tmp_path / "data.csv").write_text(text)
    (tmp_path / "problem.toml").write_text(PROBLEM)
    code, errors = command("run", "problem.toml", "-q")
    _fails_well(code, errors, ["data.csv", *named])


def test_data_whose_squares_leave_the_numbers(command, tmp_path):
    (tmp_path / "data.csv").write_text("x,y\n-1e308,1\n1e307,2\n")
    (tmp_path / "problem.toml").write_text(PROBLEM)
    code, errors = command("run", "problem.toml", "-q", "--set", "problem.dataset.standardize=false")
    _fails_well(code, errors, ["data.csv", "'x'", "up to 1e+308", "allowed is up to 1e+100", "standardize"])


def test_binary_data(command, tmp_path):
    (tmp_path / "data.csv").write_bytes(bytes(range(256)))
    (tmp_path / "problem.toml").write_text(PROBLEM)
    _fails_well(*command("run", "problem.toml"), ["data.csv", "cannot be read"])


@pytest.mark.parametrize(
    ("arrays", "named"),
    [
        ({"x": np.zeros(3), "y": np.zeros(4)}, ["different lengths"]),
        ({"x": np.zeros((3, 2)), "y": np.zeros(3)}, ["'x'", "one-dimensional"]),
        ({"x": np.array(["a", "b"]), "y": np.zeros(2)}, ["'x'", "numbers"]),
        ({}, ["no numbers"]),
    ],
)
def test_mistake_in_arrays(command, tmp_path, arrays, named):
    np.savez(tmp_path / "data.npz", **arrays)
    (tmp_path / "problem.toml").write_text(PROBLEM.replace("data.csv", "data.npz"))
    _fails_well(*command("run", "problem.toml"), ["data.npz", *named])


def test_array_file_that_only_calls_itself_npz(command, tmp_path):
    np.save(tmp_path / "data.npy", np.zeros(3))
    (tmp_path / "data.npy").rename(tmp_path / "data.npz")
    (tmp_path / "problem.toml").write_text(PROBLEM.replace("data.csv", "data.npz"))
    _fails_well(*command("run", "problem.toml"), ["data.npz", "cannot be read"])


def test_byte_order_mark_is_no_mistake(command, tmp_path):
    (tmp_path / "data.csv").write_text(DATA)
    (tmp_path / "problem.toml").write_text(PROBLEM, encoding="utf-8-sig")
    assert command("run", "problem.toml", "-q")[0] == 0


def test_data_are_not_overwritten(command, problem):
    data = problem.with_name("data.csv")
    code, errors = command("run", "problem.toml", "-o", "data.csv", "--overwrite")
    _fails_well(code, errors, ["data.csv", "not a trajectory"])
    assert data.read_text() == DATA


def test_file_that_only_calls_itself_npz(command, tmp_path):
    (tmp_path / "data.npz").write_text("not a zip file")
    (tmp_path / "problem.toml").write_text(PROBLEM.replace("data.csv", "data.npz"))
    _fails_well(*command("run", "problem.toml"), ["data.npz", "cannot be read"])


@pytest.fixture
def problem(tmp_path) -> Path:
    (tmp_path / "data.csv").write_text(DATA)
    path = tmp_path / "problem.toml"
    path.write_text(PROBLEM)
    return path


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "nowhere.toml"], ["nowhere.toml", "does not exist", "wgflow list"]),
        (["run", "teachr"], ["teachr", "'teacher'"]),
        (["run", "."], ["folder"]),
        (["run"], ["PROBLEM.toml"]),
        (["run", "problem.toml", "--sett", "a=1"], ["--sett"]),
        (["run", "problem.toml", "--set", "cells=3"], ["cells=3", "section.key=value"]),
        (["run", "problem.toml", "--set", "domain.cells"], ["domain.cells", "section.key=value"]),
        (["run", "problem.toml", "--set", "solver.t_end.x=3"], ["solver.t_end.x=3", "not a section"]),
        (["run", "problem.toml", "--set", "domain.cells=zero"], ["[domain] cells", "zero"]),
        (["run", "problem.toml", "--set", "domain.cells=3\nx=2"], ["[domain] cells"]),
        (["run", "problem.toml", "-o", "."], ["folder"]),
        (["run", "problem.toml", "-o", "/dev/null", "--overwrite"], ["/dev/null", "regular file"]),
        (["run", "problem.toml", "-o", "data.csv/run.h5"], ["data.csv/run.h5", "cannot be written"]),
        (["run", "problem.toml", "-o", "data.csv"], ["data.csv", "exists", "--overwrite", "--resume"]),
        (["run", "problem.toml", "-o", "new.h5", "--resume"], ["new.h5", "does not exist"]),
        (["run", "problem.toml", "--plot", "figure.bmp"], ["figure.bmp", ".png"]),
        (["info", "nowhere.h5"], ["nowhere.h5", "does not exist"]),
        (["info", "data.csv"], ["data.csv", "not a readable trajectory"]),
        (["plot", "nowhere.h5"], ["nowhere.h5"]),
        (["compare", "nowhere.h5", "problem.toml"], ["nowhere.h5"]),
        (["validate", "nothing"], ["nothing", "sphere_vs_particles"]),
        (["dance"], ["dance"]),
    ],
    ids=lambda value: " ".join(value[:4]),
)
def test_mistake_on_the_command_line(command, problem, arguments, named):
    assert problem.exists()
    _fails_well(*command(*arguments), named)


def test_output_in_a_folder_that_cannot_be_written(command, problem, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("wgflow.trajectory.output.create_draft", refuse)
    assert problem.exists()
    _fails_well(*command("run", "problem.toml", "-o", "run.h5"), ["run.h5", "Permission denied"])


def test_another_problem_is_not_resumed(command, problem):
    assert problem.exists()
    assert command("run", "problem.toml", "-o", "run.h5", "-q")[0] == 0
    code, errors = command("run", "problem.toml", "-o", "run.h5", "--resume", "--set", "domain.cells=32")
    _fails_well(code, errors, ["domain.cells", "16", "32"])


def test_other_data_are_not_resumed(command, problem):
    assert command("run", "problem.toml", "-o", "run.h5", "-q")[0] == 0
    problem.with_name("data.csv").write_text(DATA.replace("2.5", "2.6"))
    _fails_well(*command("run", "problem.toml", "-o", "run.h5", "--resume"), ["other data", "inputs"])


def test_installed_command_exits_with_the_code(problem):
    arguments = [sys.executable, "-m", "wgflow", "run", str(problem), "--set", "domain.cells=-1"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "-1" in done.stderr
