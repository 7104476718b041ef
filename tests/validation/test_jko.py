"""Variational steps: their order, any size, and linearised ones."""

from __future__ import annotations

import pytest

from wgflow.app.validation.finding import load_validation

module = load_validation("jko")


@pytest.mark.parametrize("order", [1, 2])
def test_errors_fall_with_the_order_of_the_steps(order):
    rows = list(module.order_of("R^2", order))
    assert [row.what.rpartition(": ")[2] for row in rows if row.passed] == [
        "exponent of tau in the error",
        "largest duality gap over F",
        "change of the mass",
    ]
    assert abs(rows[0].value - order) < 0.03


def test_steps_of_any_size_are_found():
    rows = list(module.any_size(quick=True))
    assert len(rows) == 6
    assert all(row.passed for row in rows)


def test_steps_of_the_teacher_problem_are_found_whole():
    assert [(row.value, row.passed) for row in module.teacher_sizes(quick=True)] == [
        (0, True),
        (0, True),
        ("0 0 0 0 0 0", True),
    ]


def test_linearised_steps_are_of_first_order():
    errors, order = module.linearised_diffusion(quick=True)
    assert errors.value == "1.1e-01, 5.2e-02, 2.5e-02"
    assert order.passed


@pytest.mark.parametrize("name", ["quadratic", "fokker_planck", "porous_medium"])
def test_linearised_steps_of_shipped_problems_lower_their_energy(name):
    for tau in (0.05, 1.0):
        trajectory, steps = module.linearised_steps(name, module.LINEARISED[name][1], tau, 4)
        assert steps.raised == 0
        assert sorted(steps.iterations)[1] <= 6
        assert trajectory.density.min() > 0.0
