"""Sums of the arc-cosine kernel over pairs of unit vectors.

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

_TAN_PI_8 = float(np.tan(0.125 * np.pi))


@inlined_kernel
def arctangent(ratio):
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
        turned = arctangent(min(q, r) / max(q, r))
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


@reduction
def sums_at_targets(first, last, gradients, targets, sources, masses, work, values, sines, slopes):
    """Write the sums at the targets ``first ... last - 1``; ``work`` has the shape (2, c)."""
    for i in range(first, last):
        values[i] = sines[i] = 0.0
        if gradients:
            for axis in range(targets.shape[1]):
                slopes[i, axis] = 0.0
        for begin in range(0, masses.size, work.shape[1]):
            end = min(begin + work.shape[1], masses.size)
            apart, together = work[0, : end - begin], work[1, : end - begin]
            half_chords(targets[i], sources[:, begin:end], apart, together)
            value, along = angular_sums(apart, together, masses[begin:end])
            values[i] += value
            sines[i] += along
            if gradients:
                for axis in range(targets.shape[1]):
                    turned = _weighted_sum(apart, sources[axis, begin:end])
                    slopes[i, axis] += along * targets[i, axis] + turned


@cache
def pair_kernel(gradients: bool, blocks: int) -> Callable[..., None]:
    """Compile the sums with or without gradients, serial (one block) or on all cores."""
    compiled = reduction if blocks == 1 else parallel_kernel

    @compiled
    def pair_sums(targets, sources, masses, work, values, sines, slopes):
        """Write sums over unit sources (d, n) at unit targets (m, d) times 2 pi; ``work`` has the shape (blocks, 2, c).

        ``sines`` (m,) becomes the sum of masses times sin p, ``slopes`` (m, d) that of masses times sin(p) target +
        (pi - p) source, used with ``gradients``.
        """
        count = targets.shape[0]
        for block in prange(blocks):
            first, last = block * count // blocks, (block + 1) * count // blocks
            sums_at_targets(first, last, gradients, targets, sources, masses, work[block], values, sines, slopes)

    return pair_sums
