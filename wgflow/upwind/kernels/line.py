"""Finite-volume kernels on periodic rows of equal cells (circle, signed circle).

Arrays have shape ``(rows, cells)``; rows do not interact. Face k lies between the cells k - 1 and k,
and face 0 closes the row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import inlined_kernel, kernel, parallel_kernel, wide_vectors
from wgflow.reductions.kernels.blocks import largest_of
from wgflow.upwind.kernels.fluxes import fluxes_between_rows, upwind_flux
from wgflow.upwind.kernels.subnormal import without_subnormal

LANES = 64  # running maxima side by side, so that the search for the largest rate vectorises
PARALLEL_BLOCKS = 8  # fixed, so that results do not depend on the number of threads
PARALLEL_THRESHOLD = 32_768  # cells from which two cores gain more than starting them costs


@kernel
def loss_rate(velocity_in, velocity_out, potential, face_factor, reaction):
    """Largest relative rate at which a cell can lose mass through its two faces and by reaction."""
    outflow = max(velocity_out, 0.0) - min(velocity_in, 0.0)
    return face_factor * outflow + reaction * max(potential, 0.0)


@inlined_kernel
def fluxes_at_seam(rho, phi, mobility, limiter, flux):
    """Flux through the faces of a row whose four cells lie on both sides of face 0, which is the last one too."""
    cells = rho.size
    for face in (0, 1, cells - 1):
        velocity = -mobility * (phi[face] - phi[face - 1])
        flux[face] = upwind_flux(rho[face - 2], rho[face - 1], rho[face], rho[(face + 1) % cells], velocity, limiter)
    flux[cells] = flux[0]


@inlined_kernel
def fluxes_of_block(first, last, rho, phi, mobility, limiter, flux):
    """Flux through the faces ``first ... last - 1`` of a row, none of them at the seam."""
    far_left, left = rho[first - 2 : last - 2], rho[first - 1 : last - 1]
    right, far_right = rho[first:last], rho[first + 1 : last + 1]
    phi_left, phi_right = phi[first - 1 : last - 1], phi[first:last]
    fluxes_between_rows(far_left, left, right, far_right, phi_left, phi_right, mobility, limiter, flux[first:last])


@kernel
def update_of_block(first, last, rho, phi, old, weights, step, reaction, flux, new):
    """Write the cells ``first ... last - 1`` of a row of a stage."""
    start_weight, stage_weight = weights
    rho, phi, old, new = rho[first:last], phi[first:last], old[first:last], new[first:last]
    inflow, outflow = flux[first:last], flux[first + 1 : last + 1]
    for k in range(last - first):
        change = inflow[k] - outflow[k] - reaction * phi[k] * rho[k]
        new[k] = without_subnormal(start_weight * old[k] + stage_weight * (rho[k] + step * change))


@cache
def stage_kernel(limiter: int, blocks: int) -> Callable[..., None]:
    """Compile the Euler stage for one limiter, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def euler_stage(density, potential, start, weights, step, mobility, reaction, flux, result):
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``.

        ``mobility`` is alpha / h^2: with it ``flux`` is the flux divided by the length of a cell.
        """
        rows, cells = density.shape
        for row in range(rows):
            fluxes_at_seam(density[row], potential[row], mobility, limiter, flux[row])
        for task in prange(rows * blocks):
            row, block = task // blocks, task % blocks
            first, last = 2 + block * (cells - 3) // blocks, 2 + (block + 1) * (cells - 3) // blocks
            fluxes_of_block(first, last, density[row], potential[row], mobility, limiter, flux[row])
        for task in prange(rows * blocks):
            row, block = task // blocks, task % blocks
            first, last = block * cells // blocks, (block + 1) * cells // blocks
            rho, phi, old = density[row], potential[row], start[row]
            update_of_block(first, last, rho, phi, old, weights, step, reaction, flux[row], result[row])

    return euler_stage


@kernel
def raise_to_rates(before, here, after, mobility, face_factor, reaction, largest):
    """Let running maxima take in the loss rates of some cells between those before and after them."""
    wide_vectors()
    for k in range(here.size):
        velocity_in, velocity_out = -mobility * (here[k] - before[k]), -mobility * (after[k] - here[k])
        largest[k] = max(largest[k], loss_rate(velocity_in, velocity_out, here[k], face_factor, reaction))


@kernel
def largest_rate_of_block(first, last, phi, mobility, face_factor, reaction, largest):
    """Largest relative loss rate over the cells ``first ... last - 1`` of a row, none of them at the seam."""
    largest[:] = 0.0
    for start in range(first, last, LANES):
        end = min(start + LANES, last)
        before, here, after = phi[start - 1 : end - 1], phi[start:end], phi[start + 1 : end + 1]
        raise_to_rates(before, here, after, mobility, face_factor, reaction, largest)
    return largest_of(largest)


@kernel
def largest_rate_at_seam(phi, mobility, face_factor, reaction):
    """Largest relative loss rate of the last cell of a row and the first one."""
    most = 0.0
    for cell in (-1, 0):
        velocity_in, velocity_out = -mobility * (phi[cell] - phi[cell - 1]), -mobility * (phi[cell + 1] - phi[cell])
        most = max(most, loss_rate(velocity_in, velocity_out, phi[cell], face_factor, reaction))
    return most


@cache
def loss_rate_kernel(blocks: int) -> Callable[..., float]:
    """Compile the search for the largest loss rate, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def largest_loss_rate(potential, mobility, face_factor, reaction, lanes):
        """Largest relative loss rate over all cells; a stage keeps rho >= 0 if step times it is at most 1.

        ``face_factor`` bounds face value over cell average: 1 without reconstruction, 2 with it. ``lanes`` is
        work space of shape ``(rows * blocks, LANES)``.
        """
        rows, cells = potential.shape
        for task in prange(rows * blocks):
            row, block = task // blocks, task % blocks
            first, last = 1 + block * (cells - 2) // blocks, 1 + (block + 1) * (cells - 2) // blocks
            lanes[task, 0] = largest_rate_of_block(
                first, last, potential[row], mobility, face_factor, reaction, lanes[task]
            )
        most = 0.0
        for row in range(rows):
            most = max(most, largest_rate_at_seam(potential[row], mobility, face_factor, reaction))
        for task in range(rows * blocks):
            most = max(most, lanes[task, 0])
        return most

    return largest_loss_rate
