"""Moments of neurons on the box of pairs (a, b), contracted over the output weights first."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.domains.geometry import is_flat
from wgflow.functionals.moments import Moments
from wgflow.networks.kernels.product_moments import contraction_kernel, expansion_kernel
from wgflow.typing import FloatArray

PRODUCT_THRESHOLD = 32_768  # cells of the whole box


def box_of_pairs(domain: Domain) -> Box | None:
    """The box whose first axis is that of output weights; None where the points of a domain do not stand in rows."""
    return domain.base.lattice if is_flat(domain.geometry) else None


class WeightBox(Box):
    """The box of input weights b, all of which is at hand wherever pairs (a, b) are: sums over it need no blocks."""


class OutputWeights:
    """The sums over output weights a of the box of pairs (a, b), in O(N)."""

    def __init__(self, box: Box) -> None:
        self._outputs, self._blocks = box.axes[0], box.partition
        self._contracted = np.empty((len(self._blocks), int(np.prod(box.shape[1:]))))
        large = self._outputs.size * self._contracted.shape[1] >= PRODUCT_THRESHOLD
        self._contract, self._expand = contraction_kernel(large), expansion_kernel(large)

    def contract(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_a a mass(a, b)`` for each b, flattened."""
        self._contract(mass.reshape(self._outputs.size, -1), self._outputs, self._blocks.bounds, self._contracted)
        return self._blocks.sums(self._contracted)

    def expand(self, inner: FloatArray, potential: FloatArray) -> None:
        """Write ``a inner(b)`` into the flat ``potential``."""
        self._expand(self._outputs, inner, potential.reshape(self._outputs.size, -1))


class ProductMoments:
    """Neurons on the box of pairs (a, b): O(N + N_b n) for N_b input weights and n features."""

    shared = True

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
