"""Outputs do not change results."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.app.validation.finding import load_validation

module = load_validation("time")


@pytest.mark.parametrize("case", module.CASES, ids=lambda case: case.name)
def test_errors_in_time_keep_the_tolerance_with_any_number_of_outputs(case):
    for count in (2, 101):
        assert abs(case.error(np.linspace(0.0, case.end, count), {})) <= module.DEFAULT_BOUND


@pytest.mark.parametrize("name", ["deconvolution", "teacher, particles", "teacher, characteristics"])
def test_particles_and_variational_steps_end_with_the_same_bits(name):
    settings = (module.PROBLEMS | module.SOLVERS)[name]
    assert module.spread(module.states(name.partition(",")[0], settings, module.QUICK_COUNTS)) == (0.0, 0.0)


def test_densities_end_within_the_tolerance():
    difference, bound = module.spread(module.states("quadratic", module.PROBLEMS["quadratic"], module.QUICK_COUNTS))
    assert 0.0 < difference < 3e-6 < bound
