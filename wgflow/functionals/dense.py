"""Features stored as an n x N matrix: moments and potentials block by block, on all cores.

Own kernels in place of BLAS for two reasons: the threads of BLAS fight with those of the other kernels, and sums over
fixed blocks do not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np

from wgflow.domains.partition import RowPartition
from wgflow.functionals.kernels.dense import PARALLEL_CHUNK, SERIAL_CHUNK, moments_kernel, potential_kernel
from wgflow.typing import FloatArray

PARALLEL_THRESHOLD = 65_536  # entries of the matrix


class DenseMoments:
    """Moments and potentials of features given at every cell.

    Parameters
    ----------
    features : array, shape (N, n)
        Features at the cell centres.
    blocks : RowPartition
        The cells; moments are the sums over these blocks, in their order.
    """

    def __init__(self, features: FloatArray, blocks: RowPartition) -> None:
        self._features, self._blocks = np.ascontiguousarray(features.T), blocks
        large = self._features.size >= PARALLEL_THRESHOLD
        self._block_moments = moments_kernel(large)
        self._combine = potential_kernel(PARALLEL_CHUNK if large else SERIAL_CHUNK)
        self._partial = np.empty((len(blocks), len(self._features)))

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        self._block_moments(self._features, mass, self._blocks.cells, self._partial)
        return self._blocks.sums(self._partial)

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        self._combine(self._features, coefficients, potential)
