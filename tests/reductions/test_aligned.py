"""Arrays that begin where a vector does, and those of steps among them."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Circle, Features
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.reductions.aligned import LINE, aligned, aligned_empty, aligned_zeros


@pytest.mark.parametrize("shape", [(3,), (2, 5), (4, 1, 8)])
def test_arrays_begin_a_line_of_the_cache(shape):
    values = np.random.default_rng(0).random(shape)
    for _ in range(5):  # numpy's own begin anywhere
        empty, copied, zeros = aligned_empty(shape), aligned(values), aligned_zeros(*shape)
        for found in (empty, copied, zeros):
            assert found.ctypes.data % LINE == 0
            assert found.flags.c_contiguous
        assert empty.shape == shape
        np.testing.assert_array_equal(copied, values)
        assert zeros.shape == (*shape[:-1], 8)
        assert not zeros.any()


def test_what_a_step_reads_and_writes_does():
    for features in (1, 2):
        fn = Features(lambda x, count=features: x[:, :count], np.ones(features))
        flow = ExplicitFiniteVolume(fn.on_grid(Circle(24)), np.ones(24))
        for _ in range(3):
            assert all(
                values.ctypes.data % LINE == 0 for values in (flow.density, flow._drive.potential, *flow._stages)
            )
            flow.step()
