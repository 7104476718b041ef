"""Kernels of third order on the sphere, for rows of cells as in `wgflow.upwind.kernels.diamonds`.

At a face each of its two cells has a value, of third order from its side: that of the gradient to the middle of the
face, and a twelfth of the second difference along the line of cells through both. Their mean is the value of fourth
order of a regular grid, half their difference what upwinding adds; ``upwinding`` is the share of it that is taken, beta
of the reference. With the second differences s of both cells this is

    (rho_1 + rho_2) / 2 - (s_1 + s_2) / 12 -+ upwinding (s_1 - s_2) / 12.

The value is kept within bounds of the cell that the flux leaves: [0, 2 rho], on which the positivity bound of a stage
and the fall of F rest, or also the range of its neighbours.

References
----------
Skamarock and Gassmann (2011), Conservative transport schemes for spherical geodesic grids: high-order flux operators
for ODE-based time integration, Mon. Wea. Rev. 139, Eq. (11); second derivatives by least squares, Section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import (
    arrays_apart,
    inlined_slicing_kernel,
    kernel,
    parallel_kernel,
    wide_vectors,
)
from wgflow.domains.diamonds import DIAMONDS, POLES
from wgflow.domains.mesh import DEGREE
from wgflow.upwind.kernels.diamond_sums import BEFORE, HERE, ONE, TWO
from wgflow.upwind.kernels.diamonds import (
    copy_row,
    part_of,
    place_of,
    rate_through,
    updated,
)
from wgflow.upwind.kernels.limiters import BARTH_JESPERSEN
from wgflow.upwind.kernels.subnormal import without_subnormal

# Rows of each task: densities, potentials, values ahead and behind, fluxes of three families, both bounds.
ROWS_OF_WORK = (3, 2, 1, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2)


@inlined_slicing_kernel
def curved(here, ahead, behind, difference, sideways, along, across):
    """Value of a cell and a twelfth of the second difference through it, less what the bend of the line adds to it."""
    return here + ((ahead + behind) - (here + here)) / 12.0 + along * difference + across * sideways


@inlined_slicing_kernel
def blended_flux(rate, before, after, bounds_before, bounds_after, upwinding):
    """Flux through a face with the values that the cells before and after it have there."""
    mean, lean = 0.5 * (before + after), 0.5 * upwinding * (before - after)
    forwards = min(max(mean + lean, bounds_before[0]), bounds_before[1])
    backwards = min(max(mean - lean, bounds_after[0]), bounds_after[1])
    return max(rate, 0.0) * forwards + min(rate, 0.0) * backwards


@inlined_slicing_kernel
def values_of_row(diamond, j, rho, slopes, now, values, bounds, limiter):
    """Densities at the faces of the cells -1 ... n of row j, and bounds; ``rho`` holds rows j - 1, j and j + 1."""
    ahead1, ahead2, ahead3, behind1, behind2, behind3 = values
    lower, upper = bounds
    below, row, above, line = (j + 2) % 3, j % 3, (j + 1) % 3, j + 1
    for k in range(np.uint64(slopes.shape[3])):
        west, here, east = rho[row, k], rho[row, k + ONE], rho[row, k + TWO]
        southwest, south = rho[below, k], rho[below, k + ONE]
        north, northeast = rho[above, k + ONE], rho[above, k + TWO]
        lower[now, k + ONE], upper[now, k + ONE] = 0.0, here + here
        if limiter == BARTH_JESPERSEN:
            lower[now, k + ONE] = min(min(min(west, east), min(southwest, south)), min(min(north, northeast), here))
            highest = max(max(max(west, east), max(southwest, south)), max(max(north, northeast), here))
            upper[now, k + ONE] = min(highest, here + here)
        d1, d2, d3 = east - west, northeast - southwest, north - south
        s1, s2, s3 = d2 + d3, d3 - d1, d1 + d2
        a, b = slopes[diamond, 12, line, k], slopes[diamond, 13, line, k]
        c1 = curved(here, east, west, d1, s1, a, b)
        a, b = slopes[diamond, 14, line, k], slopes[diamond, 15, line, k]
        c2 = curved(here, northeast, southwest, d2, s2, a, b)
        a, b = slopes[diamond, 16, line, k], slopes[diamond, 17, line, k]
        c3 = curved(here, north, south, d3, s3, a, b)
        ahead1[k + ONE] = c1 + slopes[diamond, 0, line, k] * d1 + slopes[diamond, 1, line, k] * s1
        ahead2[now, k + ONE] = c2 + slopes[diamond, 2, line, k] * d2 + slopes[diamond, 3, line, k] * s2
        ahead3[now, k + ONE] = c3 + slopes[diamond, 4, line, k] * d3 + slopes[diamond, 5, line, k] * s3
        behind1[k] = c1 + slopes[diamond, 6, line, k] * d1 + slopes[diamond, 7, line, k] * s1
        behind2[k] = c2 + slopes[diamond, 8, line, k] * d2 + slopes[diamond, 9, line, k] * s2
        behind3[k] = c3 + slopes[diamond, 10, line, k] * d3 + slopes[diamond, 11, line, k] * s3


@inlined_slicing_kernel
def fluxes_of_row(diamond, j, phi, factors, now, values, bounds, fluxes, midpoint, upwinding):
    """Fluxes through faces behind the cells of row j; ``phi``, values and bounds hold the row before as well."""
    ahead1, ahead2, ahead3, behind1, behind2, behind3 = values
    flux1, flux2, flux3 = fluxes
    lower, upper = bounds
    before, columns = 1 - now, np.uint64(factors.shape[3])
    for k in range(columns):
        rate = rate_through(factors[diamond, 0, j, k], phi[now, k], phi[now, k + ONE], midpoint)
        first, second = (lower[now, k], upper[now, k]), (lower[now, k + ONE], upper[now, k + ONE])
        flux1[now, k] = blended_flux(rate, ahead1[k], behind1[k], first, second, upwinding)
    for k in range(columns):
        rate = rate_through(factors[diamond, 1, j, k], phi[before, k], phi[now, k + ONE], midpoint)
        first, second = (lower[before, k], upper[before, k]), (lower[now, k + ONE], upper[now, k + ONE])
        flux2[now, k] = blended_flux(rate, ahead2[before, k], behind2[k], first, second, upwinding)
    for k in range(columns):
        rate = rate_through(factors[diamond, 2, j, k], phi[before, k + ONE], phi[now, k + ONE], midpoint)
        first, second = (lower[before, k + ONE], upper[before, k + ONE]), (lower[now, k + ONE], upper[now, k + ONE])
        flux3[now, k] = blended_flux(rate, ahead3[before, k + ONE], behind3[k], first, second, upwinding)


@inlined_slicing_kernel
def update_of_row(n, first, now, fluxes, rho, phi, old, weights, step, reaction, inverse_volumes, new):
    """Write the n cells from ``first`` on, whose row is the one before."""
    arrays_apart()
    wide_vectors()
    flux1, flux2, flux3 = fluxes
    row, first = 1 - now, np.uint64(first)
    for k in range(np.uint64(n)):
        leaving = (flux1[row, k + HERE] - flux1[row, k + BEFORE]) + (flux2[now, k + HERE] - flux2[row, k + BEFORE])
        outflow = leaving + (flux3[now, k + BEFORE] - flux3[row, k + BEFORE])
        cell, inverse = first + k, inverse_volumes[first + k]
        new[cell] = updated(rho[k + HERE], phi[k + HERE], old[cell], outflow, inverse, weights, step, reaction)


@inlined_slicing_kernel
def keep_row(diamond, j, factors, now, fluxes, weight, step, kept):
    """Add the fluxes of row j, and the rates of given velocities, to those of the step so far."""
    arrays_apart()
    wide_vectors()
    total, rates = kept
    for family in range(3):
        flux = fluxes[family]
        for k in range(np.uint64(factors.shape[3])):
            total[diamond, family, j, k] = weight * (total[diamond, family, j, k] + step * flux[now, k])
            rate = rates[diamond, family, j, k] + step * factors[diamond, family, j, k]
            rates[diamond, family, j, k] = weight * rate


@inlined_slicing_kernel
def value_beside(rho, cell, near, weights, limiter):
    """Value of a cell at a face that does not fit into rows, by its neighbours, and its bounds."""
    here = rho[cell]
    value, lower, upper = here, here, here
    for k in range(DEGREE):
        there = rho[near[k]]
        value += weights[k] * (there - here)
        lower, upper = min(lower, there), max(upper, there)
    if limiter == BARTH_JESPERSEN:
        return value, (lower, min(upper, here + here))
    return value, (0.0, here + here)


@inlined_slicing_kernel
def stage_of_corners(
    rho, phi, old, weights, step, reaction, inverse_volumes, factors, corners, kept, limiter, midpoint, upwinding,
    new,
):  # fmt: skip
    """Write the poles, and add what flows through the faces at the twelve corners of the grid."""
    faces, near, near_weights = corners
    start_weight, stage_weight = weights
    for cell in range(rho.size - POLES, rho.size):
        stage = rho[cell] - step * reaction * phi[cell] * rho[cell]
        new[cell] = without_subnormal(start_weight * old[cell] + stage_weight * stage)
    for face in range(len(faces)):
        first, second = faces[face, 0], faces[face, 1]
        rate = rate_through(factors[face], phi[first], phi[second], midpoint)
        before, bounds_before = value_beside(rho, first, near[face, 0], near_weights[face, 0], limiter)
        after, bounds_after = value_beside(rho, second, near[face, 1], near_weights[face, 1], limiter)
        flux = blended_flux(rate, before, after, bounds_before, bounds_after, upwinding)
        if kept is not None:
            total, rates = kept
            total[face] = stage_weight * (total[face] + step * flux)
            rates[face] = stage_weight * (rates[face] + step * rate)
        moved = stage_weight * step * flux
        new[first] -= moved * inverse_volumes[first]
        new[second] += moved * inverse_volumes[second]


@inlined_slicing_kernel
def stage_of_rows(
    n, diamond, first, last, rho, phi, old, weights, step, reaction, inverse_volumes, factors, slopes, halo_rows,
    halo_columns, densities, potentials, values, bounds, fluxes, kept, new, limiter, midpoint, upwinding,
):  # fmt: skip
    """Write the rows ``first ... last - 1`` of a diamond; ``kept`` is None, or what `keep_row` adds to."""
    arrays_apart()
    for j in (first - 2, first - 1):
        copy_row(rho, n, diamond, j, halo_rows, halo_columns, densities, (j + 3) % 3)
    for j in range(first - 1, last + 1):
        now = (j + 2) % 2
        copy_row(rho, n, diamond, j + 1, halo_rows, halo_columns, densities, (j + 1) % 3)
        copy_row(phi, n, diamond, j, halo_rows, halo_columns, potentials, now)
        values_of_row(place_of(diamond, slopes), j, densities, slopes, now, values, bounds, limiter)
        if j >= first:
            place = place_of(diamond, factors)
            fluxes_of_row(place, j, potentials, factors, now, values, bounds, fluxes, midpoint, upwinding)
            if kept is not None and (j < last or last == n):  # another task has the row after its last one
                keep_row(diamond, j, factors, now, fluxes, weights[1], step, kept)
        if j > first:
            begin = (diamond * n + j - 1) * n
            row, of = densities[(j + 2) % 3], potentials[1 - now]
            update_of_row(n, begin, now, fluxes, row, of, old, weights, step, reaction, inverse_volumes, new)


@cache
def third_order_stage_kernel(limiter: int, midpoint: bool, parallel: bool, upwinding: float) -> Callable[..., None]:
    """Compile the Euler stage for one limiter, velocity and share of upwinding, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def euler_stage(
        density, potential, start, weights, step, reaction, inverse_volumes, factors, corner_factors, slopes,
        halo_rows, halo_columns, corners, work, kept, kept_apart, result,
    ):  # fmt: skip
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``.

        Arguments as in `wgflow.upwind.kernels.diamonds.diamond_stage_kernel`; ``slopes`` (2, 18, n + 2, w) go on
        with what the bend of the three lines takes from second differences; ``work`` has the rows of each task. With
        given velocities ``kept`` are integrals of fluxes and rates from the start of the step to this stage, in rows,
        and ``kept_apart`` those of the other faces; they go on to ``result`` as densities do. Else both are None.
        """
        sheets, n = len(density), halo_columns.shape[1]
        densities, potentials, ahead1, ahead2, ahead3, behind1, behind2, behind3, flux1, flux2, flux3 = work[:11]
        lower, upper = work[11:]
        parts = len(upper) // (sheets * DIAMONDS)
        for task in prange(len(upper)):
            wide_vectors()
            sheet, diamond, first, last = part_of(task, parts, n)
            values = (ahead1[task, 0], ahead2[task], ahead3[task], behind1[task, 0], behind2[task, 0], behind3[task, 0])
            fluxes = (flux1[task], flux2[task], flux3[task])
            stage_of_rows(
                n, diamond, first, last, density[sheet], potential[sheet], start[sheet], weights, step, reaction,
                inverse_volumes, factors[sheet % len(factors)], slopes, halo_rows, halo_columns, densities[task],
                potentials[task], values, (lower[task], upper[task]), fluxes, kept, result[sheet], limiter, midpoint,
                upwinding,
            )  # fmt: skip
        for sheet in range(sheets):
            stage_of_corners(
                density[sheet], potential[sheet], start[sheet], weights, step, reaction, inverse_volumes,
                corner_factors[sheet % len(corner_factors)], corners, kept_apart, limiter, midpoint,
                upwinding, result[sheet],
            )  # fmt: skip

    return euler_stage
