"""What decides on a step on spheres, found where a stage has its rows at hand: loss rates, and sums for errors and F.

Arrays are those of `wgflow.upwind.kernels.diamonds`. Cells that faces of corners change after all rows are left out of
sums over rows by volumes of zero there, and added in the end.
"""

from __future__ import annotations

import numpy as np

from wgflow.compilation import arrays_apart, inlined_slicing_kernel, reduction, wide_vectors

# Columns are counted without a sign: indices that might be negative are looked at one by one, and no vectors formed.
ONE, TWO = np.uint64(1), np.uint64(2)
# Of the cell i = 0 in rows, and of those beside it: cells of rows then lie as whole vectors of the processor do.
BEFORE, HERE, AFTER = np.uint64(7), np.uint64(8), np.uint64(9)
SUMS = 5


@inlined_slicing_kernel
def losses_of_row(n, first, now, rates, phi, face_factor, reaction, inverse_volumes, largest):
    """Largest relative loss rates so far in each column, with those of the n cells from ``first`` on."""
    arrays_apart()
    wide_vectors()
    rate1, rate2, rate3 = rates
    row, first = 1 - now, np.uint64(first)
    for k in range(np.uint64(n)):
        outflow = max(rate1[row, k + HERE], 0.0) + max(rate2[now, k + HERE], 0.0) + max(rate3[now, k + BEFORE], 0.0)
        outflow -= (
            min(rate1[row, k + BEFORE], 0.0) + min(rate2[row, k + BEFORE], 0.0) + min(rate3[row, k + BEFORE], 0.0)
        )
        loss = face_factor * outflow * inverse_volumes[first + k] + reaction * max(phi[first + k], 0.0)
        largest[k] = max(largest[k], loss)


@inlined_slicing_kernel
def lower_to(n, first, values, least):
    """Least values so far in each column, with those of the n cells from ``first`` on."""
    arrays_apart()
    wide_vectors()
    for k in range(np.uint64(n)):
        least[k] = min(least[k], values[np.uint64(first) + k])


@reduction
def sums_of_cells(first, last, rho, phi, old, new, volumes, combination):
    """Integrals over some cells of the sizes of two combinations, of old and new densities, and of J over the new."""
    wide_vectors()
    error, change, mass, mass_after, paired = 0.0, 0.0, 0.0, 0.0, 0.0
    beginning, second, third, here, there = combination
    for cell in range(np.uint64(first), np.uint64(last)):
        size, before, stage, after = volumes[cell], old[cell], rho[cell], new[cell]
        error += size * abs(beginning * before + second * stage + third * after)
        change += size * abs(here * stage + there * after - before)
        mass += size * before
        mass_after += size * after
        paired += size * (phi[cell] * after)
    return error, change, mass, mass_after, paired


@inlined_slicing_kernel
def add_sums(first, last, rho, phi, old, new, volumes, combination, partial):
    """Add integrals over some cells to sums (5,)."""
    error, change, mass, mass_after, paired = sums_of_cells(first, last, rho, phi, old, new, volumes, combination)
    partial[0] += error
    partial[1] += change
    partial[2] += mass
    partial[3] += mass_after
    partial[4] += paired


@inlined_slicing_kernel
def add_sums_apart(rho, phi, old, new, inverse_volumes, cells, combination, partial):
    """Add the integrals over the cells apart to sums (5,)."""
    beginning, second, third, here, there = combination
    for cell in cells:
        size, before, stage, after = 1.0 / inverse_volumes[cell], old[cell], rho[cell], new[cell]
        partial[0] += size * abs(beginning * before + second * stage + third * after)
        partial[1] += size * abs(here * stage + there * after - before)
        partial[2] += size * before
        partial[3] += size * after
        partial[4] += size * (phi[cell] * after)


@inlined_slicing_kernel
def watch_row(n, first, now, rates, rho, phi, old, new, reaction, inverse_volumes, largest, watch):
    """Take in loss rates and sums of the n cells from ``first`` on, whose row is the one before."""
    face_factor, volumes, combination, partial = watch
    losses_of_row(n, first, now, rates, phi, face_factor, reaction, inverse_volumes, largest)
    add_sums(first, first + n, rho, phi, old, new, volumes, combination, partial)
