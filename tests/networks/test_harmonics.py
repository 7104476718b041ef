"""Fourier modes of the arc-cosine kernel."""

from __future__ import annotations

import numpy as np
import pytest

from tests.references import central_difference, planar_kernel
from wgflow.errors import InputError
from wgflow.measures import Particles
from wgflow.networks import ArcCosineHarmonics, Population, Teacher, harmonic_population

POINTS = np.random.default_rng(0).normal(size=(6, 2))
COEFFICIENTS = np.linspace(-1.0, 1.0, 12)
TEACHER = Teacher(np.array([[1.0, 0.5], [-0.3, 2.0], [0.1, -0.4]]), np.array([1.0, -1.0, 0.5]))


def test_products_of_features_are_the_kernel():
    units = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)
    features = ArcCosineHarmonics(1000)(units)
    exact = [[planar_kernel(u, v) for v in units] for u in units]
    # Left out: the sum of 4 / (pi^2 (k^2 - 1)^2) over even k > 1000, at most.
    np.testing.assert_allclose(features @ features.T, exact, atol=5.3e-13, rtol=6.7e-10)


def test_derivatives():
    features = ArcCosineHarmonics(8)
    jacobian, hessian = features.jacobian(POINTS), features.hessian(POINTS, COEFFICIENTS)
    np.testing.assert_allclose(
        jacobian.transpose(0, 2, 1) @ COEFFICIENTS, features.gradient(POINTS, COEFFICIENTS), rtol=1e-13
    )
    for axis, step in enumerate(1e-3 * np.eye(2)):
        slopes = central_difference(lambda t, step=step: features(POINTS + t * step), 1.0) / 1e-3
        np.testing.assert_allclose(jacobian[:, :, axis], slopes, atol=1e-7, rtol=2.4e-7)
        bends = central_difference(lambda t, step=step: features.gradient(POINTS + t * step, COEFFICIENTS), 1.0) / 1e-3
        np.testing.assert_allclose(hessian[:, :, axis], bends, atol=1e-6)


def test_the_risk_is_the_population_risk():
    units = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)
    particles = Particles(units, np.linspace(0.1, 1.0, 6), np.array([1.0, -1.0] * 3))
    exact = Population(TEACHER).at_particles(particles)
    found = harmonic_population(TEACHER, 400).at_particles(particles)
    assert found.energy == pytest.approx(exact.energy, abs=8.3e-9)
    np.testing.assert_allclose(found.potential, exact.potential, atol=1.1e-9, rtol=5.3e-9)
    tangent = np.stack([-units[:, 1], units[:, 0]], axis=1)
    # The gradient along the circle; features of modes have none along the ray.
    np.testing.assert_allclose(
        (found.gradient * tangent).sum(axis=1), (exact.gradient * tangent).sum(axis=1), atol=1e-5
    )


def test_bad_arguments():
    with pytest.raises(InputError, match="modes = 0 is not allowed"):
        ArcCosineHarmonics(0)
    with pytest.raises(InputError, match="need a teacher with 2 inputs; this one has 3"):
        harmonic_population(Teacher(np.eye(3), np.ones(3)))
