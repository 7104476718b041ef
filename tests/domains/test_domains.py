"""Domains: geometry, order of the sheets, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgflow.domains import Circle, Signed, make_domain, total_mass
from wgflow.errors import InputError

cells = st.integers(4, 300)


@given(cells)
def test_points_of_a_circle_are_unit_vectors_at_its_angles(n):
    circle = Circle(n)
    assert circle.points.shape == (n, 2)
    assert np.abs(np.linalg.norm(circle.points, axis=1) - 1.0).max() < 3e-16
    turned = np.exp(-1j * circle.angles) * (circle.points[:, 0] + 1j * circle.points[:, 1])
    assert np.abs(turned - 1.0).max() < 3e-16


def test_centres_lie_half_a_cell_after_the_origin():
    assert Circle(4).angles == pytest.approx(np.pi * np.array([0.25, 0.75, 1.25, 1.75]), rel=1e-15)
    assert Circle(4).spacing == pytest.approx(np.pi / 2, rel=1e-15)


@given(cells)
def test_volumes_sum_to_the_length_of_each_sheet(n):
    assert Circle(n).volumes.sum() == pytest.approx(2.0 * np.pi, rel=1e-14)
    assert Signed(Circle(n)).volumes.sum() == pytest.approx(4.0 * np.pi, rel=1e-14)


def test_mass_weighs_cells_by_their_volume():
    domain = Signed(Circle(8))
    density = np.zeros(domain.shape)
    density[1, 3] = 2.0
    assert total_mass(domain, density) == pytest.approx(2.0 * 2.0 * np.pi / 8.0, rel=1e-15)


def test_a_signed_domain_has_the_positive_sheet_first():
    domain = Signed(Circle(6))
    assert domain.signs.tolist() == [1.0, -1.0]
    assert domain.shape == domain.volumes.shape == (2, 6)
    assert domain.points.shape == (2, 6, 2)
    assert (domain.points[0] == domain.points[1]).all()
    assert domain.base == Circle(6)
    assert (domain.sheets, domain.base.sheets) == (2, 1)
    assert Circle(6).signs.tolist() == [1.0]


def test_reactions_are_those_of_the_two_equations():
    assert Circle(6).reaction == 4.0
    assert Signed(Circle(6)).reaction == 2.0


def test_coordinates_label_each_axis_of_a_density():
    domain = Signed(Circle(6))
    assert [axis.name for axis in domain.coordinates] == ["sign", "angle"]
    assert [axis.units for axis in domain.coordinates] == ["1", "radian"]
    assert tuple(axis.values.size for axis in domain.coordinates) == domain.shape
    assert (domain.coordinates[1].values == Circle(6).angles).all()
    assert [axis.name for axis in Circle(6).coordinates] == ["angle"]


@pytest.mark.parametrize("domain", [Circle(9), Signed(Circle(9))])
def test_a_domain_is_rebuilt_from_its_parameters(domain):
    assert make_domain(domain.kind, **domain.parameters) == domain


@pytest.mark.parametrize("n", [3, 0, -4, True, 8.0, "8", None])
def test_a_circle_refuses_too_few_or_fractional_cells(n):
    with pytest.raises(InputError, match=r"cells = "):
        Circle(n)


def test_a_circle_takes_numpy_integers():
    assert Circle(np.int64(8)).parameters == {"cells": 8}


def test_an_unknown_kind_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match=r"'torus' is unknown; choose one of circle"):
        make_domain("torus", cells=8)
