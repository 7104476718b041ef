"""Sums of the arc-cosine kernel over all pairs, in any dimension, on all cores and without a matrix."""

from __future__ import annotations

import numpy as np

from wgflow.networks.kernels.arc_cosine import pair_kernel
from wgflow.typing import FloatArray

BLOCKS = 16  # fixed, so that results do not depend on the number of threads
PARALLEL_THRESHOLD = 20_000  # pairs
CHUNK = 512  # sources whose intermediate values stay near the processor


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
        self._lengths, self._targets = _polar(points)
        self._source_lengths, directions = _polar(sources)
        self._sources = np.ascontiguousarray(directions.T)
        self._blocks = BLOCKS if len(points) * len(sources) >= PARALLEL_THRESHOLD else 1
        self._work = np.empty((self._blocks, 2, CHUNK))
        self._charges, self._sines = np.empty(len(sources)), np.empty(len(points))

    def __call__(self, masses: FloatArray, values: FloatArray) -> None:
        """Write the sums for masses (n,) into ``values`` (m,)."""
        self._sum(masses, values, np.empty((0, 0)), gradients=False)

    def with_gradient(self, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the sums (m,) and their ambient gradients (m, d)."""
        values, slopes = np.empty(len(self._targets)), np.empty_like(self._targets)
        self._sum(masses, values, slopes, gradients=True)
        slopes /= 2.0 * np.pi
        return values, slopes

    def with_sines(self, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
        r"""Give the sums, and :math:`\sum_j m_j |v_j| \sin p_{ij} / 2\pi` of the angles p of the pairs, shapes (m,)."""
        values = np.empty(len(self._targets))
        self._sum(masses, values, np.empty((0, 0)), gradients=False)
        return values, self._sines / (2.0 * np.pi)

    def _sum(self, masses: FloatArray, values: FloatArray, slopes: FloatArray, *, gradients: bool) -> None:
        np.multiply(masses, self._source_lengths, out=self._charges)
        sums = pair_kernel(gradients, self._blocks)
        sums(self._targets, self._sources, self._charges, self._work, values, self._sines, slopes)
        values *= self._lengths
        values /= 2.0 * np.pi


def _polar(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lengths (m,) and directions (m, d); the origin gets the direction of the first axis."""
    lengths = np.linalg.norm(points, axis=1)
    directions = np.where((lengths > 0.0)[:, None], points, np.eye(1, points.shape[1]))
    return lengths, directions / np.where(lengths > 0.0, lengths, 1.0)[:, None]
