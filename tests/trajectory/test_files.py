"""Trajectory files: what is written is read back, by wgflow, by h5py alone and by xarray."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

import wgflow
from tests.trajectory.files import TEACHER, reseal, with_solver
from wgflow.errors import InputError
from wgflow.trajectory import read_trajectory
from wgflow.trajectory.checking import check_trajectory
from wgflow.trajectory.dimensions import stored_data


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
    trajectory = wgflow.run(TEACHER, tmp_path / "run.h5")
    read = wgflow.load(tmp_path / "run.h5")
    potential = read.potential(3)
    assert potential.shape == (2, 32)
    np.testing.assert_array_equal(potential[1], -potential[0])
    assert potential.min() == trajectory.min_potential[3]
    particles = wgflow.run(with_solver("particles"), tmp_path / "particles.h5")
    assert particles.potential(2).min() == pytest.approx(particles.min_potential[2], abs=1e-14)


def test_state_as_a_measure(tmp_path):
    flow = wgflow.run(with_solver("characteristics"), tmp_path / "run.h5")
    for trajectory in (flow, wgflow.run(TEACHER)):
        measure = trajectory.measure(-1)
        assert measure.mass == pytest.approx(trajectory.mass[-1], rel=1e-14, abs=0.0)
        assert (measure.signs == np.repeat([1.0, -1.0], 32)).all()


def test_plain_h5py_reads_the_file(tmp_path):
    trajectory = wgflow.run(TEACHER, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as file:
        assert [scale.keys()[0] for scale in file["density"].dims] == ["time", "sign", "angle"]
        np.testing.assert_array_equal(file["density"][-1], trajectory.density[-1])
        assert file["density"].chunks == (1, 2, 32)
        assert file["density"].fletcher32
        np.testing.assert_allclose(
            (file["density"][:] * file["cell_volume"][:]).sum((1, 2)), file["mass"][:], rtol=1e-14
        )
        assert file.attrs["status"] == "complete"
        assert 'data = "gaussian_teacher"' in file.attrs["problem"]


@pytest.mark.parametrize("kind", ["finite_volume", "particles", "characteristics"])
def test_xarray_reads_the_file_with_labels(tmp_path, kind):
    trajectory = wgflow.run(with_solver(kind), tmp_path / "run.h5")
    with xarray.open_dataset(tmp_path / "run.h5", engine="h5netcdf") as dataset:
        named = trajectory.to_xarray()
        for name in trajectory.fields:
            assert dataset[name].dims == named[name].dims
            np.testing.assert_array_equal(dataset[name], named[name])
        if "density" in trajectory.fields:
            assert dataset["density"].dims == ("time", "sign", "angle")
            half = dataset["density"].sel(sign=-1.0, time=0.5)
            np.testing.assert_array_equal(half, trajectory.density[2, 1])


def test_data_travel_with_the_file(tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("x,y\n0,1\n1,3\n2,2\n")
    problem = {**TEACHER, "problem": {"kind": "two_layer", "data": str(data)}}
    trajectory = wgflow.run(problem, tmp_path / "run.h5")
    data.unlink()
    restored = wgflow.load_problem(tmp_path / "run.h5")
    np.testing.assert_allclose(
        restored.dataset.inputs[:, 0], [-np.sqrt(1.5), 0.0, np.sqrt(1.5)], rtol=1e-14, atol=1e-14
    )
    np.testing.assert_array_equal(restored.dataset.inputs[:, 1], 1.0)
    np.testing.assert_array_equal(wgflow.load(tmp_path / "run.h5").potential(-1), trajectory.potential(-1))


def test_incomplete_snapshot_is_dropped(tmp_path):
    """A process killed while it writes leaves variables of unequal length; time is written last."""
    wgflow.run(TEACHER, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file["density"].resize(6, axis=0)
        file["risk"].resize(6, axis=0)
    assert read_trajectory(tmp_path / "run.h5")[0].density.shape == (5, 2, 32)


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


def test_trajectory_without_functional_says_so(tmp_path):
    circle = wgflow.Circle(16)
    features = wgflow.Features(lambda x: x[:, :1], targets=[0.5])
    trajectory = wgflow.solve(features, circle, np.ones(16), 0.5, output=tmp_path / "own.h5")
    read = wgflow.load(tmp_path / "own.h5")
    with pytest.raises(InputError, match="functional"):
        read.potential(0)
    given = wgflow.load(tmp_path / "own.h5", functional=features)
    np.testing.assert_array_equal(given.potential(-1), trajectory.potential(-1))


def test_field_that_is_not_there():
    trajectory = wgflow.run(TEACHER)
    with pytest.raises(InputError, match="holds no position; it holds density"):
        _ = trajectory.position


def test_provenance_is_stored(tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("x,y\n0,1\n1,3\n2,2\n")
    problem = {**TEACHER, "problem": {"kind": "two_layer", "data": str(data)}}
    found = wgflow.run(problem, tmp_path / "run.h5").attributes
    with h5py.File(tmp_path / "run.h5") as file:
        arrays = stored_data(file)
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


def test_files_of_the_first_schema_are_read_but_not_continued():
    path = Path(__file__).parent / "schema_1.nc"
    trajectory = wgflow.load(path)
    np.testing.assert_allclose(
        trajectory.density, wgflow.run(wgflow.load_problem(path)).density, rtol=0.015
    )  # one step for each output then
    assert all(check.passed for check in check_trajectory(path) if check.name != "attributes")
    assert trajectory.steps["time"].size == 0
    longer = wgflow.open_problem(tomllib.loads(trajectory.attributes["problem"]), ["solver.t_end=2.0"])
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
    trajectory = wgflow.solve(wgflow.Quadratic([[3.0]]), box, start, 0.5, output=tmp_path / "run.h5", **options)
    assert trajectory.domain.shape[0] > 20
    assert all(check.passed for check in check_trajectory(tmp_path / "run.h5"))
    np.testing.assert_array_equal(trajectory.density, whole.density)
    for name, values in whole.steps.items():
        np.testing.assert_array_equal(trajectory.steps[name], values)
    assert (np.diff(trajectory.steps["time"]) > 0.0).all()
    assert np.isin(trajectory.time[1:], trajectory.steps["time"]).all()
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5"]
