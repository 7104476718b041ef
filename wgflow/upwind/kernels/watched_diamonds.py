"""Stages on spheres that also give what decides on a step, and the bounds of the first one.

Arrays are those of `wgflow.upwind.kernels.diamonds`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import inlined_slicing_kernel, kernel, parallel_kernel, wide_vectors
from wgflow.domains.diamonds import DIAMONDS
from wgflow.domains.mesh import DEGREE
from wgflow.reductions.kernels.blocks import largest_of
from wgflow.upwind.kernels.diamond_sums import add_sums_apart, losses_of_row, lower_to
from wgflow.upwind.kernels.diamonds import (
    copy_row,
    part_of,
    place_of,
    rate_through,
    rates_of_row,
    stage_of_corners,
    stage_of_rows,
)
from wgflow.upwind.kernels.limiters import FIRST_ORDER


@inlined_slicing_kernel
def largest_at_corners(phi, factors, face_factor, reaction, inverse_volumes, surroundings, midpoint):
    """Largest relative loss rate of the cells with faces that do not fit into rows; ``factors`` are those of edges."""
    cells, near, places, signs = surroundings
    most = 0.0
    for number in range(len(cells)):
        cell, outflow = cells[number], 0.0
        for k in range(DEGREE):
            rate = rate_through(factors[places[number, k]], phi[cell], phi[near[number, k]], midpoint)
            outflow += max(signs[number, k] * rate, 0.0)
        most = max(most, face_factor * outflow * inverse_volumes[cell] + reaction * max(phi[cell], 0.0))
    return most


@cache
def watched_diamond_stage_kernel(limiter: int, midpoint: bool, parallel: bool) -> Callable[..., float]:
    """Compile the Euler stage that also gives what decides whether a step is kept, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel
    first_order = limiter == FIRST_ORDER

    @compiled
    def watched_stage(
        density, potential, start, weights, step, reaction, inverse_volumes, factors, corner_factors, slopes,
        halo_rows, halo_columns, corners, work, edge_factors, face_factor, surroundings, volumes, combination,
        largest, partial, result,
    ):  # fmt: skip
        """Do a stage; gives the largest loss rate, and writes the sums of tasks and of the cells apart.

        With (a, b, c, d, e) = ``combination`` the sums (tasks + 1, 5) are the integrals of ``|a start + b density + c
        result|``, ``|d density + e result - start|``, ``start``, ``result`` and ``potential * result``. The ``volumes``
        of cells apart, which ``surroundings`` describe, are zero here. ``largest`` is work space (tasks, 2).
        """
        sheets, n = len(density), halo_columns.shape[1]
        partial[:] = 0.0
        parts = len(work) // (sheets * DIAMONDS)
        for task in prange(len(work)):
            wide_vectors()
            sheet, diamond, first, last = part_of(task, parts, n)
            work[task, 20] = 0.0
            watch = (face_factor, volumes, combination, partial[task])
            stage_of_rows(
                n, diamond, first, last, density[sheet], potential[sheet], start[sheet], weights, step, reaction,
                inverse_volumes, factors[sheet % len(factors)], slopes, halo_rows, halo_columns, watch,
                work[task], result[sheet], limiter, midpoint,
            )  # fmt: skip
            largest[task, 0] = largest_of(work[task, 20])
        most = largest_of(largest[:, 0])
        for sheet in range(sheets):
            rho, phi, old, new = density[sheet], potential[sheet], start[sheet], result[sheet]
            stage_of_corners(
                rho, phi, old, weights, step, reaction, inverse_volumes, corner_factors[sheet % len(corner_factors)],
                corners, first_order, midpoint, new,
            )  # fmt: skip
            known = edge_factors[sheet % len(edge_factors)]
            found = largest_at_corners(phi, known, face_factor, reaction, inverse_volumes, surroundings, midpoint)
            most = max(most, found)
            add_sums_apart(rho, phi, old, new, inverse_volumes, surroundings[0], combination, partial[-1])
        return most

    return watched_stage


@kernel
def least_of(values):
    """Least of some values."""
    least = values[0]
    for k in range(1, values.size):
        least = min(least, values[k])
    return least


@inlined_slicing_kernel
def extremes_of_rows(
    n, diamond, first, last, phi, face_factor, reaction, inverse_volumes, factors, halo_rows, halo_columns, work,
    midpoint,
):  # fmt: skip
    """Largest relative loss rate, without faces at corners, and least potential of some rows of a diamond."""
    potentials, rates, largest, least = work[4:6], (work[14:16], work[16:18], work[18:20]), work[20], work[21]
    largest[:], least[:] = 0.0, np.inf
    copy_row(phi, n, diamond, first - 1, halo_rows, halo_columns, potentials, (first + 1) % 2)
    for j in range(first, last + 1):
        now = j % 2
        copy_row(phi, n, diamond, j, halo_rows, halo_columns, potentials, now)
        rates_of_row(place_of(diamond, factors), j, potentials, factors, now, rates, midpoint)
        if j > first:
            begin = (diamond * n + j - 1) * n
            losses_of_row(n, begin, now, rates, phi, face_factor, reaction, inverse_volumes, largest)
            lower_to(n, begin, phi, least)
    return largest_of(largest), least_of(least)


@cache
def diamond_extremes_kernel(midpoint: bool, parallel: bool) -> Callable[..., tuple[float, float]]:
    """Compile the search for the largest loss rate and the least potential, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def extremes(
        potential, face_factor, reaction, inverse_volumes, factors, edge_factors, halo_rows, halo_columns,
        surroundings, work, largest,
    ):  # fmt: skip
        """Find both over all cells; ``edge_factors`` (sheets, f) are factors of all faces."""
        sheets, n = len(potential), halo_columns.shape[1]
        parts = len(work) // (sheets * DIAMONDS)
        for task in prange(len(work)):
            wide_vectors()
            sheet, diamond, first, last = part_of(task, parts, n)
            largest[task, 0], largest[task, 1] = extremes_of_rows(
                n, diamond, first, last, potential[sheet], face_factor, reaction, inverse_volumes,
                factors[sheet % len(factors)], halo_rows, halo_columns, work[task], midpoint,
            )  # fmt: skip
        most, least = largest_of(largest[:, 0]), least_of(largest[:, 1])
        for sheet in range(sheets):
            phi, known = potential[sheet], edge_factors[sheet % len(edge_factors)]
            found = largest_at_corners(phi, known, face_factor, reaction, inverse_volumes, surroundings, midpoint)
            most = max(most, found)
            for cell in surroundings[0]:
                least = min(least, phi[cell])
        return most, least

    return extremes
