"""The arc-cosine kernel averaged over the rotations of the rest of one of its points.

Points (p, r) of the half circle or half sphere are unit vectors; with the nodes t of the first coordinate of a uniform
direction, cos a = p.p' + r r' t, and q = sin^2(a/2) = |x - x'|^2 / 4 + r r' (1 - t) / 2 is accurate near 0.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from wgflow.compilation import inlined_kernel, parallel_kernel, reduction
from wgflow.networks.kernels.arc_cosine import arctangent

BLOCKS = 16  # fixed, so that results do not depend on the number of threads


@inlined_kernel
def sine_and_rest(q):
    """Give sin a and pi - a from q = sin^2(a/2) in [0, 1]."""
    near, far = np.sqrt(q), np.sqrt(1.0 - q)
    turned = arctangent(min(near, far) / max(near, far))
    return 2.0 * near * far, 2.0 * (turned if far < near else 0.5 * np.pi - turned)


@inlined_kernel
def apart(points, i, pivots, j):
    """Squared distance of two points over 4, and half the product of their last components."""
    last = points.shape[1] - 1
    total = 0.0
    for axis in range(last + 1):
        total += 0.25 * (points[i, axis] - pivots[j, axis]) ** 2
    return total, 0.5 * points[i, last] * pivots[j, last]


@reduction
def averaged(base, product, gaps, weights):
    """Averages of 2 pi kappa, sin a, pi - a and (pi - a) (1 - t) over the nodes, of which ``gaps`` are 1 - t."""
    value, along, around, turned = 0.0, 0.0, 0.0, 0.0
    for node in range(gaps.size):
        q = min(base + product * gaps[node], 1.0)
        sine, rest = sine_and_rest(q)
        value += weights[node] * (sine + rest * (1.0 - 2.0 * q))
        along += weights[node] * sine
        around += weights[node] * rest
        turned += weights[node] * rest * gaps[node]
    return value, along, around, turned


@reduction
def averaged_value(base, product, gaps, weights):
    """Average of 2 pi kappa."""
    value = 0.0
    for node in range(gaps.size):
        q = min(base + product * gaps[node], 1.0)
        sine, rest = sine_and_rest(q)
        value += weights[node] * (sine + rest * (1.0 - 2.0 * q))
    return value


@parallel_kernel
def averaged_pairs(points, others, gaps, weights, values):
    """Write the averaged kernel of points (n, k + 1) and others, as many or one, into ``values`` (n,)."""
    count = len(points)
    for block in prange(BLOCKS):
        for i in range(block * count // BLOCKS, (block + 1) * count // BLOCKS):
            base, product = apart(points, i, others, min(i, len(others) - 1))
            values[i] = averaged_value(base, product, gaps, weights) / (2.0 * np.pi)


@parallel_kernel
def averaged_sums(points, sources, masses, gaps, weights, values, slopes):
    """Sums of the averaged kernel over sources (n, k + 1) of given masses at points (m, k + 1), and its gradients.

    The kernel is extended to all lengths as one of degree 1, as the arc-cosine kernel is.
    """
    count, size = points.shape
    for block in prange(BLOCKS):
        for i in range(block * count // BLOCKS, (block + 1) * count // BLOCKS):
            total, radial = 0.0, 0.0
            slopes[i, :] = 0.0
            for j in range(len(sources)):
                base, product = apart(points, i, sources, j)
                value, along, around, turned = averaged(base, product, gaps, weights)
                total += masses[j] * value
                radial += masses[j] * along
                for axis in range(size - 1):
                    slopes[i, axis] += masses[j] * around * sources[j, axis]
                slopes[i, size - 1] += masses[j] * (around - turned) * sources[j, size - 1]
            values[i] = total / (2.0 * np.pi)
            for axis in range(size):
                slopes[i, axis] = (slopes[i, axis] + radial * points[i, axis]) / (2.0 * np.pi)
