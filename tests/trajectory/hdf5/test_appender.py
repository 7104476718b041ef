"""Files that are whole at every instant: after each write of a run, and inside of each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

import wgflow
from wgflow.flows import Snapshot
from wgflow.flows.endings import ACCUMULATED
from wgflow.trajectory import read_trajectory
from wgflow.trajectory.checking import check_trajectory
from wgflow.trajectory.checkpoint import read_checkpoint
from wgflow.trajectory.hdf5.appender import GrowingFile, memory_file
from wgflow.trajectory.hdf5.btree import CAPACITY, Chunk, ChunkIndex
from wgflow.trajectory.hdf5.fletcher import fletcher32
from wgflow.trajectory.hdf5.hdf5_bytes import PAGE
from wgflow.trajectory.schema import STEPS
from wgflow.trajectory.writer import FileRecorder

TEACHER = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
    },
    "domain": {"kind": "circle", "cells": 16, "signed": True},
    "solver": {"t_end": 1.0},
    "particles": {"count": 10},
    "output": {"snapshots": 5},
}
KINDS = ["finite_volume", "particles", "characteristics"]


def problem(kind: str = "finite_volume", snapshots: int = 5, cells: int = 16) -> dict:
    changed = {"solver": {"t_end": 1.0, "kind": kind}, "output": {"snapshots": snapshots}}
    return {**TEACHER, **changed, "domain": {**TEACHER["domain"], "cells": cells}}


class WriteLog:
    """Keeps the writes of a run from the moment when its file has a name, and the bytes that were there then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes: list[tuple[int, bytes]] = []
        self.start = b""
        self._plain = os.pwrite
        monkeypatch.setattr(os, "pwrite", self._pwrite)

    def begin(self, path: Path) -> None:
        self.start = path.read_bytes()
        self.writes.clear()

    def _pwrite(self, descriptor: int, content: bytes | memoryview, place: int) -> int:
        self.writes.append((place, bytes(content)))
        return self._plain(descriptor, content, place)

    def pieces(self) -> list[tuple[int, bytes]]:
        """Parts of writes between which a kill can come: the kernel copies page by page."""
        found = []
        for place, written in self.writes:
            first = PAGE - place % PAGE
            edges = [0, *range(first, len(written), PAGE), len(written)]
            found += [(place + a, written[a:b]) for a, b in pairwise(edges)]
        return found

    def states(self, chosen: slice = slice(None)) -> Iterator[bytes]:
        """All contents that a kill can leave, or some of them, in their order."""
        content, pieces = bytearray(self.start), self.pieces()
        wanted = set(range(len(pieces))[chosen])
        for number, (place, piece) in enumerate(pieces):
            end = place + len(piece)
            content.extend(bytes(max(0, end - len(content))))
            content[place:end] = piece
            if number in wanted:
                yield bytes(content)


def logged_run(path: Path, monkeypatch: pytest.MonkeyPatch, source: dict) -> tuple[WriteLog, wgflow.Trajectory]:
    log = WriteLog(monkeypatch)
    first = wgflow.Observers(snapshot=[lambda snapshot: log.begin(path) if snapshot.time == 0.0 else None])
    trajectory = wgflow.run(source, path, observers=first)
    monkeypatch.undo()
    return log, trajectory


def expect_whole(path: Path, trajectory: wgflow.Trajectory) -> int:
    """Read a file by h5py alone; all that it announces is what the run computed. Gives the number of snapshots."""
    with h5py.File(path, "r") as file:
        count = file["time"].shape[0]
        np.testing.assert_array_equal(file["time"][:], trajectory.time[:count])
        for name, values in {**trajectory.fields, **trajectory.scalars}.items():
            np.testing.assert_array_equal(file[name][:], values[:count])
            # Walks through the whole index, beyond what is announced.
            assert h5py.h5o.get_info(file[name].id).type == h5py.h5o.TYPE_DATASET
            assert file[name].id.get_storage_size() > 0
        steps = file[STEPS]["time"].shape[0]
        for name, values in trajectory.steps.items():
            np.testing.assert_array_equal(file[STEPS][name][:], values[:steps])
    return count


@pytest.mark.parametrize("kind", KINDS)
def test_file_is_whole_after_a_kill_at_any_write(tmp_path, monkeypatch, kind):
    log, flow = logged_run(tmp_path / "run.h5", monkeypatch, problem(kind))
    counts = []
    assert len(log.pieces()) > 100
    for content in log.states(slice(None, None, -1 if kind == "finite_volume" else -3)):
        (tmp_path / "killed.h5").write_bytes(content)
        counts.append(expect_whole(tmp_path / "killed.h5", flow))
        if len(counts) % 4 == 0:
            assert len(read_trajectory(tmp_path / "killed.h5")[0].time) == counts[-1]
    assert counts[0] == 1
    assert counts[-1] == 5
    assert (np.diff(counts) >= 0).all()


def test_file_with_nodes_that_split_is_whole_too(tmp_path, monkeypatch):
    """Behind 64 chunks the index gets a second level, and with 16 KiB in a chunk writes extend over pages."""
    log, flow = logged_run(tmp_path / "run.h5", monkeypatch, problem(snapshots=66, cells=1024))
    assert max(len(content) for _, content in log.writes) > 2 * PAGE
    counts = []
    for content in log.states(slice(-200, None, 5)):
        (tmp_path / "killed.h5").write_bytes(content)
        counts.append(expect_whole(tmp_path / "killed.h5", flow))
    assert counts[0] < 64
    assert counts[-1] == 66


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_opens_what_a_kill_leaves(tmp_path, monkeypatch, engine):
    pytest.importorskip("netCDF4" if engine == "netcdf4" else engine)
    log, trajectory = logged_run(tmp_path / "run.h5", monkeypatch, problem(snapshots=3))
    for number, content in enumerate(log.states(slice(None, None, 18))):
        name = tmp_path / f"{number}.h5"  # the netCDF libraries remember files by their names
        name.write_bytes(content)
        with xarray.open_dataset(name, engine=engine) as dataset:
            np.testing.assert_array_equal(dataset["density"], trajectory.density[: dataset.sizes["time"]])
            np.testing.assert_array_equal(dataset["risk"], trajectory.risk[: dataset.sizes["time"]])
        with xarray.open_dataset(name, engine=engine, group=STEPS) as dataset:
            np.testing.assert_array_equal(dataset["energy"], trajectory.steps["energy"][: dataset.sizes["step"]])
            np.testing.assert_array_equal(dataset["step"], np.arange(dataset.sizes["step"]))


@pytest.mark.parametrize("kind", KINDS)
def test_run_resumes_from_what_a_kill_leaves(tmp_path, monkeypatch, kind):
    log, flow = logged_run(tmp_path / "run.h5", monkeypatch, problem(kind, snapshots=4))
    for content in [*log.states(slice(None, None, len(log.pieces()) // 6)), *log.states(slice(-2, -1))]:
        (tmp_path / "killed.h5").write_bytes(content)
        resumed = wgflow.run(problem(kind, snapshots=4), tmp_path / "killed.h5", resume=True)
        assert expect_whole(tmp_path / "killed.h5", flow) == len(resumed.time) == 4
        assert len(resumed.steps["time"]) == len(flow.steps["time"])


def test_resumed_file_is_whole_at_every_write_too(tmp_path, monkeypatch):
    """Between the leg that was interrupted, whose last snapshot is given up, and the next one."""
    source = problem(snapshots=5, cells=64)
    whole = wgflow.run(source, tmp_path / "whole.h5")

    def interrupt(evolution):
        if evolution.time > 0.6:
            os.kill(os.getpid(), 2)

    with pytest.raises(KeyboardInterrupt):
        wgflow.run(source, tmp_path / "run.h5", observers=wgflow.Observers(step=[interrupt]))
    part = wgflow.load(tmp_path / "run.h5")
    assert (part.scheduled, len(part.time)) == (3, 4)
    log = WriteLog(monkeypatch)
    log.begin(tmp_path / "run.h5")
    wgflow.run(source, tmp_path / "run.h5", resume=True)
    monkeypatch.undo()
    for content in log.states(slice(None, None, 2)):
        (tmp_path / "killed.h5").write_bytes(content)
        with h5py.File(tmp_path / "killed.h5", "r") as file:
            count = file["time"].shape[0]
            extra = file["time"][-1] == part.time[3]
            np.testing.assert_array_equal(file["density"][: count - extra], whole.density[: count - extra])
            assert np.isfinite(file["density"][:]).all()
            assert count >= 3
            assert len(file.attrs["history"].splitlines()) in {1, 2}
        read_trajectory(tmp_path / "killed.h5")
    assert expect_whole(tmp_path / "run.h5", whole) == 5
    np.testing.assert_array_equal(wgflow.load(tmp_path / "run.h5").steps["risk"], whole.steps["risk"])


def test_a_kill_at_any_write_leaves_a_checkpoint_or_an_output_to_go_on_from(tmp_path, monkeypatch):
    """With the state kept after each step, inside of one long interval and a short one."""
    source = problem(cells=16)
    source |= {"solver": {"t_end": 0.5}, "output": {"times": [0.4, 0.5], "checkpoint": 1e-9}}
    source = wgflow.open_problem(source)
    log, flow = logged_run(tmp_path / "run.h5", monkeypatch, source)
    known = []
    for number, content in enumerate(log.states(slice(None, None, 4))):
        (tmp_path / "killed.h5").write_bytes(content)
        if number % 12 == 0:
            assert all(check.passed for check in check_trajectory(tmp_path / "killed.h5"))
        kept, (part, _) = read_checkpoint(tmp_path / "killed.h5"), read_trajectory(tmp_path / "killed.h5")
        known.append(max(float(kept["time"]) if kept else 0.0, part.time[-1]))
        assert known[-1] == 0.0 or known[-1] in part.steps["time"]
    assert (np.diff(known) >= 0.0).all()
    np.testing.assert_array_equal(np.unique(known)[1:], flow.steps["time"])
    for content in log.states(slice(None, None, len(log.pieces()) // 5)):
        (tmp_path / "killed.h5").write_bytes(content)
        wgflow.run(source, tmp_path / "killed.h5", resume=True)
        assert expect_whole(tmp_path / "killed.h5", flow) == 3
        assert 0.4 <= float(read_checkpoint(tmp_path / "killed.h5")["time"]) <= 0.5  # of a kill before the last one


def test_index_of_many_chunks_is_one_that_the_library_reads(tmp_path):
    """Three levels of nodes, then cut back to a few rows and grown again."""
    first = wgflow.open_problem(TEACHER).make_evolution().snapshot()
    domain = wgflow.Signed(wgflow.Circle(4))
    small = replace(first, fields={"density": np.zeros((2, 4))})
    recorder = FileRecorder.create(tmp_path / "run.h5", small, domain=domain)
    file, name = recorder._file, "density"
    count = CAPACITY**2 + CAPACITY + 3
    for number in range(count):
        file.append({name: np.full((2, 4), float(number))})
    file.announce([name])
    draft = next(tmp_path.glob(".run*"))
    with h5py.File(draft, "r") as content:
        np.testing.assert_array_equal(content[name][:, 1, 2], np.arange(count))
        assert content[name].id.get_num_chunks() == count
    for rows in (count - 1, CAPACITY**2 + 1, CAPACITY, 1, 0):
        file.truncate([name], rows)
        file.append({name: np.full((2, 4), -1.0)})
        file.announce([name])
        with h5py.File(draft, "r") as content:
            np.testing.assert_array_equal(content[name][:, 1, 2], [*range(rows), -1])
            assert content[name].id.get_num_chunks() == rows + 1
    file.close()
    reopened = GrowingFile(draft)
    index = ChunkIndex(reopened.raw, 3, reopened.raw.number(reopened.variables[name].index_place), 1)
    index.append(Chunk(1, 2, 8, 16))
    assert index.last_chunk == 8
    reopened.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cells", [16, 48, 1000])
def test_lengths_change_in_the_same_instant(tmp_path, kind, cells):
    """The headers of all variables of a snapshot lie on one page, those of the table of steps on another."""
    wgflow.run(problem(kind, snapshots=2, cells=cells), tmp_path / "run.h5")
    file = GrowingFile(tmp_path / "run.h5")
    tables = [name for name in file.variables if name.startswith(STEPS)]
    fields = [name for name in file.variables if name not in tables]
    for names in (tables, fields):
        assert len({place // PAGE for place, _ in file.places(names)}) == 1
    assert {file.slot(name).place // PAGE for name in ("status", "problem", "history", "interrupted_at")} == {0}
    file.close()


@pytest.mark.parametrize("size", [1, 359, 360, 361, 720, 4096])
@pytest.mark.parametrize("kind", ["random", "ones", "zeros"])
def test_checksum_is_that_of_the_library(size, kind):
    generator = np.random.default_rng(size)
    values = {"random": generator.normal(size=size), "ones": np.full(size, -np.nan), "zeros": np.zeros(size)}[kind]
    if kind == "ones":
        values.view(np.uint64)[:] = 2**64 - 1
    with memory_file() as file:
        stored = file.create_dataset("values", data=values, chunks=(size,), fletcher32=True)
        file.flush()
        _, content = stored.id.read_direct_chunk((0,))
    assert content[:-4] == values.tobytes()
    assert int.from_bytes(content[-4:], "little") == fletcher32(values.view("<u2"))


@pytest.mark.parametrize(("width", "compression"), [(0.1, "gzip"), (30.0, None)])
def test_large_fields_are_compressed_only_where_that_pays(tmp_path, width, compression):
    """Beyond a megabyte it costs more time than it saves room, unless the density is nearly zero nearly everywhere."""
    box = wgflow.Box([(-40.0, 40.0)] * 2, (400, 400))
    start = np.exp(-0.5 * (box.points**2).sum(axis=-1) / width**2)
    first, second = (Snapshot(time, 1.0, 0.0, 0.0, 0.0, 0.0, {"density": np.exp(-time) * start}) for time in (0.0, 0.1))
    spent = dict.fromkeys(ACCUMULATED, 0)
    recorder = FileRecorder.create(tmp_path / "run.h5", first, domain=box)
    recorder.append(first, spent)
    recorder.append(second, spent)
    recorder.finish({"status": "complete", "stop_reason": "t_end", **spent})
    with h5py.File(tmp_path / "run.h5", "r") as file:
        assert file["density"].compression == compression
        np.testing.assert_array_equal(file["density"], [start, np.exp(-0.1) * start])
