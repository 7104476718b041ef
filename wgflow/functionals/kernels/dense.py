"""Moments and potentials of features stored as a matrix, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import kernel, parallel_kernel, reduction, wide_vectors
from wgflow.reductions import inner_product

SERIAL_CHUNK, PARALLEL_CHUNK = 1024, 2048  # cells; a chunk of masses stays in the cache over all features


@kernel
def write_multiple(factor, values, result):
    """Write a multiple of a feature."""
    wide_vectors()
    for k in range(result.size):
        result[k] = factor * values[k]


@kernel
def add_multiple(factor, values, result):
    """Add a multiple of a feature."""
    for k in range(result.size):
        result[k] += factor * values[k]


@kernel
def add_four_multiples(factors, features, result):
    """Add multiples of four features."""
    first, second, third, fourth = features
    for k in range(result.size):
        result[k] += factors[0] * first[k] + factors[1] * second[k] + factors[2] * third[k] + factors[3] * fourth[k]


@reduction
def four_products(features, mass):
    """Moments of four features."""
    first, second, third, fourth = features
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for k in range(mass.size):
        a += first[k] * mass[k]
        b += second[k] * mass[k]
        c += third[k] * mass[k]
        d += fourth[k] * mass[k]
    return a, b, c, d


@kernel
def add_moments(first, last, features, mass, moments):
    """Add the moments (n,) of features (n, N) over the cells ``first ... last - 1``, four at a time."""
    count, here = features.shape[0], mass[first:last]
    for i in range(0, count - count % 4, 4):
        four = (
            features[i, first:last],
            features[i + 1, first:last],
            features[i + 2, first:last],
            features[i + 3, first:last],
        )
        found = four_products(four, here)
        for k in range(4):
            moments[i + k] += found[k]
    for i in range(count - count % 4, count):
        moments[i] += inner_product(features[i, first:last], here)


@kernel
def write_combination(first, last, features, coefficients, potential):
    """Write ``sum_i coefficients_i features_i`` in the cells ``first ... last - 1``, four at a time."""
    count, result = features.shape[0], potential[first:last]
    if count < 4:
        write_multiple(coefficients[0], features[0, first:last], result)
    else:
        result[:] = 0.0
    for i in range(0, count - count % 4, 4):
        four = (
            features[i, first:last],
            features[i + 1, first:last],
            features[i + 2, first:last],
            features[i + 3, first:last],
        )
        add_four_multiples(coefficients[i : i + 4], four, result)
    for i in range(max(count - count % 4, 1), count):
        add_multiple(coefficients[i], features[i, first:last], result)


@cache
def moments_kernel(parallel: bool) -> Callable[..., None]:
    """Compile the moments, serial or on all cores."""
    compiled = parallel_kernel if parallel else kernel

    @compiled
    def block_moments(features, mass, bounds, partial):
        """Moments of each block of cells, shape (blocks, n); ``bounds`` are their first cells, and the end."""
        for block in prange(partial.shape[0]):
            for i in range(features.shape[0]):
                partial[block, i] = 0.0
            for first in range(bounds[block], bounds[block + 1], SERIAL_CHUNK):
                last = min(first + SERIAL_CHUNK, bounds[block + 1])
                add_moments(first, last, features, mass, partial[block])

    return block_moments


@cache
def potential_kernel(chunk: int) -> Callable[..., None]:
    """Compile the potential, serial or (for ``PARALLEL_CHUNK``) on all cores."""
    compiled = parallel_kernel if chunk == PARALLEL_CHUNK else kernel

    @compiled
    def combine_features(features, coefficients, potential):
        """Write ``sum_i coefficients_i features_i``, shape (N,)."""
        for block in prange((potential.size + chunk - 1) // chunk):
            first, last = block * chunk, min((block + 1) * chunk, potential.size)
            write_combination(first, last, features, coefficients, potential)

    return combine_features
