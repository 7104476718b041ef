"""Internal energies of densities and their slopes, cell by cell."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import kernel, reduction


@reduction
def write_entropy(density, volumes, temperature, floor, potential):
    """Entropy and its slope; U = U' rho - P, with P of the floor below it, is the tangent there."""
    energy = 0.0
    for cell in range(density.size):
        safe = max(density[cell], floor)
        slope = temperature * (np.log(safe) + 1.0)
        potential[cell] = slope
        energy += volumes[cell] * (slope * density[cell] - temperature * safe)
    return energy


@reduction
def write_power_energy(density, volumes, exponent, strength, floor, potential):
    """Power energy and its slope, with the tangent below the floor as in `write_entropy`."""
    energy = 0.0
    for cell in range(density.size):
        safe = max(density[cell], floor)
        power = strength * safe ** (exponent - 1.0)
        slope = exponent / (exponent - 1.0) * power
        potential[cell] = slope
        energy += volumes[cell] * (slope * density[cell] - power * safe)
    return energy


@kernel
def raise_to_neighbours(density, cells, steepness, raised):
    """Lift each density to a fraction of the largest one around."""
    for face in range(len(cells)):
        first, second = cells[face, 0], cells[face, 1]
        raised[first] = max(raised[first], steepness * density[second])
        raised[second] = max(raised[second], steepness * density[first])
