"""Comparisons of runs: common times, and distances that are known in advance."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow.comparison import common_times, compare, compare_files, predictor_distance
from wgflow.errors import InputError
from wgflow.functionals import Particles

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
    flow = wgflow.run(problem)
    columns = compare(flow, flow, problem).columns
    np.testing.assert_array_equal(columns["time"], [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(columns["risk A"], flow.risk)
    np.testing.assert_array_equal(columns["mass B"], flow.mass)
    for name in ("difference", "predictors", "kernel", "W1+", "W1-", "W2+", "W2-"):
        np.testing.assert_allclose(columns[name], 0.0, atol=1e-7, err_msg=name)


def test_distance_of_the_predictor_is_that_of_the_risk():
    """Against the teacher itself, half the squared distance of predictors is the population risk."""
    problem = wgflow.open_problem(TEACHER)
    flow = wgflow.run(problem)
    teacher = Particles(problem.teacher.directions, np.abs(problem.teacher.weights), np.sign(problem.teacher.weights))
    distance = predictor_distance(problem)(flow.measure(-1), teacher)
    assert 0.5 * distance**2 == pytest.approx(flow.risk[-1], rel=1e-10)


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
    flow = wgflow.solve(wgflow.Quadratic(np.eye(2)), box, np.ones(box.shape), 0.1, times=[0.05])
    columns = compare(flow, flow).columns
    assert not any(name.startswith("W") for name in columns)
    np.testing.assert_allclose(columns["kernel"], 0.0, atol=1e-7)


def test_other_problems_are_not_compared(tmp_path):
    wgflow.run(TEACHER, tmp_path / "a.h5")
    other = {**TEACHER, "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]}}
    wgflow.run(other, tmp_path / "b.h5")
    with pytest.raises(InputError, match="different problems"):
        compare_files(tmp_path / "a.h5", tmp_path / "b.h5")
