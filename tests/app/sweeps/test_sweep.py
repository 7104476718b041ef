"""Whole sweeps: from Python, from the command line, interrupted, failing and continued."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray

import wgflow
from tests.processes import start_interruptible
from wgflow.app.cli import _exit_code
from wgflow.app.sweeps import api
from wgflow.app.sweeps.cluster import check_libraries
from wgflow.errors import InputError, MissingExtraError

from .test_runs import BOX


@pytest.fixture
def command(address, tmp_path, monkeypatch, capfd):
    """Run ``wgflow sweep`` on the shared workers; gives exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wgflow", "sweep", *arguments, "--scheduler", address])
        code = _exit_code()
        return code, *capfd.readouterr()

    return run


def write_problem(path, problem):
    import tomli_w

    path.write_text(tomli_w.dumps(problem))
    return str(path)


def test_sweep_gives_what_single_runs_give(address, problem, tmp_path, monkeypatch):
    over = {"initial.seed": [3, 8], "particles.count": "2:8:x2"}
    dataset = wgflow.sweep(problem, over, tmp_path / "sweep", scheduler=address)
    assert dict(dataset.sizes) == {"initial.seed": 2, "particles.count": 2, "time": 4}
    assert (dataset["status"] == "complete").all()
    for seed in (3, 8):
        for count in (2, 4):
            flow = wgflow.run({**problem, "initial": {"seed": seed}, "particles": {"count": count}})
            found = dataset.sel({"initial.seed": seed, "particles.count": count})
            np.testing.assert_array_equal(found["time"], flow.time)
            for name in ("risk", "mass", "energy", "min_potential", "step_size"):
                np.testing.assert_array_equal(found[name], flow.scalars[name])
            assert found["final_risk"] == flow.risk[-1]
    xarray.testing.assert_identical(wgflow.open_sweep(tmp_path / "sweep"), dataset)

    # The same again does nothing, and needs no worker.
    monkeypatch.setattr(api, "connect", None)
    xarray.testing.assert_identical(wgflow.sweep(problem, over, tmp_path / "sweep"), dataset)
    (tmp_path / "sweep" / "sweep.nc").unlink()
    xarray.testing.assert_identical(wgflow.open_sweep(tmp_path / "sweep"), dataset)


def test_seeds_and_counts(address, problem, tmp_path):
    """Another seed draws other particles; another count the same ones and more."""
    wgflow.sweep(problem, {"initial.seed": [0, 1], "particles.count": [4, 6]}, tmp_path, scheduler=address)
    start = {
        (seed, count): wgflow.load(tmp_path / f"seed={seed},count={count}.h5").position[0]
        for seed in (0, 1)
        for count in (4, 6)
    }
    assert np.abs(start[0, 4] - start[1, 4]).max(axis=1).min() > 1e-3
    np.testing.assert_array_equal(start[0, 4], start[0, 6][:4])


def test_failures_are_listed_and_tried_again(command, tmp_path):
    file = write_problem(tmp_path / "box.toml", BOX)
    arguments = (file, "--over", "domain.wall_limit=2e-3,1.0", "-o", "out")
    for already in (0, 1):
        code, printed, error = command(*arguments)
        assert code == 1
        assert f"runs        2, {already} of them finished before" in printed
        assert "runs        2: 1 complete, 1 failed" in printed
        assert "failed      wall_limit=0.002: " in error
        assert "wall_limit = 0.002" in error
    assert wgflow.open_sweep("out")["status"].values.tolist() == ["failed", "complete"]
    code, printed, error = command(*arguments, "--quiet")
    assert (code, printed) == (1, "")
    assert error.startswith("failed      wall_limit=0.002: ")


def test_success_and_bad_input(command, problem, tmp_path):
    file = write_problem(tmp_path / "small.toml", problem)
    code, printed, error = command(file, "--over", "initial.seed=0:12", "-o", "out")
    assert (code, error) == (0, "")
    assert "12 of 12 runs, 0 failed, 0 s left" in printed
    assert len(printed.splitlines()) == 9
    assert command(file, "--over", "initial.seed=0:12", "-o", "out", "-q") == (0, "", "")
    code, _, error = command(file, "--over", "particles.count=3,0", "-o", "other")
    assert code == 2
    assert "the run particles.count=0 is not allowed" in error
    assert not (tmp_path / "other").exists()


def test_arguments_of_the_cluster(problem, tmp_path):
    for name in ("workers", "threads"):
        with pytest.raises(InputError, match=f"{name} = 0"):
            wgflow.sweep(problem, {"initial.seed": [0]}, tmp_path / "sweep", **{name: 0})


@pytest.mark.parametrize("library", ["distributed", "xarray", "h5netcdf"])
def test_missing_libraries_are_named(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"{library}.* pip install 'wgflow\[sweep\]'"):
        check_libraries()


SCRIPT = """
import os
from wgflow import sweep
before = dict(os.environ)
dataset = sweep({problem!r}, {{"initial.seed": "0:3"}}, {folder!r}, workers=1)
print(dataset["status"].values, dict(os.environ) == before, __file__ != "")
"""


def test_scripts_need_no_guard(problem, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.format(problem=problem, folder="sweep"))
    command = [sys.executable, "-m", "script"]  # hides both ways in which a process finds the main module
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("['complete' 'complete' 'complete'] True True\n", "")


def test_interrupted_sweeps_say_how_to_continue(problem, tmp_path):
    long = {**problem, "solver": {"kind": "particles", "t_end": 1e4}, "output": {"times": [1e-3, 1e4]}}
    file = write_problem(tmp_path / "long.toml", long)
    arguments = [file, "--over", "initial.seed=0:2", "-o", "out", "--workers", "1"]
    process = start_interruptible(["-m", "wgflow", "sweep", *arguments], cwd=tmp_path)
    while not list(tmp_path.glob("out/*.h5")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 130
    assert error == (
        "interrupted; the runs so far are in out. Continue with: "
        f"wgflow sweep {file} --over initial.seed=0:2 --workers 1 -o out\n"
    )
    assert "complete" not in wgflow.open_sweep(tmp_path / "out")["status"].values
