"""Comparisons of runs: common times, and distances that are known in advance."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow.analysis.comparison import common_times
from wgflow.app.run_comparison import compare, compare_files, predictor_distance
from wgflow.errors import InputError
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
    with pytest.raises(InputError, match="in common"):
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


def test_runs_on_a_box_have_no_distance_on_the_circle():
    box = wgflow.Box([(-1.0, 1.0), (-1.0, 1.0)], (6, 6))
    trajectory = wgflow.solve(wgflow.Quadratic(np.eye(2)), box, np.ones(box.shape), 0.1, times=[0.05])
    columns = compare(trajectory, trajectory).columns
    assert not any(name.startswith("W") for name in columns)
    np.testing.assert_allclose(columns["kernel"], 0.0, atol=1e-7)


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
