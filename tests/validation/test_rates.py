"""Rates of kernel discrepancies: the finite linear sum, the flow and the theory."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

rates = load_validation("rates")


def test_the_linear_sum_has_the_exponent_of_the_theory():
    for order, power in ((2.0, 2.0), (1.5, 3.0)):
        case = rates.sobolev_on_circle(order, power, 1024, (8, 32))
        assert rates.exponent(case.times, case.linear()) == pytest.approx(case.theory, abs=2e-3)
        flow = case.functional.on_grid(case.domain)
        assert case.energies.sum() == pytest.approx(flow.value(case.start), rel=1e-12)


def test_the_energies_of_the_modes_are_those_of_the_start():
    neurons = rates.neurons_on_circle(1.0, 256, (4, 8))
    assert neurons.energies.sum() == pytest.approx(
        neurons.functional.on_grid(neurons.domain).value(neurons.start), rel=1e-9
    )
    sphere = rates.sobolev_on_sphere(2.0, 4.0, 162, 12)
    assert sphere.energies.sum() == pytest.approx(
        sphere.functional.on_grid(sphere.domain).value(sphere.start), rel=6e-3
    )


def test_a_flow_falls_as_the_theory_says(tmp_path):
    case = rates.sobolev_on_circle(1.5, 2.0, 512, (8, 24))
    values = case.measured()
    assert rates.exponent(case.times, values) == pytest.approx(-4.0, abs=0.0082)
    assert abs(values / case.linear() - 1.0).max() < 0.03
    rates.draw([(case, values)], Setting("rates", tmp_path, quick=True))
    assert (tmp_path / "rates.png").exists()
    assert np.isfinite(values).all()
