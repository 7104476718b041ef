"""Differences in the place of gradients: any unit, narrow peaks, kinks, and what has no derivative."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Features, InputError, Interaction, Particles, Potential, Space, simulate
from wgflow.functionals.differences import central_differences

LINE = np.linspace(0.0, 1.0, 101)[:, None]
PAIRS = (LINE - LINE[:, 0]).reshape(-1, 1)


def gaussian(width, points):
    """exp(-x^2 / (2 w^2)) and its derivative."""
    values = np.exp(-0.5 * (points[:, 0] / width) ** 2)
    return values, -points[:, 0] / width**2 * values


@pytest.mark.parametrize(("width", "error"), [(1.0, 1e-13), (0.1, 1e-10), (1e-3, 1e-12), (1e-6, 1e-12)])
def test_kernels_of_any_width_are_resolved(width, error):
    # Measured: 7e-14, 9e-11, 3e-13, 0 (only pairs at the distance 0 feel it). One step of 1/512 errs by 53 % at 1e-3.
    slopes = central_differences(lambda z: gaussian(width, z)[0], PAIRS)[:, 0]
    expected = gaussian(width, PAIRS)[1]
    assert np.abs(slopes - expected).max() <= error * max(np.abs(expected).max(), 1.0)


@pytest.mark.parametrize("unit", [2.0**-40, 2.0**40])
def test_units_change_nothing(unit):
    slopes = central_differences(lambda z: gaussian(0.3, z)[0], PAIRS)
    scaled = central_differences(lambda z: gaussian(0.3 * unit, z)[0], PAIRS * unit)
    assert (scaled * unit == slopes).all()


@pytest.mark.parametrize("shift", [1e3, 1e6])
def test_far_from_the_origin(shift):
    slopes = central_differences(lambda x: np.sin(x[:, 0]), LINE + shift)[:, 0]
    assert slopes == pytest.approx(np.cos(LINE[:, 0] + shift), rel=0.0, abs=1e-12)


def test_a_cloud_much_narrower_than_the_function():
    # The values differ by 1e-12 of themselves, so that the first step finds nothing. Measured: 1e-13.
    points = 1e-6 * LINE
    slopes = central_differences(lambda x: 2.0 - np.cos(x[:, 0]), points)[:, 0]
    assert slopes == pytest.approx(np.sin(points[:, 0]), rel=0.0, abs=2e-13)


def test_kinks_have_the_slope_of_their_side_and_in_the_middle_the_mean():
    slopes = central_differences(lambda x: np.abs(x[:, 0] - LINE[30, 0]), LINE)[:, 0]
    assert slopes == pytest.approx(np.sign(LINE[:, 0] - LINE[30, 0]), abs=1e-13)


def test_no_values_are_asked_where_the_function_ends():
    points = LINE[1:]
    assert central_differences(lambda x: np.log(x[:, 0]), points)[:, 0] == pytest.approx(1.0 / points[:, 0], rel=1e-12)


def test_several_axes_and_columns():
    points = np.random.default_rng(0).normal(size=(50, 2)) * [1.0, 1e-9]
    slopes = central_differences(lambda x: np.stack([x[:, 0] * x[:, 1] * 1e9, np.sin(x[:, 0])], axis=1), points)
    assert slopes[:, 0] == pytest.approx(points[:, ::-1] * [1e9, 1e9], rel=1e-9, abs=1e-12)
    assert slopes[:, 1, 0] == pytest.approx(np.cos(points[:, 0]), abs=1e-11)
    assert (slopes[:, 1, 1] == 0.0).all()


def test_constants_have_no_slope():
    assert (central_differences(lambda x: 5.0 + 0.0 * x[:, 0], LINE) == 0.0).all()


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: np.floor(x[:, 0] * 10.0), "jump"),
        (lambda x: np.sin(1e30 * x[:, 0]), "noise"),
        (lambda x: np.where(x[:, 0] == 0.5, 1.0, np.nan), "not finite"),
    ],
    ids=["jump", "noise", "undefined"],
)
def test_what_has_no_derivative_is_refused(function, reason):
    with pytest.raises(InputError, match=rf"cannot be differenced at the point .*{reason}"):
        central_differences(function, LINE[50:51])


def test_interaction_in_small_units_moves_its_particles():
    """Outermost at 3.1378 L, and F / L^2 from .3735 to .1644, for W = L^2 exp(-z^2 / (2 L^2)) at t = 10."""
    for unit in (1.0, 1e-6):
        kernel = Interaction(lambda z, unit=unit: unit**2 * gaussian(unit, z)[0])
        points = np.linspace(-unit, unit, 20)[:, None]
        trajectory = simulate(
            kernel, Particles(points, np.full(20, 0.05), np.ones(20)), 10.0, domain=Space(1), reaction=0.0
        )
        assert trajectory.position[-1].max() / unit == pytest.approx(3.1378, abs=5e-5)
        assert trajectory.energy[[0, -1]] / unit**2 == pytest.approx([0.3735, 0.1644], abs=5e-5)


def test_potentials_and_features_in_small_units():
    points = 1e-7 * LINE
    particles = Particles(points, np.ones(101), np.ones(101))
    found = Potential(lambda x: (x[:, 0] / 1e-7) ** 4).at_particles(particles)
    assert found.gradient[:, 0] == pytest.approx(4e7 * (points[:, 0] / 1e-7) ** 3, rel=1e-9, abs=1e-2)
    features = Features(lambda x: np.sin(x / 1e-7), np.zeros(1)).at_particles(particles)
    assert features.gradient[:, 0] == pytest.approx(np.sin(LINE[:, 0]).sum() * np.cos(LINE[:, 0]) / 1e-7, rel=1e-10)


def test_where_the_second_derivative_jumps():
    """At the end of a kernel of compact support, where slopes fall with the step as errors do.

    Measured: 7.2e-11; the first step would give 5e-3.
    """
    points = np.array([[-1.0], [-0.5], [0.0], [0.5], [1.0]])
    slopes = central_differences(lambda z: np.maximum(1.0 - 2.0 * abs(z[:, 0]), 0.0) ** 2, points)[:, 0]
    assert slopes == pytest.approx(np.zeros(5), rel=0.0, abs=1.5e-10)
