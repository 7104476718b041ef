"""Densities on coarser grids: their own error is well below that of schemes of second and fifth order."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Circle, Signed, Sphere
from wgflow.domains import total_mass
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.errors import InputError
from wgflow.exact import AngularGaussian
from wgflow.runs.estimates.coarsening import halved, restriction

BUMP = AngularGaussian(np.diag([0.5, 0.3]))
SPHERICAL = AngularGaussian(np.array([[0.4, -0.1, 0.0], [-0.1, 0.3, 0.05], [0.0, 0.05, 0.2]]))


def gaussian(points):
    return np.exp(-2.0 * ((points - 0.3) ** 2).sum(axis=-1))


def apart(fine, density, represent=cell_averages, *, pointwise=False):
    coarse = halved(fine)
    carried = restriction(fine, coarse, pointwise=pointwise)(represent(fine, density))
    return np.abs(carried - represent(coarse, density)).max()


@pytest.mark.parametrize("domain", [Circle(64), Box([(-3.0, 3.0)], 64), Box([(-3.0, 3.0)] * 2, (32, 48))])
def test_averages_of_cells_that_nest_are_exact(domain):
    density = BUMP if domain.kind == "circle" else gaussian
    fine = Circle(64) if domain.kind == "circle" else domain
    assert apart(fine, density) < 2e-6  # of the quadrature on boxes
    values = np.random.default_rng(0).random(fine.shape)
    carried = restriction(fine, halved(fine))(values)
    assert total_mass(halved(fine), carried) == pytest.approx(total_mass(fine, values), rel=1e-14)


@pytest.mark.parametrize(("cells", "most"), [(65, 1e-7), (129, 2e-9)])
def test_averages_of_odd_numbers_of_cells(cells, most):
    for domain, density in ((Circle(cells), BUMP), (Box([(-3.0, 3.0)], cells), gaussian)):
        assert halved(domain).shape == ((cells + 1) // 2,)
        assert apart(domain, density) < most
        carried = restriction(domain, halved(domain))(np.ones(domain.shape))
        assert carried == pytest.approx(np.ones((cells + 1) // 2), abs=1e-12)


@pytest.mark.parametrize("cells", [64, 65])
def test_point_values_between_cells(cells):
    for domain, density in ((Circle(cells), BUMP), (Box([(-3.0, 3.0)], cells), gaussian)):
        assert apart(domain, density, point_values, pointwise=True) < 1e-7


@pytest.mark.parametrize(("cells", "most"), [(642, 1.4e-3), (2562, 1.6e-4)])
def test_spheres_of_voronoi_cells(cells, most):
    """Relative L1: a tenth of what the scheme errs by on the coarse sphere, falling with the third order."""
    fine, coarse = Sphere(cells), halved(Sphere(cells))
    exact = coarse.averages(SPHERICAL)
    carried = restriction(fine, coarse)(fine.averages(SPHERICAL))
    assert np.abs(carried - exact) @ coarse.volumes < most * (exact @ coarse.volumes)


def test_both_sheets_are_carried():
    fine, values = Signed(Circle(16)), np.random.default_rng(0).random((2, 16))
    carried = restriction(fine, halved(fine))(values)
    assert carried.shape == (2, 8)
    assert carried[1] == pytest.approx(0.5 * (values[1, ::2] + values[1, 1::2]), rel=1e-13)
    sphere, constant = Signed(Sphere(42)), np.stack([np.ones(42), np.full(42, 2.0)])
    assert restriction(sphere, halved(sphere))(constant) == pytest.approx(
        np.stack([np.ones(12), np.full(12, 2.0)]), rel=1e-13
    )


@pytest.mark.parametrize("domain", [Circle(6), Box([(0.0, 1.0)], 5), Sphere(12)])
def test_too_few_cells(domain):
    with pytest.raises(InputError):
        halved(domain)
