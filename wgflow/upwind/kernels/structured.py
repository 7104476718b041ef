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

from wgflow.compilation import inlined_slicing_kernel, kernel, parallel_kernel, wide_vectors
from wgflow.upwind.kernels.fluxes import (
    flux_of_slopes,
    fluxes_between_rows,
    fluxes_of_slopes,
    limited_differences,
    part_of,
)
from wgflow.upwind.kernels.limiters import limited_difference
from wgflow.upwind.kernels.subnormal import without_subnormal

TASKS = 16  # on all cores
PARALLEL_THRESHOLD = 32_768
BEFORE = 7  # numbers before a row of work space whose loops write from its second one on: that begins a vector


@kernel
def neighbour(index, offset, count, periodic):
    """Index of a neighbour along an axis: around the axis if it is periodic, else up to the wall."""
    moved = index + offset
    if periodic:
        return moved + count if moved < 0 else (moved - count if moved >= count else moved)
    return min(max(moved, 0), count - 1)


@inlined_slicing_kernel
def fluxes_within_row(rho, phi, mobility, periodic, limiter, slope, flux):
    """Flux through all faces of a row, from the differences across its cells, which become ``slope``."""
    cells = rho.size
    for part in range(2):
        first, last = part_of(cells - 2, part)
        before, here, after = rho[first:last], rho[first + 1 : last + 1], rho[first + 2 : last + 2]
        limited_differences(before, here, after, limiter, slope[first + 1 : last + 1])
    for cell in (0, cells - 1):
        before, after = neighbour(cell, -1, cells, periodic), neighbour(cell, 1, cells, periodic)
        backward, forward = rho[cell] - rho[before], rho[after] - rho[cell]
        slope[cell] = limited_difference(backward, forward, rho[cell], limiter)
    for part in range(2):
        first, last = part_of(cells - 1, part)
        left, right = slice(first, last), slice(first + 1, last + 1)
        fluxes_of_slopes(
            rho[left], rho[right], slope[left], slope[right], phi[left], phi[right], mobility, flux[right]
        )  # fmt: skip
    velocity = -mobility * (phi[0] - phi[cells - 1]) if periodic else 0.0
    flux[0] = flux_of_slopes(rho[cells - 1], rho[0], slope[cells - 1], slope[0], velocity)
    flux[cells] = flux[0]


@inlined_slicing_kernel
def fluxes_before_row(volume, phi, i, j, mobility, periodic, limiter, slope, flux):
    """Flux through the faces of the row (i, j) towards lower j, and the differences across its cells, along j."""
    count = volume.shape[1]
    before, after = neighbour(j, -1, count, periodic), neighbour(j, 1, count, periodic)
    far_before, here = volume[i, neighbour(j, -2, count, periodic)], volume[i, j]
    limited_differences(volume[i, before], here, volume[i, after], limiter, slope)
    factor = mobility if periodic or j > 0 else 0.0
    rows = (far_before, volume[i, before], here, volume[i, after])
    fluxes_between_rows(*rows, phi[i, before], phi[i, j], factor, limiter, flux)


@inlined_slicing_kernel
def fluxes_of_planes(volume, phi, i, j, mobility, periodic, limiter, other, flux):
    """What flows into the row (i, j) through its faces along the first axis; ``other`` is work space."""
    count = volume.shape[0]
    for side in range(2):
        left, right = neighbour(i, side - 1, count, periodic), neighbour(i, side, count, periodic)
        far_left, far_right = neighbour(i, side - 2, count, periodic), neighbour(i, side + 1, count, periodic)
        factor = mobility if periodic or 0 < i + side < count else 0.0
        rows = (volume[far_left, j], volume[left, j], volume[right, j], volume[far_right, j])
        through = flux if side == 0 else other
        fluxes_between_rows(*rows, phi[left, j], phi[right, j], factor, limiter, through)
    for k in range(flux.size):
        flux[k] -= other[k]


@inlined_slicing_kernel
def update_of_cells(
    rho, after, beyond, here, there, old, weights, step, mobility, reaction, limiter, inflow, outflow, across, slope,
    flux, new,
):  # fmt: skip
    """Write a row of a stage, from it and the next two along the second axis.

    ``slope`` and ``flux`` are the differences across its cells and what enters from the row before; they become those
    of the next row.
    """
    wide_vectors()
    start_weight, stage_weight = weights
    for k in range(new.size):
        velocity = -mobility * (there[k] - here[k])
        next_slope = limited_difference(after[k] - rho[k], beyond[k] - after[k], after[k], limiter)
        leaving = flux_of_slopes(rho[k], after[k], slope[k], next_slope, velocity)
        change = inflow[k] - outflow[k] + flux[k] - leaving + across[k]
        change -= reaction * here[k] * rho[k]
        new[k] = without_subnormal(start_weight * old[k] + stage_weight * (rho[k] + step * change))
        slope[k], flux[k] = next_slope, leaving


@inlined_slicing_kernel
def update_of_row(row, first, volume, phi, old, weights, step, mobility, reaction, periodic, limiter, buffer, new):
    """Write a row of a stage, after those from ``first`` on; ``buffer`` holds fluxes and differences."""
    n0, n1, n2 = volume.shape
    i, j = row // n1, row % n1
    within, spare = buffer[0, BEFORE : BEFORE + n2 + 1], buffer[1, BEFORE : BEFORE + n2]
    slope, flux, across = buffer[2, :n2], buffer[3, :n2], buffer[4, :n2]
    if row == first or j == 0:  # else those of the row before
        fluxes_before_row(volume, phi, i, j, mobility[1], periodic[1], limiter, slope, flux)
    if n0 > 1:  # else nothing flows across
        fluxes_of_planes(volume, phi, i, j, mobility[0], periodic[0], limiter, spare, across)
    fluxes_within_row(volume[i, j], phi[i, j], mobility[2], periodic[2], limiter, spare, within)
    after, beyond = neighbour(j, 1, n1, periodic[1]), neighbour(j, 2, n1, periodic[1])
    factor = mobility[1] if periodic[1] or j < n1 - 1 else 0.0
    update_of_cells(
        volume[i, j], volume[i, after], volume[i, beyond], phi[i, j], phi[i, after], old, weights, step, factor,
        reaction, limiter, within[:n2], within[1:], across, slope, flux, new,
    )  # fmt: skip


@cache
def box_stage_kernel(limiter: int, tasks: int) -> Callable[..., None]:
    """Compile the Euler stage for one limiter, serial (one task) or on all cores."""
    compiled = kernel if tasks == 1 else parallel_kernel

    @compiled
    def euler_stage(density, potential, start, weights, step, mobility, reaction, periodic, bounds, buffers, result):
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``.

        ``buffers`` is work space of shape ``(tasks, 5, n2 + 1 + BEFORE)``, zero at first.
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
