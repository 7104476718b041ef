"""What decides on a step on boxes, found where a stage has its rows at hand: loss rates, and sums for error and energy.

Arrays, blocks and tasks are those of `wgflow.upwind.kernels.structured`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import inlined_kernel, kernel, parallel_kernel, reduction
from wgflow.upwind.kernels.structured import neighbour, update_of_row

SUMS = 5


@inlined_kernel
def rates_beside(here, lower, upper, mobility, rates):
    """Add the largest relative rates at which cells can lose mass to the two rows beside them."""
    for k in range(here.size):
        rates[k] += mobility * (max(here[k] - lower[k], 0.0) + max(here[k] - upper[k], 0.0))


@inlined_kernel
def rates_of_row(i, j, phi, mobility, face_factor, reaction, periodic, rates):
    """Largest relative loss rates of the cells of a row by their faces and by reaction."""
    n0, n1, n2 = phi.shape
    here = phi[i, j]
    for k in range(n2):
        rates[k] = reaction * max(here[k], 0.0)
    rates_beside(here[1 : n2 - 1], here[: n2 - 2], here[2:], face_factor * mobility[2], rates[1 : n2 - 1])
    for k in (0, n2 - 1):
        before, after = neighbour(k, -1, n2, periodic[2]), neighbour(k, 1, n2, periodic[2])
        outflow = max(here[k] - here[before], 0.0) + max(here[k] - here[after], 0.0)
        rates[k] += face_factor * mobility[2] * outflow
    before, after = neighbour(j, -1, n1, periodic[1]), neighbour(j, 1, n1, periodic[1])
    rates_beside(here, phi[i, before], phi[i, after], face_factor * mobility[1], rates)
    if n0 > 1:
        before, after = neighbour(i, -1, n0, periodic[0]), neighbour(i, 1, n0, periodic[0])
        rates_beside(here, phi[before, j], phi[after, j], face_factor * mobility[0], rates)


@kernel
def raise_to(maxima, values):
    """Let running maxima take in a row of values."""
    for k in range(values.size):
        maxima[k] = max(maxima[k], values[k])


@kernel
def lower_to(minima, values):
    """Let running minima take in a row of values."""
    for k in range(values.size):
        minima[k] = min(minima[k], values[k])


@kernel
def largest_of(values):
    """Largest of some values."""
    most = values[0]
    for k in range(1, values.size):
        most = max(most, values[k])
    return most


@kernel
def least_of(values):
    """Least of some values."""
    least = values[0]
    for k in range(1, values.size):
        least = min(least, values[k])
    return least


@reduction
def sums_of_row(rho, old, new, weights):
    """Sums over a row of the sizes of two combinations of its densities, and of those before and after a stage."""
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
    total = 0.0
    for k in range(first.size):
        total += first[k] * second[k]
    return total


@inlined_kernel
def watch_row(row, rho, phi, old, new, combination, mobility, face_factor, reaction, periodic, lanes, partial):
    """Take in the loss rates of a row of a stage, and add its sums to those of its block."""
    n1 = phi.shape[1]
    here = phi[row // n1, row % n1]
    rates_of_row(row // n1, row % n1, phi, mobility, face_factor, reaction, periodic, lanes[0])
    raise_to(lanes[1], lanes[0])
    error, change, mass, mass_after = sums_of_row(rho, old, new, combination)
    partial[0] += error
    partial[1] += change
    partial[2] += mass
    partial[3] += mass_after
    partial[4] += product_of_rows(here, new)


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
def watched_box_stage_kernel(limiter: int, tasks: int) -> Callable[..., None]:
    """Compile the Euler stage that also gives what decides whether a step is kept, serial or on all cores."""
    compiled = kernel if tasks == 1 else parallel_kernel

    @compiled
    def watched_stage(
        density, potential, start, weights, step, mobility, reaction, periodic, bounds, buffers, face_factor,
        combination, lanes, largest, partial, result,
    ):  # fmt: skip
        """Do a stage, and write the largest loss rates of tasks and the sums of blocks.

        With (a, b, c, d, e) = ``combination`` the sums, shape (blocks, 5), are those of
        ``|a start + b density + c result|``, ``|d density + e result - start|``, ``start``, ``result`` and
        ``potential * result``. ``lanes`` is work space of shape (tasks, 2, n2), ``largest`` has the shape (tasks, 1).
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
                            lanes[task], partial[block],
                        )  # fmt: skip
            largest[task, 0] = largest_of(lanes[task, 1])

    return watched_stage


@cache
def box_extremes_kernel(tasks: int) -> Callable[..., None]:
    """Compile the search for the largest loss rate and the least potential, serial (one task) or on all cores."""
    compiled = kernel if tasks == 1 else parallel_kernel

    @compiled
    def extremes(potential, mobility, face_factor, reaction, periodic, bounds, lanes, largest):
        """Write the largest loss rate and the largest of minus the potential into ``largest``, shape (tasks, 2).

        A stage keeps rho >= 0 if step times the rate is at most 1. ``face_factor`` bounds face value over cell average:
        1 without reconstruction, 2 with it. ``lanes`` is work space of shape (tasks, 3, n2).
        """
        n1, blocks = potential.shape[2], bounds.size - 1
        for task in prange(tasks):
            first, last = bounds[task * blocks // tasks], bounds[(task + 1) * blocks // tasks]
            rates, highest, lowest = lanes[task, 0], lanes[task, 1], lanes[task, 2]
            highest[:] = 0.0
            lowest[:] = np.inf
            for sheet in range(potential.shape[0]):
                for row in range(first, last):
                    i, j, phi = row // n1, row % n1, potential[sheet]
                    rates_of_row(i, j, phi, mobility, face_factor, reaction, periodic, rates)
                    raise_to(highest, rates)
                    lower_to(lowest, phi[i, j])
            largest[task, 0], largest[task, 1] = largest_of(highest), -least_of(lowest)

    return extremes
