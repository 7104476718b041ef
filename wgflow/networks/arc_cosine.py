"""Sums of the arc-cosine kernel over all pairs, in any dimension, on all cores and without a matrix."""

from __future__ import annotations

import numpy as np

from wgflow.networks.kernels.arc_cosine import AT_ONCE, pair_kernel
from wgflow.typing import FloatArray

BLOCKS = 16  # fixed, so that results do not depend on the number of threads
PARALLEL_THRESHOLD = 20_000  # pairs
CHUNK, VECTOR = 256, 8  # sources whose intermediate values stay near the processor; multiples of numbers


class PairSums:
    """Sums ``sum_j masses_j k(points_i, sources_j)`` over fixed points, densely, in O(m n d).

    Parameters
    ----------
    points : array, shape (m, d)
        Where the sums are wanted.
    sources : array, shape (n, d)
        Other ends of the pairs. The origin is allowed in both; its gradient is that along the first axis.
    """

    def __init__(self, points: FloatArray, sources: FloatArray) -> None:
        self._lengths, targets = _polar(points)
        self._source_lengths, directions = _polar(sources)
        self._count, self._axes = points.shape
        self._targets = _filled(targets)
        chunks = max(-(-len(sources) // CHUNK), 1)
        self._charges = np.zeros((chunks, -(-len(sources) // (chunks * VECTOR)) * VECTOR))
        filled = np.zeros((self._charges.size, self._targets.shape[1]))
        filled[: len(sources), : self._axes] = directions
        self._sources = np.ascontiguousarray(filled.reshape(*self._charges.shape, -1).swapaxes(1, 2))
        self._blocks = BLOCKS if len(points) * len(sources) >= PARALLEL_THRESHOLD else 1
        self._work = np.empty((self._blocks, AT_ONCE + 1, self._charges.shape[1]))
        self._values, self._sines = np.empty((2, len(self._targets)))

    def __call__(self, masses: FloatArray, values: FloatArray) -> None:
        """Write the sums for masses (n,) into ``values`` (m,)."""
        self._sum(masses, values, np.empty((0, 0)), gradients=False)

    def with_gradient(self, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the sums (m,) and their ambient gradients (m, d)."""
        values, slopes = np.empty(self._count), np.empty_like(self._targets)
        self._sum(masses, values, slopes, gradients=True)
        return values, slopes[: self._count, : self._axes] / (2.0 * np.pi)

    def with_sines(self, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
        r"""Give the sums, and :math:`\sum_j m_j |v_j| \sin p_{ij} / 2\pi` of the angles p of the pairs, shapes (m,)."""
        values = np.empty(self._count)
        self._sum(masses, values, np.empty((0, 0)), gradients=False)
        return values, self._sines[: self._count] / (2.0 * np.pi)

    def _sum(self, masses: FloatArray, values: FloatArray, slopes: FloatArray, *, gradients: bool) -> None:
        np.multiply(masses, self._source_lengths, out=self._charges.ravel()[: len(masses)])
        sums = pair_kernel(gradients, self._blocks)
        sums(self._targets, self._sources, self._charges, self._work, self._values, self._sines, slopes)
        np.multiply(self._values[: self._count], self._lengths / (2.0 * np.pi), out=values)


def _filled(vectors: FloatArray) -> FloatArray:
    """Vectors (n, d), with zeros up to numbers n and d that are multiples of four."""
    return np.pad(vectors, [(0, -len(vectors) % AT_ONCE), (0, -vectors.shape[1] % AT_ONCE)])


def _polar(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lengths (m,) and directions (m, d); the origin gets the direction of the first axis."""
    lengths = np.linalg.norm(points, axis=1)
    directions = np.where((lengths > 0.0)[:, None], points, np.eye(1, points.shape[1]))
    return lengths, directions / np.where(lengths > 0.0, lengths, 1.0)[:, None]
