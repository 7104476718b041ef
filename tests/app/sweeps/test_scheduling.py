"""Handing out runs: shares, workers that die, and processes of a cluster."""

from __future__ import annotations

import gc
import sys
from itertools import islice

import pytest
from distributed import Client

from wgflow.app.sweeps import make_plan, scheduling
from wgflow.app.sweeps.cluster import connect
from wgflow.app.sweeps.scheduling import RunQueue
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


def test_what_a_killed_worker_had_not_begun_is_handed_out_once(problem, tmp_path):
    """Of its share the first run without a file is the one it died of, which comes first, and alone."""
    waiting = RunQueue([])
    plan = make_plan(problem, {"initial.seed": [0, 1, 2]})
    assert list(scheduling._after_kill(waiting, plan, tmp_path, [0, 1, 2])) == []
    assert [waiting.take(1) for _ in range(4)] == [[0], [1], [2], []]


class Task:
    """A task that is done at once."""

    def __init__(self, outcomes):
        self.outcomes = outcomes

    def result(self):
        return self.outcomes


class Ended(list):
    """Tasks that have ended, the last one first."""

    def __init__(self, loop):
        assert loop is None

    add = list.append
    __next__ = list.pop

    def count(self):
        return len(self)

    def has_ready(self):
        return len(self) > 0


class OneWorker:
    """A client whose only worker has time for two runs of each share."""

    loop = None

    def nthreads(self):
        return {"worker": 1}

    def submit(self, work, _plan, _folder, share, seconds, *, pure):
        assert (work, seconds, pure) == (scheduling.carry_out_share, scheduling.TASK_SECONDS, False)
        return Task(share[:2])


def test_what_a_task_had_no_time_for_is_handed_out_again_once(monkeypatch):
    monkeypatch.setattr("distributed.as_completed", Ended)
    outcomes = scheduling.dispatch(OneWorker(), None, None, range(11), 1)
    assert list(islice(outcomes, 12)) == list(range(11))


def test_workers_that_come_later_are_looked_for(monkeypatch):
    """While the first run goes on, which may take hours."""
    monkeypatch.setattr(scheduling, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(scheduling, "LOOK_SECONDS", 0.0)
    running, ready, looks = ["first"], [], []

    class Tasks:
        def count(self):
            return len(running) + len(ready)

        def has_ready(self):
            return len(ready) > 0

        def __next__(self):
            return ready.pop()

    def fill():
        looks.append(len(running))
        ready.extend(running)
        running[:] = ["second"] if len(looks) == 1 else []

    assert list(scheduling._as_they_end(Tasks(), fill)) == ["first", "second"]
    assert looks == [1, 1]


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


def test_local_workers_need_the_library_that_makes_keys(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtraError, match=r"cryptography.* pip install 'wgflow\[sweep\]'"), connect(None, 1, 1):
        pass
