"""Sums of the arc-cosine kernel over all pairs, in any dimension, on all cores and without a matrix."""

from __future__ import annotations

import numpy as np

from wgflow.networks.kernels.arc_cosine import pair_kernel
from wgflow.typing import FloatArray

BLOCKS = 16  # fixed, so that results do not depend on the number of threads
PARALLEL_THRESHOLD = 20_000  # pairs
PAIRS_AT_ONCE = 2**19  # of sums in numpy
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
        self._charges = np.empty(len(sources))

    def __call__(self, masses: FloatArray, values: FloatArray) -> None:
        """Write the sums for masses (n,) into ``values`` (m,)."""
        self._sum(masses, values, np.empty((0, 0)), gradients=False)

    def with_gradient(self, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the sums (m,) and their ambient gradients (m, d)."""
        values, slopes = np.empty(len(self._targets)), np.empty_like(self._targets)
        self._sum(masses, values, slopes, gradients=True)
        slopes /= 2.0 * np.pi
        return values, slopes

    def _sum(self, masses: FloatArray, values: FloatArray, slopes: FloatArray, *, gradients: bool) -> None:
        np.multiply(masses, self._source_lengths, out=self._charges)
        sums = pair_kernel(gradients, self._blocks)
        sums(self._targets, self._sources, self._charges, self._work, values, slopes)
        values *= self._lengths
        values /= 2.0 * np.pi


def _polar(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lengths (m,) and directions (m, d); the origin gets the direction of the first axis."""
    lengths = np.linalg.norm(points, axis=1)
    directions = np.where((lengths > 0.0)[:, None], points, np.eye(1, points.shape[1]))
    return lengths, directions / np.where(lengths > 0.0, lengths, 1.0)[:, None]


def sine_sums(points: FloatArray, sources: FloatArray, masses: FloatArray) -> FloatArray:
    r"""Sums :math:`\sum_j m_j |v_j| \sin p_{ij} / 2\pi` of the angles p of points (m, d) and sources v (n, d), (m,)."""
    (lengths, directions), targets = _polar(sources), _polar(points)[1]
    rows, sums = max(PAIRS_AT_ONCE // max(len(sources), 1), 1), np.empty(len(points))
    for start in range(0, len(points), rows):
        here = targets[start : start + rows]
        apart, together = np.zeros((2, len(here), len(sources)))
        for axis in range(points.shape[1]):
            apart += (here[:, axis, None] - directions[:, axis]) ** 2
            together += (here[:, axis, None] + directions[:, axis]) ** 2
        sums[start : start + rows] = np.sqrt(apart * together) @ (masses * lengths)  # |u - v| |u + v| = 2 sin p
    return sums / (4.0 * np.pi)
