"""Population risk of neurons with both layers free, points w = (a, b), for inputs in one or two dimensions.

A neuron is ``a |b| relu(theta . x)`` with the direction theta of b, so that the potential at all cells is
``a |b|`` times one sum over the directions of all input weights, sorted by their angles once.
"""

from __future__ import annotations

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.functionals.convolution import Convolution
from wgflow.functionals.grid import GridFunctional
from wgflow.networks.arc_sums import planar_angles
from wgflow.networks.kernels.arc_sums import sorted_circle_sums
from wgflow.networks.kernels.pair_population import gather_products, scatter_products
from wgflow.networks.product_moments import OutputWeights, box_of_pairs
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray


class SortedDirections:
    """Sums ``sum_j masses_j k(b_i, b_j)`` of the arc-cosine kernel over fixed points of the line or the plane.

    Parameters
    ----------
    points : array, shape (N, d)
        Input weights, d = 1 or 2; the origin is allowed.
    """

    def __init__(self, points: FloatArray) -> None:
        angles = planar_angles(points)
        self._order = np.argsort(angles)
        self._sorted = angles[self._order]
        self._lengths = np.linalg.norm(points, axis=1)
        self._places = np.arange(angles.size)
        self._masses, self._sums, self._slopes = (np.empty(angles.size) for _ in range(3))

    def __call__(self, masses: FloatArray, values: FloatArray) -> None:
        """Write the sums into ``values``; both have the shape (N,)."""
        gather_products(masses, self._lengths, self._order, self._masses)
        sorted_circle_sums(self._sorted, self._places, self._sorted, self._masses, self._sums, self._slopes)
        scatter_products(self._sums, self._lengths, self._order, values)


class _OutputColumn:
    """The output weight of each cell of a domain that is no product."""

    def __init__(self, outputs: FloatArray) -> None:
        self._outputs = np.ascontiguousarray(outputs)
        self._contracted = np.empty_like(self._outputs)

    def contract(self, mass: FloatArray) -> FloatArray:
        """Give ``a mass`` of each cell; overwritten by the next call."""
        return np.multiply(self._outputs, mass, out=self._contracted)

    def expand(self, inner: FloatArray, potential: FloatArray) -> None:
        """Write ``a inner`` of each cell into ``potential``."""
        np.multiply(self._outputs, inner, out=potential)


class PairPopulation(GridFunctional):
    """The population risk on a box, circle or sphere whose points are pairs (a, b).

    Parameters
    ----------
    domain : Domain
        Unsigned; its points have one component more than the inputs.
    teacher : array, shape (N_b,)
        Potential of the teacher at the `input_weights` of the domain.
    constant : float
        Risk of the zero measure.
    convolution : callable, optional
        Sums with the kernel over the `input_weights`; by default those of all inputs, one or two.
    """

    def __init__(
        self, domain: Domain, teacher: FloatArray, constant: float, convolution: Convolution | None = None
    ) -> None:
        self.domain = domain
        points = domain.points.reshape(-1, domain.points.shape[-1])
        box = box_of_pairs(domain)
        self._weights = _OutputColumn(points[:, 0]) if box is None else OutputWeights(box)
        inner = input_weights(domain)
        self._convolve = SortedDirections(inner) if convolution is None else convolution
        self._teacher, self._constant = teacher, constant
        self._volumes = np.ascontiguousarray(domain.volumes).ravel()
        self._mass, self._values = np.empty(len(points)), np.empty(len(inner))

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        """Write J and return F."""
        charges = self._charges(density)
        self._convolve(charges, self._values)
        self._values -= self._teacher
        energy = 0.5 * (inner_product(charges, self._values) - inner_product(charges, self._teacher)) + self._constant
        self._weights.expand(self._values, potential.reshape(-1))
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the change of J along ``rate``."""
        self._convolve(self._charges(rate), self._values)
        self._weights.expand(self._values, potential.reshape(-1))

    def scale(self, density: FloatArray) -> float:
        """Size of the numbers whose sum is F, the constant among them."""
        return super().scale(density) + self._constant

    def _charges(self, density: FloatArray) -> FloatArray:
        return self._weights.contract(np.multiply(density.ravel(), self._volumes, out=self._mass))


def input_weights(domain: Domain) -> FloatArray:
    """Input weights of the cells of a domain of pairs (a, b): of each cell, or once for all a on a box."""
    box = box_of_pairs(domain)
    if box is not None:
        return Box(box.bounds[1:], box.shape[1:]).points.reshape(-1, len(box.shape) - 1)
    return domain.points.reshape(-1, domain.points.shape[-1])[:, 1:]
