"""Handing out runs: shares, workers that die, and processes of a cluster."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import cloudpickle
import pytest

from wgflow.errors import InputError
from wgflow.sweeps import dispatch as module
from wgflow.sweeps import make_plan
from wgflow.sweeps.cluster import connect
from wgflow.sweeps.dispatch import Waiting, dispatch
from wgflow.sweeps.runs import carry_out_share


def test_shares_shrink():
    waiting = Waiting(range(20))
    sizes = []
    while share := waiting.take(2):
        sizes.append(len(share))
    assert sizes == [5, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1]
    assert len(Waiting(range(10**5)).take(1)) == 1000


def test_what_is_given_back_comes_next():
    waiting = Waiting(range(12))
    first = waiting.take(1)
    assert first == [0, 1, 2, 3, 4, 5]
    waiting.give_back(first[2:])
    assert waiting.take(1) == [2, 3, 4, 5, 6]


def test_suspects_come_alone_and_are_given_up():
    waiting = Waiting(range(8))
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
    monkeypatch.setattr("wgflow.sweeps.cluster.WAIT_SECONDS", 0.5)
    with pytest.raises(InputError, match=f"scheduler {address} does not answer"), connect(address, 1, 1):
        pass
