"""Trajectory files: what is written is read back, by wgflow, by h5py alone and by xarray."""

from __future__ import annotations

import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray

import wgflow
from wgflow.errors import InputError
from wgflow.trajectory import FileRecorder, read_trajectory

TEACHER = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
    },
    "domain": {"kind": "circle", "cells": 32, "signed": True},
    "solver": {"t_end": 1.0},
    "particles": {"count": 10},
    "output": {"snapshots": 5},
}


def with_solver(kind: str) -> dict:
    return {**TEACHER, "solver": {**TEACHER["solver"], "kind": kind}}


@pytest.mark.parametrize("kind", ["finite_volume", "particles", "characteristics"])
def test_file_and_memory_hold_the_same(tmp_path, kind):
    in_memory = wgflow.run(with_solver(kind))
    wgflow.run(with_solver(kind), tmp_path / "run.h5")
    read = wgflow.load(tmp_path / "run.h5")
    np.testing.assert_array_equal(read.time, [0.0, 0.25, 0.5, 0.75, 1.0])
    for name, values in in_memory.scalars.items():
        np.testing.assert_array_equal(read.scalars[name], values)
    assert read.fields.keys() == in_memory.fields.keys()
    for name, values in in_memory.fields.items():
        np.testing.assert_array_equal(read.fields[name], values)
    assert read.status == in_memory.status == "complete"
    assert read.domain == in_memory.domain == wgflow.Signed(wgflow.Circle(32))


def test_potential_is_the_one_of_the_run(tmp_path):
    flow = wgflow.run(TEACHER, tmp_path / "run.h5")
    read = wgflow.load(tmp_path / "run.h5")
    potential = read.potential(3)
    assert potential.shape == (2, 32)
    np.testing.assert_array_equal(potential[1], -potential[0])
    assert potential.min() == flow.min_potential[3]
    particles = wgflow.run(with_solver("particles"), tmp_path / "particles.h5")
    assert particles.potential(2).min() == pytest.approx(particles.min_potential[2], abs=1e-14)


def test_state_as_a_measure(tmp_path):
    flow = wgflow.run(with_solver("characteristics"), tmp_path / "run.h5")
    for trajectory in (flow, wgflow.run(TEACHER)):
        measure = trajectory.measure(-1)
        assert measure.mass == pytest.approx(trajectory.mass[-1], rel=1e-14)
        assert (measure.signs == np.repeat([1.0, -1.0], 32)).all()


def test_plain_h5py_reads_the_file(tmp_path):
    flow = wgflow.run(TEACHER, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as file:
        assert [scale.keys()[0] for scale in file["density"].dims] == ["time", "sign", "angle"]
        np.testing.assert_array_equal(file["density"][-1], flow.density[-1])
        assert file["density"].chunks == (1, 2, 32)
        assert file["density"].fletcher32
        np.testing.assert_allclose((file["density"][:] * file["cell_volume"][:]).sum((1, 2)), file["mass"][:])
        assert file.attrs["status"] == "complete"
        assert 'data = "gaussian_teacher"' in file.attrs["problem"]


@pytest.mark.parametrize("kind", ["finite_volume", "particles", "characteristics"])
def test_xarray_reads_the_file_with_labels(tmp_path, kind):
    flow = wgflow.run(with_solver(kind), tmp_path / "run.h5")
    with xarray.open_dataset(tmp_path / "run.h5", engine="h5netcdf") as dataset:
        named = flow.to_xarray()
        for name in flow.fields:
            assert dataset[name].dims == named[name].dims
            np.testing.assert_array_equal(dataset[name], named[name])
        if "density" in flow.fields:
            assert dataset["density"].dims == ("time", "sign", "angle")
            half = dataset["density"].sel(sign=-1.0, time=0.5)
            np.testing.assert_array_equal(half, flow.density[2, 1])


def test_data_travel_with_the_file(tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("x,y\n0,1\n1,3\n2,2\n")
    problem = {**TEACHER, "problem": {"kind": "two_layer", "data": str(data)}}
    flow = wgflow.run(problem, tmp_path / "run.h5")
    data.unlink()
    restored = wgflow.load_problem(tmp_path / "run.h5")
    np.testing.assert_allclose(restored.dataset.inputs[:, 0], [-np.sqrt(1.5), 0.0, np.sqrt(1.5)], atol=1e-15)
    np.testing.assert_array_equal(restored.dataset.inputs[:, 1], 1.0)
    np.testing.assert_array_equal(wgflow.load(tmp_path / "run.h5").potential(-1), flow.potential(-1))


def test_incomplete_snapshot_is_dropped(tmp_path):
    """A process killed while it writes leaves variables of unequal length; time is written last."""
    wgflow.run(TEACHER, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file["density"].resize(6, axis=0)
        file["risk"].resize(6, axis=0)
    assert read_trajectory(tmp_path / "run.h5")[0].density.shape == (5, 2, 32)


def test_damaged_snapshot_is_noticed(tmp_path):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as file:
        chunk = file["density"].id.get_chunk_info(2)
    content = bytearray((tmp_path / "run.h5").read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    (tmp_path / "run.h5").write_bytes(content)
    with pytest.raises(InputError, match=r"run\.h5 is not a readable trajectory"):
        wgflow.load(tmp_path / "run.h5")


@pytest.mark.parametrize("content", [b"", b"not HDF5", bytes(1000)])
def test_file_that_is_no_trajectory(tmp_path, content):
    (tmp_path / "run.h5").write_bytes(content)
    with pytest.raises(InputError, match=r"run\.h5"):
        wgflow.load(tmp_path / "run.h5")


def test_hdf5_that_is_no_trajectory(tmp_path):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["something"] = 1.0
    with pytest.raises(InputError, match="not a trajectory"):
        wgflow.load(tmp_path / "run.h5")


def test_newer_schema_is_refused(tmp_path):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file.attrs["schema_version"] = 99
    with pytest.raises(InputError, match="99"):
        wgflow.load(tmp_path / "run.h5")


def test_existing_output_is_kept(tmp_path):
    (tmp_path / "run.h5").write_text("precious")
    with pytest.raises(InputError, match="exists"):
        wgflow.run(TEACHER, tmp_path / "run.h5")
    assert (tmp_path / "run.h5").read_text() == "precious"
    with pytest.raises(InputError, match="not a trajectory"):
        wgflow.run(TEACHER, tmp_path / "run.h5", overwrite=True)
    assert (tmp_path / "run.h5").read_text() == "precious"


def test_a_trajectory_is_replaced_on_demand(tmp_path):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    wgflow.run(with_solver("particles"), tmp_path / "run.h5", overwrite=True)
    assert "position" in wgflow.load(tmp_path / "run.h5").fields


REQUESTS = {
    "overwrite": "wgflow.run('teacher', path, overwrite=True)",
    "resume": "wgflow.run('teacher', path, resume=True)",
    "load": "wgflow.load(path)",
}


@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_file_that_is_being_written_is_left_alone(tmp_path, request_name):
    code = f"import sys, wgflow; path = sys.argv[1]; {REQUESTS[request_name]}"
    refused = []

    def disturb(snapshot):
        if snapshot.time == 0.5:
            arguments = [sys.executable, "-c", code, str(tmp_path / "run.h5")]
            refused.append(subprocess.run(arguments, capture_output=True, text=True, check=False).stderr)

    wgflow.run(TEACHER, tmp_path / "run.h5", observers=wgflow.Observers(snapshot=[disturb]))
    assert "is being written by" in refused[0]
    assert len(wgflow.load(tmp_path / "run.h5").time) == 5


def test_start_that_fails_leaves_no_file(tmp_path):
    first = wgflow.open_problem(TEACHER).make_evolution().snapshot()
    with pytest.raises(TypeError):
        FileRecorder.create(tmp_path / "run.h5", first, domain=None, attributes={"strange": object()})
    assert not list(tmp_path.iterdir())


def test_extended_run_describes_itself(tmp_path):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    steps = wgflow.load(tmp_path / "run.h5").attributes["accepted_steps"]
    longer = {**TEACHER, "solver": {"t_end": 2.0}}
    extended = wgflow.run(longer, tmp_path / "run.h5", resume=True)
    assert wgflow.load_problem(tmp_path / "run.h5").config.solver.t_end == 2.0
    assert extended.attributes["accepted_steps"] > steps


@pytest.mark.parametrize("name", ["problem", "domain"])
def test_damaged_attribute_is_named(tmp_path, name):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file.attrs[name] = "{{{"
    with pytest.raises(InputError, match=r"run\.h5"):
        wgflow.load(tmp_path / "run.h5")


FILE_SIZE_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv = ["wgflow", "run", "teacher", "-o", "run.h5", "--quiet", "--set", "domain.cells=1024"]
from wgflow.cli import main
main()
"""


@pytest.mark.parametrize("size", [600_000, 1_000_003])
def test_full_disk_keeps_what_was_written(tmp_path, size):
    """A limit on the size of files stands for a full disk; the run resumes once there is room."""
    arguments = [sys.executable, "-c", FILE_SIZE_LIMITED, str(size)]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: snapshot at t = ")
    assert len(done.stderr.splitlines()) == 1
    part = wgflow.load(tmp_path / "run.h5")
    assert part.status == "failed"
    assert 10 < len(part.time) < 101
    problem = wgflow.open_problem("teacher", ["domain.cells=1024"])
    resumed = wgflow.run(problem, tmp_path / "run.h5", resume=True)
    np.testing.assert_array_equal(resumed.density, wgflow.run(problem).density)


KILLED = """
import os, signal, wgflow
def kill(evolution):
    if evolution.time > 1.1:
        os.kill(os.getpid(), signal.SIGKILL)
problem = wgflow.open_problem("teacher", ["domain.cells=256", "solver.t_end=2.0"])
wgflow.run(problem, "run.h5", observers=wgflow.Observers(step=[kill]))
"""


def test_killed_run_leaves_its_snapshots_and_resumes(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    part = wgflow.load(tmp_path / "run.h5")
    assert part.status == "running"
    assert part.time[-1] == pytest.approx(1.1)
    problem = wgflow.open_problem("teacher", ["domain.cells=256", "solver.t_end=2.0"])
    resumed = wgflow.run(problem, tmp_path / "run.h5", resume=True)
    np.testing.assert_array_equal(resumed.density, wgflow.run(problem).density)


def test_disk_that_is_full_from_the_start(tmp_path):
    arguments = [sys.executable, "-c", FILE_SIZE_LIMITED, "10000"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: output run.h5 cannot be written: File too large")
    assert not list(tmp_path.iterdir())


def test_trajectory_without_functional_says_so(tmp_path):
    circle = wgflow.Circle(16)
    features = wgflow.Features(lambda x: x[:, :1], targets=[0.5])
    flow = wgflow.solve(features, circle, np.ones(16), 0.5, output=tmp_path / "own.h5")
    read = wgflow.load(tmp_path / "own.h5")
    with pytest.raises(InputError, match="functional"):
        read.potential(0)
    given = wgflow.load(tmp_path / "own.h5", functional=features)
    np.testing.assert_array_equal(given.potential(-1), flow.potential(-1))


def test_field_that_is_not_there():
    flow = wgflow.run(TEACHER)
    with pytest.raises(InputError, match="holds no position; it holds density"):
        _ = flow.position
