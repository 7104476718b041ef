"""A problem is built once: what its checks compute is what its run uses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import wgflow
from wgflow.problems import problem as problem_module
from wgflow.problems.kinds.quadratic import QuadraticProblem

PROBLEM = {
    "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
    "domain": {"kind": "circle", "cells": 16},
    "initial": {"kind": "angular_gaussian", "covariance": [[1.0, 0.0], [0.0, 0.5]]},
    "solver": {"t_end": 0.05},
    "particles": {"count": 8, "start": "equispaced"},
    "output": {"snapshots": 2},
}


@pytest.fixture
def calls(monkeypatch):
    """Names of what was computed, in order."""
    made = []
    functional, averages = QuadraticProblem.functional, problem_module.initial_averages

    def build(section, setting):
        made.append("functional")
        return functional(section, setting)

    def integrate(*arguments):
        made.append("density")
        return averages(*arguments)

    monkeypatch.setattr(QuadraticProblem, "functional", build)
    monkeypatch.setattr(problem_module, "initial_averages", integrate)
    return made


@pytest.mark.parametrize("solver", ["finite_volume", "particles", "characteristics"])
def test_a_run_uses_what_its_checks_computed(calls, solver):
    wgflow.run({**PROBLEM, "solver": {"t_end": 0.05, "kind": solver}})
    assert calls == ["functional", "density"]


def test_a_second_run_starts_where_the_first_did(calls):
    problem = wgflow.open_problem(PROBLEM)
    first, second = wgflow.run(problem), wgflow.run(problem)
    np.testing.assert_array_equal(first.density, second.density)
    assert calls == ["functional", "density", "density"]


def test_another_domain_has_another_functional(calls):
    problem = wgflow.open_problem(PROBLEM)
    larger = replace(problem, domain=wgflow.Circle(32))
    assert problem.functional is problem.functional
    assert larger.functional is not problem.functional
    assert larger.initial_density().shape == (32,)
    assert calls == ["functional", "density", "functional", "density"]
