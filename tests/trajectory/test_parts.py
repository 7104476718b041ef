"""Single snapshots and parts of a trajectory, in memory and in files."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow.errors import InputError
from wgflow.trajectory.lazy_field import StoredField

PROBLEM = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
    },
    "domain": {"kind": "circle", "cells": 16, "signed": True},
    "solver": {"t_end": 2.0},
    "output": {"snapshots": 9},
}


@pytest.fixture(scope="module")
def flows(tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / "run.h5"
    return wgflow.run(PROBLEM), wgflow.run(PROBLEM, path)


@pytest.fixture(params=["memory", "file"])
def trajectory(request, flows):
    return flows[request.param == "file"]


def test_snapshots_by_number(trajectory):
    assert len(trajectory) == 9
    for index in (0, 3, -1, np.int64(5)):
        snapshot = trajectory[index]
        assert (snapshot.time, snapshot.risk) == (trajectory.time[index], trajectory.risk[index])
        assert (snapshot.mass, snapshot.step_size) == (trajectory.mass[index], trajectory.step_size[index])
        np.testing.assert_array_equal(snapshot.fields["density"], trajectory.density[index])
    with pytest.raises(IndexError):
        trajectory[9]
    assert [snapshot.time for snapshot in trajectory] == trajectory.time.tolist()


@pytest.mark.parametrize("key", [slice(2, 7), slice(None, None, 3), slice(-2, None), slice(4, 5)])
def test_parts_by_number(trajectory, key):
    part = trajectory[key]
    np.testing.assert_array_equal(part.time, trajectory.time[key])
    np.testing.assert_array_equal(part.risk, trajectory.risk[key])
    np.testing.assert_array_equal(part.density, trajectory.density[key])
    np.testing.assert_array_equal(part.density[-1], trajectory.density[key][-1])
    np.testing.assert_array_equal(part[::2].density, trajectory.density[key][::2])
    np.testing.assert_array_equal(part.potential(0), trajectory.potential(range(9)[key][0]))
    steps = trajectory.steps["time"]
    kept = (steps > part.time[0]) & (steps <= part.time[-1])
    np.testing.assert_array_equal(part.steps["energy"], trajectory.steps["energy"][kept])
    assert part.domain == trajectory.domain


def test_parts_by_time(trajectory):
    np.testing.assert_array_equal(trajectory.between(0.5, 1.0).time, [0.5, 0.75, 1.0])
    np.testing.assert_array_equal(trajectory.between(0.51, 1.24).time, [0.75, 1.0])
    np.testing.assert_array_equal(trajectory.between(-1.0, 9.0).density, trajectory.density)
    assert trajectory.between(0.5, 1.0).to_xarray().sizes["time"] == 3


def test_parts_that_are_empty_are_refused(trajectory):
    for start, end in ((0.51, 0.74), (2.1, 3.0), (1.0, 0.5)):
        with pytest.raises(InputError, match="there is no output from t = "):
            trajectory.between(start, end)
    for key in (slice(5, 5), slice(None, None, -1)):
        with pytest.raises(InputError, match="one output at least"):
            trajectory[key]


def test_parts_of_files_read_what_is_asked_of_them(flows, monkeypatch):
    _, stored = flows
    read, plain = [], StoredField._read_once

    def count(field, rows):
        read.append((rows.start, rows.stop))
        return plain(field, rows)

    monkeypatch.setattr(StoredField, "_read_once", count)
    part = stored[2:8]
    assert read == []
    part.density[3]
    part.density[-1]
    part.density[::-1]
    assert read == [(5, 6), (7, 8), (2, 8)]
    np.testing.assert_array_equal(part.density[::-1], stored.density[7:1:-1])
    np.testing.assert_array_equal(part.density[[0, 4]], stored.density[2:7:4])
