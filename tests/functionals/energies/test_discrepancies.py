"""Discrepancies and zonal interactions against dense sums, series and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functionals.problems import random_density
from tests.references import central_difference
from wgflow import Interaction, KernelDiscrepancy, SobolevDiscrepancy, ZonalInteraction
from wgflow.domains import Box, Circle, Signed, Sphere
from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles

TORUS = Box([[0.0, 3.0], [-1.0, 1.0]], (8, 5), periodic=True)
WALLED = Box([[-1.0, 2.0], [0.0, 1.5]], (7, 10))


def bell(displacements):
    return np.exp(-(displacements**2).sum(axis=-1))


def zonal(cosines):
    return np.exp(1.5 * cosines) + 0.3 * cosines**2


ZONAL = ZonalInteraction(zonal, lambda c: 1.5 * np.exp(1.5 * c) + 0.6 * c)


class TestSobolev:
    @pytest.mark.parametrize("order", [-0.5, 0.0, 1.0, 1.5])
    def test_modes_are_divided_by_powers_of_their_frequency(self, order):
        x, y = TORUS.points[..., 0], TORUS.points[..., 1]
        wave = np.cos(4.0 * np.pi * x / 3.0) * np.sin(2.0 * np.pi * y / 2.0)
        square = (4.0 * np.pi / 3.0) ** 2 + np.pi**2
        bound = SobolevDiscrepancy(2.0 + x * 0.0, order).on_grid(TORUS)
        density = 1.0 + 0.3 * wave
        assert bound.first_variation(density) == pytest.approx(0.3 * wave * square**-order, abs=1e-13)
        norm = (wave**2 * TORUS.volumes).sum()
        assert bound.value(density) == pytest.approx(0.5 * 0.09 * norm * square**-order, rel=1e-14)

    def test_frequencies_on_the_circle_are_integers(self):
        circle = Circle(16)
        bound = SobolevDiscrepancy(lambda p: 0.4 * p[..., 0], 1.0).on_grid(circle)
        found = bound.first_variation(1.0 + np.cos(3.0 * circle.angles))
        expected = np.cos(3.0 * circle.angles) / 9.0 - 0.4 * np.cos(circle.angles)
        assert found == pytest.approx(expected, abs=1e-13)

    @pytest.mark.parametrize("domain", [TORUS, Circle(9), Signed(Circle(8))])
    def test_the_first_variation_is_the_derivative(self, domain):
        bound = SobolevDiscrepancy(random_density(domain.base, 7), 0.7).on_grid(domain)
        density, rate, change = random_density(domain, 8), random_density(domain, 9) - 1.0, np.empty(domain.shape)
        slope = central_difference(lambda s: bound.value(density + s * rate), 1e-2)
        assert (bound.first_variation(density) * rate * domain.volumes).sum() == pytest.approx(slope, rel=2.3e-12)
        bound.hessian(rate, change)
        expected = bound.first_variation(density + rate) - bound.first_variation(density)
        assert change == pytest.approx(expected, abs=1e-12)

    def test_errors(self):
        with pytest.raises(InputError, match="periodic box; the domain is 'box' with walls"):
            SobolevDiscrepancy(np.ones((7, 10)), 1.0).on_grid(WALLED)
        with pytest.raises(InputError, match="periodic box; the domain is 'sphere'"):
            SobolevDiscrepancy(np.ones(42), 1.0).on_grid(Sphere(42))
        with pytest.raises(ShapeError, match="target density has shape"):
            SobolevDiscrepancy(np.ones(7), 1.0).on_grid(Circle(8))
        with pytest.raises(InputError, match="not finite"):
            SobolevDiscrepancy(np.full(8, np.nan), 1.0).on_grid(Circle(8))
        with pytest.raises(InputError, match="order = inf"):
            SobolevDiscrepancy(np.ones(8), np.inf)
        with pytest.raises(InputError, match="KernelDiscrepancy"):
            SobolevDiscrepancy(np.ones(8), 1.0).at_particles(Particles(np.ones((1, 2)), np.ones(1), np.ones(1)))


def kernel_matrix(domain, first, second):
    if domain.base.kind != "box":
        return zonal(np.clip(first @ second.T, -1.0, 1.0))
    displacement = first[:, None, :] - second
    for axis, (low, high) in enumerate(domain.base.bounds):
        if domain.base.periodic[axis]:
            displacement[..., axis] -= (high - low) * np.round(displacement[..., axis] / (high - low))
    return bell(displacement)


KERNEL_DOMAINS = [WALLED, TORUS, Signed(WALLED), Circle(9), Signed(Circle(8)), Sphere(162), Signed(Sphere(42))]


def interaction_on(domain):
    return Interaction(bell) if domain.base.kind == "box" else ZONAL


@pytest.mark.parametrize("samples", [False, True])
@pytest.mark.parametrize("domain", KERNEL_DOMAINS)
def test_kernel_discrepancies_equal_dense_sums(domain, samples):
    generator, cells = np.random.default_rng(3), domain.base.points.reshape(-1, domain.base.points.shape[-1])
    density, volumes = random_density(domain, 6), np.ravel(domain.base.volumes)
    if samples:
        places = cells[generator.integers(len(cells), size=6)] + (0.01 if domain.base.kind == "box" else 0.0)
        target = Particles(places, generator.exponential(size=6), np.array([1.0, 1.0, -1.0, 1.0, 1.0, -1.0]))
        charges = target.weights * target.signs
    else:
        target = random_density(domain.base, 5)
        places, charges = cells, target.ravel() * volumes
    mass = (domain.signs[:, None] * density.reshape(domain.sheets, -1)).sum(axis=0) * volumes
    points, all_charges = np.concatenate([cells, places]), np.concatenate([mass, -charges])
    values = kernel_matrix(domain, points, points) @ all_charges
    bound = KernelDiscrepancy(interaction_on(domain), target).on_grid(domain)
    assert bound.value(density) == pytest.approx(0.5 * all_charges @ values, rel=1e-9)
    expected = (domain.signs[:, None] * values[: len(cells)]).reshape(domain.shape)
    assert abs(bound.first_variation(density) - expected).max() < 2.5e-10 * abs(expected).max()


@pytest.mark.parametrize(("interaction", "components"), [(Interaction(bell), 2), (ZONAL, 3)])
def test_particles_descend_the_discrepancy_to_samples(interaction, components):
    generator = np.random.default_rng(2)
    points, samples = generator.normal(size=(4, components)), generator.normal(size=(5, components))
    if components == 3:
        points /= 2.0 * np.linalg.norm(points, axis=1, keepdims=True)  # inside, so that they may move anywhere
        samples /= np.linalg.norm(samples, axis=1, keepdims=True)
    weights, signs = generator.exponential(size=4), np.array([1.0, -1.0, 1.0, 1.0])
    functional = KernelDiscrepancy(interaction, Particles(samples, np.full(5, 0.2), np.ones(5)))
    found = functional.at_particles(Particles(points, weights, signs))
    assert functional.at_particles(Particles(samples, np.full(5, 0.2), np.ones(5))).energy == pytest.approx(
        0.0, abs=1e-15
    )
    for j, axis in np.ndindex(points.shape):

        def energy(s, j=j, axis=axis):
            moved = points.copy()
            moved[j, axis] += s
            return functional.at_particles(Particles(moved, weights, signs)).energy

        slope = central_difference(energy, 1e-3)
        assert slope == pytest.approx(weights[j] * found.gradient[j, axis], rel=9.3e-11, abs=9.3e-12)
    for j in range(4):
        slope = central_difference(
            lambda s, j=j: functional.at_particles(Particles(points, weights + s * np.eye(4)[j], signs)).energy, 1e-3
        )
        assert slope == pytest.approx(found.potential[j], rel=1.2e-11)


def test_a_grid_is_a_set_of_particles_on_the_circle():
    circle = Circle(12)
    density, ones = random_density(circle, 1), np.ones(12)
    found = ZONAL.at_particles(Particles(circle.points, density * circle.volumes, ones))
    bound = ZONAL.on_grid(circle)
    assert bound.value(density) == pytest.approx(found.energy, rel=1e-13)
    assert bound.first_variation(density) == pytest.approx(found.potential, rel=1e-13)


def test_eigenvalues_of_zonal_kernels():
    # x.y = (4 pi / 3) sum_m Y_1m(x) Y_1m(y).
    found = ZonalInteraction(lambda c: c + 2.0).eigenvalues(3)
    assert found == pytest.approx([8.0 * np.pi, 4.0 * np.pi / 3.0, 0.0, 0.0], abs=1e-12)


class TestErrors:
    def test_densities_are_no_targets_for_particles(self):
        with pytest.raises(InputError, match="given by samples"):
            particles = Particles(np.ones((2, 1)), np.ones(2), np.ones(2))
            KernelDiscrepancy(Interaction(bell), np.ones(4)).at_particles(particles)

    def test_samples_must_fit_the_domain(self):
        target = Particles(np.ones((2, 3)), np.ones(2), np.ones(2))
        with pytest.raises(ShapeError, match="samples with 3 components"):
            KernelDiscrepancy(Interaction(bell), target).on_grid(WALLED)

    def test_zonal_kernels_are_checked(self):
        with pytest.raises(InputError, match="circle and sphere"):
            ZONAL.on_grid(WALLED)
        with pytest.raises(ShapeError, match="the kernel of"):
            ZonalInteraction(lambda c: c[:2]).on_grid(Circle(8))
        with pytest.raises(InputError, match="not finite"):
            ZonalInteraction(lambda c: c * np.nan).on_grid(Circle(8))
        with pytest.raises(InputError, match="slope"):
            ZonalInteraction(zonal).at_particles(Particles(np.ones((1, 2)), np.ones(1), np.ones(1)))
