"""Trajectory files: what is written is read back, by wgflow, by h5py alone and by xarray."""

from __future__ import annotations

import hashlib
import pickle
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

import wgflow
from tests.trajectory.files import reseal
from wgflow.errors import ComputationError, InputError
from wgflow.trajectory import FileRecorder, read_trajectory
from wgflow.trajectory.checking import check_trajectory

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
    flow = wgflow.load(tmp_path / "run.h5")
    assert flow.density[1].shape == flow.density[3].shape == (2, 32)
    for damaged in (2, slice(0, 3), slice(None)):
        with pytest.raises(InputError, match=r"run\.h5 is damaged: density"):
            flow.density[damaged]


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
    reseal(tmp_path / "run.h5")
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
    "resume": "wgflow.run(wgflow.load_problem(path), path, resume=True)",
}


def during_the_run(path, code):
    """Run some Python in another process when the third of five snapshots is written; gives its errors."""
    errors = []

    def call(snapshot):
        if snapshot.time == 0.5:
            arguments = [sys.executable, "-c", f"import sys, wgflow; path = sys.argv[1]; {code}", str(path)]
            errors.append(subprocess.run(arguments, capture_output=True, text=True, check=False).stderr)

    wgflow.run(TEACHER, path, observers=wgflow.Observers(snapshot=[call]))
    assert len(wgflow.load(path).time) == 5
    return errors[0]


@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_file_that_is_being_written_is_left_alone(tmp_path, request_name):
    assert "is being written by another run" in during_the_run(tmp_path / "run.h5", REQUESTS[request_name])


def test_a_file_that_is_being_written_can_be_read(tmp_path):
    """By wgflow, by plain h5py, and by xarray."""
    code = (
        "import h5py, xarray;"
        "assert wgflow.load(path).density[2].sum() > 0.0;"
        "assert h5py.File(path, 'r')['density'].shape[0] == 3;"
        "assert xarray.open_dataset(path, engine='h5netcdf').sizes['time'] == 3"
    )
    assert during_the_run(tmp_path / "run.h5", code) == ""


def test_another_program_cannot_open_it_for_writing(tmp_path):
    assert "BlockingIOError" in during_the_run(tmp_path / "run.h5", "import h5py; h5py.File(path, 'r+')")


@pytest.mark.parametrize("replaced", [False, True])
def test_file_that_is_removed_during_the_run_is_rescued(tmp_path, replaced):
    path = tmp_path / "run.h5"

    def remove(snapshot):
        if snapshot.time == 0.5:
            path.unlink()
            if replaced:
                path.write_text("another")

    with pytest.raises(ComputationError, match="removed or replaced"):
        wgflow.run(TEACHER, path, observers=wgflow.Observers(snapshot=[remove]))
    saved = next(tmp_path.glob("*.rescued")) if replaced else path
    assert len(list(tmp_path.iterdir())) == 1 + replaced
    assert wgflow.load(saved).status == "failed"
    resumed = wgflow.run(TEACHER, saved, resume=True)
    np.testing.assert_array_equal(resumed.density, wgflow.run(TEACHER).density)


def test_a_name_taken_in_the_meantime_is_respected(tmp_path):
    first = wgflow.open_problem(TEACHER).make_evolution().snapshot()
    recorder = FileRecorder.create(tmp_path / "run.h5", first, domain=wgflow.Signed(wgflow.Circle(32)))
    (tmp_path / "run.h5").write_text("precious")
    with pytest.raises(InputError, match="exists"):
        recorder.append(first)
    assert (tmp_path / "run.h5").read_text() == "precious"


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


def test_provenance_is_stored(tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("x,y\n0,1\n1,3\n2,2\n")
    problem = {**TEACHER, "problem": {"kind": "two_layer", "data": str(data)}}
    found = wgflow.run(problem, tmp_path / "run.h5").attributes
    with h5py.File(tmp_path / "run.h5") as file:
        arrays = {name: values[:] for name, values in file["data"].items()}
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} <f8 {arrays[name].shape}\n".encode() + arrays[name].tobytes())
    assert found["data_sha256"] == digest.hexdigest()
    assert found["numpy_version"] == np.__version__
    assert found["threads"] >= 1
    assert found["seed"] == 0
    for name in ("python_version", "numba_version", "wgflow_version", "host"):
        assert found[name]
    longer = {**problem, "solver": {"t_end": 1.5}}
    history = wgflow.run(longer, tmp_path / "run.h5", resume=True).attributes["history"].splitlines()
    assert len(history) == 2
    for line in history:
        assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ wgflow \S+: \S", line)


def test_fields_are_read_when_they_are_used(tmp_path):
    """One snapshot of a thousand: only its chunk is read."""
    problem = {**TEACHER, "output": {"snapshots": 1001}}
    whole = wgflow.run(problem)
    wgflow.run(problem, tmp_path / "run.h5")
    flow = wgflow.load(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        chunks = [file["density"].id.get_chunk_info(index) for index in range(1001)]
    content = bytearray((tmp_path / "run.h5").read_bytes())
    for index, chunk in enumerate(chunks):
        if index != 700:
            content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    with (tmp_path / "run.h5").open("r+b") as file:
        file.write(content)
    np.testing.assert_array_equal(flow.density[700], whole.density[700])
    assert flow.density[-301, 1, 3] == whole.density[700, 1, 3]
    np.testing.assert_array_equal(flow.density[700:701, 0], whole.density[700:701, 0])
    with pytest.raises(InputError, match="damaged"):
        flow.density[699]


def test_stored_fields_behave_like_arrays(tmp_path):
    whole = wgflow.run(TEACHER).density
    field = wgflow.run(TEACHER, tmp_path / "run.h5").density
    assert (field.shape, field.ndim, field.size, len(field)) == (whole.shape, 3, whole.size, 5)
    for key in (
        0,
        -1,
        slice(1, 4, 2),
        slice(None, None, -1),
        (2, 0),
        (slice(1, 3), 1, 5),
        [0, 3],
        ...,
        whole[:, 0, 0] > 0,
    ):
        np.testing.assert_array_equal(field[key], whole[key])
    np.testing.assert_array_equal(np.asarray(field), whole)
    np.testing.assert_array_equal(2.0 * field - field / 3.0, 2.0 * whole - whole / 3.0)
    np.testing.assert_array_equal(np.sqrt(field), np.sqrt(whole))
    np.testing.assert_array_equal(np.stack(list(field)), whole)
    np.testing.assert_array_equal(np.einsum("tij->t", field), np.einsum("tij->t", whole))
    assert field.max() == np.max(field) == whole.max()
    assert (field >= 0.0).all()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(field))[1], whole[1])
    with pytest.raises(IndexError):
        field[5]
    with pytest.raises(AttributeError):
        _ = field.nonsense


def test_file_that_was_replaced_is_not_mistaken_for_the_old_one(tmp_path):
    old = wgflow.run(TEACHER, tmp_path / "run.h5")
    wgflow.run({**TEACHER, "initial": {"kind": "uniform", "mass": 2.0}}, tmp_path / "run.h5", overwrite=True)
    with pytest.raises(InputError, match="was replaced since it was loaded"):
        _ = old.density[0]


def test_files_of_the_first_schema_are_read_but_not_continued():
    path = Path(__file__).parent / "schema_1.nc"
    flow = wgflow.load(path)
    np.testing.assert_allclose(flow.density, wgflow.run(wgflow.load_problem(path)).density, rtol=1e-12)
    assert all(check.passed for check in check_trajectory(path) if check.name != "attributes")
    assert flow.steps["time"].size == 0
    longer = wgflow.open_problem(tomllib.loads(flow.attributes["problem"]), ["solver.t_end=2.0"])
    before = path.read_bytes()
    with pytest.raises(InputError, match="written by an earlier version"):
        wgflow.run(longer, path, resume=True)
    assert path.read_bytes() == before


def test_a_file_that_grows_with_its_box_is_in_order(tmp_path):
    """Steps that were given up when the box grew are not in the table."""
    box = wgflow.Box([(-1.0, 1.0)], 20)
    start = np.exp(-20.0 * box.points[:, 0] ** 2)
    options = {"times": [0.25, 0.5], "wall_warning": 1e-6, "grow": True}
    whole = wgflow.solve(wgflow.Quadratic([[3.0]]), box, start, 0.5, **options)
    flow = wgflow.solve(wgflow.Quadratic([[3.0]]), box, start, 0.5, output=tmp_path / "run.h5", **options)
    assert flow.domain.shape[0] > 20
    assert all(check.passed for check in check_trajectory(tmp_path / "run.h5"))
    np.testing.assert_array_equal(flow.density, whole.density)
    for name, values in whole.steps.items():
        np.testing.assert_array_equal(flow.steps[name], values)
    assert (np.diff(flow.steps["time"]) > 0.0).all()
    assert np.isin(flow.time[1:], flow.steps["time"]).all()
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5"]


def test_a_program_that_writes_into_the_file_is_waited_for(tmp_path):
    wgflow.run(TEACHER, tmp_path / "run.h5")
    code = (
        "import h5py, sys, wgflow, subprocess; path = sys.argv[1]; file = h5py.File(path, 'r+');"
        "done = subprocess.run([sys.executable, '-c', 'import wgflow; wgflow.load(' + repr(path) + ')'],"
        "capture_output=True, text=True); print(done.stderr)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "run.h5")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "run.h5 is open for writing in another program" in done.stdout
