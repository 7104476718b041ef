"""Finite-volume kernels on Voronoi cells with up to six faces, in any order.

Arrays have shape ``(sheets, cells)``; faces are gathered by each of their two cells, so that threads never write to the
same place. Both cells compute the same flux with opposite sign, to the last bit. Numbers of cells and places of faces
are unsigned, which spares a test for negative indices at each access.

References
----------
Barth and Jespersen (1989), AIAA paper 89-0366: linear reconstruction within the range of the neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import inlined_kernel, kernel, parallel_kernel
from wgflow.domains.mesh import DEGREE
from wgflow.upwind.kernels.limiters import FIRST_ORDER, POSITIVE
from wgflow.upwind.kernels.subnormal import without_subnormal

PARALLEL_BLOCKS = 16  # fixed, so that results do not depend on the number of threads
PARALLEL_THRESHOLD = 4_096


@inlined_kernel
def face_values_of_cells(first, last, rho, neighbours, slopes, offsets, limiter, face_values):
    """Densities at the faces of the cells ``first ... last - 1`` by their limited gradients."""
    for cell in range(np.uint64(first), np.uint64(last)):
        here = rho[cell]
        lower, upper, slope_x, slope_y = 0.0, 0.0, 0.0, 0.0
        for face in range(DEGREE):
            rise = rho[neighbours[cell, face]] - here
            lower, upper = min(lower, rise), max(upper, rise)
            slope_x += slopes[cell, 0, face] * rise
            slope_y += slopes[cell, 1, face] * rise
        # Within [0, 2 rho], on which the positivity bound of a stage rests, and within the neighbours.
        lower = -here if limiter == POSITIVE else lower
        upper = here if limiter == POSITIVE else min(upper, here)
        for face in range(DEGREE):
            rise = slope_x * offsets[cell, 0, face] + slope_y * offsets[cell, 1, face]
            rise = 0.0 if limiter == FIRST_ORDER else min(max(rise, lower), upper)
            face_values[cell, face] = here + rise


@inlined_kernel
def update_of_cells(
    first, last, rho, phi, old, weights, step, reaction, conductance, inverse_volumes, neighbours, opposite,
    face_values, new,
):  # fmt: skip
    """Write the cells ``first ... last - 1`` of a sheet of a stage."""
    start_weight, stage_weight = weights
    for cell in range(np.uint64(first), np.uint64(last)):
        outflow = 0.0
        for face in range(DEGREE):
            neighbour = neighbours[cell, face]
            rate = conductance[cell, face] * (phi[cell] - phi[neighbour])
            outflow += max(rate, 0.0) * face_values[cell, face]
            outflow -= max(-rate, 0.0) * face_values[neighbour, opposite[cell, face]]
        change = -outflow * inverse_volumes[cell] - reaction * phi[cell] * rho[cell]
        new[cell] = without_subnormal(start_weight * old[cell] + stage_weight * (rho[cell] + step * change))


@cache
def voronoi_stage_kernel(limiter: int, blocks: int) -> Callable[..., None]:
    """Compile the Euler stage for one limiter, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def euler_stage(
        density, potential, start, weights, step, reaction, conductance, inverse_volumes, neighbours, opposite, slopes,
        offsets, face_values, result,
    ):  # fmt: skip
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``.

        ``conductance`` is alpha |face| / distance; ``slopes`` (cells, 2, faces) gives the gradient from the differences
        to the neighbours, ``offsets`` (cells, 2, faces) the middles of faces. All others on faces are of shape (cells,
        faces).
        """
        sheets, cells = density.shape
        for sheet in range(sheets):
            rho, phi, old, new = density[sheet], potential[sheet], start[sheet], result[sheet]
            for block in prange(blocks):
                first, last = block * cells // blocks, (block + 1) * cells // blocks
                face_values_of_cells(first, last, rho, neighbours, slopes, offsets, limiter, face_values)
            for block in prange(blocks):
                first, last = block * cells // blocks, (block + 1) * cells // blocks
                update_of_cells(
                    first, last, rho, phi, old, weights, step, reaction, conductance, inverse_volumes, neighbours,
                    opposite, face_values, new,
                )  # fmt: skip

    return euler_stage


@inlined_kernel
def largest_rate_of_cells(first, last, phi, face_factor, reaction, conductance, inverse_volumes, neighbours):
    """Largest relative loss rate over the cells ``first ... last - 1``."""
    most = 0.0
    for cell in range(np.uint64(first), np.uint64(last)):
        outflow = 0.0
        for face in range(DEGREE):
            rate = conductance[cell, face] * (phi[cell] - phi[neighbours[cell, face]])
            outflow += max(rate, 0.0)
        loss = face_factor * outflow * inverse_volumes[cell] + reaction * max(phi[cell], 0.0)
        most = max(most, loss)
    return most


@cache
def voronoi_loss_rate_kernel(blocks: int) -> Callable[..., float]:
    """Compile the search for the largest loss rate, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def largest_loss_rate(
        potential, face_factor, reaction, conductance, inverse_volumes, neighbours, largest
    ):  # fmt: skip
        """Largest relative loss rate over all cells; ``largest`` is work space of shape ``(blocks,)``."""
        sheets, cells = potential.shape
        most = 0.0
        for sheet in range(sheets):
            phi = potential[sheet]
            for block in prange(blocks):
                first, last = block * cells // blocks, (block + 1) * cells // blocks
                largest[block] = largest_rate_of_cells(
                    first, last, phi, face_factor, reaction, conductance, inverse_volumes, neighbours
                )  # fmt: skip
            for block in range(blocks):
                most = max(most, largest[block])
        return most

    return largest_loss_rate
