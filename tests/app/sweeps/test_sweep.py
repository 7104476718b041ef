"""Whole sweeps: from Python, from the command line, interrupted, failing and continued."""

from __future__ import annotations

import shlex
import signal
import sys
import time

import pytest

import wgflow
from tests.processes import start_interruptible
from wgflow.app.sweeps.cluster import check_libraries
from wgflow.errors import InputError, MissingExtraError
from wgflow.trajectory import is_locked

from .conftest import write_problem


def test_arguments_of_the_cluster(problem, tmp_path):
    for name in ("workers", "threads"):
        with pytest.raises(InputError, match=f"{name} = 0"):
            wgflow.sweep(problem, {"initial.seed": [0]}, tmp_path / "sweep", **{name: 0})


@pytest.mark.parametrize("library", ["distributed", "xarray", "h5netcdf"])
def test_missing_libraries_are_named(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"{library}.* pip install 'wgflow\[sweep\]'"):
        check_libraries()


@pytest.mark.parametrize("launcher", [[], ["--launcher", "env RANKS=2"]])
def test_interrupted_sweeps_say_how_to_continue(problem, tmp_path, launcher):
    """And end the processes that they have started."""
    long = {**problem, "solver": {"kind": "particles", "t_end": 1e4}, "output": {"times": [1e-3, 1e4]}}
    file = write_problem(tmp_path / "long.toml", long)
    arguments = [file, "--over", "initial.seed=0:2", "-o", "out", "--workers", "1", *launcher]
    process = start_interruptible(["-m", "wgflow", "sweep", *arguments], cwd=tmp_path)
    while not list(tmp_path.glob("out/*.h5")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=600)
    assert process.returncode == 130
    assert error == (
        "interrupted; the runs so far are in out. Continue with: "
        f"wgflow sweep {file} --over initial.seed=0:2 --workers 1 {shlex.join([*launcher, '-o'])} out\n"
    )
    path = next(tmp_path.glob("out/*.h5"))
    while is_locked(path):
        time.sleep(0.05)
    if launcher:  # workers here are killed, and such runs asked to end
        assert wgflow.load(path).status == "interrupted"
    assert "complete" not in wgflow.open_sweep(tmp_path / "out")["status"].values
