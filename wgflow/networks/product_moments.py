"""Moments of neurons on the box of pairs (a, b), contracted over the output weights first."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import kernel, parallel_kernel
from wgflow.domains import Box
from wgflow.functionals.moments import Moments
from wgflow.typing import FloatArray

PRODUCT_CHUNK = 512  # cells of the input weights; a chunk of each row stays in the cache


PRODUCT_THRESHOLD = 32_768  # cells of the whole box


@cache
def contraction_kernel(threshold: bool) -> Callable[..., None]:
    """Compile the contraction over output weights, serial or on all cores."""
    compiled = parallel_kernel if threshold else kernel

    @compiled
    def contract(mass, outputs, contracted):
        """Write ``sum_a outputs_a mass[a, b]`` for each input weight b."""
        cells = contracted.size
        for chunk in prange((cells + PRODUCT_CHUNK - 1) // PRODUCT_CHUNK):
            first, last = chunk * PRODUCT_CHUNK, min((chunk + 1) * PRODUCT_CHUNK, cells)
            total = contracted[first:last]
            total[:] = 0.0
            for row in range(outputs.size):
                weight, values = outputs[row], mass[row, first:last]
                for k in range(last - first):
                    total[k] += weight * values[k]

    return contract


@cache
def expansion_kernel(threshold: bool) -> Callable[..., None]:
    """Compile the product of output weights with the hidden potential, serial or on all cores."""
    compiled = parallel_kernel if threshold else kernel

    @compiled
    def expand(outputs, inner, potential):
        """Write ``outputs_a inner_b`` for each pair of weights."""
        for row in prange(outputs.size):
            weight, values = outputs[row], potential[row]
            for k in range(inner.size):
                values[k] = weight * inner[k]

    return expand


class OutputWeights:
    """The sums over output weights a of the box of pairs (a, b), in O(N)."""

    def __init__(self, box: Box) -> None:
        self._outputs = box.axes[0]
        self._contracted = np.empty(int(np.prod(box.shape[1:])))
        large = self._outputs.size * self._contracted.size >= PRODUCT_THRESHOLD
        self._contract, self._expand = contraction_kernel(large), expansion_kernel(large)

    def contract(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_a a mass(a, b)`` for each b, flattened; overwritten by the next call."""
        self._contract(mass.reshape(self._outputs.size, -1), self._outputs, self._contracted)
        return self._contracted

    def expand(self, inner: FloatArray, potential: FloatArray) -> None:
        """Write ``a inner(b)`` into the flat ``potential``."""
        self._expand(self._outputs, inner, potential.reshape(self._outputs.size, -1))


class ProductMoments:
    """Neurons on the box of pairs (a, b): O(N + N_b n) for N_b input weights and n features."""

    def __init__(self, box: Box, hidden: Moments) -> None:
        self._weights, self._hidden = OutputWeights(box), hidden
        self._inner = np.empty(int(np.prod(box.shape[1:])))

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        return self._hidden.moments(self._weights.contract(mass))

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        self._hidden.potential(coefficients, self._inner)
        self._weights.expand(self._inner, potential)
