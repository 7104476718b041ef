"""Upwind fluxes with limited reconstruction: through one face, and through all faces between rows of cells.

References
----------
LeVeque (2002), Finite Volume Methods for Hyperbolic Problems, Sections 4.10 and 6.9 to 6.12.
Carrillo, Chertock and Huang (2015), Commun. Comput. Phys. 17(1), Section 2.
"""

from __future__ import annotations

from wgflow.compilation import inlined_kernel, kernel, wide_vectors
from wgflow.upwind.kernels.limiters import limited_difference


@kernel
def upwind_flux(far_left, left, right, far_right, velocity, limiter):
    """Flux through a face whose velocity is positive to the right."""
    left_value = left + 0.5 * limited_difference(left - far_left, right - left, left, limiter)
    right_value = right - 0.5 * limited_difference(right - left, far_right - right, right, limiter)
    return max(velocity, 0.0) * left_value + min(velocity, 0.0) * right_value


@inlined_kernel
def fluxes_between_rows(far_left, left, right, far_right, phi_left, phi_right, mobility, limiter, flux):
    """Flux through the faces between two rows; with mobility 0 they are a wall.

    The limiter is a constant of the kernel that this is copied to, so that the loop has no branch.
    """
    wide_vectors()
    for k in range(flux.size):
        velocity = -mobility * (phi_right[k] - phi_left[k])
        flux[k] = upwind_flux(far_left[k], left[k], right[k], far_right[k], velocity, limiter)
