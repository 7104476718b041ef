"""Finite-volume kernels on boxes of equal cells in one to three dimensions.

Arrays have shape ``(sheets, n0, n1, n2)``, with n0 = 1 in two dimensions and n0 = n1 = 1 in one; sheets do not
interact. All inner loops run along the last axis, over whole rows. Fluxes are divided by the length of a cell; the
velocity through a face is ``-mobility[axis] * (difference of the potential)`` with mobility = alpha / h^2.

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
from wgflow.upwind.kernels.line import loss_rate

PARALLEL_BLOCKS = 16  # fixed, so that results do not depend on the number of threads
PARALLEL_THRESHOLD = 32_768


@kernel
def neighbour(index, offset, count, periodic):
    """Index of a neighbour along an axis: around the axis if it is periodic, else up to the wall."""
    moved = index + offset
    return moved % count if periodic else min(max(moved, 0), count - 1)


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
def stage_of_rows(
    first, last, density, potential, start, weights, step, mobility, reaction, periodic, limiter, buffer, result
):
    """Write the rows ``first ... last - 1`` of a stage; ``buffer`` holds the fluxes through the faces of a row."""
    _, n0, n1, n2 = density.shape
    start_weight, stage_weight = weights
    within, behind, ahead = buffer[0], buffer[3, :n2], buffer[4, :n2]
    for row in range(first, last):
        sheet, i, j = row // (n0 * n1), row // n1 % n0, row % n1
        volume, phi = density[sheet], potential[sheet]
        turn = (row - first) % 2  # the fluxes above a row are those below the next
        below, above = buffer[1 + turn, :n2], buffer[2 - turn, :n2]
        fluxes_within_row(volume[i, j], phi[i, j], mobility[2], periodic[2], limiter, within)
        known = 1 if row > first and j > 0 else 0
        for part in range(known, 4 if n0 > 1 else 2):  # else there are no faces behind, whose fluxes stay zero
            axis, side = 1 - part // 2, part % 2
            place = 1 + part if axis == 0 else 1 + (part + turn) % 2
            flux = buffer[place, :n2]
            fluxes_beside_row(volume, phi, i, j, axis, side, mobility[axis], periodic[axis], limiter, flux)
        rho, here, old, new = volume[i, j], phi[i, j], start[sheet, i, j], result[sheet, i, j]
        for k in range(n2):
            change = within[k] - within[k + 1] + below[k] - above[k] + behind[k] - ahead[k]
            change -= reaction * here[k] * rho[k]
            new[k] = start_weight * old[k] + stage_weight * (rho[k] + step * change)


@cache
def box_stage_kernel(limiter: int, blocks: int) -> Callable[..., None]:
    """Compile the Euler stage for one limiter, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def euler_stage(density, potential, start, weights, step, mobility, reaction, periodic, buffers, result):
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``.

        ``buffers`` is work space of shape ``(blocks, 5, n2 + 1)``: fluxes through the faces of a row, zero at first.
        """
        rows = density.size // density.shape[3]
        for block in prange(blocks):
            first, last = block * rows // blocks, (block + 1) * rows // blocks
            stage_of_rows(
                first, last, density, potential, start, weights, step, mobility, reaction, periodic, limiter,
                buffers[block], result,
            )  # fmt: skip

    return euler_stage


@kernel
def largest_rate_of_rows(first, last, potential, mobility, face_factor, reaction, periodic, maxima, rates):
    """Largest relative loss rate over the cells of the rows ``first ... last - 1``."""
    _, n0, n1, n2 = potential.shape
    for k in range(n2):
        maxima[k] = 0.0
    for row in range(first, last):
        sheet, i, j = row // (n0 * n1), row // n1 % n0, row % n1
        phi = potential[sheet, i, j]
        here, before, after = phi[1 : n2 - 1], phi[: n2 - 2], phi[2:]
        inner = rates[1 : n2 - 1]
        for k in range(n2 - 2):
            velocity_in = -mobility[2] * (here[k] - before[k])
            velocity_out = -mobility[2] * (after[k] - here[k])
            inner[k] = loss_rate(velocity_in, velocity_out, here[k], face_factor, reaction)
        for k in (0, n2 - 1):
            velocity_in = -mobility[2] * (phi[k] - phi[neighbour(k, -1, n2, periodic[2])])
            velocity_out = -mobility[2] * (phi[neighbour(k, 1, n2, periodic[2])] - phi[k])
            rates[k] = loss_rate(velocity_in, velocity_out, phi[k], face_factor, reaction)
        row_before = potential[sheet, i, neighbour(j, -1, n1, periodic[1])]
        row_after = potential[sheet, i, neighbour(j, 1, n1, periodic[1])]
        plane_before = potential[sheet, neighbour(i, -1, n0, periodic[0]), j]
        plane_after = potential[sheet, neighbour(i, 1, n0, periodic[0]), j]
        for k in range(n2):
            out = max(-mobility[1] * (row_after[k] - phi[k]), 0.0)
            out -= min(-mobility[1] * (phi[k] - row_before[k]), 0.0)
            out += max(-mobility[0] * (plane_after[k] - phi[k]), 0.0)
            out -= min(-mobility[0] * (phi[k] - plane_before[k]), 0.0)
            maxima[k] = max(maxima[k], rates[k] + face_factor * out)
    largest = 0.0
    for k in range(n2):
        largest = max(largest, maxima[k])
    return largest


@cache
def box_loss_rate_kernel(blocks: int) -> Callable[..., float]:
    """Compile the search for the largest loss rate, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def largest_loss_rate(potential, mobility, face_factor, reaction, periodic, buffers, largest):
        """Largest relative loss rate over all cells; see `wgflow.upwind.kernels.line.loss_rate_kernel`.

        ``buffers`` has the shape ``(blocks, 2, n2)`` and ``largest`` the shape ``(blocks,)``.
        """
        rows = potential.size // potential.shape[3]
        for block in prange(blocks):
            first, last = block * rows // blocks, (block + 1) * rows // blocks
            maxima, rates = buffers[block, 0], buffers[block, 1]
            largest[block] = largest_rate_of_rows(
                first, last, potential, mobility, face_factor, reaction, periodic, maxima, rates
            )
        most = 0.0
        for block in range(blocks):
            most = max(most, largest[block])
        return most

    return largest_loss_rate
