"""Particles drawn from a density: reproducible, and of the right law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from wgflow.domains import Box, Circle, Signed, Sphere, total_mass
from wgflow.errors import InputError
from wgflow.particles import START_METHODS, draw_gaussian, draw_particles

DOMAIN = Signed(Circle(12))
DENSITY = np.stack([1.0 + np.cos(DOMAIN.base.angles), 0.3 * np.ones(12)])
DENSITY[1, 4] = 0.0


def drawn(count=20_000, seed=7):
    return draw_particles(DOMAIN, DENSITY, count, seed)


def cells_of(particles):
    angles = np.mod(np.arctan2(particles.points[:, 1], particles.points[:, 0]), 2.0 * np.pi)
    return angles / DOMAIN.base.spacing


def test_a_seed_draws_the_same_particles_and_another_seed_others():
    assert (drawn(50).points == drawn(50).points).all()
    assert (drawn(50).signs == drawn(50).signs).all()
    assert (drawn(50, seed=8).points != drawn(50).points).any()


def test_particles_share_the_mass_evenly():
    particles = drawn(1000)
    assert particles.mass == pytest.approx(total_mass(DOMAIN, DENSITY), rel=1e-13)
    assert np.ptp(particles.weights) == 0.0
    assert abs(np.linalg.norm(particles.points, axis=1) - 1.0).max() < 3e-16


def test_cells_of_both_sheets_are_drawn_with_their_masses():
    particles = drawn()
    sheet = (particles.signs < 0.0).astype(int)
    counts = np.zeros(DOMAIN.shape)
    np.add.at(counts, (sheet, cells_of(particles).astype(int)), 1.0)
    assert counts[1, 4] == 0.0
    drawable = DENSITY > 0.0
    expected = (DENSITY * DOMAIN.volumes / total_mass(DOMAIN, DENSITY))[drawable] * 20_000
    assert chisquare(counts[drawable], expected).pvalue > 0.01


def test_particles_lie_uniformly_within_their_cells():
    assert kstest(np.mod(cells_of(drawn()), 1.0), "uniform").pvalue > 0.01


def test_an_unsigned_domain_has_positive_particles():
    particles = draw_particles(Circle(12), DENSITY[0], 100, 0)
    assert (particles.signs == 1.0).all()


@pytest.mark.parametrize("count", [0, -3])
def test_a_count_must_be_positive(count):
    with pytest.raises(InputError, match=f"count = {count} is not allowed"):
        draw_particles(DOMAIN, DENSITY, count, 0)


BOX = Box([[-1.0, 2.0], [0.0, 1.0], [-2.0, 0.0]], (4, 5, 6))
for_both_methods = pytest.mark.parametrize("method", START_METHODS)


def cells_of_box(points):
    return tuple(np.floor((points - [-1.0, 0.0, -2.0]) / BOX.spacing).astype(int).T)


@for_both_methods
@pytest.mark.parametrize("domain", [BOX, Signed(BOX)], ids=["box", "signed box"])
def test_cells_of_a_box_are_drawn_with_their_masses(domain, method):
    density = np.random.default_rng(1).exponential(size=domain.shape)
    density[..., 2, :, 3] = 0.0
    particles = draw_particles(domain, density, 2**14, 3, method)
    counts, sheet = np.zeros((domain.sheets, *BOX.shape)), (particles.signs < 0.0).astype(int)
    np.add.at(counts, (sheet, *cells_of_box(particles.points)), 1.0)
    expected = (density * domain.volumes / total_mass(domain, density)).reshape(counts.shape) * 2**14
    assert counts[expected == 0.0].max() == 0.0
    drawable = expected > 0.0
    statistic = ((counts - expected)[drawable] ** 2 / expected[drawable]).sum() / drawable.sum()
    assert statistic < (1.3 if method == "random" else 0.4)
    if method == "random":
        assert statistic > 0.7
    inside = np.mod((particles.points[:, 2] + 2.0) / BOX.spacing[2], 1.0)
    assert kstest(inside, "uniform").statistic < 0.02


@for_both_methods
def test_cells_of_a_sphere_are_drawn_with_their_masses(method):
    domain = Sphere(162)
    density = 1.0 + domain.points[:, 0]
    particles = draw_particles(domain, density, 2**14, 3, method)
    assert abs(np.linalg.norm(particles.points, axis=1) - 1.0).max() < 3e-16
    nearest = np.argmax(particles.points @ domain.points.T, axis=1)  # Voronoi cells are those of the nearest centre
    expected = density * domain.volumes / total_mass(domain, density) * 2**14
    drawable = expected > 5.0
    counts = np.bincount(nearest, minlength=162)
    assert counts[~drawable].max(initial=0) <= 12
    statistic = ((counts - expected)[drawable] ** 2 / expected[drawable]).sum() / drawable.sum()
    assert statistic < (1.3 if method == "random" else 0.5)
    # Moments of 1 + x_0 on the sphere: the mean of x_0 is 1/3.
    assert particles.points.mean(axis=0) == pytest.approx(
        [1.0 / 3.0, 0.0, 0.0], abs=0.015 if method == "random" else 3e-3
    )


def test_quasi_random_particles_on_a_circle_are_evenly_spread():
    domain = Circle(12)
    particles = draw_particles(domain, np.ones(12), 64, 0, "quasi_random")
    angles = np.sort(np.mod(np.arctan2(particles.points[:, 1], particles.points[:, 0]), 2.0 * np.pi))
    assert abs(np.diff(angles) - 2.0 * np.pi / 64).max() < 2.0 * np.pi / 64


@for_both_methods
def test_a_gaussian_is_drawn_with_its_moments(method):
    covariance, mean = np.array([[0.5, 0.2], [0.2, 0.3]]), np.array([1.0, -0.5])
    particles = draw_gaussian(covariance, mean, 2.0, 2**14, 5, method)
    accuracy = 0.02 if method == "random" else 1e-3
    assert particles.mass == pytest.approx(2.0, rel=1e-12)
    assert abs(particles.points.mean(axis=0) - mean).max() < accuracy
    assert abs(np.cov(particles.points.T) - covariance).max() < accuracy


def test_a_method_must_be_known():
    with pytest.raises(InputError, match="start = 'sobol' is unknown"):
        draw_particles(DOMAIN, DENSITY, 8, 0, "sobol")
