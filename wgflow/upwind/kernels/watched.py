"""What decides on a step on boxes, found where a stage has its rows at hand: loss rates, and sums for error and energy.

Arrays, blocks and tasks are those of `wgflow.upwind.kernels.structured`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import inlined_slicing_kernel, kernel, parallel_kernel, reduction, wide_vectors
from wgflow.reductions.kernels.blocks import largest_of
from wgflow.upwind.kernels.fluxes import part_of
from wgflow.upwind.kernels.structured import neighbour, update_of_row

SUMS = 5


@kernel
def falls(here, before, after):
    """How far a potential falls towards two neighbours, together."""
    return max(here - before, 0.0) + max(here - after, 0.0)


@inlined_slicing_kernel
def raise_to_rates_of(here, beside, factors, reaction, deep, maxima):
    """Let running maxima take in loss rates, from potentials of cells and of those on either side along each axis.

    ``deep``, whether there are three axes, is a constant of the loop.
    """
    wide_vectors()
    left, right, below, above, behind, ahead = beside
    for k in range(here.size):
        rate = factors[2] * falls(here[k], left[k], right[k]) + factors[1] * falls(here[k], below[k], above[k])
        if deep:
            rate += factors[0] * falls(here[k], behind[k], ahead[k])
        maxima[k] = max(maxima[k], rate + reaction * max(here[k], 0.0))


@inlined_slicing_kernel
def raise_to_rates(row, phi, mobility, face_factor, reaction, periodic, maxima):
    """Let running maxima take in the largest relative loss rates of a row of cells."""
    n0, n1, n2 = phi.shape
    i, j = row // n1, row % n1
    factors = (face_factor * mobility[0], face_factor * mobility[1], face_factor * mobility[2])
    here = phi[i, j]
    below, above = phi[i, neighbour(j, -1, n1, periodic[1])], phi[i, neighbour(j, 1, n1, periodic[1])]
    behind, ahead = phi[neighbour(i, -1, n0, periodic[0]), j], phi[neighbour(i, 1, n0, periodic[0]), j]
    for part in range(2):
        first, last = part_of(n2 - 2, part)
        inner = slice(first + 1, last + 1)
        left, right = here[first:last], here[first + 2 : last + 2]
        beside = (left, right, below[inner], above[inner], behind[inner], ahead[inner])
        if n0 > 1:
            raise_to_rates_of(here[inner], beside, factors, reaction, True, maxima[inner])
        else:
            raise_to_rates_of(here[inner], beside, factors, reaction, False, maxima[inner])
    for k in (0, n2 - 1):
        before, after = neighbour(k, -1, n2, periodic[2]), neighbour(k, 1, n2, periodic[2])
        rate = factors[2] * falls(here[k], here[before], here[after]) + factors[1] * falls(here[k], below[k], above[k])
        rate += factors[0] * falls(here[k], behind[k], ahead[k])
        maxima[k] = max(maxima[k], rate + reaction * max(here[k], 0.0))


@kernel
def lower_to(minima, values):
    """Let running minima take in a row of values."""
    for k in range(values.size):
        minima[k] = min(minima[k], values[k])


@reduction
def sums_of_row(rho, old, new, weights):
    """Sums over a row of the sizes of two combinations of its densities, and of those before and after a stage."""
    wide_vectors()
    error, change, mass, mass_after = 0.0, 0.0, 0.0, 0.0
    first, second, third, here, there = weights
    for k in range(new.size):
        error += abs(first * old[k] + second * rho[k] + third * new[k])
        change += abs(here * rho[k] + there * new[k] - old[k])
        mass += old[k]
        mass_after += new[k]
    return error, change, mass, mass_after


@reduction
def product_of_rows(first, second):
    """Sum of products of two rows."""
    wide_vectors()
    total = 0.0
    for k in range(first.size):
        total += first[k] * second[k]
    return total


@inlined_slicing_kernel
def watch_row(row, rho, phi, old, new, combination, mobility, face_factor, reaction, periodic, steady, maxima, partial):
    """Take in the loss rates of a row of a stage, and add its sums to those of its block, as many as are asked for.

    ``steady`` is a constant of the kernel: rates of such a potential are known, and it is paired with the result.
    """
    if partial.size > 1:
        error, change, mass, mass_after = sums_of_row(rho, old, new, combination)
        partial[0] += error
        partial[1] += change
        partial[2] += mass
        partial[3] += mass_after
    if steady:
        partial[-1] += product_of_rows(phi[row // phi.shape[1], row % phi.shape[1]], new)
    else:
        raise_to_rates(row, phi, mobility, face_factor, reaction, periodic, maxima)


@kernel
def state_sums(density, potential, bounds, partial):
    """Sums of the density and of its product with the potential in each block, shape (blocks, 2)."""
    n1 = density.shape[2]
    partial[...] = 0.0
    for sheet in range(density.shape[0]):
        for block in range(bounds.size - 1):
            for row in range(bounds[block], bounds[block + 1]):
                rho, phi = density[sheet, row // n1, row % n1], potential[sheet, row // n1, row % n1]
                partial[block, 0] += sums_of_row(rho, rho, rho, (0.0, 0.0, 0.0, 0.0, 0.0))[3]
                partial[block, 1] += product_of_rows(phi, rho)


@cache
def watched_box_stage_kernel(limiter: int, steady: bool, tasks: int) -> Callable[..., None]:
    """Compile the Euler stage that also gives what decides whether a step is kept, serial or on all cores."""
    compiled = kernel if tasks == 1 else parallel_kernel

    @compiled
    def watched_stage(
        density, potential, start, weights, step, mobility, reaction, periodic, bounds, buffers, face_factor,
        combination, lanes, largest, partial, result,
    ):  # fmt: skip
        """Do a stage, and write the sums of blocks and, unless the potential is steady, the loss rates of tasks.

        With (a, b, c, d, e) = ``combination`` the sums, shape (blocks, 5), are those of
        ``|a start + b density + c result|``, ``|d density + e result - start|``, ``start``, ``result`` and, if the
        potential is steady, ``potential * result``; the shape (blocks, 1) asks for the last alone, of a steady
        potential, and (blocks, 0) for none, of others. ``lanes`` is work space of shape (tasks, 1, n2), ``largest`` has
        the shape (tasks, 1).
        """
        n1, blocks = density.shape[2], bounds.size - 1
        for task in prange(tasks):
            begin, end = task * blocks // tasks, (task + 1) * blocks // tasks
            lanes[task] = 0.0
            partial[begin:end] = 0.0
            for sheet in range(density.shape[0]):
                for block in range(begin, end):
                    for row in range(bounds[block], bounds[block + 1]):
                        i, j = row // n1, row % n1
                        rho, phi, old, new = density[sheet], potential[sheet], start[sheet, i, j], result[sheet, i, j]
                        update_of_row(
                            row, bounds[begin], rho, phi, old, weights, step, mobility, reaction, periodic, limiter,
                            buffers[task], new,
                        )  # fmt: skip
                        watch_row(
                            row, rho[i, j], phi, old, new, combination, mobility, face_factor, reaction, periodic,
                            steady, lanes[task, 0], partial[block],
                        )  # fmt: skip
            largest[task, 0] = largest_of(lanes[task, 0])

    return watched_stage


@cache
def box_extremes_kernel(tasks: int) -> Callable[..., None]:
    """Compile the search for the largest loss rate and the least potential, serial (one task) or on all cores."""
    compiled = kernel if tasks == 1 else parallel_kernel

    @compiled
    def extremes(potential, mobility, face_factor, reaction, periodic, bounds, lanes, largest):
        """Write the largest loss rate and the largest of minus the potential into ``largest``, shape (tasks, 2).

        A stage keeps rho >= 0 if step times the rate is at most 1. ``face_factor`` bounds face value over cell average:
        1 without reconstruction, 2 with it. ``lanes`` is work space of shape (tasks, 2, n2).
        """
        n1, blocks = potential.shape[2], bounds.size - 1
        for task in prange(tasks):
            first, last = bounds[task * blocks // tasks], bounds[(task + 1) * blocks // tasks]
            highest, lowest = lanes[task, 0], lanes[task, 1]
            highest[:] = 0.0
            lowest[:] = np.inf
            for sheet in range(potential.shape[0]):
                for row in range(first, last):
                    phi = potential[sheet]
                    raise_to_rates(row, phi, mobility, face_factor, reaction, periodic, highest)
                    lower_to(lowest, phi[row // n1, row % n1])
            for k in range(lowest.size):
                lowest[k] = -lowest[k]
            largest[task, 0], largest[task, 1] = largest_of(highest), largest_of(lowest)

    return extremes
