"""Second moments of masses on the cells of a box, and quadratic forms there, from the coordinates of rows alone.

Arrays have the shape (n0, n1, n2), with n1 = 1 in two dimensions, where the middle coordinate is 0; ``axes`` are the
coordinates along each axis. Moments stand in the order of ``PAIRS``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import inlined_kernel, kernel, parallel_kernel, reduction, wide_vectors

PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


@reduction
def moments_of_row(mass, places):
    """Sums of masses in a row, and of their products with places and with squares of places."""
    wide_vectors()
    zeroth, first, second = 0.0, 0.0, 0.0
    for k in range(mass.size):
        product = mass[k] * places[k]
        zeroth += mass[k]
        first += product
        second += product * places[k]
    return zeroth, first, second


@inlined_kernel
def add_moments_of_row(x, y, sums, moments):
    """Add those of a row at the first coordinates x and y, from its sums."""
    zeroth, first, second = sums
    moments[0] += x * x * zeroth
    moments[1] += x * y * zeroth
    moments[2] += x * first
    moments[3] += y * y * zeroth
    moments[4] += y * first
    moments[5] += second


@cache
def second_moments_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the moments of each block of rows, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def second_moments(mass, axes, bounds, partial):
        """Write them into ``partial``, shape (blocks, 6); ``bounds`` are rows of the first axis."""
        for block in prange(bounds.size - 1):
            moments = partial[block]
            moments[:] = 0.0
            for i in range(bounds[block], bounds[block + 1]):
                for j in range(mass.shape[1]):
                    add_moments_of_row(axes[0][i], axes[1][j], moments_of_row(mass[i, j], axes[2]), moments)

    return second_moments


@kernel
def write_form_of_row(value, slope, curvature, places, result):
    """Write ``value + slope z + curvature z^2`` at the places z of a row."""
    wide_vectors()
    for k in range(result.size):
        result[k] = value + places[k] * (slope + places[k] * curvature)


@cache
def quadratic_form_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the quadratic form, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def quadratic_form(form, axes, result):
        """Write ``w^T A w`` for a symmetric A, entries above the diagonal doubled, in the order of ``PAIRS``."""
        for i in prange(result.shape[0]):
            x = axes[0][i]
            for j in range(result.shape[1]):
                y = axes[1][j]
                value = form[0] * x * x + form[1] * x * y + form[3] * y * y
                write_form_of_row(value, form[2] * x + form[4] * y, form[5], axes[2], result[i, j])

    return quadratic_form
