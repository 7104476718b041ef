"""Losses of power, counts of runs that are killed, and readers beside a writer."""

from __future__ import annotations

import os
import random
from pathlib import Path

import h5py
import numpy as np
import pytest

import wgflow
from tests.trajectory.hdf5.test_appender import problem
from wgflow.app.validation.finding import import_shipped
from wgflow.flows import Snapshot
from wgflow.flows.endings import COUNTS
from wgflow.trajectory import FileRecorder, checking
from wgflow.trajectory.checking import check_trajectory
from wgflow.trajectory.hdf5 import hdf5_bytes
from wgflow.trajectory.hdf5.appender import GrowingFile
from wgflow.trajectory.hdf5.btree import CAPACITY

power_loss = import_shipped("_power_loss")
count_lost, logged_run = power_loss.count_lost, power_loss.logged_run


def durable(*, durable: bool = True, snapshots: int = 6, checkpoint: float = 1e-9) -> wgflow.problems.Problem:
    source = problem(snapshots=snapshots)
    return wgflow.open_problem({**source, "output": {**source["output"], "checkpoint": checkpoint, "durable": durable}})


def faults_of(path: Path, whole: wgflow.Trajectory, announced: int) -> list[str]:
    """What is wrong with a file, read as users do."""
    try:
        faults = [f"{check.name}: {check.found}" for check in check_trajectory(path) if not check.passed]
        part = wgflow.load(path)
        count = len(part.time)
        same = np.array_equal(part.density[:], whole.density[:count])
    except (wgflow.InputError, OSError) as error:
        return [str(error)]
    return [*faults, *([] if same and count >= announced else ["snapshots are lost"])]


def test_a_loss_of_power_leaves_all_announced_snapshots_of_a_durable_run(tmp_path):
    assert not count_lost(durable(), tmp_path, 25, random.Random(0), faults_of)


def test_the_same_losses_are_seen_where_the_run_is_not_durable(tmp_path):
    """By the lengths alone: to read more of such a file can end the process."""

    def rows_lost(path: Path, _whole: wgflow.Trajectory, announced: int) -> list[str]:
        try:
            with h5py.File(path, "r") as file:
                return [] if file["time"].shape[0] >= announced else ["snapshots are lost"]
        except OSError as error:
            return [str(error)]

    assert len(count_lost(durable(durable=False), tmp_path, 20, random.Random(0), rows_lost)) > 5


def test_nodes_that_split_survive_a_loss_of_power(tmp_path):
    """Behind 64 chunks a node of the index leads to another one, whose bytes must be on the disk first."""
    path, count = tmp_path / "run.h5", CAPACITY + 3
    snapshots = [Snapshot(float(k), 1.0, 0.0, 0.0, 0.0, 0.0, {"density": np.full(4, k + 0.5)}) for k in range(count)]
    order = []
    recorder = FileRecorder.create(path, snapshots[0], domain=wgflow.Circle(4), durable=True)
    spent = dict.fromkeys(("accepted_steps", "rejected_steps", "evaluations", "compile_seconds", "run_seconds"), 0)
    with pytest.MonkeyPatch.context() as patch:
        plain, sync, seen = hdf5_bytes.write_all, hdf5_bytes.sync, []

        def write(descriptor: int, content: bytes | memoryview, place: int = 0) -> None:
            order.append((place, bytes(content)))
            plain(descriptor, content, place)

        def wait(descriptor: int) -> None:
            order.append(None)
            sync(descriptor)

        patch.setattr(hdf5_bytes, "write_all", write)
        patch.setattr(hdf5_bytes, "sync", wait)
        for number, snapshot in enumerate(snapshots):
            recorder.append(snapshot, spent)
            if number == 0:
                start = path.read_bytes()
                order.clear()
            seen.append(len(order))
    recorder.finish({"status": "complete", "stop_reason": "t_end", **spent})
    content, last = bytearray(start), 0
    for number, event in enumerate(order):  # all states at a sync, and each with one of the next writes alone
        pending = []
        if event is None:
            for place, written in (e for e in order[last:number] if e is not None):
                _put(content, place, written)
            pending = [e for e in order[number + 1 : _next_sync(order, number)] if e is not None]
            last = number
        for place, written in pending if number > seen[-6] else []:
            torn = bytearray(content)
            _put(torn, place, written)
            (tmp_path / "torn.h5").write_bytes(torn)
            with h5py.File(tmp_path / "torn.h5", "r") as file:
                rows = file["time"].shape[0]
                np.testing.assert_array_equal(file["density"][:, 0], np.arange(rows) + 0.5)
                assert rows >= sum(place <= number for place in seen)
                file["density"].id.get_storage_size()  # walks through the whole index


def _next_sync(order: list, number: int) -> int:
    return next((later for later in range(number + 1, len(order)) if order[later] is None), len(order))


def _put(content: bytearray, place: int, written: bytes) -> None:
    content.extend(bytes(max(0, place + len(written) - len(content))))
    content[place : place + len(written)] = written


def test_only_durable_runs_wait_for_the_disk(tmp_path):
    assert None not in logged_run(durable(durable=False, snapshots=3), tmp_path / "plain.h5")[0].events
    log, trajectory = logged_run(durable(snapshots=3, checkpoint=600.0), tmp_path / "run.h5")
    assert 6 <= log.events.count(None) <= 14  # of two outputs and the end
    np.testing.assert_array_equal(trajectory.density, wgflow.run(durable(durable=False, snapshots=3)).density)


def test_solve_can_be_durable_too(tmp_path, monkeypatch):
    synced, plain = [], hdf5_bytes.sync
    monkeypatch.setattr(hdf5_bytes, "sync", lambda descriptor: (synced.append(descriptor), plain(descriptor)))
    for chosen in (False, True):
        path = tmp_path / f"{chosen}.h5"
        options = {"times": [0.1], "reaction": 1.0, "output": path, "durable": chosen}
        wgflow.solve(wgflow.Mass(1.0), wgflow.Circle(8), np.ones(8), 0.1, **options)
        assert bool(synced) == chosen


GROWING = {
    "problem": {"kind": "quadratic", "target": [[2.0]]},
    "domain": {"kind": "box", "bounds": [[-1.4, 1.6]], "shape": [30], "grow": True, "wall_warning": 1e-5},
    "initial": {"kind": "gaussian", "covariance": [[0.1]]},
    "solver": {"t_end": 0.4},
    "output": {"snapshots": 4},
}


@pytest.mark.parametrize("source", [GROWING, problem(snapshots=3)], ids=["growing", "fixed"])
def test_killed_runs_count_the_same_steps_and_evaluations(tmp_path, monkeypatch, source):
    """At each write, also of a box that grows: those of the start and of the larger box are counted once."""
    path, states, plain = tmp_path / "run.h5", [], os.pwrite

    def write(descriptor, content, place):
        done = plain(descriptor, content, place)
        if path.exists():
            found = path.read_bytes()
            if not states or found != states[-1]:
                states.append(found)
        return done

    monkeypatch.setattr(os, "pwrite", write)
    whole = wgflow.run(source, path)
    monkeypatch.undo()
    if source is GROWING:
        assert whole.domain.shape[0] > 30
    for content in states[:: max(1, len(states) // 6)]:
        (tmp_path / "killed.h5").write_bytes(content)
        resumed = wgflow.run(source, tmp_path / "killed.h5", resume=True)
        np.testing.assert_array_equal(resumed.density, whole.density)
        assert [resumed.attributes[name] for name in COUNTS] == [whole.attributes[name] for name in COUNTS]


def test_the_checker_waits_while_a_run_writes(tmp_path, monkeypatch):
    """A row is announced between the readings of two lengths: that is no damage."""
    path, told = tmp_path / "run.h5", []
    wgflow.run(problem(), path)
    plain = checking._shapes

    def shapes(file):
        if not told:
            told.append("row")
            os.utime(path)
            raise ValueError("density has 5 rows, not 4")
        return plain(file)

    monkeypatch.setitem(checking._CHECKS, "shapes", shapes)
    assert all(check.passed for check in check_trajectory(path))
    assert told


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_the_last_row_is_the_only_one_that_readers_may_see_in_part(tmp_path, engine):
    """Lengths of before and after an announcement, and what the README says to do."""
    xarray = pytest.importorskip("xarray")
    path = tmp_path / f"{engine}.h5"
    whole = wgflow.run(problem(), path)
    density, time = whole.density[:], whole.time
    file = GrowingFile(path)
    file.append({"density": np.ones((2, 16))})
    file.set_attributes({"status": "running"})
    file.announce(["density"])  # and not yet the others, as a reader may see it
    file.close()
    with xarray.open_dataset(path, engine=engine) as flow:
        assert flow.attrs["status"] == "running"
        flow = flow.isel(time=slice(None, -1))
        np.testing.assert_array_equal(flow["density"], density)
        np.testing.assert_array_equal(flow["time"], time)
