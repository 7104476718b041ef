"""Features stored as an n x N matrix: moments and potentials chunk by chunk, on all cores.

Own kernels in place of BLAS for two reasons: the threads of BLAS fight with those of the other kernels, and sums over
fixed chunks do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import kernel, parallel_kernel
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray

SERIAL_CHUNK, PARALLEL_CHUNK = 1024, 2048  # cells; a chunk of masses stays in the cache over all features
PARALLEL_THRESHOLD = 65_536  # entries of the matrix


@kernel
def _add_multiple(factor, values, result):
    for k in range(result.size):
        result[k] += factor * values[k]


@cache
def moments_kernel(chunk: int) -> Callable[..., None]:
    """Compile the moments, serial or (for ``PARALLEL_CHUNK``) on all cores."""
    compiled = parallel_kernel if chunk == PARALLEL_CHUNK else kernel

    @compiled
    def chunk_moments(features, mass, partial):
        """Moments of each chunk of cells, shape (chunks, n)."""
        for block in prange(partial.shape[0]):
            first, last = block * chunk, min((block + 1) * chunk, mass.size)
            for i in range(features.shape[0]):
                partial[block, i] = inner_product(features[i, first:last], mass[first:last])

    return chunk_moments


@cache
def potential_kernel(chunk: int) -> Callable[..., None]:
    """Compile the potential, serial or (for ``PARALLEL_CHUNK``) on all cores."""
    compiled = parallel_kernel if chunk == PARALLEL_CHUNK else kernel

    @compiled
    def combine_features(features, coefficients, potential):
        """Write ``sum_i coefficients_i features_i``, shape (N,)."""
        for block in prange((potential.size + chunk - 1) // chunk):
            first, last = block * chunk, min((block + 1) * chunk, potential.size)
            potential[first:last] = 0.0
            for i in range(features.shape[0]):
                _add_multiple(coefficients[i], features[i, first:last], potential[first:last])

    return combine_features


class DenseMoments:
    """Moments and potentials of features given at every cell.

    Parameters
    ----------
    features : array, shape (N, n)
        Features at the cell centres.
    """

    def __init__(self, features: FloatArray) -> None:
        self._features = np.ascontiguousarray(features.T)
        count, cells = self._features.shape
        chunk = PARALLEL_CHUNK if self._features.size >= PARALLEL_THRESHOLD else SERIAL_CHUNK
        self._chunk_moments, self._combine = moments_kernel(chunk), potential_kernel(chunk)
        self._partial = np.empty(((cells + chunk - 1) // chunk, count))

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        self._chunk_moments(self._features, mass, self._partial)
        return self._partial.sum(axis=0)

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        self._combine(self._features, coefficients, potential)
