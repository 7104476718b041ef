"""Finite-volume kernels on boxes of equal cells in one to three dimensions.

Arrays have shape ``(sheets, n0, n1, n2)``, with n0 = 1 in two dimensions and n0 = n1 = 1 in one; sheets do not
interact. All inner loops run along the last axis, over whole rows. Fluxes are divided by the length of a cell; the
velocity through a face is ``-mobility[axis] * (difference of the potential)`` with mobility = alpha / h^2.

Rows go in blocks, ``bounds`` the first row of each among those of a sheet and the end of the last one: what kernels sum
up they sum up block by block. Rows before the first and after the last block are read alone; where there are two on
either side (one of the potential), blocks give the same bits as among all. Threads share out tasks, some blocks each.

References
----------
LeVeque (2002), Finite Volume Methods for Hyperbolic Problems, Sections 19.2 and 20.5 (dimension by dimension).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import inlined_kernel, kernel, parallel_kernel
from wgflow.upwind.kernels.fluxes import fluxes_between_rows, upwind_flux

TASKS = 16  # on all cores
PARALLEL_THRESHOLD = 32_768


@kernel
def neighbour(index, offset, count, periodic):
    """Index of a neighbour along an axis: around the axis if it is periodic, else up to the wall."""
    moved = index + offset
    if periodic:
        return moved + count if moved < 0 else (moved - count if moved >= count else moved)
    return min(max(moved, 0), count - 1)


@inlined_kernel
def fluxes_within_row(rho, phi, mobility, periodic, limiter, flux):
    """Flux through all faces of a row: those inside, then the seam or the two walls."""
    cells = rho.size
    fluxes_between_rows(
        rho[: cells - 3],
        rho[1 : cells - 2],
        rho[2 : cells - 1],
        rho[3:],
        phi[1 : cells - 2],
        phi[2 : cells - 1],
        mobility,
        limiter,
        flux[2 : cells - 1],
    )
    for face in (0, 1, cells - 1):
        before = neighbour(face, -1, cells, periodic)
        through = 1.0 if periodic or face > 0 else 0.0
        flux[face] = upwind_flux(
            rho[neighbour(face, -2, cells, periodic)],
            rho[before],
            rho[face],
            rho[neighbour(face, 1, cells, periodic)],
            -through * mobility * (phi[face] - phi[before]),
            limiter,
        )
    flux[cells] = flux[0]


@inlined_kernel
def fluxes_beside_row(volume, phi, i, j, axis, side, mobility, periodic, limiter, flux):
    """Flux through the faces of the row (i, j) towards lower (side 0) or higher (side 1) indices of an axis."""
    index, count = (i, volume.shape[0]) if axis == 0 else (j, volume.shape[1])
    at_wall = not periodic and index + side in (0, count)
    far_left, left = neighbour(index, side - 2, count, periodic), neighbour(index, side - 1, count, periodic)
    right, far_right = neighbour(index, side, count, periodic), neighbour(index, side + 1, count, periodic)
    fluxes_between_rows(
        volume[far_left, j] if axis == 0 else volume[i, far_left],
        volume[left, j] if axis == 0 else volume[i, left],
        volume[right, j] if axis == 0 else volume[i, right],
        volume[far_right, j] if axis == 0 else volume[i, far_right],
        phi[left, j] if axis == 0 else phi[i, left],
        phi[right, j] if axis == 0 else phi[i, right],
        0.0 if at_wall else mobility,
        limiter,
        flux,
    )


@inlined_kernel
def update_of_row(row, first, volume, phi, old, weights, step, mobility, reaction, periodic, limiter, buffer, new):
    """Write a row of a stage, after those from ``first`` on; ``buffer`` holds the fluxes through its faces."""
    n0, n1, n2 = volume.shape
    i, j = row // n1, row % n1
    start_weight, stage_weight = weights
    within, behind, ahead = buffer[0], buffer[3, :n2], buffer[4, :n2]
    turn = (row - first) % 2  # the fluxes above a row are those below the next
    below, above = buffer[1 + turn, :n2], buffer[2 - turn, :n2]
    fluxes_within_row(volume[i, j], phi[i, j], mobility[2], periodic[2], limiter, within)
    known = 1 if row > first and j > 0 else 0
    for part in range(known, 4 if n0 > 1 else 2):  # else there are no faces behind, whose fluxes stay zero
        axis, side = 1 - part // 2, part % 2
        place = 1 + part if axis == 0 else 1 + (part + turn) % 2
        flux = buffer[place, :n2]
        fluxes_beside_row(volume, phi, i, j, axis, side, mobility[axis], periodic[axis], limiter, flux)
    rho, here = volume[i, j], phi[i, j]
    for k in range(n2):
        change = within[k] - within[k + 1] + below[k] - above[k] + behind[k] - ahead[k]
        change -= reaction * here[k] * rho[k]
        new[k] = start_weight * old[k] + stage_weight * (rho[k] + step * change)


@cache
def box_stage_kernel(limiter: int, tasks: int) -> Callable[..., None]:
    """Compile the Euler stage for one limiter, serial (one task) or on all cores."""
    compiled = kernel if tasks == 1 else parallel_kernel

    @compiled
    def euler_stage(density, potential, start, weights, step, mobility, reaction, periodic, bounds, buffers, result):
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``.

        ``buffers`` is work space of shape ``(tasks, 5, n2 + 1)``: fluxes through the faces of a row, zero at first.
        """
        n1, blocks = density.shape[2], bounds.size - 1
        for task in prange(tasks):
            first, last = bounds[task * blocks // tasks], bounds[(task + 1) * blocks // tasks]
            for sheet in range(density.shape[0]):
                for row in range(first, last):
                    i, j = row // n1, row % n1
                    update_of_row(
                        row, first, density[sheet], potential[sheet], start[sheet, i, j], weights, step, mobility,
                        reaction, periodic, limiter, buffers[task], result[sheet, i, j],
                    )  # fmt: skip

    return euler_stage
