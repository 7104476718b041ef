r"""Sums of (rounded) ReLU features over particles and tiles of data.

With a kink of half width w the feature of the activation a is :math:`t^2/(4w) + \max(a - w, 0)`,
where t is a + w clipped to [0, 2w].

Two particles at a time meet a tile of data that stays in the cache, four inputs at a time, so that each number that
is loaded serves several products: all in all this takes little longer than the two matrix products that it contains.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import arrays_apart, inlined_kernel, kernel, parallel_kernel, reduction

INPUTS = 4  # that are multiplied at a time; points and data are filled up with zeros to a multiple


@inlined_kernel
def feature(rounded, activation, width, curvature, zero):
    """Feature of one activation; ``rounded`` is a constant of each compiled kernel."""
    if rounded:
        inside = min(max(activation + width, zero), width + width)
        return curvature * inside * inside + max(activation - width, zero)
    return max(activation, zero)


@inlined_kernel
def _slope(rounded, coefficient, activation, width, curvature, zero):
    """Slope of the feature in its activation, times a coefficient."""
    if rounded:
        return coefficient * (curvature + curvature) * min(max(activation + width, zero), width + width)
    return coefficient if activation > zero else zero


@kernel
def _start_products(first, second, columns, one, two):
    """Write the products of the first four inputs; see `_add_products`."""
    a, b, c, d = columns[0], columns[1], columns[2], columns[3]
    p, q, r, s = first[0], first[1], first[2], first[3]
    t, u, v, w = second[0], second[1], second[2], second[3]
    for i in range(one.size):
        one[i] = p * a[i] + q * b[i] + r * c[i] + s * d[i]
        two[i] = t * a[i] + u * b[i] + v * c[i] + w * d[i]


@reduction
def _add_products(first, second, columns, axis, one, two):
    """Add the products of four inputs to the activations of two particles at one tile of data."""
    arrays_apart()
    a, b, c, d = columns[axis], columns[axis + 1], columns[axis + 2], columns[axis + 3]
    p, q, r, s = first[axis], first[axis + 1], first[axis + 2], first[axis + 3]
    t, u, v, w = second[axis], second[axis + 1], second[axis + 2], second[axis + 3]
    for i in range(one.size):
        one[i] += p * a[i] + q * b[i] + r * c[i] + s * d[i]
        two[i] += t * a[i] + u * b[i] + v * c[i] + w * d[i]


@reduction
def _pull_back(first, second, columns, axis, zero):
    """Inner products of the slopes of two particles with four inputs, over one tile of data."""
    a, b, c, d = columns[axis], columns[axis + 1], columns[axis + 2], columns[axis + 3]
    p = q = r = s = t = u = v = w = zero
    for i in range(first.size):
        x, y = first[i], second[i]
        p += x * a[i]
        q += x * b[i]
        r += x * c[i]
        s += x * d[i]
        t += y * a[i]
        u += y * b[i]
        v += y * c[i]
        w += y * d[i]
    return p, q, r, s, t, u, v, w


@kernel
def fill_rows(source, filled):
    """Copy rows into longer ones."""
    for j in range(source.shape[0]):
        for axis in range(source.shape[1]):
            filled[j, axis] = source[j, axis]


@reduction
def _add_features(rounded, charges, one, two, width, curvature, prediction):
    arrays_apart()
    zero = one.dtype.type(0.0)
    for i in range(one.size):
        w, c = width[i], curvature[i]
        prediction[i] += charges[0] * feature(rounded, one[i], w, c, zero)
        prediction[i] += charges[1] * feature(rounded, two[i], w, c, zero)


@reduction
def _combine(rounded, activation, width, curvature, coefficients, slopes):
    """Potential at one particle; the coefficient times the slope of each feature goes to ``slopes``."""
    arrays_apart()
    zero = activation.dtype.type(0.0)
    value = zero
    for i in range(activation.size):
        a, w, c = activation[i], width[i], curvature[i]
        value += coefficients[i] * feature(rounded, a, w, c, zero)
        slopes[i] = _slope(rounded, coefficients[i], a, w, c, zero)
    return value


@reduction
def _value(rounded, activation, width, curvature, coefficients):
    zero = activation.dtype.type(0.0)
    value = zero
    for i in range(activation.size):
        value += coefficients[i] * feature(rounded, activation[i], width[i], curvature[i], zero)
    return value


@cache
def forward_kernel(blocks: int, rounded: bool) -> Callable[..., None]:
    """Compile the predictions for exact or rounded kinks, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def forward(first, last, points, charges, columns, width, curvature, activation, partial):
        """Write activations, shape (m, tiles, n), and add the predictions, of the blocks ``first ... last - 1``."""
        for block in prange(first, last):
            pairs = charges.size // 2
            for j in range(2 * (block * pairs // blocks), 2 * ((block + 1) * pairs // blocks), 2):
                for k in range(columns.shape[0]):
                    one, two = activation[j, k], activation[j + 1, k]
                    _start_products(points[j], points[j + 1], columns[k], one, two)
                    for axis in range(INPUTS, columns.shape[1], INPUTS):
                        _add_products(points[j], points[j + 1], columns[k], axis, one, two)
                    _add_features(rounded, charges[j : j + 2], one, two, width[k], curvature[k], partial[block, k])

    return forward


@cache
def backward_kernel(blocks: int, rounded: bool) -> Callable[..., None]:
    """Compile potential and gradient for exact or rounded kinks, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def backward(begin, end, activation, columns, width, curvature, coefficients, slopes, values, gradient):
        """Add to the potential (m,) and its gradient (m, d) at the particles of the blocks ``begin ... end - 1``."""
        for block in prange(begin, end):
            pairs, zero = values.size // 2, activation.dtype.type(0.0)
            first, second = slopes[block, 0], slopes[block, 1]
            for j in range(2 * (block * pairs // blocks), 2 * ((block + 1) * pairs // blocks), 2):
                for k in range(columns.shape[0]):
                    w, c, coefficient = width[k], curvature[k], coefficients[k]
                    values[j] += _combine(rounded, activation[j, k], w, c, coefficient, first)
                    values[j + 1] += _combine(rounded, activation[j + 1, k], w, c, coefficient, second)
                    for axis in range(0, columns.shape[1], INPUTS):
                        sums = _pull_back(first, second, columns[k], axis, zero)
                        for part in range(INPUTS):
                            gradient[j, axis + part] += sums[part]
                            gradient[j + 1, axis + part] += sums[INPUTS + part]

    return backward


@cache
def value_kernel(blocks: int, rounded: bool) -> Callable[..., None]:
    """Compile the potential alone for exact or rounded kinks, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def potentials(activation, width, curvature, coefficients, values):
        """Add to the potential (m,) at the particles with the given activations."""
        for block in prange(blocks):
            for j in range(block * values.size // blocks, (block + 1) * values.size // blocks):
                for k in range(activation.shape[1]):
                    values[j] += _value(rounded, activation[j, k], width[k], curvature[k], coefficients[k])

    return potentials
