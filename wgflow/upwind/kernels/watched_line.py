"""What decides on a step on short periodic rows, found by the kernel that does the stage: calls cost more than loops.

Arrays are those of `wgflow.upwind.kernels.line`, and all results are to the bits those of kernels that do one thing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from wgflow.compilation import inlined_kernel, kernel
from wgflow.reductions.kernels.blocks import integrals_of_step, largest_of, widen
from wgflow.upwind.kernels.line import (
    fluxes_at_seam,
    fluxes_of_block,
    largest_rate_at_seam,
    largest_rate_of_block,
    update_of_block,
)


@inlined_kernel
def do_stage(density, potential, start, weights, step, mobility, reaction, limiter, flux, result):
    """Do what `wgflow.upwind.kernels.line.stage_kernel` does on one thread."""
    cells = density.shape[1]
    for row in range(density.shape[0]):
        rho, phi = density[row], potential[row]
        fluxes_at_seam(rho, phi, mobility, limiter, flux[row])
        fluxes_of_block(2, cells - 1, rho, phi, mobility, limiter, flux[row])
        update_of_block(0, cells, rho, phi, start[row], weights, step, reaction, flux[row], result[row])


@kernel
def largest_rate(potential, mobility, face_factor, reaction, lanes):
    """Largest relative loss rate over all cells; ``lanes`` is work space of shape (rows, LANES)."""
    most = 0.0
    for row in range(potential.shape[0]):
        phi = potential[row]
        most = max(most, largest_rate_at_seam(phi, mobility, face_factor, reaction))
        most = max(most, largest_rate_of_block(1, phi.size - 1, phi, mobility, face_factor, reaction, lanes[row]))
    return most


@kernel
def sums_of_step(start, before, after, potential, volumes, combination, bounds):
    """Sums of `wgflow.reductions.kernels.blocks.step_sums_kernel` over all blocks; zeros where there are none."""
    error, change, mass, mass_after, paired = 0.0, 0.0, 0.0, 0.0, 0.0
    for block in range(bounds.size - 1):
        first, end = bounds[block], bounds[block + 1]
        part = (0.0, 0.0, 0.0, 0.0, 0.0)
        for sheet in range(start.shape[0]):
            u, v, w = start[sheet, first:end], before[sheet, first:end], after[sheet, first:end]
            own = integrals_of_step(u, v, w, potential[sheet, first:end], volumes[first:end], combination)
            part = (part[0] + own[0], part[1] + own[1], part[2] + own[2], part[3] + own[3], part[4] + own[4])
        error, change, mass = error + part[0], change + part[1], mass + part[2]
        mass_after, paired = mass_after + part[3], paired + part[4]
    return error, change, mass, mass_after, paired


@cache
def watched_stage_kernel(limiter: int) -> Callable[..., tuple[float, ...]]:
    """Compile the Euler stage that also gives what decides whether a step is kept."""

    @kernel
    def watched_stage(
        density, potential, start, weights, step, mobility, reaction, face_factor, volumes, flux, lanes, combination,
        blocks, result,
    ):  # fmt: skip
        """Do a stage, and give the loss rate and `sums_of_step`."""
        do_stage(density, potential, start, weights, step, mobility, reaction, limiter, flux, result)
        rate = largest_rate(potential, mobility, face_factor, reaction, lanes)
        error, change, mass, mass_after, paired = sums_of_step(
            start, density, result, potential, volumes, combination, blocks
        )
        return rate, error, change, mass, mass_after, paired

    return watched_stage


@kernel
def line_extremes(potential, mobility, face_factor, reaction, lanes, extrema):
    """Give the largest loss rate and the least potential; ``extrema`` is work space of shape (2, LANES)."""
    rate = largest_rate(potential, mobility, face_factor, reaction, lanes)
    low, high = extrema[0], extrema[1]
    for k in range(low.size):
        low[k] = high[k] = potential[0, 0]
    for row in range(potential.shape[0]):
        widen(low, high, potential[row])
    for k in range(low.size):
        low[k] = -low[k]
    return rate, -largest_of(low)
