"""Moments and potentials of features stored as a matrix, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import kernel, parallel_kernel
from wgflow.reductions import inner_product

SERIAL_CHUNK, PARALLEL_CHUNK = 1024, 2048  # cells; a chunk of masses stays in the cache over all features


@kernel
def _add_multiple(factor, values, result):
    for k in range(result.size):
        result[k] += factor * values[k]


@cache
def moments_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the moments, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def block_moments(features, mass, bounds, partial):
        """Moments of each block of cells, shape (blocks, n); ``bounds`` are their first cells, and the end."""
        for block in prange(partial.shape[0]):
            for i in range(features.shape[0]):
                partial[block, i] = 0.0
            for first in range(bounds[block], bounds[block + 1], SERIAL_CHUNK):
                last = min(first + SERIAL_CHUNK, bounds[block + 1])
                for i in range(features.shape[0]):
                    partial[block, i] += inner_product(features[i, first:last], mass[first:last])

    return block_moments


@cache
def potential_kernel(chunk: int) -> Callable[..., None]:
    """Compile the potential, serial or (for ``PARALLEL_CHUNK``) on all cores."""
    compiled = parallel_kernel if chunk == PARALLEL_CHUNK else kernel

    @compiled
    def combine_features(features, coefficients, potential):
        """Write ``sum_i coefficients_i features_i``, shape (N,)."""
        for block in prange((potential.size + chunk - 1) // chunk):
            first, last = block * chunk, min((block + 1) * chunk, potential.size)
            for k in range(first, last):
                potential[k] = 0.0
            for i in range(features.shape[0]):
                _add_multiple(coefficients[i], features[i, first:last], potential[first:last])

    return combine_features
