"""Sums over the output weights of the box of pairs (a, b), and products with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import prange

from wgflow.compilation import kernel, parallel_kernel

PRODUCT_CHUNK = 512  # cells of the input weights; a chunk of each row stays in the cache


@cache
def contraction_kernel(large: bool) -> Callable[..., None]:
    """Compile the contraction over output weights, serial or on all cores."""
    compiled = parallel_kernel if large else kernel

    @compiled
    def contract(mass, outputs, bounds, contracted):
        """Write ``sum_a outputs_a mass[a, b]`` over each block of output weights, for each input weight b."""
        cells = contracted.shape[1]
        for chunk in prange((cells + PRODUCT_CHUNK - 1) // PRODUCT_CHUNK):
            first, last = chunk * PRODUCT_CHUNK, min((chunk + 1) * PRODUCT_CHUNK, cells)
            for block in range(contracted.shape[0]):
                total = contracted[block, first:last]
                total[:] = 0.0
                for row in range(bounds[block], bounds[block + 1]):
                    weight, values = outputs[row], mass[row, first:last]
                    for k in range(last - first):
                        total[k] += weight * values[k]

    return contract


@cache
def expansion_kernel(large: bool) -> Callable[..., None]:
    """Compile the product of output weights with the hidden potential, serial or on all cores."""
    compiled = parallel_kernel if large else kernel

    @compiled
    def expand(outputs, inner, potential):
        """Write ``outputs_a inner_b`` for each pair of weights."""
        for row in prange(outputs.size):
            weight, values = outputs[row], potential[row]
            for k in range(inner.size):
                values[k] = weight * inner[k]

    return expand
