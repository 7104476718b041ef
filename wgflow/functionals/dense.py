"""Features stored as an n x N matrix: moments and potentials chunk by chunk, on all cores.

Own kernels in place of BLAS for two reasons: the threads of BLAS fight with those of the other kernels, and sums over
fixed chunks do not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np

from wgflow.functionals.kernels.dense import PARALLEL_CHUNK, SERIAL_CHUNK, moments_kernel, potential_kernel
from wgflow.typing import FloatArray

PARALLEL_THRESHOLD = 65_536  # entries of the matrix


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
