"""Trajectory files as programs see them that know netCDF and CF, and nothing of wgflow."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

import wgflow
from tests.trajectory.files import TEACHER, with_solver
from wgflow.trajectory.checking import check_trajectory

EARLIER = {
    "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.0]]},
    "domain": {"kind": "circle", "cells": 16},
    "solver": {"t_end": 0.4},
    "output": {"snapshots": 5},
}


@pytest.fixture
def data_set(tmp_path):
    """A run whose file holds a data set: arrays of several lengths."""
    table = tmp_path / "data.csv"
    table.write_text("x,y\n0.0,1.0\n0.5,0.2\n1.0,-0.3\n")
    problem = {"kind": "two_layer", "dataset": {"path": str(table)}}
    return {**TEACHER, "problem": problem}


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_opens_all_groups_at_once(tmp_path, data_set, engine):
    """Coordinates of a group are inherited: steps need a dimension of their own, and all arrays need one."""
    pytest.importorskip("netCDF4" if engine == "netcdf4" else engine)
    trajectory = wgflow.run(data_set, tmp_path / "run.h5")
    with xarray.open_datatree(tmp_path / "run.h5", engine=engine) as tree:
        assert set(tree.groups) == {"/", "/checkpoint", "/data", "/steps"}
        np.testing.assert_array_equal(tree["steps"]["step"], np.arange(trajectory.attributes["accepted_steps"]))
        np.testing.assert_array_equal(tree["steps"]["time"], trajectory.steps["time"])
        np.testing.assert_array_equal(tree["time"], trajectory.time)
        assert tree["data"]["inputs"].shape == (3, 2)


@pytest.mark.parametrize("kind", ["finite_volume", "particles"])
def test_every_array_has_a_dimension_on_each_axis(tmp_path, kind):
    wgflow.run(with_solver(kind), tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r") as file:
        arrays: list[h5py.Dataset] = []
        file.visititems(lambda _, item: arrays.append(item) if isinstance(item, h5py.Dataset) else None)
        for array in arrays:
            assert h5py.h5ds.is_scale(array.id) or all(len(axis) == 1 for axis in array.dims), array.name
        assert file["steps/energy"].dims[0].keys() == ["step"]


def test_files_without_numbers_of_steps_are_continued(tmp_path):
    """The file was written before steps had a dimension of their own."""
    path = tmp_path / "earlier.h5"
    path.write_bytes(gzip.decompress((Path(__file__).parent / "schema_2.h5.gz").read_bytes()))
    assert all(check.passed for check in check_trajectory(path))
    longer = {**EARLIER, "solver": {"t_end": 0.8}, "output": {"snapshots": 9}}
    whole = wgflow.run({**longer, "finite_volume": {"stepper": "ssprk3"}})
    with pytest.warns(wgflow.ResumeWarning, match="step control: it begins anew at t = 0.4"):
        resumed = wgflow.run(longer, path, resume=True)
    assert resumed.status == "complete"
    np.testing.assert_allclose(resumed.density, whole.density, rtol=6e-3)  # one step for each output before
    assert all(check.passed for check in check_trajectory(path))
    with h5py.File(path, "r") as file:
        assert "step" not in file["steps"]
