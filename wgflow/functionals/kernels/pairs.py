"""Sums of a kernel and of its slope over pairs of points: each pair is computed once, for both of its points.

Rows of points are dealt in turn to a fixed number of groups, each of which has sums of its own, and pass over the
sources tile by tile: what a pass needs stays in the cache, and results do not depend on the number of threads. Rows of
arrays may be longer than there are points, so that they begin at multiples of the width of a vector; there are two at
least. Within a tile the distances along the first two axes, the kernel and what it adds to both sides are one loop,
whose arithmetic alone takes time: in the plane numbers are loaded once.
"""

from __future__ import annotations

from numba import prange

from wgflow.compilation import (
    arrays_apart,
    inlined_kernel,
    inlined_reduction,
    kernel,
    parallel_kernel,
    reduction,
    slicing_kernel,
    wide_vectors,
)
from wgflow.functionals.kernels.elementary import (
    ROUNDER,
    exponential,
    fitted_power,
    inverse_fourth_root,
    inverse_root,
    logarithm_and_inverse,
)

TILE = 512  # sources
SCRATCH = 3  # rows of the work array of a group, beside one for each axis
GAUSSIAN, LOGARITHM, POWER, EXPONENTIAL, PRODUCTS, OWN = range(6)
FROM_ONE, FROM_ROOT, FROM_FOURTH_ROOT, FROM_FIT = range(4)  # what products begin with
LARGEST_EXPONENT = 709.0


@inlined_kernel
def _value_and_slope(kind, parameters, s):
    """A function of squared distances or products s, and its derivative, both up to a factor."""
    if kind == LOGARITHM:  # log(s), 1 / s
        return logarithm_and_inverse(s)
    if kind == POWER:  # s^(a + 1), s^a
        power = fitted_power(parameters, s)
        return s * power, power
    if kind == EXPONENTIAL:  # of the first parameter times s
        s = min(parameters[0] * s, LARGEST_EXPONENT)
        value = exponential(s)
        return value, value
    value = exponential(parameters[0] * s)
    return value, value


@kernel
def fill_profile(kind, parameters, places, values, slopes):
    """Values and derivatives, both up to a factor, of a named function at squared distances or products of points."""
    if kind == PRODUCTS:
        _fill_products(parameters, places, values, slopes)
    else:
        for j in range(places.size):
            values[j], slopes[j] = _value_and_slope(kind, parameters, places[j])


@kernel
def _fill_products(parameters, places, values, slopes):
    """The powers s^(a + 1) and s^a by products: of s or 1 / s with 1, a root of 1 / s, or a fitted power."""
    wide_vectors()
    first, count = int(parameters[-2]), int(parameters[-1])
    if first == FROM_FIT:
        for j in range(places.size):
            slopes[j] = fitted_power(parameters, places[j])
    elif first == FROM_FOURTH_ROOT:
        for j in range(places.size):
            slopes[j] = inverse_fourth_root(places[j])
    else:
        for j in range(places.size):
            slopes[j] = inverse_root(places[j]) if first == FROM_ROOT else 1.0
    for j in range(places.size):
        values[j] = 1.0 / places[j] if count < 0 else places[j]
    for _ in range(abs(count)):
        for j in range(places.size):
            slopes[j] *= values[j]
    for j in range(places.size):
        values[j] = places[j] * slopes[j]


@slicing_kernel
def _fill_places(products, rounding, first, points, target, start, work, periods, places):
    """Squared distances of a point to those from ``start`` on, or products with them, over the axes from some on."""
    wide_vectors()
    for j in range(places.size):
        places[j] = rounding
    for k in range(first, points.shape[0]):
        x = points[k, target]
        row = work[SCRATCH + k, : places.size] if periods[k] > 0.0 else points[k, start : start + places.size]
        if products:
            for j in range(places.size):
                places[j] += x * row[j]
        else:
            for j in range(places.size):
                d = x - row[j]
                places[j] += d * d


@slicing_kernel
def _fill_images(x, row, period, images):
    """Components, along a periodic axis, of the images of sources that are nearest to a point."""
    wide_vectors()
    for j in range(row.size):
        turns = ((x - row[j]) / period + ROUNDER) - ROUNDER
        images[j] = row[j] + turns * period


def _plane_kernel(kind):
    """What adds the pairs of a point with others along the first two axes, for one kind of kernels."""

    def add_plane(parameters, here, rows, charges, work, along):
        """Add what a point gives to others to their sums, values and two axes; returns what they give to it.

        For kernels that are not known here the work array holds places, values and slopes; for all others it holds
        places over the axes after the first two, and is given the slopes.
        """
        wide_vectors()
        arrays_apart()
        (x, y, charge), (xs, ys), (places, values, slopes) = here, rows, work
        potential, along_x, along_y = along
        total, total_x, total_y = 0.0, 0.0, 0.0
        for j in range(charges.size):
            if kind == EXPONENTIAL:  # its gradient is along the other point
                value, slope = _value_and_slope(kind, parameters, places[j] + x * xs[j] + y * ys[j])
                here_x, here_y, there_x, there_y = slope * xs[j], slope * ys[j], slope * x, slope * y
            else:
                dx, dy = x - xs[j], y - ys[j]
                if kind == OWN:
                    value, slope = values[j], slopes[j]
                else:
                    value, slope = _value_and_slope(kind, parameters, places[j] + dx * dx + dy * dy)
                here_x, here_y, there_x, there_y = slope * dx, slope * dy, -slope * dx, -slope * dy
            slopes[j] = slope
            total += charges[j] * value
            total_x += charges[j] * here_x
            total_y += charges[j] * here_y
            potential[j] += charge * value
            along_x[j] += charge * there_x
            along_y[j] += charge * there_y
        return total, total_x, total_y

    return inlined_reduction(add_plane)


# Each of its own, so that the kind is known when the compiler looks for what can run on vectors.
_add_gaussian, _add_logarithm, _add_power, _add_exponential, _add_filled = map(
    _plane_kernel, (GAUSSIAN, LOGARITHM, POWER, EXPONENTIAL, OWN)
)


@reduction
def _add_axis(products, x, row, charge, charges, slopes, along):
    """Add what a point gives to others along a further axis; returns what they give to it."""
    arrays_apart()
    wide_vectors()
    total = 0.0
    for j in range(slopes.size):
        if products:
            total += charges[j] * slopes[j] * row[j]
            along[j] += charge * slopes[j] * x
        else:
            pull = slopes[j] * (x - row[j])
            total += charges[j] * pull
            along[j] -= charge * pull
    return total


@slicing_kernel
def _add_row(own, kind, parameters, rounding, periods, points, charges, i, start, stop, work, sums):
    """Add the pairs of a point with others to the sums of all of them."""
    wide_vectors()
    products, size, known = kind == EXPONENTIAL, stop - start, own is None and kind != PRODUCTS
    for k in range(points.shape[0]):
        if periods[k] > 0.0:
            _fill_images(points[k, i], points[k, start:stop], periods[k], work[SCRATCH + k, :size])
    scratch = work[0, :size], work[1, :size], work[2, :size]
    places, values, slopes = scratch
    first = 2 if known else 0
    if first < points.shape[0]:
        _fill_places(products, rounding, first, points, i, start, work, periods, places)
    here, others = (points[0, i], points[1, i], charges[i]), charges[start:stop]
    xs = work[SCRATCH, :size] if periods[0] > 0.0 else points[0, start:stop]
    ys = work[SCRATCH + 1, :size] if periods[1] > 0.0 else points[1, start:stop]
    rows = xs, ys
    along = sums[0, start:stop], sums[1, start:stop], sums[2, start:stop]
    if own is not None:
        own(places, values, slopes)
        found = _add_filled(parameters, here, rows, others, scratch, along)
    elif kind == PRODUCTS:
        _fill_products(parameters, places, values, slopes)
        found = _add_filled(parameters, here, rows, others, scratch, along)
    elif kind == GAUSSIAN:
        found = _add_gaussian(parameters, here, rows, others, scratch, along)
    elif kind == LOGARITHM:
        found = _add_logarithm(parameters, here, rows, others, scratch, along)
    elif kind == POWER:
        found = _add_power(parameters, here, rows, others, scratch, along)
    else:
        found = _add_exponential(parameters, here, rows, others, scratch, along)
    for k in range(3):
        sums[k, i] += found[k]
    for k in range(2, points.shape[0]):
        row = work[SCRATCH + k, :size] if periods[k] > 0.0 else points[k, start:stop]
        sums[k + 1, i] += _add_axis(products, points[k, i], row, charges[i], others, slopes, sums[k + 1, start:stop])


@kernel
def add_rows(own, kind, parameters, rounding, periods, points, charges, ends, group, groups, work, sums):
    """Add all pairs of the points of a group with those after them, each up to its end, to the group's sums."""
    count = charges.size
    for start in range(0, count, TILE):
        stop = min(start + TILE, count)
        for i in range(group, stop, groups):
            begin, end = max(i + 1, start), min(stop, ends[i])
            if begin < end:
                _add_row(own, kind, parameters, rounding, periods, points, charges, i, begin, end, work, sums)


@parallel_kernel
def add_pairs(own, kind, parameters, rounding, periods, points, charges, ends, first, last, work, sums):
    """Add the sums of values and slopes of the groups ``first ... last - 1`` over pairs of n points.

    Parameters
    ----------
    own : function or None
        What writes values and slopes at places, (m,) each, in the place of the kernel of the kind.
    kind, parameters : int, array
        The kernel by name.
    rounding : float
        What is added to squared distances.
    periods : array, shape (p,)
        Lengths of periodic axes, 0 for others.
    points, charges : arrays, shapes (p, n) and (n,)
        Points and their charges.
    ends : array, shape (n,)
        Each point is paired with those after it and before its end.
    first, last : int
        Which groups.
    work : array, shape (groups, 3 + p, TILE)
        Scratch, filled with the rounding.
    sums : array, shape (groups, 1 + p, n)
        Sums of values and of slopes times displacements, times the other point for functions of products.
    """
    groups = sums.shape[0]
    for group in prange(first, last):
        add_rows(
            own, kind, parameters, rounding, periods, points, charges, ends, group, groups, work[group], sums[group]
        )
