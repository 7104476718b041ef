"""Sums of a kernel and of its slope over all pairs of points: each pair is computed once, for both of its points.

Rows of points are dealt in turn to a fixed number of groups, each of which has sums of its own, and pass over the
sources tile by tile: what a pass needs stays in the cache, and results do not depend on the number of threads. Rows of
arrays may be longer than there are points, so that they begin at multiples of the width of a vector.
"""

from __future__ import annotations

from numba import prange

from wgflow.compilation import inlined_kernel, kernel, parallel_kernel, reduction, wide_vectors
from wgflow.functionals.kernels.elementary import LEAST_SQUARE, exponential, inverse_root, logarithm_and_inverse

TILE = 512  # sources
GAUSSIAN, LOGARITHM, INTEGER_POWER, POWER, EXPONENTIAL, OWN = range(6)
LARGEST_EXPONENT = 709.0


@kernel
def fill_profile(kind, first, second, places, values, slopes):
    """Values and derivatives of a named function at squared distances s, or at products of points."""
    wide_vectors()
    if kind == GAUSSIAN:  # exp(first s)
        for j in range(places.size):
            values[j] = exponential(first * places[j])
            slopes[j] = first * values[j]
    elif kind == LOGARITHM:  # log(s + second) / 2
        for j in range(places.size):
            value, inverse = logarithm_and_inverse(max(places[j] + second, LEAST_SQUARE))
            values[j] = 0.5 * value
            slopes[j] = 0.5 * inverse
    elif kind == INTEGER_POWER:
        _fill_integer_power(int(first), second, places, values, slopes)
    elif kind == POWER:  # (s + second)^(first / 2) / first
        for j in range(places.size):
            rounded = places[j] + second
            value, inverse = logarithm_and_inverse(max(rounded, LEAST_SQUARE))
            power = exponential(min((0.5 * first - 1.0) * value, LARGEST_EXPONENT))
            values[j] = rounded * power / first
            slopes[j] = 0.5 * power
    elif kind == EXPONENTIAL:  # exp(first s)
        for j in range(places.size):
            values[j] = exponential(min(first * places[j], LARGEST_EXPONENT))
            slopes[j] = first * values[j]


@kernel
def _fill_integer_power(exponent, second, places, values, slopes):
    """The power (s + second)^(exponent / 2) / exponent by products, of roots where the exponent is odd."""
    wide_vectors()
    for j in range(places.size):
        rounded = places[j] + second
        inverse = inverse_root(rounded)
        slopes[j] = 0.5
        if exponent % 2 == 1:
            slopes[j] *= inverse if exponent <= 1 else rounded * inverse
        values[j] = inverse * inverse if exponent <= 1 else rounded
    for _ in range((abs(exponent - 2)) // 2):
        for j in range(places.size):
            slopes[j] *= values[j]
    for j in range(places.size):
        values[j] = 2.0 / exponent * (places[j] + second) * slopes[j]


@inlined_kernel
def _fill_places(products, points, target, start, places):
    """Squared distances of a point to those from ``start`` on, or products with them."""
    wide_vectors()
    for k in range(points.shape[0]):
        x, row = points[k, target], points[k, start : start + places.size]
        if products:
            for j in range(places.size):
                places[j] = x * row[j] + (places[j] if k > 0 else 0.0)
        else:
            for j in range(places.size):
                d = x - row[j]
                places[j] = d * d + (places[j] if k > 0 else 0.0)


@reduction
def _add_both(others, charge, charges, values):
    """Add what a point gives to others; returns what they give to it."""
    wide_vectors()
    total = 0.0
    for j in range(values.size):
        total += charges[j] * values[j]
        others[j] += charge * values[j]
    return total


@reduction
def _pull_both(others, x, row, charge, charges, slopes):
    """The same along an axis for pairs that pull along the line between them."""
    wide_vectors()
    total = 0.0
    for j in range(slopes.size):
        pull = slopes[j] * (x - row[j])
        total += charges[j] * pull
        others[j] -= charge * pull
    return total


@reduction
def _draw_both(others, x, row, charge, charges, slopes):
    """The same for functions of the product of two points, whose gradient is along the other one."""
    wide_vectors()
    total = 0.0
    for j in range(slopes.size):
        total += charges[j] * slopes[j] * row[j]
        others[j] += charge * slopes[j] * x
    return total


@kernel
def _add_row(own, kind, first, second, points, charges, i, start, stop, work, sums):
    """Add the pairs of a point with others to the sums of all of them."""
    wide_vectors()
    products, size = kind == EXPONENTIAL, stop - start
    places, values, slopes = work[0, :size], work[1, :size], work[2, :size]
    _fill_places(products, points, i, start, places)
    if own is None:
        fill_profile(kind, first, second, places, values, slopes)
    else:
        own(places, values, slopes)
    others = charges[start:stop]
    sums[0, i] += _add_both(sums[0, start:stop], charges[i], others, values)
    for k in range(points.shape[0]):
        x, row, along = points[k, i], points[k, start:stop], sums[k + 1, start:stop]
        if products:
            sums[k + 1, i] += _draw_both(along, x, row, charges[i], others, slopes)
        else:
            sums[k + 1, i] += _pull_both(along, x, row, charges[i], others, slopes)


@kernel
def add_rows(own, kind, first, second, points, charges, group, groups, work, sums):
    """Add all pairs of the points of a group with those after them to its sums, (1 + p, n).

    The profile is the one that is given, if any, else that of the kind. ``work`` has the shape (3, TILE).
    """
    count = charges.size
    for start in range(0, count, TILE):
        stop = min(start + TILE, count)
        for i in range(group, stop, groups):
            begin = max(i + 1, start)
            if begin < stop:
                _add_row(own, kind, first, second, points, charges, i, begin, stop, work, sums)


@parallel_kernel
def add_pairs(kind, first, second, points, charges, work, sums):
    """Add the sums of values and slopes of each group, (groups, 1 + p, n), over all pairs of n points (p, n)."""
    groups = sums.shape[0]
    for group in prange(groups):
        add_rows(None, kind, first, second, points, charges, group, groups, work[group], sums[group])
