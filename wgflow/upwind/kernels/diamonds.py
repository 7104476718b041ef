"""Finite-volume kernels on the sphere as ten diamonds of n x n cells; see `wgflow.domains.diamonds`.

Arrays of cells have shape ``(sheets, 10 n^2 + 2)``. A diamond is passed row by row; rows of the density and of the
potential are copied with two cells more at either end, so that inner loops know no seams: column k of such a row is
that of the cells i = k - 2. Rows of face values begin at i = -1. Face i of a row of the three families lies between the
cells (i - 1, j), (i - 1, j - 1) or (i, j - 1) and the cell (i, j); a diamond has n + 1 rows of n + 1. Rows of their
weights and factors are filled up with zeros to whole vectors of the processor, w numbers, so that loops have no rest.

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

from wgflow.compilation import arrays_apart, inlined_kernel, kernel, parallel_kernel, wide_vectors
from wgflow.domains.diamonds import DIAMONDS, POLES
from wgflow.domains.mesh import DEGREE
from wgflow.upwind.kernels.diamond_sums import ONE, watch_row
from wgflow.upwind.kernels.limiters import BARTH_JESPERSEN, FIRST_ORDER, POSITIVE, limited_difference

PARALLEL_THRESHOLD = 4_096
TWO = np.uint64(2)
ROWS_AT_ONCE = 64  # of a diamond, fixed, so that results do not depend on the number of threads
WORK_ROWS = 27  # of a task: densities, potentials, values at faces, fluxes, largest rates in columns, rates


@inlined_kernel
def copy_row(values, n, diamond, j, halo_rows, halo_columns, rows, place):
    """Copy row j of a diamond, from -2 to n + 1, with two cells more at either end."""
    if j < 0 or j >= n:
        outer = j + 2 if j < 0 else j - n + 2
        for k in range(np.uint64(n + 4)):
            rows[place, k] = values[halo_rows[diamond, outer, k]]
    else:
        first = np.uint64((diamond * n + j) * n)
        for k in range(np.uint64(n)):
            rows[place, k + TWO] = values[first + k]
        rows[place, 0], rows[place, 1] = values[halo_columns[diamond, j, 0]], values[halo_columns[diamond, j, 1]]
        rows[place, n + 2], rows[place, n + 3] = (
            values[halo_columns[diamond, j, 2]],
            values[halo_columns[diamond, j, 3]],
        )


@inlined_kernel
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


@inlined_kernel
def values_of_row(diamond, j, rho, slopes, now, values, limiter):
    """Densities at the faces of the cells -1 ... n of row j; ``rho`` holds rows j - 1, j and j + 1."""
    arrays_apart()
    wide_vectors()
    ahead1, ahead2, ahead3, behind1, behind2, behind3 = values
    below, row, above, line = (j + 2) % 3, j % 3, (j + 1) % 3, j + 1
    for k in range(np.uint64(slopes.shape[3])):
        west, here, east = rho[row, k], rho[row, k + ONE], rho[row, k + TWO]
        southwest, south, north, northeast = (
            rho[below, k],
            rho[below, k + ONE],
            rho[above, k + ONE],
            rho[above, k + TWO],
        )
        # Within [0, 2 rho], on which the positivity bound of a stage rests.
        lower, upper = 0.0, here + here
        if limiter == BARTH_JESPERSEN:
            lower = min(min(min(west, east), min(southwest, south)), min(min(north, northeast), here))
            highest = max(max(max(west, east), max(southwest, south)), max(max(north, northeast), here))
            upper = min(highest, upper)
        d1, d2, d3 = east - west, northeast - southwest, north - south
        s1, s2, s3 = d2 + d3, d3 - d1, d1 + d2
        a, b = slopes[diamond, 0, line, k], slopes[diamond, 1, line, k]
        ahead1[k] = face_value(here, east, west, 0.25, d1, s1, a, b, lower, upper, limiter)
        a, b = slopes[diamond, 2, line, k], slopes[diamond, 3, line, k]
        ahead2[now, k] = face_value(here, northeast, southwest, 0.25, d2, s2, a, b, lower, upper, limiter)
        a, b = slopes[diamond, 4, line, k], slopes[diamond, 5, line, k]
        ahead3[now, k] = face_value(here, north, south, 0.25, d3, s3, a, b, lower, upper, limiter)
        a, b = slopes[diamond, 6, line, k], slopes[diamond, 7, line, k]
        behind1[k] = face_value(here, west, east, -0.25, d1, s1, a, b, lower, upper, limiter)
        a, b = slopes[diamond, 8, line, k], slopes[diamond, 9, line, k]
        behind2[k] = face_value(here, southwest, northeast, -0.25, d2, s2, a, b, lower, upper, limiter)
        a, b = slopes[diamond, 10, line, k], slopes[diamond, 11, line, k]
        behind3[k] = face_value(here, south, north, -0.25, d3, s3, a, b, lower, upper, limiter)


@inlined_kernel
def rate_through(factor, before, after, midpoint):
    """Velocity through a face times alpha and its length; ``midpoint`` is a constant of each compiled kernel."""
    return factor if midpoint else factor * (before - after)


@inlined_kernel
def upwind(rate, before, after):
    """Flux through a face between two densities there."""
    return max(rate, 0.0) * before + min(rate, 0.0) * after


@inlined_kernel
def rates_of_row(diamond, j, phi, factors, now, rates, midpoint):
    """Rates through the three families of faces of row j; ``phi`` holds the row before as well."""
    arrays_apart()
    wide_vectors()
    rate1, rate2, rate3 = rates
    before, columns = 1 - now, np.uint64(factors.shape[3])
    for k in range(columns):
        rate1[now, k] = rate_through(factors[diamond, 0, j, k], phi[now, k + ONE], phi[now, k + TWO], midpoint)
    for k in range(columns):
        rate2[now, k] = rate_through(factors[diamond, 1, j, k], phi[before, k + ONE], phi[now, k + TWO], midpoint)
    for k in range(columns):
        rate3[now, k] = rate_through(factors[diamond, 2, j, k], phi[before, k + TWO], phi[now, k + TWO], midpoint)


@inlined_kernel
def fluxes_of_row(diamond, j, phi, factors, now, values, fluxes, midpoint):
    """Fluxes through the three families of faces of row j; ``phi`` and values hold the row before as well."""
    arrays_apart()
    wide_vectors()
    ahead1, ahead2, ahead3, behind1, behind2, behind3 = values
    flux1, flux2, flux3 = fluxes
    before, columns = 1 - now, np.uint64(factors.shape[3])
    for k in range(columns):
        rate = rate_through(factors[diamond, 0, j, k], phi[now, k + ONE], phi[now, k + TWO], midpoint)
        flux1[now, k] = upwind(rate, ahead1[k], behind1[k + ONE])
    for k in range(columns):
        rate = rate_through(factors[diamond, 1, j, k], phi[before, k + ONE], phi[now, k + TWO], midpoint)
        flux2[now, k] = upwind(rate, ahead2[before, k], behind2[k + ONE])
    for k in range(columns):
        rate = rate_through(factors[diamond, 2, j, k], phi[before, k + TWO], phi[now, k + TWO], midpoint)
        flux3[now, k] = upwind(rate, ahead3[before, k + ONE], behind3[k + ONE])


@inlined_kernel
def update_of_row(n, first, now, fluxes, rho, phi, old, weights, step, reaction, inverse_volumes, new):
    """Write the n cells from ``first`` on, whose row is the one before."""
    arrays_apart()
    wide_vectors()
    flux1, flux2, flux3 = fluxes
    start_weight, stage_weight = weights
    row, first = 1 - now, np.uint64(first)
    for k in range(np.uint64(n)):
        outflow = (flux1[row, k + ONE] - flux1[row, k]) + (flux2[now, k + ONE] - flux2[row, k])
        outflow += flux3[now, k] - flux3[row, k]
        cell = first + k
        change = -outflow * inverse_volumes[cell] - reaction * phi[cell] * rho[cell]
        new[cell] = start_weight * old[cell] + stage_weight * (rho[cell] + step * change)


@inlined_kernel
def stage_of_corners(
    rho, phi, old, weights, step, reaction, inverse_volumes, factors, corners, first_order, midpoint, new
):
    """Write the poles, and add what flows through the faces at the twelve corners of the grid."""
    faces, near, near_weights = corners
    start_weight, stage_weight = weights
    for cell in range(rho.size - POLES, rho.size):
        new[cell] = start_weight * old[cell] + stage_weight * (rho[cell] - step * reaction * phi[cell] * rho[cell])
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


@inlined_kernel
def rates_in(work):
    """Rows of the rates of the three families of faces."""
    return work[21:23], work[23:25], work[25:27]


@inlined_kernel
def stage_of_rows(
    n, diamond, first, last, rho, phi, old, weights, step, reaction, inverse_volumes, factors, slopes, halo_rows,
    halo_columns, watch, work, new, limiter, midpoint,
):  # fmt: skip
    """Write the rows ``first ... last - 1`` of a diamond; ``watch`` is None, or see `watch_row`."""
    densities, potentials, fluxes = work[0:3], work[3:5], (work[5:7], work[7:9], work[9:11])
    values = (work[11], work[12:14], work[14:16], work[16], work[17], work[18])
    for j in (first - 2, first - 1):
        copy_row(rho, n, diamond, j, halo_rows, halo_columns, densities, (j + 3) % 3)
    for j in range(first - 1, last + 1):
        now = (j + 2) % 2
        copy_row(rho, n, diamond, j + 1, halo_rows, halo_columns, densities, (j + 1) % 3)
        copy_row(phi, n, diamond, j, halo_rows, halo_columns, potentials, now)
        values_of_row(place_of(diamond, slopes), j, densities, slopes, now, values, limiter)
        if j >= first:
            place = place_of(diamond, factors)
            fluxes_of_row(place, j, potentials, factors, now, values, fluxes, midpoint)
            if watch is not None:
                rates_of_row(place, j, potentials, factors, now, rates_in(work), midpoint)
        if j > first:
            begin = (diamond * n + j - 1) * n
            update_of_row(n, begin, now, fluxes, rho, phi, old, weights, step, reaction, inverse_volumes, new)
            if watch is not None:
                watch_row(n, begin, now, rates_in(work), rho, phi, old, new, reaction, inverse_volumes, work[19], watch)


@inlined_kernel
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
        parts = max(1, n // ROWS_AT_ONCE)
        for task in prange(sheets * DIAMONDS * parts):
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
