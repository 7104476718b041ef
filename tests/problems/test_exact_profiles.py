"""Exact solutions with a front: masses, moments, the equation they solve, and averages over cells."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow import Box, InputError
from wgflow.problems.exact_profiles import Barenblatt, bump_averages, disk_averages, radius_at_rest
from wgflow.problems.shipped import find_problem_file

LINE = Box([(-2.0, 3.0)], 500)


@pytest.mark.parametrize("exponent", [1.5, 2.0, 4.0])
@pytest.mark.parametrize("dimension", [1, 2])
def test_barenblatt_solves_its_equation(exponent, dimension):
    """d_t rho = Laplace rho^m well inside, by central differences."""
    exact, point, step = Barenblatt(exponent, dimension), np.array([0.3, -0.2])[:dimension], 1e-4
    shifts = step * np.eye(dimension)
    powers = [exact.density(point + sign * shift, 1.5) ** exponent for shift in shifts for sign in (1.0, -1.0)]
    laplacian = (sum(powers) - 2 * dimension * exact.density(point, 1.5) ** exponent) / step**2
    slope = (exact.density(point, 1.5 + step) - exact.density(point, 1.5 - step)) / (2.0 * step)
    assert slope == pytest.approx(laplacian, rel=3.2e-7)


@pytest.mark.parametrize("dimension", [1, 2])
def test_barenblatt_has_mass_one_within_its_radius(dimension):
    exact = Barenblatt(3.0, dimension)
    box = Box([(-2.0, 2.0)] * dimension, (64,) * dimension)
    averages, volume = exact.averages(box, 2.0), (4.0 / 64) ** dimension
    assert averages.sum() * volume == pytest.approx(1.0, abs=1e-14 if dimension == 1 else 1e-5)
    assert exact.density(np.full((1, dimension), 0.999 * exact.radius(2.0) / dimension**0.5), 2.0) > 0.0
    assert exact.density(np.full((1, dimension), 1.001 * exact.radius(2.0) / dimension**0.5), 2.0) == 0.0


def test_bumps_are_averages_of_their_density():
    density = np.maximum(1.44 - LINE.axes[0] ** 2, 0.0) ** 1.5 / (0.375 * np.pi * 1.2**4)
    assert bump_averages(LINE, 1.2, 1.5) == pytest.approx(density, abs=1.4e-4)
    semicircle = bump_averages(LINE, 2.0**0.5, 0.5)
    assert semicircle[200] == pytest.approx(2.0**0.5 / np.pi, rel=1.7e-5)
    assert semicircle.sum() * 0.01 == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("exponent", [2.0, 3.0])
def test_a_medium_at_rest_has_a_flat_potential(exponent):
    """m / (m - 1) rho^(m - 1) + x^2 / 2 is the same wherever there is density."""
    averages = bump_averages(LINE, radius_at_rest(exponent), 1.0 / (exponent - 1.0))
    inside = averages > 0.3 * averages.max()
    potential = exponent / (exponent - 1.0) * averages ** (exponent - 1.0) + 0.5 * LINE.axes[0] ** 2
    assert np.ptp(potential[inside]) < 5e-5


def test_disk():
    box = Box([(-1.5, 1.1), (-1.2, 1.3)], (40, 30))
    averages, volume = disk_averages(box), 2.6 / 40 * 2.5 / 30
    assert averages.sum() * volume == pytest.approx(1.0, abs=3.1e-5)
    assert averages.max() == pytest.approx(1.0 / np.pi, rel=1e-13)
    assert ((box.points**2).sum(axis=-1) * averages).sum() * volume == pytest.approx(0.5, abs=2e-3)


@pytest.mark.parametrize(("exponent", "dimension", "named"), [(1.0, 1, "exponent"), (2.0, 3, "dimension")])
def test_other_numbers_are_refused(exponent, dimension, named):
    with pytest.raises(InputError, match=f"{named} = .* is not allowed"):
        Barenblatt(exponent, dimension)


def test_the_shipped_aggregation_rests_as_a_disk_about_its_centre():
    """From two lumps, whose common centre stays where it was."""
    settings = ["domain.shape=[40, 40]", "solver.t_end=6.0", "output.snapshots=2"]
    trajectory = wgflow.run(
        wgflow.open_problem(find_problem_file(wgflow.problems.shipped.Path("aggregation")), settings)
    )
    points, volume, density = trajectory.domain.points, 0.01, trajectory.density[-1]
    centre = np.tensordot(density, points, 2) * volume
    assert centre == pytest.approx([-0.05, -0.1], abs=1e-3)
    square = ((points - centre) ** 2).sum(axis=-1)
    assert (square * density).sum() * volume == pytest.approx(0.5, abs=7.3e-4)
    assert abs(density[square < 0.4] * np.pi - 1.0).max() < 1e-3
    assert trajectory.energy[-1] == pytest.approx(0.375, abs=5e-4)
