"""Quadratic features on boxes by sums along rows, against the matrix of features."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Circle, Quadratic, Signed
from wgflow.domains.partition import RowPartition
from wgflow.functionals.dense import DenseMoments
from wgflow.functionals.feature_maps import OuterProduct

BOXES = [
    Box([(-1.0, 2.0), (0.5, 1.0)], (5, 9)),
    Box([(-1.0, 2.0), (0.5, 1.0), (-3.0, 1.0)], (4, 5, 6), periodic=True),
    Box([(-1.0, 2.0), (0.5, 1.0)], (130, 260)),  # large enough for both cores
]


@pytest.mark.parametrize("box", BOXES, ids=lambda box: str(box.shape))
def test_moments_and_potentials_are_those_of_the_matrix(box):
    generator = np.random.default_rng(5)
    psi = OuterProduct()(box.points.reshape(-1, len(box.shape)))
    mass, coefficients = generator.normal(size=len(psi)), generator.normal(size=psi.shape[1])
    found = OuterProduct().moments_on(box, psi.shape[1], 0.0)
    size = np.abs(mass) @ np.abs(psi)
    assert (np.abs(found.moments(mass) - mass @ psi) < 1e-15 * size).all()
    potential = np.empty(len(psi))
    found.potential(coefficients, potential)
    assert np.abs(potential - psi @ coefficients).max() < 2e-15 * (np.abs(psi) @ np.abs(coefficients)).max()


def test_elsewhere_there_is_the_matrix():
    for domain in (Circle(8), Box([(0.0, 1.0)], 8)):
        assert OuterProduct().moments_on(domain, 1, 0.0) is None


def test_the_sign_of_a_sheet_is_that_of_its_features():
    box, generator = BOXES[0], np.random.default_rng(6)
    density, target = generator.random((2, *box.shape)), np.diag([1.0, 0.3])
    risk = Quadratic(target).on_grid(Signed(box))
    matrix = np.einsum("xyi,xyj,xy->ij", box.points, box.points, (density[0] - density[1]) * box.volumes)
    assert risk.value(density) == pytest.approx(0.5 * ((matrix - target) ** 2).sum(), rel=1e-14)
    potential = risk.first_variation(density)
    np.testing.assert_array_equal(potential[1], -potential[0])


@pytest.mark.parametrize("count", [1, 4, 7])
def test_a_stored_matrix_goes_four_features_at_a_time(count):
    generator = np.random.default_rng(count)
    features, mass, coefficients = generator.random((35, count)), generator.random(35), generator.normal(size=count)
    dense, potential = DenseMoments(features, RowPartition((5, 7))), np.empty(35)
    np.testing.assert_allclose(dense.moments(mass), mass @ features, rtol=1e-14)
    dense.potential(coefficients, potential)
    assert np.abs(potential - features @ coefficients).max() < 1e-15 * count * np.abs(coefficients).max()
