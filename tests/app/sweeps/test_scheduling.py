"""Handing out runs: shares, workers that die, and processes of a cluster."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import cloudpickle
import dask
import pytest
from distributed import Client
from distributed.security import Security

from wgflow.app.sweeps import make_plan
from wgflow.app.sweeps import scheduling as module
from wgflow.app.sweeps.cluster import connect
from wgflow.app.sweeps.runs import carry_out_share
from wgflow.app.sweeps.scheduling import RunQueue, dispatch
from wgflow.errors import InputError, MissingExtraError


def test_shares_shrink():
    waiting = RunQueue(range(20))
    sizes = []
    while share := waiting.take(2):
        sizes.append(len(share))
    assert sizes == [5, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1]
    assert len(RunQueue(range(10**5)).take(1)) == 1000


def test_what_is_given_back_comes_next():
    waiting = RunQueue(range(12))
    first = waiting.take(1)
    assert first == [0, 1, 2, 3, 4, 5]
    waiting.give_back(first[2:])
    assert waiting.take(1) == [2, 3, 4, 5, 6]


def test_suspects_come_alone_and_are_given_up():
    waiting = RunQueue(range(8))
    assert waiting.note_kill(5)
    assert waiting.take(1) == [5]
    assert not waiting.note_kill(5)
    assert waiting.take(1) == [0, 1, 2, 3]


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


@pytest.mark.parametrize("address", ["nonsense://here", "tcp://127.0.0.1:1"])
def test_schedulers_that_do_not_answer(monkeypatch, address):
    monkeypatch.setattr("wgflow.app.sweeps.cluster.WAIT_SECONDS", 0.5)
    with pytest.raises(InputError, match=f"scheduler {address} does not answer"), connect(address, 1, 1):
        pass


def test_a_client_that_reached_no_scheduler_does_not_wait_to_be_collected(monkeypatch):
    """Collected while another one starts, it would wait for itself; an error that is kept must not keep it either."""
    monkeypatch.setattr("wgflow.app.sweeps.cluster.WAIT_SECONDS", 0.5)
    before = sum(type(thing) is Client for thing in gc.get_objects())
    gc.disable()
    try:
        with pytest.raises(InputError, match="does not answer") as kept, connect("tcp://127.0.0.1:1", 1, 1):
            pass
        assert sum(type(thing) is Client for thing in gc.get_objects()) <= before
        assert kept.value.__context__ is None
    finally:
        gc.enable()


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


def test_local_workers_have_no_web_pages(client):
    port = client.scheduler_info()["services"]["dashboard"]
    for page in ("/info/main/workers.html", "/health", "/json/counts.json", "/metrics"):
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{port}{page}", timeout=5)


def test_local_workers_need_the_library_that_makes_keys(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtraError, match=r"cryptography.* pip install 'wgflow\[sweep\]'"), connect(None, 1, 1):
        pass
