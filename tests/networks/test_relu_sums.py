"""Sums of ReLU features over particles and data."""

import itertools

import numpy as np
import pytest

from wgflow.networks.kernels.relu_sums import _combine

ARRAYS = 5


def in_one_piece(arrays, order, gap):
    """Copies of arrays in one piece of memory, in some order and with some bytes between them."""
    memory = np.zeros(sum(array.nbytes + gap for array in arrays) + 64, np.uint8)
    place, found = -memory.ctypes.data % 64, {}
    for number in order:
        found[number] = memory[place : place + arrays[number].nbytes].view(arrays[number].dtype)
        found[number][:] = arrays[number]
        place += arrays[number].nbytes + gap
    return [found[number] for number in range(len(arrays))]


@pytest.mark.parametrize(("dtype", "count"), [("float64", 12), ("float32", 21)])
def test_bits_do_not_depend_on_where_arrays_lie(dtype, count):
    """Sums whose terms may be reordered: each process places small arrays as it happens to."""
    arrays = list(np.random.default_rng(0).normal(size=(ARRAYS, count)).astype(dtype))
    found = set()
    for order in itertools.permutations(range(ARRAYS)):
        for gap in range(0, 320, 64):
            slopes, *others = in_one_piece(arrays, order, gap)
            value = _combine(False, *others, slopes)
            found.add((np.asarray(value).tobytes(), slopes.tobytes()))
    assert len(found) == 1
