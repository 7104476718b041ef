"""Prefix sums of the arc-cosine kernel over sorted angles."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import kernel


@kernel
def sorted_circle_sums(targets, order, sources, masses, values, derivatives):
    """Sums of k and k' over sources at sorted angles, at targets visited in the order of their angles.

    With d = target - source, 2 pi k(d) = sin|d| + (pi - |d|) cos d on each side: a few prefix sums
    over the sources behind (0 <= d < pi) and ahead (-pi <= d < 0) of a moving target.
    """
    n = sources.size
    behind, ahead = np.zeros(4), np.zeros(4)
    tau = 2.0 * np.pi
    first, middle, last = -n, -n, -n  # unrolled indices: [first, middle) behind, [middle, last) ahead
    for step in range(targets.size):
        target = targets[order[step]]
        while last < 2 * n and sources[last % n] + tau * (last // n) <= target + np.pi:
            _add(ahead, sources[last % n] + tau * (last // n), masses[last % n], 1.0)
            last += 1
        while middle < last and sources[middle % n] + tau * (middle // n) <= target:
            _add(ahead, sources[middle % n] + tau * (middle // n), masses[middle % n], -1.0)
            _add(behind, sources[middle % n] + tau * (middle // n), masses[middle % n], 1.0)
            middle += 1
        while first < middle and sources[first % n] + tau * (first // n) <= target - np.pi:
            _add(behind, sources[first % n] + tau * (first // n), masses[first % n], -1.0)
            first += 1
        c, s = np.cos(target), np.sin(target)
        cos_b, sin_b = c * behind[0] + s * behind[1], s * behind[0] - c * behind[1]
        cos_a, sin_a = c * ahead[0] + s * ahead[1], s * ahead[0] - c * ahead[1]
        d_cos_b = target * cos_b - (c * behind[2] + s * behind[3])
        d_sin_b = target * sin_b - (s * behind[2] - c * behind[3])
        d_cos_a = target * cos_a - (c * ahead[2] + s * ahead[3])
        d_sin_a = target * sin_a - (s * ahead[2] - c * ahead[3])
        values[order[step]] = (sin_b - sin_a + np.pi * (cos_b + cos_a) - d_cos_b + d_cos_a) / tau
        derivatives[order[step]] = (d_sin_b - d_sin_a - np.pi * (sin_b + sin_a)) / tau


@kernel
def _add(sums, angle, mass, sign):
    """Add (or with sign -1 remove) a source to the sums of mass times cos, sin, angle cos, angle sin."""
    c, s = sign * mass * np.cos(angle), sign * mass * np.sin(angle)
    sums[0] += c
    sums[1] += s
    sums[2] += angle * c
    sums[3] += angle * s
