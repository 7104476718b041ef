"""Factors of kernels at cells that are mirror images of others."""

import numpy as np
import pytest

from wgflow.domains import Box, HalfCircle, HalfSphere
from wgflow.networks.low_rank import LowRankSums, Mirrors, factorise
from wgflow.networks.orbit_kernel import LengthKernel, OrbitKernel
from wgflow.typing import FloatArray

NO_LIMIT = 2.0**30


def test_cells_are_found_by_their_images() -> None:
    """Of a half sphere in both axes, where those on an axis are their own; of any points in none."""
    domain = HalfSphere(162, 9)
    mirrors = Mirrors.of(domain.points)
    count, axis = domain.shape[0], (abs(domain.points[:, :2]) < 1e-12).sum(axis=0)
    assert mirrors.images.shape == (4, (count + axis.sum() + 1) // 4)  # the pole is on both axes
    signs = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    found = domain.points[mirrors.images][:, :, :2] - signs[:, None] * domain.points[mirrors.images[0], :2]
    np.testing.assert_allclose(found, 0.0, atol=6e-15)
    folded = np.bincount(mirrors.images.ravel(), np.tile(mirrors.shares, 4))
    np.testing.assert_array_equal(folded, np.ones(count))
    assert Mirrors.of(domain.points[1:]).images.shape[0] == 1
    assert Mirrors.of(HalfCircle(9, 5).points).images.tolist() == [[0, 1, 2, 3, 4], [8, 7, 6, 5, 4]]


def test_half_of_the_kernel_is_linear() -> None:
    """Of the arc-cosine kernel all that changes sign with p is p.p' / 4: rank 1 in each direction."""
    points = HalfSphere(162, 9).points
    low_rank = factorise(OrbitKernel(9, 2), points, 1e-9, NO_LIMIT)
    assert np.diff(low_rank.ends)[1:3].tolist() == [1, 1]
    odd = low_rank.factor[:, low_rank.ends[1] : low_rank.ends[3]]
    np.testing.assert_allclose(odd @ odd.T, 0.25 * points[:, :2] @ points[:, :2].T, atol=1e-15)


@pytest.mark.parametrize("case", ["half_sphere", "half_circle", "uneven", "box"])
def test_sums_are_those_of_all_pairs(case: str) -> None:
    box = Box([(-1.0, 1.0), (0.0, 2.0)], (6, 8))
    kernel, points = {
        "half_sphere": (OrbitKernel(9, 2), HalfSphere(162, 9).points),
        "half_circle": (OrbitKernel(5, 1), HalfCircle(33, 5).points),
        "uneven": (OrbitKernel(5, 1), HalfCircle(33, 5).points[:21]),
        "box": (LengthKernel(5, 1), box.points.reshape(-1, 2)),
    }[case]
    low_rank = factorise(kernel, points, 1e-7, NO_LIMIT)
    whole = kernel.matrix(points, points)
    error = abs(whole - low_rank.factor @ low_rank.factor.T).max() / whole.max()
    assert error == pytest.approx(low_rank.error, rel=1e-5)
    assert low_rank.error < 1e-7
    masses: FloatArray = np.random.default_rng(0).standard_normal(len(points))
    found = np.full(len(points), np.nan)
    LowRankSums(low_rank)(masses, found)
    wanted = low_rank.factor @ (masses @ low_rank.factor)
    np.testing.assert_allclose(found, wanted, rtol=0.0, atol=4e-15 * abs(wanted).max())
