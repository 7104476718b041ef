"""Internal energies of densities and their slopes, cell by cell."""

from __future__ import annotations

import numpy as np

from wgflow.compilation import arrays_apart, kernel, reduction


@reduction
def entropy_of_cells(density, volumes, temperature, floor, potential):
    """Entropy and its slope; U = U' rho - P, with P of the floor below it, is the tangent there."""
    arrays_apart()
    energy = 0.0
    for cell in range(density.size):
        safe = max(density[cell], floor)
        slope = temperature * (np.log(safe) + 1.0)
        potential[cell] = slope
        energy += volumes[cell] * (slope * density[cell] - temperature * safe)
    return energy


@reduction
def power_energy_of_cells(density, volumes, exponent, strength, floor, potential):
    """Power energy and its slope, with the tangent below the floor as in `entropy_of_cells`."""
    arrays_apart()
    energy = 0.0
    for cell in range(density.size):
        safe = max(density[cell], floor)
        power = strength * safe ** (exponent - 1.0)
        slope = exponent / (exponent - 1.0) * power
        potential[cell] = slope
        energy += volumes[cell] * (slope * density[cell] - power * safe)
    return energy


@kernel
def write_entropy(density, volumes, temperature, floor, bounds, potential, energies):
    """Slopes at all cells, arrays of shape (sheets, N), and the entropy of each block, shape (blocks, 1).

    ``bounds`` are the first cells of the blocks in a sheet, and the end; the cells beside them count for no sum.
    """
    energies[...] = 0.0
    first, end = bounds[0], bounds[-1]
    for sheet in range(density.shape[0]):
        rho, volume, phi = density[sheet], volumes[sheet], potential[sheet]
        entropy_of_cells(rho[:first], volume[:first], temperature, floor, phi[:first])
        for block in range(bounds.size - 1):
            a, b = bounds[block], bounds[block + 1]
            energies[block, 0] += entropy_of_cells(rho[a:b], volume[a:b], temperature, floor, phi[a:b])
        entropy_of_cells(rho[end:], volume[end:], temperature, floor, phi[end:])


@kernel
def write_power_energy(density, volumes, exponent, strength, floor, bounds, potential, energies):
    """The same of the power energy."""
    energies[...] = 0.0
    first, end = bounds[0], bounds[-1]
    for sheet in range(density.shape[0]):
        rho, volume, phi = density[sheet], volumes[sheet], potential[sheet]
        power_energy_of_cells(rho[:first], volume[:first], exponent, strength, floor, phi[:first])
        for block in range(bounds.size - 1):
            a, b = bounds[block], bounds[block + 1]
            energies[block, 0] += power_energy_of_cells(rho[a:b], volume[a:b], exponent, strength, floor, phi[a:b])
        power_energy_of_cells(rho[end:], volume[end:], exponent, strength, floor, phi[end:])


@kernel
def raise_to_neighbours(density, cells, steepness, raised):
    """Lift each density to a fraction of the largest one around."""
    for face in range(len(cells)):
        first, second = cells[face, 0], cells[face, 1]
        raised[first] = max(raised[first], steepness * density[second])
        raised[second] = max(raised[second], steepness * density[first])
