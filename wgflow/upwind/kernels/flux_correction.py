"""Kernels of flux-corrected transport on the sphere: what a step of high order adds to an upwind step, within bounds.

The total flux of a step is the upwind flux and an antidiffusive one. Of the latter each face lets a share through, so
that no cell gets above the largest, or below the least, of its own and its neighbours' densities before the step, and
of its own after the upwind step. Fluxes and rates stand in rows as factors do in `wgflow.upwind.kernels.diamonds`.

References
----------
Zalesak (1979), Fully multidimensional flux-corrected transport algorithms for fluids, J. Comput. Phys. 31.
Skamarock and Gassmann (2011), Mon. Wea. Rev. 139: on hexagons, once at the end of each Runge-Kutta step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import arrays_apart, inlined_slicing_kernel, kernel, parallel_kernel, wide_vectors
from wgflow.domains.diamonds import DIAMONDS
from wgflow.domains.mesh import DEGREE
from wgflow.upwind.kernels.diamond_sums import AFTER, BEFORE, HERE
from wgflow.upwind.kernels.diamonds import copy_row, part_of, upwind
from wgflow.upwind.kernels.subnormal import without_subnormal

WORK_ROWS = 9  # of a task: three rows of densities, and of the shares of gains and of losses
TINY = 1e-300  # in the place of no gain or loss, all of which is let through
WITHIN = 1.0 - 2.0**-48  # of the room below a cell, so that rounding does not lead beneath zero


@inlined_slicing_kernel
def parted(total, rate, before, after):
    """Upwind flux through a face between two densities, and what the total flux adds to it."""
    low = upwind(rate, before, after)
    return low, total - low


@inlined_slicing_kernel
def let_through(added, before, after):
    """Antidiffusive flux through a face within the shares of (gains, losses) of both cells."""
    return added * (min(before[1], after[0]) if added > 0.0 else min(before[0], after[1]))


@inlined_slicing_kernel
def shares(low, lowest, highest, gain, loss):
    """Shares of the gain and the loss of a cell that keep it within bounds, which hold its upwind density as well."""
    gained = min(1.0, (max(highest, low) - low) / max(gain, TINY))
    return gained, min(1.0, WITHIN * (low - min(lowest, low)) / max(loss, TINY))


@inlined_slicing_kernel
def shares_of_row(n, begin, j, rho, total, rates, inverse_volumes, low, gains, losses):
    """Write the upwind densities of row j, whose cells are those from ``begin`` on, and their shares."""
    arrays_apart()
    wide_vectors()
    below, row, above, begin = (j + 2) % 3, j % 3, (j + 1) % 3, np.uint64(begin)
    for k in range(np.uint64(n)):
        west, here, east = rho[row, k + BEFORE], rho[row, k + HERE], rho[row, k + AFTER]
        southwest, south, north, northeast = (
            rho[below, k + BEFORE],
            rho[below, k + HERE],
            rho[above, k + HERE],
            rho[above, k + AFTER],
        )
        in1, x1 = parted(total[0, j, k + BEFORE], rates[0, j, k + BEFORE], west, here)
        in2, x2 = parted(total[1, j, k + BEFORE], rates[1, j, k + BEFORE], southwest, here)
        in3, x3 = parted(total[2, j, k + BEFORE], rates[2, j, k + BEFORE], south, here)
        out1, y1 = parted(total[0, j, k + HERE], rates[0, j, k + HERE], here, east)
        out2, y2 = parted(total[1, j + 1, k + HERE], rates[1, j + 1, k + HERE], here, northeast)
        out3, y3 = parted(total[2, j + 1, k + BEFORE], rates[2, j + 1, k + BEFORE], here, north)
        gain = (max(x1, 0.0) + max(x2, 0.0) + max(x3, 0.0)) - (min(y1, 0.0) + min(y2, 0.0) + min(y3, 0.0))
        loss = (max(y1, 0.0) + max(y2, 0.0) + max(y3, 0.0)) - (min(x1, 0.0) + min(x2, 0.0) + min(x3, 0.0))
        lowest = min(min(min(west, east), min(southwest, south)), min(min(north, northeast), here))
        highest = max(max(max(west, east), max(southwest, south)), max(max(north, northeast), here))
        cell = begin + k
        inverse = inverse_volumes[cell]
        after = here - inverse * ((out1 - in1) + (out2 - in2) + (out3 - in3))
        low[cell] = after
        gains[cell], losses[cell] = shares(after, lowest, highest, inverse * gain, inverse * loss)


@inlined_slicing_kernel
def corrected_row(n, begin, j, rho, gains, losses, total, rates, inverse_volumes, low, new):
    """Write row j: its upwind densities, and what is let through."""
    arrays_apart()
    wide_vectors()
    below, row, above, begin = (j + 2) % 3, j % 3, (j + 1) % 3, np.uint64(begin)
    for k in range(np.uint64(n)):
        here, own = rho[row, k + HERE], (gains[row, k + HERE], losses[row, k + HERE])
        _, x1 = parted(total[0, j, k + BEFORE], rates[0, j, k + BEFORE], rho[row, k + BEFORE], here)
        _, x2 = parted(total[1, j, k + BEFORE], rates[1, j, k + BEFORE], rho[below, k + BEFORE], here)
        _, x3 = parted(total[2, j, k + BEFORE], rates[2, j, k + BEFORE], rho[below, k + HERE], here)
        _, y1 = parted(total[0, j, k + HERE], rates[0, j, k + HERE], here, rho[row, k + AFTER])
        _, y2 = parted(total[1, j + 1, k + HERE], rates[1, j + 1, k + HERE], here, rho[above, k + AFTER])
        _, y3 = parted(total[2, j + 1, k + BEFORE], rates[2, j + 1, k + BEFORE], here, rho[above, k + HERE])
        x1 = let_through(x1, (gains[row, k + BEFORE], losses[row, k + BEFORE]), own)
        x2 = let_through(x2, (gains[below, k + BEFORE], losses[below, k + BEFORE]), own)
        x3 = let_through(x3, (gains[below, k + HERE], losses[below, k + HERE]), own)
        y1 = let_through(y1, own, (gains[row, k + AFTER], losses[row, k + AFTER]))
        y2 = let_through(y2, own, (gains[above, k + AFTER], losses[above, k + AFTER]))
        y3 = let_through(y3, own, (gains[above, k + HERE], losses[above, k + HERE]))
        cell = begin + k
        added = (y1 - x1) + (y2 - x2) + (y3 - x3)
        new[cell] = without_subnormal(low[cell] - inverse_volumes[cell] * added)


@inlined_slicing_kernel
def shares_apart(rho, total, rates, surroundings, inverse_volumes, low, gains, losses):
    """What `shares_of_row` writes of the cells with faces that do not fit into rows; fluxes are flattened."""
    cells, near, places, signs = surroundings
    for number in range(len(cells)):
        cell = cells[number]
        here, inverse = rho[cell], inverse_volumes[cell]
        lowest, highest, out, gain, loss = here, here, 0.0, 0.0, 0.0
        for k in range(DEGREE):
            there, place, sign = rho[near[number, k]], places[number, k], signs[number, k]
            flux, added = parted(sign * total[place], sign * rates[place], here, there)
            lowest, highest, out = min(lowest, there), max(highest, there), out + flux
            gain, loss = gain - min(added, 0.0), loss + max(added, 0.0)
        after = here - inverse * out
        low[cell] = after
        gains[cell], losses[cell] = shares(after, lowest, highest, inverse * gain, inverse * loss)


@inlined_slicing_kernel
def corrected_apart(rho, gains, losses, total, rates, surroundings, inverse_volumes, low, new):
    """What `corrected_row` writes of the cells with faces that do not fit into rows."""
    cells, near, places, signs = surroundings
    for number in range(len(cells)):
        cell, out = cells[number], 0.0
        for k in range(DEGREE):
            there, place, sign = near[number, k], places[number, k], signs[number, k]
            _, added = parted(sign * total[place], sign * rates[place], rho[cell], rho[there])
            out += let_through(added, (gains[cell], losses[cell]), (gains[there], losses[there]))
        new[cell] = without_subnormal(low[cell] - inverse_volumes[cell] * out)


@cache
def shares_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the first pass of a correction, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def upwind_shares(
        density, total, rates, flat, halo_rows, halo_columns, surroundings, inverse_volumes, work, low, gains, losses,
    ):  # fmt: skip
        """Write the densities after the upwind step, and the shares of gains and losses of all cells.

        ``total`` and ``rates`` (10, 3, n + 1, w) are integrals over the step of the flux and of what flows through each
        face; ``flat`` is both of them flattened, with the faces that are apart behind. Cells apart, their neighbours,
        and the places and signs of their faces are ``surroundings``.
        """
        n = halo_columns.shape[1]
        parts = len(work) // DIAMONDS
        for task in prange(len(work)):
            _, diamond, first, last = part_of(task, parts, n)
            rows = work[task]
            for j in (first - 1, first):
                copy_row(density, n, diamond, j, halo_rows, halo_columns, rows, (j + 3) % 3)
            for j in range(first, last):
                copy_row(density, n, diamond, j + 1, halo_rows, halo_columns, rows, (j + 1) % 3)
                begin = (diamond * n + j) * n
                shares_of_row(n, begin, j, rows, total[diamond], rates[diamond], inverse_volumes, low, gains, losses)
        shares_apart(density, *flat, surroundings, inverse_volumes, low, gains, losses)

    return upwind_shares


@cache
def correction_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the second pass of a correction, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def correct(
        density, total, rates, flat, halo_rows, halo_columns, surroundings, inverse_volumes, work, low, gains, losses,
        result,
    ):  # fmt: skip
        """Write densities after the upwind step with what the shares let through; arguments as of `shares_kernel`."""
        n = halo_columns.shape[1]
        parts = len(work) // DIAMONDS
        for task in prange(len(work)):
            _, diamond, first, last = part_of(task, parts, n)
            rho, gained, lost = work[task, 0:3], work[task, 3:6], work[task, 6:9]
            for j in range(first - 1, last + 1):
                copy_row(density, n, diamond, j, halo_rows, halo_columns, rho, (j + 3) % 3)
                copy_row(gains, n, diamond, j, halo_rows, halo_columns, gained, (j + 3) % 3)
                copy_row(losses, n, diamond, j, halo_rows, halo_columns, lost, (j + 3) % 3)
                if j > first:
                    begin = (diamond * n + j - 1) * n
                    known = (rho, gained, lost, total[diamond], rates[diamond])
                    corrected_row(n, begin, j - 1, *known, inverse_volumes, low, result)
        corrected_apart(density, gains, losses, *flat, surroundings, inverse_volumes, low, result)

    return correct
