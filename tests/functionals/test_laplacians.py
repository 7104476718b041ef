"""Laplacians of first variations along spheres and in space: closed forms against differences of gradients."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import (
    Entropy,
    Features,
    Interaction,
    KernelDiscrepancy,
    Mass,
    Neurons,
    Particles,
    Population,
    Potential,
    PowerEnergy,
    Quadratic,
    Relu,
    SmoothLayer,
    Teacher,
    ZonalInteraction,
)
from wgflow.domains.geometry import Flat, UnitSphere
from wgflow.errors import InputError
from wgflow.functionals import Functional
from wgflow.functionals.laplacians import tangent_frames

GENERATOR = np.random.default_rng(5)
DATA = GENERATOR.normal(size=(4, 3))
TEACHER = Population(Teacher(GENERATOR.normal(size=(3, 3)), GENERATOR.normal(size=3)))
POINTS = GENERATOR.normal(size=(12, 3))
DIRECTIONS = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)
WEIGHTS, SIGNS = GENERATOR.random(12), np.where(np.arange(12) % 3 == 0, -1.0, 1.0)
ON_SPHERE, IN_SPACE = Particles(DIRECTIONS, WEIGHTS, SIGNS), Particles(POINTS, WEIGHTS)
OTHERS = Particles(DIRECTIONS[::-1] * [1.0, 1.0, -1.0], WEIGHTS)


def gaussian(z):
    return np.exp(-(z**2).sum(axis=-1))


ON_SPHERES = {
    "quadratic": (Quadratic(np.diag([1.0, 0.5, 0.25])), 2e-12),
    "rounded neurons": (Features(Relu(DATA, smoothing=0.5), [1.0, 0.0, 2.0, -1.0]), 2e-12),
    "zonal": (ZonalInteraction(np.exp, gradient=np.exp), 1e-11),
    "discrepancy": (KernelDiscrepancy(ZonalInteraction(np.exp, gradient=np.exp), OTHERS), 1e-10),
    # The kernel bends at 0 and pi, where differences of sixth order are of the second: 1e-5.
    "population": (TEACHER, 3e-5),
    "sum": (2.0 * Quadratic(np.eye(3)) + Mass(0.3) + Potential(lambda x: x[:, 0] ** 3), 2e-9),
}
IN_FLAT = {
    "pairs": (Population(Teacher(DATA[:2, :2], [1.0, -0.5])), 3e-5),
    "interaction": (Interaction(gaussian, gradient=lambda z: -2.0 * z * gaussian(z)[:, None]), 2e-9),
    "smooth neurons": (Features(Neurons(SmoothLayer(DATA[:, :2])), np.ones(4)), 8e-10),
}


def by_differences(functional, particles, geometry):
    return Functional.laplacian_at_particles(functional, particles, geometry)


@pytest.mark.parametrize("name", ON_SPHERES)
def test_closed_forms_on_the_sphere_are_those_of_differences(name):
    functional, allowed = ON_SPHERES[name]
    found, wanted = (
        lap(functional, ON_SPHERE, UnitSphere(3)) for lap in (type(functional).laplacian_at_particles, by_differences)
    )
    assert abs(found - wanted).max() < allowed * abs(wanted).max()


@pytest.mark.parametrize("name", IN_FLAT)
def test_closed_forms_in_space_are_those_of_differences(name):
    functional, allowed = IN_FLAT[name]
    found, wanted = (
        lap(functional, IN_SPACE, Flat(3)) for lap in (type(functional).laplacian_at_particles, by_differences)
    )
    assert abs(found - wanted).max() < allowed * abs(wanted).max()


def test_harmonics_are_eigenfunctions():
    """On the unit sphere of R^4, x_0 x_1 has the eigenvalue -8 = -l (l + 2); in the plane x^2 + y^2 has 4."""
    points = np.random.default_rng(0).normal(size=(5, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    product = Potential(
        lambda x: x[:, 0] * x[:, 1], gradient=lambda x: np.column_stack([x[:, 1], x[:, 0], *np.zeros((2, len(x)))])
    )
    found = product.laplacian_at_particles(Particles(points, np.ones(5)), UnitSphere(4))
    np.testing.assert_allclose(found, -8.0 * points[:, 0] * points[:, 1], atol=1e-12)
    square = Potential(lambda x: (x**2).sum(axis=-1))  # without a gradient, by differences of differences
    np.testing.assert_allclose(square.laplacian_at_particles(IN_SPACE, Flat(3)), 6.0, rtol=1e-8)


def test_the_population_on_the_circle_has_the_second_derivative_of_its_kernel():
    """Prefix sums in the plane: of one neuron kappa'' = (sin p - (pi - p) cos p) / (2 pi)."""
    angles = np.array([0.3, 2.0, 3.9, 5.5])
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    functional = Population(Teacher.from_angles([1.0, 6.0], [-2.0, 1.0]))
    found = functional.laplacian_at_particles(Particles(points, np.zeros(4)), UnitSphere(2))
    apart = np.arccos(np.cos(angles[:, None] - np.array([1.0, 6.0])))
    bend = (np.sin(apart) - (np.pi - apart) * np.cos(apart)) / (2.0 * np.pi)
    np.testing.assert_allclose(found, -(bend @ [-2.0, 1.0]), atol=1e-15)


def test_frames_are_orthonormal_and_tangent():
    frames = tangent_frames(UnitSphere(3), DIRECTIONS)
    np.testing.assert_allclose(
        np.einsum("kai,kbi->kab", frames, frames), np.broadcast_to(np.eye(2), (12, 2, 2)), atol=1e-15
    )
    assert abs(np.einsum("kai,ki->ka", frames, DIRECTIONS)).max() < 1e-15


@pytest.mark.parametrize(
    ("functional", "message"),
    [
        (Features(Relu(DATA), np.ones(4)), "Relu features have kinks"),
        (
            ZonalInteraction(lambda c: np.sqrt(1.0 - c), lambda c: -0.5 / np.sqrt(np.maximum(1.0 - c, 1e-30))),
            "a zonal interaction has no second",
        ),
        (Interaction(lambda z: np.sqrt((z**2).sum(axis=-1))), "an interaction has no second derivative"),
        (PowerEnergy(2.0), "PowerEnergy spreads mass across characteristics"),
        (Entropy(), "Entropy spreads mass across characteristics"),
        (Potential(lambda x: np.abs(x[:, 0])), "the first variation of Potential has no second derivative"),
    ],
)
def test_what_has_no_second_derivatives_is_refused(functional, message):
    points = np.vstack([[0.0, 0.0, 1.0], DIRECTIONS])  # one at the kink of the potential
    with pytest.raises(InputError, match=message):
        functional.laplacian_at_particles(Particles(points, np.ones(13)), UnitSphere(3))
