"""Files that the HDF5 library appends to, where it cannot be done byte by byte: read, checked and continued alike."""

from __future__ import annotations

import errno
import os
import warnings

import h5py
import numpy as np
import pytest

import wgflow
from tests.trajectory.hdf5.test_appender import KINDS, TEACHER, problem
from wgflow.flows import Snapshot
from wgflow.flows.endings import ACCUMULATED
from wgflow.system import file_locks
from wgflow.trajectory import FileRecorder, definition, read_trajectory
from wgflow.trajectory.checking import check_trajectory
from wgflow.trajectory.checkpoint import read_checkpoint
from wgflow.trajectory.hdf5 import opening
from wgflow.trajectory.hdf5.appender import GrowingFile
from wgflow.trajectory.hdf5.btree import CAPACITY
from wgflow.trajectory.hdf5.plain import PlainFile
from wgflow.trajectory.schema import FIELDS

REASONS = {"locks": "no fcntl", "page": "do not fit on one page of 1024 bytes"}
SPENT = dict.fromkeys(ACCUMULATED, 0)


@pytest.fixture
def unlocked(monkeypatch):
    """Force the other way of writing; gives what the warning says of it."""
    monkeypatch.setattr(file_locks, "AVAILABLE", False)
    return REASONS["locks"]


@pytest.fixture
def too_long(monkeypatch):
    """Force it by headers that are longer than a page."""
    for module in (opening, definition):
        monkeypatch.setattr(module, "PAGE", 1024)
    return REASONS["page"]


def interrupted_at(path, source, time, **options):
    """Run to a file until Ctrl-C behind some time."""

    def interrupt(evolution):
        if evolution.time > time:
            os.kill(os.getpid(), 2)

    with pytest.raises(KeyboardInterrupt):
        wgflow.run(source, path, observers=wgflow.Observers(step=[interrupt]), **options)


def expect_same(path, whole):
    """A file is in order, and holds the bits of another run."""
    assert [check.found for check in check_trajectory(path) if not check.passed] == []
    trajectory = wgflow.load(path)
    assert trajectory.status == "complete"
    for name, values in {**whole.fields, **whole.scalars}.items():
        np.testing.assert_array_equal({**trajectory.fields, **trajectory.scalars}[name], values)
    for name, values in whole.steps.items():
        np.testing.assert_array_equal(trajectory.steps[name], values)


@pytest.mark.parametrize(("kind", "why"), [*((kind, "unlocked") for kind in KINDS), ("finite_volume", "too_long")])
def test_runs_are_the_same_and_continued_to_the_same_bits(tmp_path, request, kind, why):
    source, reason = problem(kind), request.getfixturevalue(why)
    whole = wgflow.run(source)
    with pytest.warns(wgflow.FlowWarning, match=reason) as told:
        wgflow.run(source, tmp_path / "run.h5")
    assert len(told) == 1
    expect_same(tmp_path / "run.h5", whole)
    with pytest.warns(wgflow.FlowWarning, match=reason):
        interrupted_at(tmp_path / "part.h5", source, 0.6)
    part = wgflow.load(tmp_path / "part.h5")
    assert part.status == "interrupted"
    with pytest.warns(wgflow.FlowWarning, match=reason) as told:
        wgflow.run(source, tmp_path / "part.h5", resume=True)
    assert len(told) == 1
    expect_same(tmp_path / "part.h5", whole)


@pytest.mark.parametrize("plain_first", [True, False])
def test_either_way_of_writing_goes_on_from_the_other(tmp_path, monkeypatch, plain_first):
    """From one system to another; behind 64 chunks the index has two levels."""
    source, path = problem(snapshots=70), tmp_path / "run.h5"
    whole = wgflow.run(source)
    monkeypatch.setattr(file_locks, "AVAILABLE", not plain_first)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wgflow.FlowWarning)
        interrupted_at(path, source, 0.96)
        assert len(wgflow.load(path).time) > CAPACITY
        monkeypatch.setattr(file_locks, "AVAILABLE", plain_first)
        wgflow.run(source, path, resume=True)
    expect_same(path, whole)
    assert len(wgflow.load(path).attributes["history"].splitlines()) == 2


def test_states_between_snapshots_are_kept(tmp_path, unlocked):
    source = wgflow.open_problem({**TEACHER, "output": {"times": [0.9, 1.0], "checkpoint": 1e-9, "durable": True}})
    whole, path = wgflow.run(source), tmp_path / "run.h5"
    stopped = wgflow.Observers(step=[lambda _: copies.append(path.read_bytes()) if path.exists() else None])
    copies = []
    with pytest.warns(wgflow.FlowWarning, match=unlocked):
        wgflow.run(source, path, observers=stopped)
    (tmp_path / "killed.h5").write_bytes(copies[len(copies) // 2])
    assert 0.0 < float(read_checkpoint(tmp_path / "killed.h5")["time"]) < 0.9
    with pytest.warns(wgflow.FlowWarning, match=unlocked):
        wgflow.run(source, tmp_path / "killed.h5", resume=True)
    expect_same(tmp_path / "killed.h5", whole)


def test_a_box_that_grows_says_it_once(tmp_path, unlocked):
    source = {
        "problem": {"kind": "quadratic", "target": [[2.0]]},
        "domain": {"kind": "box", "bounds": [[-1.4, 1.6]], "shape": [30], "grow": True, "wall_warning": 1e-5},
        "initial": {"kind": "gaussian", "covariance": [[0.1]]},
        "solver": {"t_end": 0.4},
        "output": {"snapshots": 4},
    }
    with pytest.warns(wgflow.FlowWarning, match=unlocked) as told:
        trajectory = wgflow.run(source, tmp_path / "run.h5")
    assert len(told) == 1
    assert trajectory.domain.shape[0] > 30
    expect_same(tmp_path / "run.h5", wgflow.run(source))


def everything(time: float) -> Snapshot:
    """A snapshot with more fields than any solver of the library has: their headers take more than 4096 bytes."""
    shapes = {"density": (2, 4), "position": (4, 2), "estimated_error": (5,), "observed_order": (5,)}
    shapes |= dict.fromkeys(("weight", "growth", "expansion", "node_density"), (4,)) | {"multipliers": (3,)}
    fields = {name: np.full(shapes.get(name, ()), 1.0 + time) for name in FIELDS}
    return Snapshot(time, 0.1, 0.0, 0.0, 1.0, 0.0, fields)


def test_headers_over_one_page(tmp_path):
    domain, path = wgflow.Signed(wgflow.Circle(4)), tmp_path / "run.h5"
    with pytest.warns(wgflow.FlowWarning, match="do not fit on one page of 4096 bytes"):
        recorder = FileRecorder.create(path, everything(0.0), domain=domain)
    for number in range(3):
        recorder.append(everything(float(number)), SPENT)
    recorder.finish({"status": "complete", "stop_reason": "t_end", **SPENT})
    assert all(check.passed for check in check_trajectory(path))
    trajectory, _ = read_trajectory(path)
    assert set(trajectory.fields) == set(FIELDS)
    np.testing.assert_array_equal(trajectory.fields["position"][:, 3, 1], np.arange(1.0, 4.0))
    file = GrowingFile(path)
    assert not opening.announces_at_once(file)
    file.close()


def test_a_file_between_two_writes_is_whole_or_refused(tmp_path, monkeypatch, unlocked):
    """The seal tells where the library had written only a part of what it holds."""
    path, seen, flush = tmp_path / "run.h5", [], PlainFile._flush

    def look(file):
        flush(file)
        if path.exists():
            seen.append(path.read_bytes())

    monkeypatch.setattr(PlainFile, "_flush", look)
    with pytest.warns(wgflow.FlowWarning, match=unlocked):
        whole, counts = wgflow.run(problem(snapshots=3), path), []
    for content in seen:
        (tmp_path / "killed.h5").write_bytes(content)
        try:
            part = wgflow.load(tmp_path / "killed.h5")
        except wgflow.InputError:
            counts.append(0)
        else:
            counts.append(len(part.time))
            np.testing.assert_array_equal(part.density, whole.density[: counts[-1]])
    assert set(counts) == {0, 1, 2, 3}


def test_a_full_disk_ends_the_run_with_a_line(tmp_path, monkeypatch, unlocked):
    def full(_file):
        raise RuntimeError("Can't flush: no space left")

    def fill(snapshot):
        if snapshot.time > 0.3:
            monkeypatch.setattr(PlainFile, "_flush", full)

    with (
        pytest.warns(wgflow.FlowWarning, match=unlocked),
        pytest.raises(wgflow.ComputationError, match=f"{os.strerror(errno.EIO)}|the HDF5 library cannot write"),
    ):
        wgflow.run(problem(), tmp_path / "run.h5", observers=wgflow.Observers(snapshot=[fill]))


def test_readers_see_a_run_as_it_goes(tmp_path, unlocked):
    path, counts = tmp_path / "run.h5", []

    def look(_snapshot):
        with h5py.File(path, "r") as file:
            counts.append(len(file["time"]))
        assert len(wgflow.load(path).time) == counts[-1]

    with pytest.warns(wgflow.FlowWarning, match=unlocked):
        wgflow.run(problem(), path, observers=wgflow.Observers(snapshot=[look]))
    assert counts == [1, 2, 3, 4, 5]
