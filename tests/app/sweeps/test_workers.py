"""Sweeps on two worker processes that all of these tests share: what they give, and who may join."""

from __future__ import annotations

import os
import signal
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import cloudpickle
import dask
import numpy as np
import pytest
import xarray
from distributed import Client
from distributed.security import Security

import wgflow
from wgflow.app.cli import _exit_code
from wgflow.app.sweeps import api, make_plan
from wgflow.app.sweeps import scheduling as module
from wgflow.app.sweeps.cluster import connect
from wgflow.app.sweeps.runs import carry_out_share
from wgflow.app.sweeps.scheduling import dispatch
from wgflow.errors import FlowWarning, InputError

from .conftest import write_problem
from .test_runs import BOX


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """Let a script that is run by its name be the main module; gives it, and what appears where it is run again."""
    folder = tmp_path_factory.mktemp("script")
    file, again = folder / "wgflow_script.py", folder / "again"
    file.write_text(f"open({str(again)!r}, 'w').close()")
    script = module_from_spec(spec_from_file_location("wgflow_script", file))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setitem(sys.modules, "__main__", script)
        yield script, again


@pytest.fixture(scope="module")
def client(script):
    before = dict(os.environ)
    with connect(None, 2, 1) as client:
        yield client
    assert dict(os.environ) == before
    assert (script[0].__spec__.name, Path(script[0].__file__).stem) == ("wgflow_script", "wgflow_script")


@pytest.fixture
def address(client):
    """The address of their scheduler, and its keys where a user of remote schedulers puts them."""
    keys = {"ca-file": "tls_ca_file", "client.key": "tls_client_key", "client.cert": "tls_client_cert"}
    with dask.config.set({f"distributed.comm.tls.{name}": getattr(client.security, key) for name, key in keys.items()}):
        yield client.scheduler.address


@pytest.fixture
def command(address, tmp_path, monkeypatch, capfd):
    """Run ``wgflow sweep`` on the shared workers; gives exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wgflow", "sweep", *arguments, "--scheduler", address])
        code = _exit_code()
        return code, *capfd.readouterr()

    return run


def test_scripts_need_no_guard(client, script):
    """A worker that imported the main module would start a sweep in turn; two things lead there."""
    assert client.submit(os.getpid).result() != os.getpid()
    assert not script[1].exists()


def test_sweep_gives_what_single_runs_give(address, problem, tmp_path, monkeypatch):
    over = {"initial.seed": [3, 8], "particles.count": "2:8:x2"}
    dataset = wgflow.sweep(problem, over, tmp_path / "sweep", scheduler=address)
    assert dict(dataset.sizes) == {"initial.seed": 2, "particles.count": 2, "time": 4}
    assert (dataset["status"] == "complete").all()
    for seed in (3, 8):
        for count in (2, 4):
            trajectory = wgflow.run({**problem, "initial": {"seed": seed}, "particles": {"count": count}})
            found = dataset.sel({"initial.seed": seed, "particles.count": count})
            np.testing.assert_array_equal(found["time"], trajectory.time)
            for name in ("risk", "mass", "energy", "min_potential", "step_size"):
                np.testing.assert_array_equal(found[name], trajectory.scalars[name])
            assert found["final_risk"] == trajectory.risk[-1]
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


def kill_worker_at_three(plan, folder, share, seconds):
    """Stands in for a run that takes all memory."""
    with (Path(folder) / "shares.log").open("a") as log:
        log.write(f"{len(share)} {os.environ['NUMBA_NUM_THREADS']}\n")
    if 3 not in share:
        return carry_out_share(plan, folder, share, seconds)
    carry_out_share(plan, folder, share[: share.index(3)], 1e9)
    os.kill(os.getpid(), signal.SIGKILL)
    return None


def test_a_run_that_kills_its_workers_stops_no_other(client, problem, tmp_path, monkeypatch):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(module, "carry_out_share", kill_worker_at_three)
    plan = make_plan(problem, {"initial.seed": range(24)})
    outcomes = list(dispatch(client, plan, tmp_path, range(24), 2))
    assert sorted(outcome.index for outcome in outcomes) == list(range(24))
    assert [(outcome.index, outcome.message) for outcome in outcomes if outcome.status != "complete"] == [
        (3, "2 workers were killed during this run (out of memory?)")
    ]
    lines = (tmp_path / "shares.log").read_text().splitlines()
    assert len(lines) < 24  # many runs to a task
    assert {line.split()[1] for line in lines} == {"1"}


def test_nobody_without_the_keys_joins_local_workers(client, monkeypatch):
    """Whoever speaks to a scheduler or a worker runs code in it."""
    monkeypatch.setattr("wgflow.app.sweeps.cluster.WAIT_SECONDS", 0.5)
    places = [client.scheduler.address, *client.nthreads()]
    assert all(place.startswith("tls://127.0.0.1:") for place in places)
    with pytest.raises(InputError, match=r"wants keys.*distributed\.comm\.tls\.ca-file"), connect(places[0], 1, 1):
        pass
    others = Security.temporary()
    keys = {"ca-file": others.tls_ca_file, "client.key": others.tls_client_key, "client.cert": others.tls_client_cert}
    with (
        dask.config.set({f"distributed.comm.tls.{name}": value for name, value in keys.items()}),
        pytest.raises(InputError, match="does not answer"),
        connect(places[0], 1, 1),
    ):
        pass
    for place in places:
        with pytest.raises(InputError, match="does not answer"), connect(place.replace("tls", "tcp"), 1, 1):
            pass


def test_clusters_are_asked_with_their_keys_and_waited_for(client, monkeypatch):
    """Those of batch systems are objects of the same kind."""
    with connect(client.cluster, 1, 1) as other:
        assert other.scheduler.address == client.scheduler.address
        assert other.submit(int, 3).result() == 3

    def wait(_, count, timeout=None):
        assert count == 1
        if timeout is not None:
            raise TimeoutError

    monkeypatch.setattr(Client, "wait_for_workers", wait)
    with (
        pytest.warns(FlowWarning, match="no worker yet, and is waited for"),
        connect(client.cluster, 1, 1) as other,
    ):
        assert other.submit(int, 4).result() == 4
    with pytest.raises(InputError, match="scheduler = 3 is neither an address nor a cluster of dask"), connect(3, 1, 1):
        pass


def test_local_workers_have_no_web_pages(client):
    port = client.scheduler_info()["services"]["dashboard"]
    for page in ("/info/main/workers.html", "/health", "/json/counts.json", "/metrics"):
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{port}{page}", timeout=60)
