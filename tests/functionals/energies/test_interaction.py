"""Potential and interaction energies against dense sums and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functionals.problems import random_density
from tests.references import central_difference
from wgflow.domains import Box, Circle, Signed, Sphere
from wgflow.errors import InputError, ShapeError
from wgflow.functionals import Interaction
from wgflow.functionals.energies.potential import Potential
from wgflow.measures import Particles


def bowl(points):
    return 0.5 * (points**2).sum(axis=-1) + points[:, 0]


def skewed(displacements):
    """A kernel with an odd part, which must not act."""
    return np.exp(-(displacements**2).sum(axis=-1)) + 0.3 * np.sin(displacements[:, 0])


WALLED = Box([[-1.0, 2.0], [0.0, 1.5]], (7, 10))
WRAPPED = Box([[0.0, 3.0], [-1.0, 1.0]], (8, 5), periodic=True)
MIXED = Box([[0.0, 3.0], [-1.0, 1.0], [0.0, 1.0]], (6, 5, 4), periodic=[True, False, True])


def even(points):
    return 0.5 * (skewed(points) + skewed(-points))


@pytest.mark.parametrize("domain", [WALLED, Circle(9), Sphere(42), Signed(WALLED)])
def test_a_potential_is_its_own_first_variation(domain):
    density, bound = random_density(domain, 1), Potential(bowl).on_grid(domain)
    values = bowl(domain.points.reshape(-1, domain.points.shape[-1])).reshape(domain.shape)
    assert abs(bound.first_variation(density) - values).max() == 0.0
    assert bound.value(density) == pytest.approx((values * density * domain.volumes).sum(), rel=1e-13)
    change = np.ones(domain.shape)
    bound.hessian(density, change)
    assert abs(change).max() == 0.0


@pytest.mark.parametrize("gradient", [None, lambda x: x + np.eye(3)[0]])
def test_a_potential_pulls_particles_down_its_gradient(gradient):
    points = np.random.default_rng(0).normal(size=(5, 3))
    found = Potential(bowl, gradient).at_particles(Particles(points, np.arange(5.0), -np.ones(5)))
    assert found.energy == pytest.approx(np.arange(5.0) @ bowl(points), rel=1e-14)
    assert abs(found.gradient - points - np.eye(3)[0]).max() < 3.4e-13


@pytest.mark.parametrize("domain", [WALLED, WRAPPED, MIXED, Signed(WRAPPED), Box([[0.0, 2.0]], 11)])
def test_the_convolution_equals_the_dense_sum(domain):
    box, density = domain.base, random_density(domain, 2)
    points = box.points.reshape(-1, len(box.shape))
    displacement = points[:, None, :] - points
    for axis, (low, high) in enumerate(box.bounds):
        if box.periodic[axis]:
            displacement[..., axis] -= (high - low) * np.round(displacement[..., axis] / (high - low))
    matrix = even(displacement.reshape(-1, len(box.shape))).reshape(len(points), -1)
    signed = (domain.signs.reshape(-1, *(1,) * len(box.shape)) * density.reshape(-1, *box.shape)).sum(axis=0)
    charges = (signed * box.volumes).ravel()
    expected = (domain.signs[:, None] * (matrix @ charges)).reshape(domain.shape)
    bound = Interaction(skewed).on_grid(domain)
    assert abs(bound.first_variation(density) - expected).max() < 1e-13
    assert bound.value(density) == pytest.approx(0.5 * charges @ matrix @ charges, rel=1e-12)
    change = np.empty(domain.shape)
    bound.hessian(density, change)
    assert abs(change - expected).max() < 1e-13


def test_a_grid_is_a_set_of_particles():
    density = random_density(WRAPPED, 3)
    cells = Particles(WRAPPED.points.reshape(-1, 2), (density * WRAPPED.volumes).ravel(), np.ones(density.size))
    found = Interaction(even, periods=[3.0, 2.0]).at_particles(cells)
    bound = Interaction(even).on_grid(WRAPPED)
    assert found.energy == pytest.approx(bound.value(density), rel=1e-12)
    assert abs(found.potential.reshape(WRAPPED.shape) - bound.first_variation(density)).max() < 1e-13


def test_interaction_gradients_are_derivatives_of_the_energy(monkeypatch):
    monkeypatch.setattr("wgflow.functionals.energies.particle_interaction.PAIRS_AT_ONCE", 7)
    generator = np.random.default_rng(1)
    points, weights, signs = generator.normal(size=(5, 2)), generator.exponential(size=5), np.array([1, -1, 1, 1, -1.0])
    functional = Interaction(skewed)
    gradient = functional.at_particles(Particles(points, weights, signs)).gradient
    for j, axis in np.ndindex(points.shape):

        def energy(s, j=j, axis=axis):
            moved = points.copy()
            moved[j, axis] += s
            return functional.at_particles(Particles(moved, weights, signs)).energy

        assert central_difference(energy, 1e-3) == pytest.approx(
            weights[j] * gradient[j, axis], rel=3.1e-10, abs=3.1e-11
        )


class TestErrors:
    def test_values_must_have_one_entry_per_point(self):
        with pytest.raises(ShapeError, match="potential of"):
            Potential(lambda x: x).on_grid(WALLED)
        with pytest.raises(ShapeError, match="kernel of"):
            Interaction(lambda x: x).on_grid(WALLED)

    def test_values_must_be_finite(self):
        with pytest.raises(InputError, match="potential returned"):
            Potential(lambda x: np.full(len(x), np.nan)).on_grid(WALLED)
        with pytest.raises(InputError, match="round its singularity"), np.errstate(divide="ignore"):
            Interaction(lambda x: np.log(abs(x).sum(axis=1))).on_grid(WALLED)

    def test_interactions_need_a_box(self):
        with pytest.raises(InputError, match="use a box"):
            Interaction(even).on_grid(Circle(8))
