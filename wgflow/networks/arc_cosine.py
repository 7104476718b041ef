"""Sums of the arc-cosine kernel over all pairs, in any dimension, on all cores and without a matrix.

With unit vectors u, v at the angle p, q = |u - v|^2 / 4 = sin^2(p/2) and r = |u + v|^2 / 4 = cos^2(p/2):
sin p = 2 sqrt(q r), cos p = r - q and pi - p = 2 atan2(sqrt r, sqrt q), all accurate near 0 and pi.

References
----------
Moshier, Cephes Mathematical Library (1989), atan.c: the rational function.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import inlined_kernel, parallel_kernel, reduction
from wgflow.typing import FloatArray

BLOCKS = 16  # fixed, so that results do not depend on the number of threads
PARALLEL_THRESHOLD = 20_000  # pairs
CHUNK = 512  # sources whose intermediate values stay near the processor

_TAN_PI_8 = float(np.tan(0.125 * np.pi))


@inlined_kernel
def _arctangent(ratio):
    """Arc tangent of a number in [0, 1] without branches, so that loops over it vectorise."""
    large = ratio > _TAN_PI_8
    x = (ratio - 1.0) / (ratio + 1.0) if large else ratio
    z = x * x
    upper = -8.750608600031904122785e-1 * z - 1.615753718733365076637e1
    upper = ((upper * z - 7.500855792314704667340e1) * z - 1.228866684490136173410e2) * z - 6.485021904942025371773e1
    lower = ((z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2) * z + 4.328810604912902668951e2
    lower = (lower * z + 4.853903996359136964868e2) * z + 1.945506571482613964425e2
    return (0.25 * np.pi if large else 0.0) + x + x * z * upper / lower


@reduction
def half_chords(target, sources, apart, together):
    """Write |u - v|^2 / 4 and |u + v|^2 / 4 for one target (d,) and sources (d, n)."""
    apart[:] = 0.0
    together[:] = 0.0
    for axis in range(target.size):
        here, there = target[axis], sources[axis]
        for j in range(apart.size):
            apart[j] += 0.25 * (here - there[j]) * (here - there[j])
            together[j] += 0.25 * (here + there[j]) * (here + there[j])


@reduction
def angular_sums(apart, together, masses):
    """Sums of masses times 2 pi k and times sin p; ``apart`` becomes masses times pi - p."""
    value, along = 0.0, 0.0
    for j in range(masses.size):
        q, r = np.sqrt(apart[j]), np.sqrt(together[j])
        turned = _arctangent(min(q, r) / max(q, r))
        rest = 2.0 * (turned if r < q else 0.5 * np.pi - turned)  # pi - p
        sine, cosine = 2.0 * q * r, together[j] - apart[j]
        value += masses[j] * (sine + rest * cosine)
        along += masses[j] * sine
        apart[j] = masses[j] * rest
    return value, along


@reduction
def _weighted_sum(weights, values):
    total = 0.0
    for j in range(weights.size):
        total += weights[j] * values[j]
    return total


@cache
def pair_kernel(gradients: bool, blocks: int) -> Callable[..., None]:
    """Compile the sums with or without gradients, serial (one block) or on all cores."""
    compiled = reduction if blocks == 1 else parallel_kernel

    @compiled
    def pair_sums(targets, sources, masses, work, values, slopes):
        """Write sums over unit sources (d, n) at unit targets (m, d) times 2 pi; ``work`` has the shape (blocks, 2, c).

        ``slopes`` (m, d) becomes the sum of masses times sin(p) target + (pi - p) source, used with ``gradients``.
        """
        count, dimension = targets.shape
        for block in prange(blocks):
            for i in range(block * count // blocks, (block + 1) * count // blocks):
                values[i] = 0.0
                if gradients:
                    slopes[i, :] = 0.0
                for first in range(0, masses.size, work.shape[2]):
                    last = min(first + work.shape[2], masses.size)
                    apart, together = work[block, 0, : last - first], work[block, 1, : last - first]
                    half_chords(targets[i], sources[:, first:last], apart, together)
                    value, along = angular_sums(apart, together, masses[first:last])
                    values[i] += value
                    if gradients:
                        for axis in range(dimension):
                            turned = _weighted_sum(apart, sources[axis, first:last])
                            slopes[i, axis] += along * targets[i, axis] + turned

    return pair_sums


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
