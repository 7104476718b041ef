"""Upwind fluxes with limited reconstruction: through one face, and through all faces between rows of cells.

References
----------
LeVeque (2002), Finite Volume Methods for Hyperbolic Problems, Sections 4.10 and 6.9 to 6.12.
Carrillo, Chertock and Huang (2015), Commun. Comput. Phys. 17(1), Section 2.
"""

from __future__ import annotations

from wgflow.compilation import inlined_slicing_kernel, kernel, wide_vectors
from wgflow.upwind.kernels.limiters import limited_difference

AT_ONCE = 32  # cells that a loop takes at once: in vectors of eight numbers, four of them side by side


@kernel
def flux_of_slopes(left, right, left_slope, right_slope, velocity):
    """Flux through a face whose velocity is positive to the right, from the differences across both cells."""
    return velocity * (left + 0.5 * left_slope if velocity > 0.0 else right - 0.5 * right_slope)


@kernel
def upwind_flux(far_left, left, right, far_right, velocity, limiter):
    """Flux through a face whose velocity is positive to the right."""
    left_slope = limited_difference(left - far_left, right - left, left, limiter)
    right_slope = limited_difference(right - left, far_right - right, right, limiter)
    return flux_of_slopes(left, right, left_slope, right_slope, velocity)


@kernel
def part_of(count, part):
    """Ends of the two parts of some cells: as many as loops take at once, and again the last of these up to the end.

    Cells that are left over would cost as much as all the others of a row. Few cells are all in the first part.
    """
    whole = count if count < AT_ONCE else count - count % AT_ONCE
    if part == 0:
        return 0, whole
    return (count, count) if whole == count else (count - AT_ONCE, count)


@inlined_slicing_kernel
def limited_differences(before, here, after, limiter, slope):
    """Differences across the cells of a row, from those to the cells on either side.

    The limiter is a constant of the kernel that this is copied to, so that the loop has no branch.
    """
    wide_vectors()
    for k in range(slope.size):
        slope[k] = limited_difference(here[k] - before[k], after[k] - here[k], here[k], limiter)


@inlined_slicing_kernel
def fluxes_of_slopes(left, right, left_slope, right_slope, phi_left, phi_right, mobility, flux):
    """Flux through the faces between two rows, from the differences across their cells; mobility 0 is a wall."""
    wide_vectors()
    for k in range(flux.size):
        velocity = -mobility * (phi_right[k] - phi_left[k])
        flux[k] = flux_of_slopes(left[k], right[k], left_slope[k], right_slope[k], velocity)


@inlined_slicing_kernel
def fluxes_between_rows(far_left, left, right, far_right, phi_left, phi_right, mobility, limiter, flux):
    """Flux through the faces between two rows; with mobility 0 they are a wall.

    The limiter is a constant of the kernel that this is copied to, so that the loop has no branch.
    """
    wide_vectors()
    for k in range(flux.size):
        velocity = -mobility * (phi_right[k] - phi_left[k])
        flux[k] = upwind_flux(far_left[k], left[k], right[k], far_right[k], velocity, limiter)
