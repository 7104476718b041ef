"""Which particle system a domain has."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Circle, Descent, Hypersphere, Particles, Quadratic, Signed, Space, Sphere
from wgflow.errors import InputError
from wgflow.particles.particle_flow import make_particle_flow

ROUND = [Circle(8), Sphere(42), Hypersphere(2), Hypersphere(5), Signed(Circle(8))]
FLAT = [Box([(-2.0, 2.0)] * 2, (8, 8)), Space(3)]


def descended(domain, reaction):
    """A particle after one step of descent."""
    point = np.zeros(domain.geometry.components)
    point[:2] = 0.6, 0.8
    start = Particles(point[None], np.ones(1), np.ones(1), domain)
    functional = Quadratic(np.zeros((len(point), len(point))))  # J(x) = |x|^2 = 1, grad J = 2 x
    evolution = make_particle_flow(functional, start, domain, method=Descent(0.01), reaction=reaction)
    evolution.begin_interval(0.01)
    evolution.step()
    return evolution.particles


@pytest.mark.parametrize("domain", ROUND, ids=repr)
def test_on_unit_spheres_descent_shrinks_neurons(domain):
    """Of r eta, by 1 - step beta J / 2, and the weight is r^2."""
    moved = descended(domain, 4.0)
    assert moved.weights == pytest.approx([(1.0 - 0.01 * 2.0) ** 2], rel=1e-14)
    assert np.linalg.norm(moved.points) == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("domain", FLAT, ids=repr)
def test_in_flat_space_descent_moves_points(domain):
    moved = descended(domain, 0.0)
    assert moved.points[0, :2] == pytest.approx([0.98 * 0.6, 0.98 * 0.8], rel=1e-14)
    with pytest.raises(InputError, match="not available in R"):
        descended(domain, 1.0)
