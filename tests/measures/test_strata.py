"""Strata: boxes of equal volume that fill the unit cube, one point in each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from wgflow.errors import InputError
from wgflow.measures.strata import lattice, strata, stratified

counts, dimensions = st.integers(1, 200), st.integers(1, 5)


def holders(points, count, dimension):
    """Which strata hold each point, shape (points, strata)."""
    low, size = strata(count, dimension)
    inside = (points[:, None] > low) & (points[:, None] < low + size)
    return inside.all(axis=-1)


@given(count=counts, dimension=dimensions, seed=st.integers(0, 2**32 - 1))
def test_strata_of_equal_volume_fill_the_cube(count, dimension, seed):
    low, size = strata(count, dimension)
    assert low.min() >= 0.0
    assert (low + size).max() <= 1.0 + 1e-15
    assert abs(size.prod(axis=1) * count - 1.0).max() < 1e-13
    anywhere = np.random.default_rng(seed).random((50, dimension))
    assert (holders(anywhere, count, dimension).sum(axis=1) == 1).all()


@given(count=counts, dimension=dimensions, seed=st.integers(0, 2**32 - 1))
def test_each_stratum_holds_one_point(count, dimension, seed):
    points = stratified(count, dimension, np.random.default_rng(seed))
    assert (holders(points, count, dimension) == np.eye(count, dtype=bool)).all()


@pytest.mark.parametrize("dimension", [2, 3])
def test_strata_are_nearly_cubes(dimension):
    for count in (16, 17, 100, 1000, 1024, 8191, 8192):
        _, size = strata(count, dimension)
        sides = size * count ** (1.0 / dimension)
        assert sides.min() > 0.5
        assert sides.max() < 2.0


def test_points_lie_uniformly_within_their_strata():
    low, size = strata(1000, 2)
    places = (stratified(1000, 2, np.random.default_rng(3)) - low) / size
    for axis in range(2):
        assert kstest(places[:, axis], "uniform").pvalue > 0.01


@pytest.mark.parametrize("shape", [(3, 2), (4, 4), (8, 16), (64, 128), (16, 16, 32), (9,)])
def test_a_lattice_is_a_product_of_middles(shape):
    points = lattice(int(np.prod(shape)), len(shape))
    axes = [np.unique(points[:, axis]) for axis in range(len(shape))]
    assert sorted(axis.size for axis in axes) == sorted(shape)
    for axis in axes:
        assert abs(axis - (np.arange(axis.size) + 0.5) / axis.size).max() < 1e-15
    assert len(np.unique(points, axis=0)) == len(points)


def test_a_count_without_a_lattice_is_refused_with_its_neighbours():
    with pytest.raises(InputError, match=r"count = 7 is not allowed .* such as 6 and 8"):
        lattice(7, 2)
    assert len(lattice(7, 1)) == 7
