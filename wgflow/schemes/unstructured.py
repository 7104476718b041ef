"""Finite-volume kernels on Voronoi cells with up to six faces (sphere, signed sphere).

Arrays have shape ``(sheets, cells)``; faces are gathered by each of their two cells, so that threads never write to the
same place. Both cells compute the same flux with opposite sign, to the last bit.

References
----------
Barth and Jespersen (1989), AIAA paper 89-0366: linear reconstruction within the range of the neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import kernel, parallel_kernel
from wgflow.schemes.line import FIRST_ORDER, POSITIVE

PARALLEL_BLOCKS = 16  # fixed, so that results do not depend on the number of threads
PARALLEL_THRESHOLD = 4_096


@cache
def voronoi_stage_kernel(limiter: int, blocks: int) -> Callable[..., None]:
    """Compile the Euler stage for one limiter, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def euler_stage(
        density, potential, start, weights, step, conductance, reaction, neighbours, opposite, slopes, offsets,
        face_values, result,
    ):  # fmt: skip
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``.

        ``conductance`` is alpha |face| / (|cell| distance), shape (cells, faces); ``slopes`` (cells, faces, 2)
        gives the gradient from the differences to the neighbours, ``offsets`` (cells, faces, 2) the middles of faces.
        """
        sheets, cells = density.shape
        faces = neighbours.shape[1]
        start_weight, stage_weight = weights
        for sheet in range(sheets):
            rho, phi, old, new = density[sheet], potential[sheet], start[sheet], result[sheet]
            for block in prange(blocks):
                for cell in range(block * cells // blocks, (block + 1) * cells // blocks):
                    here = rho[cell]
                    lowest, highest, slope_x, slope_y = here, here, 0.0, 0.0
                    for face in range(faces):
                        there = rho[neighbours[cell, face]]
                        lowest, highest = min(lowest, there), max(highest, there)
                        slope_x += slopes[cell, face, 0] * (there - here)
                        slope_y += slopes[cell, face, 1] * (there - here)
                    # Within [0, 2 rho], on which the positivity bound of a stage rests, and within the neighbours.
                    lower = -here if limiter == POSITIVE else lowest - here
                    upper = here if limiter == POSITIVE else min(highest - here, here)
                    for face in range(faces):
                        rise = slope_x * offsets[cell, face, 0] + slope_y * offsets[cell, face, 1]
                        rise = 0.0 if limiter == FIRST_ORDER else min(max(rise, lower), upper)
                        face_values[cell, face] = here + rise
            for block in prange(blocks):
                for cell in range(block * cells // blocks, (block + 1) * cells // blocks):
                    outflow = 0.0
                    for face in range(faces):
                        neighbour = neighbours[cell, face]
                        velocity = conductance[cell, face] * (phi[cell] - phi[neighbour])
                        outflow += max(velocity, 0.0) * face_values[cell, face]
                        velocity = conductance[cell, face] * (phi[neighbour] - phi[cell])
                        outflow -= max(velocity, 0.0) * face_values[neighbour, opposite[cell, face]]
                    change = -outflow - reaction * phi[cell] * rho[cell]
                    new[cell] = start_weight * old[cell] + stage_weight * (rho[cell] + step * change)

    return euler_stage


@cache
def voronoi_loss_rate_kernel(blocks: int) -> Callable[..., float]:
    """Compile the search for the largest loss rate, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def largest_loss_rate(potential, conductance, face_factor, reaction, neighbours, largest):
        """Largest relative loss rate over all cells; ``largest`` is work space of shape ``(blocks,)``."""
        sheets, cells = potential.shape
        largest[:] = 0.0
        for sheet in range(sheets):
            phi = potential[sheet]
            for block in prange(blocks):
                most = largest[block]
                for cell in range(block * cells // blocks, (block + 1) * cells // blocks):
                    rate = reaction * max(phi[cell], 0.0)
                    for face in range(neighbours.shape[1]):
                        fall = phi[cell] - phi[neighbours[cell, face]]
                        rate += face_factor * conductance[cell, face] * max(fall, 0.0)
                    most = max(most, rate)
                largest[block] = most
        return largest.max()

    return largest_loss_rate
