"""Runs in memory that are written afterwards: the file is that of a run with this output."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import wgflow
from wgflow import InputError
from wgflow.trajectory.checking import check_trajectory

MACHINE = {"run_seconds", "compile_seconds", "history", "seal"}

QUADRATIC = {
    "problem": {"kind": "quadratic", "target": [[1.0, 0.2], [0.2, 0.5]]},
    "domain": {"kind": "circle", "cells": 16},
    "solver": {"t_end": 0.4},
    "output": {"times": [0.1, 0.3, 0.4]},
}


def contents(path: Path) -> dict[str, np.ndarray | str]:
    """All arrays and attributes of a file, but for what the clock says."""
    found: dict = {}
    with h5py.File(path) as file:
        found |= {f"@{name}": value for name, value in file.attrs.items() if name not in MACHINE}
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    state = found.pop("checkpoint/state")
    return {**found, "checkpoint": state.size}


def expect_same_files(first: Path, second: Path) -> None:
    found, wanted = contents(first), contents(second)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        if getattr(values, "dtype", np.dtype(float)).kind != "V":  # lists of dimension scales
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def door(**options):
    box = wgflow.Box([(-2.0, 2.0)], 12)
    energy = wgflow.Potential(lambda x: 0.5 * x[..., 0] ** 2)
    return wgflow.solve(energy, box, lambda x: np.exp(-(x[..., 0] ** 2)), 0.5, times=[0.2], **options)


def grown(**options):
    line, spread = wgflow.Box([(-2.0, 2.0)], 24), wgflow.Potential(lambda x: -4.0 * x[..., 0])
    options |= {"grow": True, "wall_warning": 0.01, "times": [0.2]}
    return wgflow.solve(spread, line, lambda x: np.exp(-(x[..., 0] ** 2)), 0.4, **options)


def particles(**options):
    start = wgflow.Particles(np.array([[0.5, -0.2], [0.1, 0.9]]), np.full(2, 0.5), np.ones(2))
    plane, risk = wgflow.Space(2), wgflow.Quadratic(np.eye(2))
    return wgflow.simulate(risk, start, 0.4, domain=plane, method=wgflow.Descent(0.05), times=[0.2], **options)


def of_a_problem(**options):
    return wgflow.run(QUADRATIC, **options)


def with_data(**options):
    return wgflow.run(
        wgflow.open_problem("el_nino", ["output.snapshots=2", "solver.t_end=0.2", "domain.cells=8"]), **options
    )


def stationary(**options):
    return door(stationarity=0.4, **options)


@pytest.mark.parametrize("run", [door, grown, particles, of_a_problem, with_data, stationary])
def test_a_saved_trajectory_is_the_file_of_its_run(run, tmp_path):
    saved, wanted = tmp_path / "saved.h5", tmp_path / "run.h5"
    assert run().save(saved) == saved
    run(output=wanted)
    expect_same_files(saved, wanted)
    assert [check for check in check_trajectory(saved) if not check.passed] == []


def test_it_reopens_with_its_problem(tmp_path):
    with_data().save(tmp_path / "run.h5")
    found = wgflow.load(tmp_path / "run.h5")
    assert found.problem.dataset.names == ("month", "temperature")
    assert found.predict({"month": [1.0, 7.0]}) == pytest.approx(with_data().predict([1.0, 7.0]), rel=1e-13)
    copy = wgflow.load(found.save(tmp_path / "copy.h5"))
    np.testing.assert_array_equal(copy.density, found.density)
    assert copy.problem.text == found.problem.text


def test_a_saved_run_goes_on_to_the_bits_of_one_that_was_not_interrupted(tmp_path):
    path, later = tmp_path / "run.h5", {**QUADRATIC, "solver": {"t_end": 0.8}}
    wgflow.run(QUADRATIC).save(path)
    resumed, whole = wgflow.run(later, path, resume=True), wgflow.run(later)
    np.testing.assert_array_equal(resumed.density, whole.density)
    np.testing.assert_array_equal(resumed.steps["time"], whole.steps["time"])


def test_parts_are_saved_with_their_steps(tmp_path):
    whole = of_a_problem()
    part = wgflow.load(whole[1:3].save(tmp_path / "part.h5"))
    np.testing.assert_array_equal(part.density, whole.density[1:3])
    assert part.steps["time"][-1] == whole.time[2]


def test_files_are_not_replaced_unasked_nor_by_themselves(tmp_path):
    path = tmp_path / "run.h5"
    run = door()
    run.save(path)
    with pytest.raises(InputError, match="exists; choose another name"):
        run.save(path)
    run.save(path, overwrite=True)
    with pytest.raises(InputError, match="is the file that this trajectory is read from"):
        wgflow.load(path).save(path, overwrite=True)
    np.testing.assert_array_equal(wgflow.load(path).density, run.density)
