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

from wgflow.compilation import arrays_apart, inlined_kernel, kernel, parallel_kernel, reduction, wide_vectors

_TAN_PI_8 = float(np.tan(0.125 * np.pi))
AT_ONCE = 4  # targets, and axes
CLOSE = 2.0**-10  # squares of half chords that differences of inner products would leave few digits of


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


@kernel
def _fill_products(targets, sources, products):
    """Write the inner products of four targets (4, d) with sources (d, n), d a multiple of 4.

    Each source that is loaded serves four targets, and each sum that is loaded four axes: arithmetic alone takes time.
    """
    wide_vectors()
    arrays_apart()
    products[:] = 0.0
    for axis in range(0, sources.shape[0], AT_ONCE):
        a, b, c, d = targets[0, axis], targets[0, axis + 1], targets[0, axis + 2], targets[0, axis + 3]
        e, f, g, h = targets[1, axis], targets[1, axis + 1], targets[1, axis + 2], targets[1, axis + 3]
        k, l, m, n = targets[2, axis], targets[2, axis + 1], targets[2, axis + 2], targets[2, axis + 3]  # noqa: E741
        o, p, q, r = targets[3, axis], targets[3, axis + 1], targets[3, axis + 2], targets[3, axis + 3]
        for j in range(sources.shape[1]):
            w, x, y, z = sources[axis, j], sources[axis + 1, j], sources[axis + 2, j], sources[axis + 3, j]
            products[0, j] += a * w + b * x + c * y + d * z
            products[1, j] += e * w + f * x + g * y + h * z
            products[2, j] += k * w + l * x + m * y + n * z
            products[3, j] += o * w + p * x + q * y + r * z


@reduction
def _add_weighted(weights, sources, sums):
    """Add the sums over sources (d, n) with four rows of weights (4, n) to ``sums`` (4, d), d a multiple of 2."""
    arrays_apart()
    wide_vectors()
    for axis in range(0, sources.shape[0], 2):
        a = b = c = d = e = f = g = h = 0.0
        for j in range(sources.shape[1]):
            x, y = sources[axis, j], sources[axis + 1, j]
            a += weights[0, j] * x
            b += weights[0, j] * y
            c += weights[1, j] * x
            d += weights[1, j] * y
            e += weights[2, j] * x
            f += weights[2, j] * y
            g += weights[3, j] * x
            h += weights[3, j] * y
        sums[0, axis] += a
        sums[0, axis + 1] += b
        sums[1, axis] += c
        sums[1, axis + 1] += d
        sums[2, axis] += e
        sums[2, axis + 1] += f
        sums[3, axis] += g
        sums[3, axis + 1] += h


@reduction
def _squared_chord(target, sources, j, sign):
    total = 0.0
    for axis in range(target.size):
        total += (target[axis] + sign * sources[axis, j]) ** 2
    return total


@kernel
def _fill_half_chords(target, sources, apart, together):
    """From inner products in ``apart``: |u - v|^2 / 4 and |u + v|^2 / 4, from u and v themselves where one is small."""
    wide_vectors()
    close = 0
    for j in range(apart.size):
        product = apart[j]
        apart[j], together[j] = 0.5 - 0.5 * product, 0.5 + 0.5 * product
        close += abs(product) > 1.0 - 2.0 * CLOSE
    if close > 0:
        for j in range(apart.size):
            if apart[j] < CLOSE:
                apart[j] = 0.25 * _squared_chord(target, sources, j, -1.0)
            elif together[j] < CLOSE:
                together[j] = 0.25 * _squared_chord(target, sources, j, 1.0)


@reduction
def angular_sums(apart, together, masses):
    """Sums of masses times 2 pi k and times sin p; ``apart`` becomes masses times pi - p."""
    arrays_apart()
    wide_vectors()
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


@kernel
def sums_at_targets(first, last, gradients, targets, sources, masses, work, values, sines, slopes):
    """Write the sums at the targets ``first ... last - 1``, in fours; ``work`` has the shape (5, c)."""
    for i in range(first, last, AT_ONCE):
        own = targets[i : i + AT_ONCE]
        values[i : i + AT_ONCE] = 0.0
        sines[i : i + AT_ONCE] = 0.0
        if gradients:
            slopes[i : i + AT_ONCE] = 0.0
        products, together = work[:AT_ONCE], work[AT_ONCE]
        for c in range(masses.shape[0]):
            _fill_products(own, sources[c], products)
            for k in range(AT_ONCE):
                _fill_half_chords(own[k], sources[c], products[k], together)
                value, along = angular_sums(products[k], together, masses[c])
                values[i + k] += value
                sines[i + k] += along
            if gradients:
                _add_weighted(products, sources[c], slopes[i : i + AT_ONCE])
        if gradients:
            for k in range(AT_ONCE):
                for axis in range(targets.shape[1]):
                    slopes[i + k, axis] += sines[i + k] * own[k, axis]


@cache
def pair_kernel(gradients: bool, blocks: int) -> Callable[..., None]:
    """Compile the sums with or without gradients, serial (one block) or on all cores."""
    compiled = reduction if blocks == 1 else parallel_kernel

    @compiled
    def pair_sums(targets, sources, masses, work, values, sines, slopes):
        """Write sums over unit sources at unit targets (m, d), times 2 pi; m and d are multiples of 4.

        Sources lie in chunks, shape (k, d, c), as their masses do, (k, c); ``work`` has the shape (blocks, 5, c).
        ``sines`` (m,) becomes the sum of masses times sin p, ``slopes`` (m, d) that of masses times sin(p) target +
        (pi - p) source, used with ``gradients``.
        """
        count = targets.shape[0] // AT_ONCE
        for block in prange(blocks):
            first, last = block * count // blocks * AT_ONCE, (block + 1) * count // blocks * AT_ONCE
            sums_at_targets(first, last, gradients, targets, sources, masses, work[block], values, sines, slopes)

    return pair_sums
