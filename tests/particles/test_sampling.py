"""Particles drawn from a density: reproducible, and of the right law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from wgflow.domains import Circle, Signed, total_mass
from wgflow.errors import InputError
from wgflow.particles import draw_particles

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
