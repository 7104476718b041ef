"""Rates of kernel discrepancies: the finite linear sum, the flow and the theory."""

from __future__ import annotations

import numpy as np
import pytest

from validation._uniform_waves import neuron_eigenvalues
from wgflow import Circle, HalfCircle, Sphere
from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation
from wgflow.networks.zonal_convolution import kernel_coefficients

rates = load_validation("rates")


def test_the_linear_sum_has_the_exponent_of_the_theory():
    for order, power in ((2.0, 2.0), (1.5, 3.0)):
        case = rates.sobolev_on_circle(order, power, 1024, (8, 32))
        assert rates.exponent(case.times, case.linear()) == pytest.approx(case.theory, abs=2e-3)
        flow = case.functional.on_grid(case.domain)
        assert case.energies.sum() == pytest.approx(flow.value(case.start), rel=1e-12)


@pytest.mark.parametrize(
    ("domain", "error"),
    [(Circle(256), 1e-9), (HalfCircle(128, 5), 7.2e-4), (HalfCircle(128, 20), 5e-3), (Sphere(642), 1.5e-4)],
)
def test_the_energies_of_the_modes_of_neurons_are_those_of_the_start(domain, error):
    case = rates.neurons(domain, 1.0, 16, (4, 8))
    found = case.functional.on_grid(domain).value(case.start)
    assert case.energies.sum() == pytest.approx(found, rel=2.0 * error)


def test_eigenvalues_of_neurons_are_those_known():
    known = kernel_coefficients(12) / (4.0 * np.pi)
    np.testing.assert_allclose(neuron_eigenvalues(12, 3), known, atol=1e-15)
    assert neuron_eigenvalues(2, 2) == pytest.approx([2.0 / np.pi**2, 0.125, 2.0 / (9.0 * np.pi**2)], rel=1e-14)


def test_neurons_on_half_circles_fall_like_their_linear_sum():
    case = rates.neurons(HalfCircle(64, 5), 1.0, 16, (4, 8))
    assert rates.exponent(case.times, case.measured()) == pytest.approx(-1.839935, abs=1e-3)
    assert rates.exponent(case.times, case.linear()) == pytest.approx(-1.840441, abs=1e-6)


def test_the_energies_of_the_modes_are_those_of_the_start():
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
