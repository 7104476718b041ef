"""Gradients of kernels of the distance alone by polynomials, against exact ones; what they leave to differences."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.functionals import Interaction
from wgflow.functionals.energies.radial_profiles import FEWEST, radial_slopes
from wgflow.measures import Particles

POINTS = np.random.default_rng(5).normal(size=(FEWEST, 2))
LENGTHS = np.linalg.norm(POINTS, axis=1)


def radial(profile):
    return lambda z: profile(np.sqrt((z**2).sum(axis=-1)))


RADIAL = {  # profile, derivative, error relative to the largest slope
    "Gaussian": (lambda r: np.exp(-2.0 * r**2), lambda r: -4.0 * r * np.exp(-2.0 * r**2), 3.5e-12),
    "Morse": (lambda r: np.exp(-2.0 * r) - np.exp(-r), lambda r: np.exp(-r) - 2.0 * np.exp(-2.0 * r), 4e-13),
    "Cauchy": (lambda r: 1.0 / (1.0 + 25.0 * r**2), lambda r: -50.0 * r / (1.0 + 25.0 * r**2) ** 2, 4e-12),
    "fourth power": (lambda r: r**4, lambda r: 4.0 * r**3, 1.5e-14),
}
OTHERS = {
    "not of the distance": lambda z: np.exp(-(z[:, 0] ** 2) - 2.0 * z[:, 1] ** 2),
    "odd": lambda z: z[:, 0],
    "kink": radial(lambda r: np.maximum(1.1 - r, 0.0)),
    "singular": radial(lambda r: r**1.5),
    "narrow, off the places that are probed": lambda z: np.exp(-(z**2).sum(axis=-1)) + 1e-9 * (abs(z[:, 0]) < 1e-2),
    "not finite nearby": radial(lambda r: np.log(r - 0.5 * LENGTHS.min())),
}


@pytest.mark.parametrize("name", RADIAL)
def test_slopes_of_radial_kernels_are_exact_to_round_off(name):
    profile, derivative, tolerance = RADIAL[name]
    kernel, expected = radial(profile), (derivative(LENGTHS) / LENGTHS)[:, None] * POINTS
    found = radial_slopes(kernel, POINTS, kernel(POINTS))
    assert abs(found - expected).max() < tolerance * abs(expected).max()


@pytest.mark.parametrize("name", OTHERS)
def test_other_kernels_are_left_to_differences(name):
    with np.errstate(invalid="ignore"):
        assert radial_slopes(OTHERS[name], POINTS, OTHERS[name](POINTS)) is None


def test_few_pairs_are_left_to_differences():
    kernel = radial(lambda r: r**4)
    assert radial_slopes(kernel, POINTS[1:], kernel(POINTS[1:])) is None


def test_particles_take_them():
    kernel, swarm = radial(lambda r: np.exp(-2.0 * r**2)), Particles(POINTS[:80], np.full(80, 1.0 / 80))
    calls = []

    def counted(z):
        calls.append(len(z))
        return kernel(z)

    found = Interaction(counted).at_particles(swarm)
    expected = Interaction(kernel, gradient=lambda z: -4.0 * kernel(z)[:, None] * z).at_particles(swarm)
    assert abs(found.gradient - expected.gradient).max() < 5e-14
    assert max(calls) == 80**2
    assert sum(calls) < 2 * 80**2
