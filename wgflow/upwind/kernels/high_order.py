"""Fifth order in space for smooth densities: kernels of the conservative finite-difference form on boxes and circles.

Densities are point values at the cell centres. Along each axis the flux through a face is a difference formula of the
point fluxes f = u rho with the velocity u = -alpha dJ/dx of sixth order at the centres,

    F = (f[-3] - 8 f[-2] + 37 f[-1] + 37 f[0] - 8 f[1] + f[2]) / 60 - |u| (fifth difference of rho) / 60,

the sum of the fifth-order upwind reconstructions of (f + |u| rho)/2 and (f - |u| rho)/2 with |u| at the face. What it
adds to the first-order upwind flux, the correction, is scaled down: first face by face until no cell gives more than
it has, then everywhere alike if the corrections would keep F from falling. Smooth densities need neither. What a cell
has to give is counted for a step of half the bound of positivity, or a larger one that is taken: were it counted for
smaller ones, a cell beside vacuum would lose all it has in a step of any size, and no step would be small enough.

Arrays have shape ``(sheets, n0, n1, n2)``, with n0 = 1 in two dimensions and n0 = n1 = 1 in one. Fluxes are divided by
the length of a cell; those of an axis are stored with the cell above the face. The uppermost face of an axis is its
lowest: the seam of a periodic axis; else walls, which nothing passes and beyond which a mirror image of the density
lies.

References
----------
Shu and Osher (1988), J. Comput. Phys. 77, Section 3. Shu (2009), SIAM Review 51(1), Section 2.
Zalesak (1979), J. Comput. Phys. 31. Xu (2014), Math. Comp. 83 (the limiter of fluxes).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import inlined_kernel, kernel, parallel_kernel
from wgflow.upwind.kernels.rows_beside import (
    fill_line,
    neighbouring_rows,
    parity,
    row_beside,
    rows_around_face,
    shifted,
    stencil_start,
    upper_faces,
)

MIN_CELLS = 7  # the derivative of J takes seven cells
KEPT = 0.01  # share of what the first-order stage leaves in a cell that corrections do not take, far above round-off
PARTS = 5  # of a stage, each of which needs the part before it in all rows
# Rows below the first block and above the last one for which a part is done too, where they are: the next reads them.
# The first part reads three more rows of the potential on either side.
BESIDE = ((4, 4), (1, 2), (1, 1), (0, 1), (0, 0))
REACH = BESIDE[0][0] + 3

# First derivative times the spacing, of sixth order, at each of seven points.
_LOWER_HALF = [
    [-147, 360, -450, 400, -225, 72, -10],
    [-10, -77, 150, -100, 50, -15, 2],
    [2, -24, -35, 80, -30, 8, -1],
    [-1, 9, -45, 0, 45, -9, 1],
]
DERIVATIVE = np.array(_LOWER_HALF + [[-weight for weight in row[::-1]] for row in _LOWER_HALF[2::-1]]) / 60.0


@kernel
def upwind(below, here, velocity):
    """First-order flux through a face."""
    return max(velocity, 0.0) * below + min(velocity, 0.0) * here


@kernel
def weigh(weights, rows, total):
    """Weighted sum of six rows."""
    first, second, third, fourth, fifth, sixth = rows
    for k in range(total.size):
        total[k] = weights[0] * first[k] + weights[1] * second[k] + weights[2] * third[k]
    for k in range(total.size):
        total[k] += weights[3] * fourth[k] + weights[4] * fifth[k] + weights[5] * sixth[k]


@kernel
def point_fluxes_along_row(rho, phi, factor, periodic, line, product):
    """Products u rho along axis 2."""
    count = rho.size
    fill_line(phi, periodic, 1.0, line)
    for k in range(count):
        near, far = line[k + 4] - line[k + 2], line[k + 5] - line[k + 1]
        product[k] = factor * rho[k] * (45.0 * near - 9.0 * far + (line[k + 6] - line[k])) / 60.0
    if not periodic:
        for side in range(6):
            k = side if side < 3 else count - 6 + side
            start, slope = stencil_start(k, count, periodic), 0.0
            for m in range(7):
                slope += DERIVATIVE[k - start, m] * phi[start + m]
            product[k] = factor * rho[k] * slope


@kernel
def point_fluxes_across_rows(rho, phi, i, j, axis, factor, periodic, product):
    """Products u rho along axis 0 or 1."""
    index, count = (i, phi.shape[0]) if axis == 0 else (j, phi.shape[1])
    start = stencil_start(index, count, periodic)
    weights = DERIVATIVE[index - start]
    product[:] = 0.0
    for m in range(7):
        if weights[m] != 0.0:
            here = row_beside(phi, i, j, axis, start + m - index, periodic)
            weight = factor * weights[m]
            for k in range(product.size):
                product[k] += weight * here[k]
    for k in range(product.size):
        product[k] *= rho[k]


@kernel
def write_corrections(density, potential, products, i, j, axis, mobility, periodic, lines, correction):
    """Fifth-order flux less first-order flux through the lower faces of a row."""
    index = i if axis == 0 else j
    if axis < 2 and index == 0 and not periodic:
        correction[:] = 0.0
        return
    count = density.shape[axis]
    p0 = parity(index - 3, count, periodic) if axis < 2 else 1.0
    p1 = parity(index - 2, count, periodic) if axis < 2 else 1.0
    p4 = parity(index + 1, count, periodic) if axis < 2 else 1.0
    p5 = parity(index + 2, count, periodic) if axis < 2 else 1.0
    fluxes = rows_around_face(products, i, j, axis, periodic, -1.0, lines[0])
    weigh((p0 / 60, -8 * p1 / 60, 37 / 60, 37 / 60, -8 * p4 / 60, p5 / 60), fluxes, correction)
    rows = rows_around_face(density, i, j, axis, periodic, 1.0, lines[0])
    fifth_difference = shifted(lines[1], 0)
    weigh((-1 / 60, 5 / 60, -10 / 60, 10 / 60, -5 / 60, 1 / 60), rows, fifth_difference)
    below, here, phi_here = rows[2], density[i, j], potential[i, j]
    phi_below, _ = neighbouring_rows(potential, i, j, axis, periodic, lines[2])
    for k in range(correction.size):
        velocity = -mobility * (phi_here[k] - phi_below[k])
        correction[k] -= abs(velocity) * fifth_difference[k] + upwind(below[k], here[k], velocity)
    if axis == 2 and not periodic:
        correction[0] = 0.0


@kernel
def add_upwind_fluxes(rho, phi, i, j, axis, factor, periodic, lines, total):
    """Add to a row what first-order fluxes bring in, less what they take away; ``factor`` is step times mobility."""
    below, above = neighbouring_rows(rho, i, j, axis, periodic, lines[0])
    phi_below, phi_above = neighbouring_rows(phi, i, j, axis, periodic, lines[1])
    here, phi_here = rho[i, j], phi[i, j]
    for k in range(total.size):
        total[k] += upwind(below[k], here[k], -factor * (phi_here[k] - phi_below[k]))
        total[k] -= upwind(here[k], above[k], -factor * (phi_above[k] - phi_here[k]))


@kernel
def write_shares(corrections, sheet, i, j, step, limiting, lines, here, left, shares):
    """Share of what the corrections take from each cell of a row that it can give, in a step of the size ``limiting``.

    ``left`` is what the first-order stage leaves it of ``here`` in a step of the size ``step``.
    """
    shares[:] = 0.0
    dimension = len(corrections)
    for number in range(dimension):
        lower = corrections[number, sheet, i, j]
        upper = upper_faces(corrections[number, sheet], i, j, 3 - dimension + number, lines[0])
        for k in range(shares.size):
            shares[k] += limiting * (max(upper[k], 0.0) - min(lower[k], 0.0))
    for k in range(shares.size):
        given = max(here[k] + limiting / step * (left[k] - here[k]), 0.0)
        shares[k] = min(1.0, (1.0 - KEPT) * given / max(shares[k], 1e-300))


@kernel
def limit_corrections(rho, phi, shares, i, j, axis, mobility, periodic, lines, correction, rises):
    """Scale the corrections of a row by the share of the cell that gives; add up how fast both fluxes raise F."""
    below, _ = neighbouring_rows(rho, i, j, axis, periodic, lines[0])
    phi_below, _ = neighbouring_rows(phi, i, j, axis, periodic, lines[1])
    share_below, _ = neighbouring_rows(shares, i, j, axis, periodic, lines[2])
    here, phi_here, share = rho[i, j], phi[i, j], shares[i, j]
    upwind_rise, correction_rise = rises
    for k in range(correction.size):
        correction[k] = max(correction[k], 0.0) * share_below[k] + min(correction[k], 0.0) * share[k]
    for k in range(correction.size):
        correction_rise[k] += correction[k] * (phi_here[k] - phi_below[k])
    for k in range(correction.size):
        slope = phi_here[k] - phi_below[k]
        upwind_rise[k] += upwind(below[k], here[k], -mobility * slope) * slope


# The parts of a stage, each for the rows first ... last - 1 of all sheets.


@kernel
def place(row, shape):
    """Sheet, i and j of a row."""
    return row // (shape[1] * shape[2]), row // shape[2] % shape[1], row % shape[2]


@kernel
def point_fluxes_of_rows(first, last, density, potential, mobility, periodic, lines, products):
    """Products u rho for each axis."""
    first_axis = 3 - len(products)
    for row in range(first, last):
        sheet, i, j = place(row, density.shape)
        rho, phi = density[sheet, i, j], potential[sheet]
        for axis in range(first_axis, 3):
            product = products[axis - first_axis, sheet, i, j]
            if axis == 2:
                point_fluxes_along_row(rho, phi[i, j], -mobility[2], periodic[2], lines[0], product)
            else:
                point_fluxes_across_rows(rho, phi, i, j, axis, -mobility[axis], periodic[axis], product)


@kernel
def corrections_of_rows(first, last, density, potential, mobility, periodic, lines, products, corrections):
    """Corrections through the lower faces for each axis."""
    first_axis = 3 - len(products)
    for row in range(first, last):
        sheet, i, j = place(row, density.shape)
        rho, phi = density[sheet], potential[sheet]
        for axis in range(first_axis, 3):
            product, correction = products[axis - first_axis, sheet], corrections[axis - first_axis, sheet, i, j]
            write_corrections(rho, phi, product, i, j, axis, mobility[axis], periodic[axis], lines, correction)


@kernel
def upwind_step_of_rows(
    first, last, density, potential, mobility, periodic, steps, reaction, lines, corrections, shares, result
):
    """The first-order stage, and the share of the corrections that it leaves room for in each cell."""
    step, limiting = steps
    for row in range(first, last):
        sheet, i, j = place(row, density.shape)
        here, phi_here, left = density[sheet, i, j], potential[sheet, i, j], result[sheet, i, j]
        for k in range(left.size):
            left[k] = here[k] - step * reaction * phi_here[k] * here[k]
        for axis in range(3 - len(corrections), 3):
            factor = step * mobility[axis]
            add_upwind_fluxes(density[sheet], potential[sheet], i, j, axis, factor, periodic[axis], lines, left)
        write_shares(corrections, sheet, i, j, step, limiting, lines, here, left, shares[sheet, i, j])


@kernel
def limit_rows(first, last, density, potential, mobility, periodic, lines, shares, corrections, rises, partial):
    """Scale the corrections for each axis; ``partial`` adds up how fast first-order fluxes and corrections raise F."""
    first_axis = 3 - len(corrections)
    rises[...] = 0.0
    for row in range(first, last):
        sheet, i, j = place(row, density.shape)
        rho, phi, share = density[sheet], potential[sheet], shares[sheet]
        for axis in range(first_axis, 3):
            correction = corrections[axis - first_axis, sheet, i, j]
            limit_corrections(rho, phi, share, i, j, axis, mobility[axis], periodic[axis], lines, correction, rises)
    partial[0] += rises[0].sum()
    partial[1] += rises[1].sum()


@kernel
def combine_rows(first, last, start, weights, step, lines, corrections, result):
    """Add the corrections to the first-order stage and combine it with the start."""
    first_axis = 3 - len(corrections)
    for row in range(first, last):
        sheet, i, j = place(row, start.shape)
        old, new = start[sheet, i, j], result[sheet, i, j]
        for axis in range(first_axis, 3):
            lower = corrections[axis - first_axis, sheet, i, j]
            upper = upper_faces(corrections[axis - first_axis, sheet], i, j, axis, lines[0])
            for k in range(new.size):
                new[k] += step * (lower[k] - upper[k])
        for k in range(new.size):
            new[k] = weights[0] * old[k] + weights[1] * new[k]


@kernel
def rows_of(part, blocks, bounds, plane, rows):
    """First row of some blocks and the end of the last one, with the rows beside all blocks that a part is done for."""
    first, last = bounds[blocks[0]], bounds[blocks[1]]
    if blocks[0] == 0:
        first = max(first - BESIDE[part][0] * plane, 0)
    if blocks[1] == bounds.size - 1:
        last = min(last + BESIDE[part][1] * plane, rows)
    return first, last


@inlined_kernel  # a copy beside that of its callers would have other bits, and which one runs depend on the cache
def part_of_stage(
    part, blocks, plane, sheet, density, potential, start, weights, steps, mobility, reaction, periodic, bounds,
    products, corrections, shares, lines, rises, partial, result,
):  # fmt: skip
    """One of the five parts of a stage for some blocks of a sheet; each needs the part before it in all rows."""
    fields, geometry, rows = (density, potential), (mobility, periodic), density.shape[1] * density.shape[2]
    offset = sheet * rows
    first, last = rows_of(part, blocks, bounds, plane, rows)
    first, last = offset + first, offset + last
    if part == 0:
        point_fluxes_of_rows(first, last, *fields, *geometry, lines, products)
    elif part == 1:
        corrections_of_rows(first, last, *fields, *geometry, lines, products, corrections)
    elif part == 2:
        upwind_step_of_rows(first, last, *fields, *geometry, steps[:2], reaction, lines, corrections, shares, result)
    elif part == 3:
        for b in range(blocks[0], blocks[1]):
            some = (offset + bounds[b], offset + bounds[b + 1])
            limit_rows(*some, *fields, *geometry, lines, shares, corrections, rises, partial[b])
        behind = offset + bounds[blocks[1]]
        if last > behind:  # rows beside all blocks, which others sum up
            limit_rows(behind, last, *fields, *geometry, lines, shares, corrections, rises, partial[blocks[1]])
    else:
        combine_rows(first, last, start, weights, steps[2], lines, corrections, result)


@cache
def high_order_stage_kernel(tasks: int) -> Callable[..., None]:
    """Compile the parts of the Euler stage, serial (one task) or on all cores."""
    compiled = kernel if tasks == 1 else parallel_kernel

    @compiled
    def euler_stage(
        parts, density, potential, start, weights, steps, mobility, reaction, periodic, bounds, plane, work, result
    ):  # fmt: skip
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``, which is none of them.

        ``parts``: the first one to do, and the end; before the last one the rises of F are summed up.
        ``steps``: the step; the one, not smaller, in which corrections leave every cell nonnegative; and the step times
        the factor of all corrections that keeps F falling.
        ``bounds``: blocks of rows as in `wgflow.upwind.kernels.structured`, ``plane`` the rows of an index of the first
        axis of the box.
        ``work``: point fluxes and corrections of each axis, shares, lines (tasks, 3, n2 + 6) and rises of F, by tasks
        (tasks, 2, n2) and, of first-order fluxes and of corrections, by blocks and beside them (blocks + 1, 2).
        """
        products, corrections, shares, lines, rises, partial = work
        blocks = bounds.size - 1
        for part in range(parts[0], parts[1]):
            for task in prange(tasks):
                some = (task * blocks // tasks, (task + 1) * blocks // tasks)
                for sheet in range(density.shape[0]):
                    part_of_stage(
                        part, some, plane, sheet, density, potential, start, weights, steps, mobility, reaction,
                        periodic, bounds, products, corrections, shares, lines[task], rises[task], partial, result,
                    )  # fmt: skip

    return euler_stage
