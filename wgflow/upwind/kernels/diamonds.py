"""Finite-volume kernels on the sphere as ten diamonds of n x n cells; see `wgflow.domains.diamonds`.

Arrays of cells have shape ``(sheets, 10 n^2 + 2)``. A diamond is passed row by row; rows of the density and of the
potential are copied with two cells more at either end, so that inner loops know no seams: column k of such a row is
that of the cell i = k - 8. Rows of values at faces, of weights and of factors begin with those of the cell i = -7. The
faces of a cell (i, j) in them are those behind it, beside the cells (i - 1, j), (i - 1, j - 1) and (i, j - 1): three
families, of which a diamond has n + 1 rows. Weights and factors are filled up with zeros on both sides to whole vectors
of the processor, w numbers, so that loops have no rest, and vectors of cells in rows are those in whole arrays.

The two diamonds beside a seam compute the same flux with opposite sign, to the last bit. Faces of the twelve corners of
the grid, and some between two cells beside one, do not fit into rows: their factors in them are zero, and they come
after all others.

References
----------
Barth and Jespersen (1989), AIAA paper 89-0366: linear reconstruction within the range of the neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import (
    arrays_apart,
    inlined_kernel,
    inlined_slicing_kernel,
    kernel,
    parallel_kernel,
    wide_vectors,
)
from wgflow.domains.diamonds import DIAMONDS, POLES
from wgflow.domains.mesh import DEGREE
from wgflow.upwind.kernels.diamond_sums import AFTER, BEFORE, HERE, ONE, TWO, watch_row
from wgflow.upwind.kernels.limiters import BARTH_JESPERSEN, FIRST_ORDER, POSITIVE, limited_difference
from wgflow.upwind.kernels.subnormal import without_subnormal

PARALLEL_THRESHOLD = 4_096
ROWS_AT_ONCE = 64  # of a diamond, fixed, so that results do not depend on the number of threads
CELLS_AT_ONCE = 16_384  # of longer rows, fewer: what diamonds have in common of a band of rows stays in a cache
WORK_ROWS = 22  # of a task: densities, potentials, values kept, rates, largest rates and least potentials


def bands_of(n: int) -> int:
    """Bands of rows in which diamonds of n x n cells are passed."""
    return max(1, n // min(ROWS_AT_ONCE, CELLS_AT_ONCE // n))


@inlined_slicing_kernel
def copy_row(values, n, diamond, j, halo_rows, halo_columns, rows, place):
    """Copy row j of a diamond, from -2 to n + 1, with two cells more at either end."""
    arrays_apart()
    wide_vectors()
    if 0 <= j < n:
        first = np.uint64((diamond * n + j) * n)
        for k in range(np.uint64(n)):
            rows[place, k + HERE] = values[first + k]
    copy_halo(values, n, diamond, j, halo_rows, halo_columns, rows, place)


@inlined_slicing_kernel
def copy_halo(values, n, diamond, j, halo_rows, halo_columns, rows, place):
    """Copy what lies outside a diamond: two cells at either end of one of its own rows, or all of another one."""
    arrays_apart()
    if j < 0 or j >= n:
        outer = j + 2 if j < 0 else j - n + 2
        for k in range(np.uint64(n + 4)):
            rows[place, k + HERE - TWO] = values[halo_rows[diamond, outer, k]]
    else:
        rows[place, HERE - TWO], rows[place, BEFORE] = (
            values[halo_columns[diamond, j, 0]],
            values[halo_columns[diamond, j, 1]],
        )
        rows[place, n + HERE], rows[place, n + AFTER] = (
            values[halo_columns[diamond, j, 2]],
            values[halo_columns[diamond, j, 3]],
        )


@inlined_slicing_kernel
def face_value(here, ahead, behind, quarter, difference, sideways, along, across, lower, upper, limiter):
    """Density at a face by the limited slope towards it, from the differences along and across the line through it."""
    if limiter == FIRST_ORDER:
        return here
    if limiter in (POSITIVE, BARTH_JESPERSEN):
        value = here + along * difference + across * sideways
    else:  # the line is limited, but not what is due to its not going through the middle of the face
        limited = 0.5 * limited_difference(here - behind, ahead - here, here, limiter)
        value = here + limited + (along - quarter) * difference + across * sideways
    return min(max(value, lower), upper)


@inlined_slicing_kernel
def rate_through(factor, before, after, midpoint):
    """Velocity through a face times alpha and its length; ``midpoint`` is a constant of each compiled kernel."""
    return factor if midpoint else factor * (before - after)


@inlined_slicing_kernel
def upwind(rate, before, after):
    """Flux through a face between two densities there."""
    return rate * (before if rate > 0.0 else after)


@inlined_slicing_kernel
def rates_of_row(diamond, j, phi, factors, now, rates, midpoint):
    """Rates through the three families of faces of row j; ``phi`` holds the row before as well."""
    arrays_apart()
    wide_vectors()
    rate1, rate2, rate3 = rates
    before = 1 - now
    for k in range(np.uint64(factors.shape[3])):
        rate1[now, k] = rate_through(factors[diamond, 0, j, k], phi[now, k], phi[now, k + ONE], midpoint)
        rate2[now, k] = rate_through(factors[diamond, 1, j, k], phi[before, k], phi[now, k + ONE], midpoint)
        rate3[now, k] = rate_through(factors[diamond, 2, j, k], phi[before, k + ONE], phi[now, k + ONE], midpoint)


@inlined_slicing_kernel
def values_at_faces(k, rho, rows, slopes, place, line, limiter):
    """Densities at the six faces of cell k of a row: ahead, and behind; ``rows`` are those of ``rho`` around it."""
    below, row, above = rows
    west, here, east = rho[row, k], rho[row, k + ONE], rho[row, k + TWO]
    southwest, south, north, northeast = rho[below, k], rho[below, k + ONE], rho[above, k + ONE], rho[above, k + TWO]
    # Within [0, 2 rho], on which the positivity bound of a stage rests.
    lower, upper = 0.0, here + here
    if limiter == BARTH_JESPERSEN:
        lower = min(min(min(west, east), min(southwest, south)), min(min(north, northeast), here))
        highest = max(max(max(west, east), max(southwest, south)), max(max(north, northeast), here))
        upper = min(highest, upper)
    d1, d2, d3 = east - west, northeast - southwest, north - south
    s1, s2, s3 = d2 + d3, d3 - d1, d1 + d2
    a, b = slopes[place, 0, line, k], slopes[place, 1, line, k]
    ahead1 = face_value(here, east, west, 0.25, d1, s1, a, b, lower, upper, limiter)
    a, b = slopes[place, 2, line, k], slopes[place, 3, line, k]
    ahead2 = face_value(here, northeast, southwest, 0.25, d2, s2, a, b, lower, upper, limiter)
    a, b = slopes[place, 4, line, k], slopes[place, 5, line, k]
    ahead3 = face_value(here, north, south, 0.25, d3, s3, a, b, lower, upper, limiter)
    a, b = slopes[place, 6, line, k], slopes[place, 7, line, k]
    behind1 = face_value(here, west, east, -0.25, d1, s1, a, b, lower, upper, limiter)
    a, b = slopes[place, 8, line, k], slopes[place, 9, line, k]
    behind2 = face_value(here, southwest, northeast, -0.25, d2, s2, a, b, lower, upper, limiter)
    a, b = slopes[place, 10, line, k], slopes[place, 11, line, k]
    behind3 = face_value(here, south, north, -0.25, d3, s3, a, b, lower, upper, limiter)
    return ahead1, ahead2, ahead3, behind1, behind2, behind3


@inlined_slicing_kernel
def updated(stage, phi, start, outflow, inverse_volume, weights, step, reaction):
    """Density of a cell after a stage, from those at the stage and at the start of the step."""
    start_weight, stage_weight = weights
    change = -outflow * inverse_volume - reaction * phi * stage
    return without_subnormal(start_weight * start + stage_weight * (stage + step * change))


@inlined_slicing_kernel
def stage_of_row(
    n, places, j, cells, written, rho, phi, slopes, factors, kept, rates, fields, weights, step, reaction,
    inverse_volumes, watch, limiter, midpoint, new,
):  # fmt: skip
    """Write the cells of row j - 1, by the values at the faces of row j and what is kept of the row before.

    All in one loop, in which the numbers of cell k - 1 are at hand for cell k: between several loops they would be
    written and read again. Meanwhile rows to come are copied from the ``fields`` of densities and potentials, so that
    arithmetic goes on while memory is waited for. ``rho`` and ``phi`` hold four rows in turn; ``kept`` values ahead,
    and outflow so far. ``cells`` are the first ones of the rows to be written and to be copied; ``written`` is 0 if
    there is none to be written.
    """
    arrays_apart()
    wide_vectors()
    of_slopes, of_factors = places
    ahead2, ahead3, partial = kept
    rate1, rate2, rate3 = rates
    density, potential, start = fields
    here_first, density_first, potential_first = cells
    rows = (j + 3) % 4, j % 4, (j + 1) % 4
    below, row, above = rows
    next_row = (j + 2) % 4
    before, now = (j + 1) % 2, j % 2
    before1, flux3_before, inflow_before = 0.0, 0.0, 0.0
    written_end, inside_end = HERE + np.uint64(written), HERE + np.uint64(n)
    for k in range(np.uint64(factors.shape[3])):
        values = values_at_faces(k, rho, rows, slopes, of_slopes, j + 1, limiter)
        ahead1, ahead2[now, k + ONE], ahead3[now, k], behind1, behind2, behind3 = values
        through1 = rate_through(factors[of_factors, 0, j, k], phi[row, k], phi[row, k + ONE], midpoint)
        through2 = rate_through(factors[of_factors, 1, j, k], phi[below, k], phi[row, k + ONE], midpoint)
        through3 = rate_through(factors[of_factors, 2, j, k], phi[below, k + ONE], phi[row, k + ONE], midpoint)
        if watch is not None:
            rate1[now, k], rate2[now, k], rate3[now, k] = through1, through2, through3
        flux1 = upwind(through1, before1, behind1)
        flux2 = upwind(through2, ahead2[before, k], behind2)
        flux3 = upwind(through3, ahead3[before, k], behind3)
        inflow = flux1 + flux2 + flux3  # before anything is written that needs the one of cell k - 1
        outflow = partial[before, k] + (flux2 + flux3_before)
        partial[now, k] = flux1 - inflow_before
        before1, flux3_before, inflow_before = ahead1, flux3, inflow
        if HERE <= k < inside_end:
            cell = k - HERE  # here and below, so that it is no number beneath zero without a sign
            rho[next_row, k] = density[density_first + cell]
            phi[above, k] = potential[potential_first + cell]
        if HERE <= k < written_end:
            here = here_first + (k - HERE)
            new[here] = updated(
                rho[below, k], phi[below, k], start[here], outflow, inverse_volumes[here], weights, step, reaction
            )


@inlined_slicing_kernel
def stage_of_corners(
    rho, phi, old, weights, step, reaction, inverse_volumes, factors, corners, first_order, midpoint, new
):
    """Write the poles, and add what flows through the faces at the twelve corners of the grid."""
    faces, near, near_weights = corners
    start_weight, stage_weight = weights
    for cell in range(rho.size - POLES, rho.size):
        stage = rho[cell] - step * reaction * phi[cell] * rho[cell]
        new[cell] = without_subnormal(start_weight * old[cell] + stage_weight * stage)
    for face in range(len(faces)):
        first, second = faces[face, 0], faces[face, 1]
        rate = rate_through(factors[face], phi[first], phi[second], midpoint)
        side = 0 if rate > 0.0 else 1
        here = rho[faces[face, side]]
        value, lower, upper = here, here, here
        for k in range(DEGREE):
            there = rho[near[face, side, k]]
            value += 0.0 if first_order else near_weights[face, side, k] * (there - here)
            lower, upper = min(lower, there), max(upper, there)
        moved = stage_weight * step * rate * min(max(value, lower), min(upper, here + here))
        new[first] -= moved * inverse_volumes[first]
        new[second] += moved * inverse_volumes[second]


@inlined_slicing_kernel
def stage_of_rows(
    n, diamond, first, last, rho, phi, old, weights, step, reaction, inverse_volumes, factors, slopes, halo_rows,
    halo_columns, watch, work, new, limiter, midpoint,
):  # fmt: skip
    """Write the rows ``first ... last - 1`` of a diamond; ``watch`` is None, or see `watch_row`."""
    densities, potentials, kept = work[0:4], work[4:8], (work[8:10], work[10:12], work[12:14])
    rates, places = (work[14:16], work[16:18], work[18:20]), (place_of(diamond, slopes), place_of(diamond, factors))
    for j in range(first - 2, first + 1):
        copy_row(rho, n, diamond, j, halo_rows, halo_columns, densities, j % 4)
    for j in range(first - 2, first):
        copy_row(phi, n, diamond, j, halo_rows, halo_columns, potentials, j % 4)
    for j in range(first - 1, last + 1):
        begin = (diamond * n + j - 1) * n
        cells = row_from(n, diamond, j - 1), row_from(n, diamond, j + 2), row_from(n, diamond, j + 1)
        written = n if j > first else 0
        stage_of_row(
            n, places, j, cells, written, densities, potentials, slopes, factors, kept, rates, (rho, phi, old),
            weights, step, reaction, inverse_volumes, watch, limiter, midpoint, new,
        )  # fmt: skip
        if j < last:
            copy_halo(rho, n, diamond, j + 2, halo_rows, halo_columns, densities, (j + 2) % 4)
            copy_halo(phi, n, diamond, j + 1, halo_rows, halo_columns, potentials, (j + 1) % 4)
        if watch is not None and j > first:
            watch_row(n, begin, j % 2, rates, rho, phi, old, new, reaction, inverse_volumes, work[20], watch)


@inlined_slicing_kernel
def row_from(n, diamond, j):
    """First cell of row j of a diamond, or of the nearest one, if it has no such row."""
    return np.uint64((diamond * n + max(0, min(j, n - 1))) * n)


@inlined_slicing_kernel
def place_of(diamond, geometry):
    """Where a diamond finds its own in an array of all ten, or of the first northern and the first southern one."""
    return diamond * len(geometry) // DIAMONDS


@inlined_kernel
def part_of(task, parts, n):
    """Sheet, diamond, and first and last row of a task: neighbours in time are the diamonds of one band of rows."""
    part = task // DIAMONDS % parts
    return task // (DIAMONDS * parts), task % DIAMONDS, part * n // parts, (part + 1) * n // parts


@cache
def diamond_stage_kernel(limiter: int, midpoint: bool, parallel: bool) -> Callable[..., None]:
    """Compile the Euler stage for one limiter and velocity, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel
    first_order = limiter == FIRST_ORDER

    @compiled
    def euler_stage(
        density, potential, start, weights, step, reaction, inverse_volumes, factors, corner_factors, slopes,
        halo_rows, halo_columns, corners, work, result,
    ):  # fmt: skip
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``.

        ``factors`` (1, 2, 3, n + 1, w) are alpha |face| / distance for faces in rows of the first northern and southern
        diamond, with ``midpoint`` alpha |face| u of all ten, (sheets, 10, 3, n + 1, w); ``corner_factors`` (sheets, c)
        are those of the c other faces. Work space has the shape (tasks, WORK_ROWS, w + 8).
        """
        sheets, n = len(density), halo_columns.shape[1]
        parts = len(work) // (sheets * DIAMONDS)
        for task in prange(len(work)):
            wide_vectors()
            sheet, diamond, first, last = part_of(task, parts, n)
            stage_of_rows(
                n, diamond, first, last, density[sheet], potential[sheet], start[sheet], weights, step, reaction,
                inverse_volumes, factors[sheet % len(factors)], slopes, halo_rows, halo_columns, None,
                work[task], result[sheet], limiter, midpoint,
            )  # fmt: skip
        for sheet in range(sheets):
            stage_of_corners(
                density[sheet], potential[sheet], start[sheet], weights, step, reaction, inverse_volumes,
                corner_factors[sheet % len(corner_factors)], corners, first_order, midpoint, result[sheet],
            )  # fmt: skip

    return euler_stage
