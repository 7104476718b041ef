"""Sums and extrema by blocks of rows: against numpy, and the same bits on all threads and of parts."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Circle, Signed
from wgflow.domains.partition import RowPartition, block_bounds
from wgflow.reductions.blocks import RowBlocks
from wgflow.reductions.kernels.blocks import products_kernel

SHAPES = [(4,), (9000,), (5, 7), (130, 260), (33, 32, 34)]


def test_blocks_are_whole_rows():
    assert block_bounds((3, 9)).tolist() == [0, 1, 2, 3]
    assert block_bounds((130, 4))[[0, 1, 2, 63, 64]].tolist() == [0, 2, 4, 127, 130]
    assert block_bounds((8191,)).tolist() == [0, 8191]
    assert block_bounds((8193,)).tolist() == [0, 4096, 8193]
    assert Signed(Circle(9000)).base.partition.bounds.tolist() == [0, 4500, 9000]
    assert Box([(0.0, 1.0)] * 3, (6, 4, 5)).partition.cells.tolist() == list(range(0, 121, 20))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sheets", [(), (2,)])
def test_products_and_extrema_are_those_of_numpy(shape, sheets):
    generator = np.random.default_rng(len(shape))
    first, second = generator.normal(size=(2, *sheets, *shape))
    blocks, weights = RowBlocks(RowPartition(shape)), generator.random(shape)
    size = np.abs(first * second).sum()
    assert blocks.product(first, second) == pytest.approx((first * second).sum(), rel=0.0, abs=1e-15 * size)
    assert blocks.product(first, weights) == pytest.approx((first * weights).sum(), rel=0.0, abs=1e-15 * size)
    for place in generator.integers(first.size, size=5):
        first.flat[place] -= 10.0
        assert blocks.extrema(first) == (first.min(), first.max())
        first.flat[place] += 20.0
        assert blocks.extrema(first) == (first.min(), first.max())


@pytest.mark.parametrize("shape", SHAPES)
def test_integrals_of_a_step_are_those_of_numpy(shape):
    start, before, after, potential = np.random.default_rng(1).random((4, 2, *shape))
    volumes, combination = np.random.default_rng(2).random(shape), (0.5, -1.0, 0.25, 0.3, 0.8)
    blocks = RowBlocks(RowPartition(shape))
    found = blocks.step_sums(start, before, after, potential, volumes.ravel(), combination)
    error, change = 0.5 * start - before + 0.25 * after, 0.3 * before + 0.8 * after - start
    parts = (abs(error), abs(change), start, after, potential * after)
    np.testing.assert_allclose(found, [(part * volumes).sum() for part in parts], rtol=1e-14)


class Slab(RowPartition):
    """Some of the blocks, whose sums wait for those of the others."""

    def sums(self, partial):
        self.parts = partial.copy()
        return super().sums(partial)


@pytest.mark.parametrize("shape", [(5, 7), (130, 260), (33, 32, 34)])
def test_parts_of_the_rows_and_one_thread_give_the_same_bits(shape):
    first, second = np.random.default_rng(3).normal(size=(2, 2, *shape))
    whole = RowPartition(shape)
    parts, expected = [], RowBlocks(whole).product(first, second)
    for chosen in np.array_split(np.arange(len(whole)), 3):
        begin, end = whole.bounds[chosen[0]], whole.bounds[chosen[-1] + 1]
        low, high = max(begin - 2, 0), min(end + 2, shape[0])  # two rows beside, where there are such
        slab = Slab((high - low, *shape[1:]), whole.bounds[chosen[0] : chosen[-1] + 2] - low)
        RowBlocks(slab).product(first[:, low:high].copy(), second[:, low:high].copy())
        parts.append(slab.parts)
    assert whole.sums(np.concatenate(parts))[0] == expected
    serial = np.empty((len(whole), 1))
    products_kernel(False)(first.reshape(2, -1), second.reshape(2, -1), whole.cells, serial)
    assert whole.sums(serial)[0] == expected
