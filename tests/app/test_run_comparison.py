"""Comparisons of runs: common times, and distances that are known in advance."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import wgflow
from wgflow.analysis.shared_times import common_times, shared_times
from wgflow.app.run_comparison import compare, compare_files, predictor_distance
from wgflow.errors import InputError, MissingExtraError
from wgflow.measures import Particles

TEACHER = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]},
    },
    "domain": {"kind": "circle", "cells": 128, "signed": True},
    "solver": {"t_end": 1.0},
    "output": {"times": [0.5, 1.0]},
}

WITHOUT_PROBLEM = {key: section for key, section in TEACHER.items() if key != "problem"}


def test_a_run_equals_itself():
    problem = wgflow.open_problem(TEACHER)
    trajectory = wgflow.run(problem)
    columns = compare(trajectory, trajectory, problem).columns
    np.testing.assert_array_equal(columns["time"], [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(columns["risk A"], trajectory.risk)
    np.testing.assert_array_equal(columns["mass B"], trajectory.mass)
    for name in ("difference", "W1+", "W1-", "W2+", "W2-"):
        np.testing.assert_allclose(columns[name], 0.0, atol=1e-14, err_msg=name)
    for name in ("predictors", "kernel"):  # roots of squares that vanish up to round-off
        np.testing.assert_allclose(columns[name], 0.0, atol=1e-7, err_msg=name)


def test_distance_of_the_predictor_is_that_of_the_risk():
    """Against the teacher itself, half the squared distance of predictors is the population risk."""
    problem = wgflow.open_problem(TEACHER)
    trajectory = wgflow.run(problem)
    teacher = Particles(problem.teacher.directions, np.abs(problem.teacher.weights), np.sign(problem.teacher.weights))
    distance = predictor_distance(problem)(trajectory.measure(-1), teacher)
    assert 0.5 * distance**2 == pytest.approx(trajectory.risk[-1], rel=1e-14, abs=0.0)


def test_moments_of_quadratic_features_count_the_signs():
    """On a signed domain a negative atom takes its moment away: (1, 0) and its negative differ by 2 in int w w^T."""
    problem = {"problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]}, **WITHOUT_PROBLEM}
    distance = predictor_distance(wgflow.open_problem(problem))
    atom, negative = (Particles(np.array([[1.0, 0.0]]), np.ones(1), np.array([sign])) for sign in (1.0, -1.0))
    assert distance(atom, negative) == 2.0


def test_times_in_common():
    assert common_times(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.5, 2.0 + 1e-13])) == [(0, 0), (2, 2)]
    pairs = common_times(np.arange(101.0), np.arange(101.0))
    assert len(pairs) == 21
    assert pairs[-1] == (100, 100)
    with pytest.raises(InputError, match="in common: A has 2 from 0 to 1, B 2 from 0 to 2; run"):
        common_times(np.array([0.0, 1.0]), np.array([0.0, 2.0]))


def test_runs_without_a_problem_file_are_compared(tmp_path):
    circle = wgflow.Circle(32)
    features = wgflow.Quadratic(np.diag([1.0, 0.5]))
    for name, order in (("a.h5", 1), ("b.h5", 2)):
        wgflow.solve(features, circle, np.ones(32), 0.2, order=order, times=[0.1], output=tmp_path / name)
    columns = compare_files(tmp_path / "a.h5", tmp_path / "b.h5").columns
    assert "predictors" not in columns
    assert columns["W1"].shape == (3,)
    assert 0.0 < columns["difference"][-1] < 0.1


BOX = wgflow.Box([(-1.0, 1.0), (-1.0, 1.0)], (6, 6))
REST = wgflow.Potential(lambda x: 0.0 * x[:, 0])


def cell_at_rest(box, cell, times=(1.0,)):
    """A run in which all of the mass stays in one cell."""
    start = np.zeros(box.shape)
    start[cell] = 1.0 / np.prod(box.spacing)
    return wgflow.solve(REST, box, start, max(times), times=times)


def test_measures_in_a_plane_are_compared_by_exact_transport():
    pytest.importorskip("ot")
    found = compare(cell_at_rest(BOX, (0, 1)), cell_at_rest(BOX, (3, 5)))
    for name in ("W1", "W2"):  # 3 and 4 cells of a third of 1 away
        np.testing.assert_allclose(found.columns[name], 5.0 / 3.0, rtol=1e-15)
    assert not any(name.startswith("SW") for name in found.columns)
    assert found.lines == ()


def test_particles_are_compared_with_a_grid():
    """Atoms at a quarter of a cell from the centres of four cells that hold the mass evenly."""
    pytest.importorskip("ot")
    start = np.zeros(BOX.shape)
    start[2:4, 2:4] = 1.0
    centres = BOX.points[2:4, 2:4].reshape(-1, 2)
    moved = wgflow.Particles(centres + np.array([0.05, 0.0]), np.full(4, 0.25))
    runs = wgflow.solve(REST, BOX, start, 1.0, times=[1.0]), wgflow.simulate(REST, moved, 1.0, domain=BOX, times=[1.0])
    np.testing.assert_allclose(compare(*runs).columns["W2"], 0.05, rtol=1e-13)


def test_sliced_distances_are_named_as_such():
    runs = cell_at_rest(BOX, (0, 1)), cell_at_rest(BOX, (3, 5))
    found = compare(*runs, transport="sliced")
    assert not any(name.startswith("W") for name in found.columns)
    np.testing.assert_allclose(found.columns["SW2"], 5.0 / 3.0 / np.sqrt(2.0), rtol=1e-14)
    assert (found.columns["SW1"] < found.columns["SW2"]).all()
    assert (found.columns["SW1 error"] > 0.001).all()
    assert found.lines == ("SW1, SW2: sliced Wasserstein distances, 128 projections; one standard error each",)
    assert {"kernel"} == compare(*runs, transport="none").columns.keys() - {
        name for name in found.columns if "SW" not in name and name != "kernel"
    }


def test_too_many_atoms_or_no_solver_leave_sliced_distances(monkeypatch):
    runs = cell_at_rest(BOX, (0, 1)), cell_at_rest(BOX, (3, 5))
    monkeypatch.setattr("wgflow.analysis.measure_distances.MOST_EXACT_ONCE", 0)
    [_, reason] = compare(*runs).lines
    assert reason == "W1 and W2 themselves: too many pairs of atoms, 2; --transport exact computes them"
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ot", None)
    monkeypatch.setattr("wgflow.analysis.metrics.exact_transport.find_spec", lambda _: None)
    found = compare(*runs)
    assert "SW2" in found.columns
    assert "pip install 'wgflow[transport]'" in found.lines[1]
    with pytest.raises(MissingExtraError, match=r"POT, which is not installed: pip install 'wgflow\[transport\]'"):
        compare(*runs, transport="exact")
    with pytest.raises(InputError, match="transport = 'emd' is not allowed; choose one of auto, exact"):
        compare(*runs, transport="emd")


def test_spheres_are_compared_along_arcs():
    pytest.importorskip("ot")
    sphere, rest = wgflow.Sphere(42), wgflow.Potential(lambda x: 0.0 * x[:, 0])
    runs = []
    for pole in (1.0, -1.0):
        cloud = wgflow.Particles([[0.0, 0.0, pole], [0.0, pole, 0.0]], [1.0, 3.0])
        runs.append(wgflow.simulate(rest, cloud, 1.0, domain=sphere, times=[1.0]))
    # A quarter of the mass and another one go a quarter of the way round, half of it all the way to the other side.
    np.testing.assert_allclose(compare(*runs).columns["W1"], 0.5 * 0.5 * np.pi + 0.5 * np.pi, rtol=1e-15)
    sliced = compare(*runs, transport="sliced")
    assert "by chords" in sliced.lines[0]


def test_times_that_only_one_run_has_are_counted():
    runs = cell_at_rest(BOX, (0, 1), (0.5, 1.0, 2.0)), cell_at_rest(BOX, (0, 1), (1.0, 1.5, 1.7, 2.0))
    times = compare(*runs).times
    assert times.left_out == (1, 2)
    assert str(times) == "3 in both (0, 1, 2); left out 1 of 4 of A, 2 of 5 of B"
    many = shared_times(np.arange(101.0), np.arange(0.0, 101.0, 2.0))
    assert str(many) == "51 in both (0, 2, ..., 100), of which 21 are compared; left out 50 of 101 of A, 0 of 51 of B"


def bump(centre, period=None):
    def density(points):
        away = points[..., 0] - centre
        away = away if period is None else away - period * np.round(away / period)
        return np.exp(-50.0 * away**2)

    return density


@pytest.mark.parametrize(("periodic", "way"), [(False, 1.6), (True, 0.4)])
def test_measures_on_a_line_are_compared_by_transport(periodic, way):
    """Bumps at 0.2 and 1.8 of [0, 2] that rest: 0.4 apart where the ends are the same, and else 1.6."""
    box, rest = wgflow.Box([(0.0, 2.0)], 80, periodic=periodic), wgflow.Potential(lambda x: 0.0 * x[:, 0])
    runs = []
    for centre in (0.2, 1.8):
        start = bump(centre, 2.0 if periodic else None)(box.points)
        runs.append(wgflow.solve(rest, box, start / start.sum() * 80 / 2.0, 1.0, times=[1.0]))
    columns = compare(*runs).columns
    np.testing.assert_allclose(columns["W1"], way, atol=3.1e-4 if periodic else 0.022)
    np.testing.assert_allclose(columns["W2"], columns["W1"], atol=2.8e-4)
    assert (columns["W2"] >= columns["W1"]).all()


def test_the_kernel_takes_the_short_way_round_a_torus():
    """Lumps in opposite corners are near where the ends of the axes are the same."""
    rest, distances = wgflow.Potential(lambda x: 0.0 * x[:, 0]), {}
    for periodic in (False, True):
        box = wgflow.Box([(0.0, 4.0), (-1.0, 1.0)], (16, 8), periodic=periodic)
        runs = []
        for corner in (0, -1):
            start = np.zeros(box.shape)
            start[corner, corner] = 1.0 / np.prod(box.spacing)
            runs.append(wgflow.solve(rest, box, start, 1.0, times=[1.0]))
        distances[periodic] = compare(*runs).columns["kernel"][-1]
    chords = (4.0 / np.pi * np.sin(np.pi / 16)) ** 2 + (2.0 / np.pi * np.sin(np.pi / 8)) ** 2
    assert distances[True] == pytest.approx(np.sqrt(2.0 - 2.0 * np.exp(-8.0 * chords)), rel=1e-14, abs=0.0)
    assert distances[False] == pytest.approx(np.sqrt(2.0), rel=1e-14, abs=0.0)


def test_energies_have_no_predictors():
    sections = {
        "problem": {"kind": "energy", "potential": {"kind": "quadratic"}},
        "domain": {"kind": "box", "bounds": [[-4.0, 4.0]], "shape": [80]},
        "initial": {"kind": "gaussian", "covariance": 0.2, "mean": [0.5]},
        "solver": {"t_end": 0.5},
        "output": {"times": [0.5]},
    }
    problem = wgflow.open_problem(sections)
    particles = {"kind": "particles", "t_end": 0.5}
    others = {**sections, "solver": particles, "particles": {"count": 400, "start": "stratified"}}
    columns = compare(wgflow.run(problem), wgflow.run(others), problem).columns
    assert "predictors" not in columns
    np.testing.assert_allclose(columns["W1"], 0.025, atol=1.1e-3)  # atoms of a grid: a quarter of a cell


def test_other_problems_are_not_compared(tmp_path):
    wgflow.run(TEACHER, tmp_path / "a.h5")
    other = {**TEACHER, "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]}}
    wgflow.run(other, tmp_path / "b.h5")
    with pytest.raises(InputError, match="different problems"):
        compare_files(tmp_path / "a.h5", tmp_path / "b.h5")
