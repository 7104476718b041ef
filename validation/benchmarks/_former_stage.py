"""Stages and loss rates of version 0.1, on boxes of two dimensions with walls.

There is a limiter for either side of each face, loss rates have a pass of their own, and loops the vectors that the
compiler chooses.
"""

from __future__ import annotations

from numba import prange

from wgflow.compilation import inlined_kernel, kernel, parallel_kernel
from wgflow.typing import FloatArray

BLOCKS = 16


@kernel
def limited_difference(backward: float, forward: float) -> float:
    """Limiter MC."""
    central = 0.5 * (backward + forward)
    rising = min(min(2.0 * backward, 2.0 * forward), central)
    falling = max(max(2.0 * backward, 2.0 * forward), central)
    return max(rising, 0.0) + min(falling, 0.0)


@kernel
def upwind_flux(far_left: float, left: float, right: float, far_right: float, velocity: float) -> float:
    """Flux through a face."""
    left_value = left + 0.5 * limited_difference(left - far_left, right - left)
    right_value = right - 0.5 * limited_difference(right - left, far_right - right)
    return max(velocity, 0.0) * left_value + min(velocity, 0.0) * right_value


@inlined_kernel
def fluxes_between_rows(
    far_left: FloatArray, left: FloatArray, right: FloatArray, far_right: FloatArray, phi_left: FloatArray,
    phi_right: FloatArray, mobility: float, flux: FloatArray,
) -> None:  # fmt: skip
    """Flux through the faces between two rows."""
    for k in range(flux.size):
        velocity = -mobility * (phi_right[k] - phi_left[k])
        flux[k] = upwind_flux(far_left[k], left[k], right[k], far_right[k], velocity)


@inlined_kernel
def fluxes_within_row(rho: FloatArray, phi: FloatArray, mobility: float, flux: FloatArray) -> None:
    """Flux through the faces of a row; the walls are at both ends."""
    n = rho.size
    inner = (rho[: n - 3], rho[1 : n - 2], rho[2 : n - 1], rho[3:], phi[1 : n - 2], phi[2 : n - 1])
    fluxes_between_rows(*inner, mobility, flux[2 : n - 1])
    for face in (1, n - 1):
        far_left, far_right = rho[max(face - 2, 0)], rho[min(face + 1, n - 1)]
        velocity = -mobility * (phi[face] - phi[face - 1])
        flux[face] = upwind_flux(far_left, rho[face - 1], rho[face], far_right, velocity)
    flux[0] = flux[n] = 0.0


@inlined_kernel
def fluxes_beside_row(rho: FloatArray, phi: FloatArray, i: int, mobility: float, flux: FloatArray) -> None:
    """Flux through the faces between the rows i - 1 and i."""
    last = rho.shape[0] - 1
    before, here = max(i - 1, 0), min(i, last)
    rows = (rho[max(i - 2, 0)], rho[before], rho[here], rho[min(i + 1, last)])
    factor = mobility if 0 < i <= last else 0.0
    fluxes_between_rows(*rows, phi[before], phi[here], factor, flux)


@parallel_kernel
def euler_stage(
    density: FloatArray, potential: FloatArray, start: FloatArray, weights: tuple[float, float], step: float,
    mobility: FloatArray, buffers: FloatArray, result: FloatArray,
) -> None:  # fmt: skip
    """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``."""
    rows, cells = density.shape
    for block in prange(BLOCKS):
        within, below, above = buffers[block, 0], buffers[block, 1, :cells], buffers[block, 2, :cells]
        first = block * rows // BLOCKS
        for i in range(first, (block + 1) * rows // BLOCKS):
            rho, old, new = density[i], start[i], result[i]
            fluxes_within_row(rho, potential[i], mobility[1], within)
            if i == first:
                fluxes_beside_row(density, potential, i, mobility[0], below)
            fluxes_beside_row(density, potential, i + 1, mobility[0], above)
            for k in range(cells):
                change = within[k] - within[k + 1] + below[k] - above[k]
                new[k] = weights[0] * old[k] + weights[1] * (rho[k] + step * change)
            below, above = above, below


@parallel_kernel
def largest_loss_rate(potential: FloatArray, mobility: FloatArray, buffers: FloatArray, largest: FloatArray) -> float:
    """Largest relative loss rate over all cells."""
    rows, cells = potential.shape
    for block in prange(BLOCKS):
        maxima, rates = buffers[block, 0, :cells], buffers[block, 1, :cells]
        maxima[:] = 0.0
        for i in range(block * rows // BLOCKS, (block + 1) * rows // BLOCKS):
            phi, before, after = potential[i], potential[max(i - 1, 0)], potential[min(i + 1, rows - 1)]
            here, left, right, inner = phi[1 : cells - 1], phi[: cells - 2], phi[2:], rates[1 : cells - 1]
            for k in range(cells - 2):
                inner[k] = max(mobility[1] * (here[k] - right[k]), 0.0) - min(mobility[1] * (left[k] - here[k]), 0.0)
            rates[0], rates[cells - 1] = (
                mobility[1] * (phi[0] - phi[1]),
                mobility[1] * (phi[cells - 1] - phi[cells - 2]),
            )
            for k in range(cells):
                out = max(mobility[0] * (phi[k] - after[k]), 0.0) - min(mobility[0] * (before[k] - phi[k]), 0.0)
                maxima[k] = max(maxima[k], 2.0 * (rates[k] + out))
        largest[block] = maxima.max()
    return float(largest.max())
