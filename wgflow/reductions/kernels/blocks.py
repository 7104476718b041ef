"""Sums and extrema over arrays of shape (sheets, N), block by block.

``bounds`` are the first cell of each block in a sheet and the end of the last one, shape (blocks + 1,); what a block
gives is a row of ``partial``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import kernel, parallel_kernel, reduction

LANES = 64  # running extrema side by side, so that the search for them vectorises


@kernel
def add_rows(partial, total):
    """Add up rows, one after the other."""
    total[:] = 0.0
    for row in range(partial.shape[0]):
        for column in range(total.size):
            total[column] += partial[row, column]


@reduction
def product(first, second):
    """Sum of products."""
    total = 0.0
    for cell in range(first.size):
        total += first[cell] * second[cell]
    return total


@cache
def products_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the inner products of two arrays, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def products(first, second, bounds, partial):
        """Write them into ``partial``, shape (blocks, 1); a second array of one sheet stands for all."""
        for block in prange(bounds.size - 1):
            start, end, total = bounds[block], bounds[block + 1], 0.0
            for sheet in range(first.shape[0]):
                total += product(first[sheet, start:end], second[sheet % second.shape[0], start:end])
            partial[block, 0] = total

    return products


@kernel
def widen(low, high, values):
    """Let running extrema, of shape (LANES,) each, take in some values."""
    end = values.size // LANES * LANES
    for start in range(0, end, LANES):
        here = values[start : start + LANES]
        for k in range(LANES):
            low[k] = min(low[k], here[k])
            high[k] = max(high[k], here[k])
    for k in range(values.size - end):
        low[k] = min(low[k], values[end + k])
        high[k] = max(high[k], values[end + k])


@kernel
def largest_of(values):
    """Largest of some values: four searches side by side, as each comparison waits for the one before."""
    first = second = third = fourth = values[0]
    quarters = values.size // 4
    for k in range(quarters):
        first, second = max(first, values[4 * k]), max(second, values[4 * k + 1])
        third, fourth = max(third, values[4 * k + 2]), max(fourth, values[4 * k + 3])
    for k in range(4 * quarters, values.size):
        first = max(first, values[k])
    return max(max(first, second), max(third, fourth))


@cache
def extrema_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the search for minus the minimum and the maximum, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def extrema(values, bounds, lanes, partial):
        """Write them into ``partial``, shape (blocks, 2); ``lanes`` is work space of shape (blocks, 2, LANES)."""
        for block in prange(bounds.size - 1):
            low, high = lanes[block, 0], lanes[block, 1]
            for k in range(LANES):
                low[k] = high[k] = values[0, bounds[block]]
            for sheet in range(values.shape[0]):
                widen(low, high, values[sheet, bounds[block] : bounds[block + 1]])
            for k in range(LANES):
                low[k] = -low[k]
            partial[block, 0], partial[block, 1] = largest_of(low), largest_of(high)

    return extrema


@reduction
def integrals_of_step(start, before, after, potential, volumes, combination):
    """Sums of `step_sums_kernel` over some cells."""
    error, change, mass, mass_after, paired = 0.0, 0.0, 0.0, 0.0, 0.0
    first, second, third, here, there = combination
    for cell in range(volumes.size):
        u, v, w = start[cell], before[cell], after[cell]
        error += volumes[cell] * abs(first * u + second * v + third * w)
        change += volumes[cell] * abs(here * v + there * w - u)
        mass += volumes[cell] * u
        mass_after += volumes[cell] * w
        paired += volumes[cell] * (potential[cell] * w)
    return error, change, mass, mass_after, paired


@cache
def step_sums_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the integrals that decide on a step, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def step_sums(start, before, after, potential, volumes, combination, bounds, partial):
        """Write integrals over a step and its last stage into ``partial``, shape (blocks, 5).

        With (a, b, c, d, e) = ``combination`` they are those of ``|a start + b before + c after|``, ``|d before +
        e after - start|``, ``start``, ``after`` and ``potential * after``; cells have the volumes (N,).
        """
        for block in prange(bounds.size - 1):
            first, end = bounds[block], bounds[block + 1]
            for number in range(5):
                partial[block, number] = 0.0
            for sheet in range(start.shape[0]):
                u, v, w, phi = start[sheet], before[sheet], after[sheet], potential[sheet]
                parts = integrals_of_step(
                    u[first:end], v[first:end], w[first:end], phi[first:end], volumes[first:end], combination
                )
                partial[block, 0] += parts[0]
                partial[block, 1] += parts[1]
                partial[block, 2] += parts[2]
                partial[block, 3] += parts[3]
                partial[block, 4] += parts[4]

    return step_sums
