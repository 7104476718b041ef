r"""Neurons :math:`\sigma(\eta \cdot x)` of unit input weights at Gaussian inputs, with activations beside ReLU.

In normalised Hermite polynomials h_k the activation is :math:`\sigma = \sum_k a_k h_k`, and for unit vectors u and v

.. math:: \kappa(u \cdot v) = E\,\sigma(u \cdot x)\, \sigma(v \cdot x) = \sum_k a_k^2 (u \cdot v)^k, \qquad
          \kappa' = E\,\sigma'\sigma'.

Those of tanh fall like :math:`e^{-\pi \sqrt k / 2}`, for its poles are half of pi from the line, those of softplus
like the square of it, and those of the squared ReLU slowly, but its kernel is known,
:math:`\kappa = [3 \sin p \cos p + (\pi - p)(1 + 2 \cos^2 p)] / 2\pi`.

References
----------
Daniely, Frostig and Singer (2016), Toward Deeper Understanding of Neural Networks, Section 4 (duals of activations);
Cho and Saul (2009), Section 2.1 (order 2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Protocol

import numpy as np

from wgflow.networks.activations import SMOOTH_ACTIVATIONS
from wgflow.networks.links import Link
from wgflow.networks.orbit_kernel import orbit_nodes
from wgflow.networks.relu_means import SQUARED_RELU_MEANS, tail_moments
from wgflow.networks.symmetric_population import MeanProduct
from wgflow.typing import FloatArray

ORDER = 160  # of series: what is left of the kernel of tanh is 1e-14
PIECES, DEGREE = 256, 9  # of the polynomials in the cosine that stand for the series of a kernel
STEP, REACH = 0.05, 20.0  # of the trapezoidal rule, whose error for tanh is e^(-pi^2 / STEP)
MEAN_NODES = 96  # of averages of neurons over orbits


class UnitNeuron(Protocol):
    """An activation on Gaussian inputs."""

    @property
    def kernel(self) -> Callable[[FloatArray], FloatArray]:
        """Mean of the product of two neurons by the cosine of their angle, any shape."""

    @property
    def kernel_slope(self) -> Callable[[FloatArray], FloatArray]:
        """Derivative of the kernel with respect to the cosine."""

    def against(self, link: Link) -> MeanProduct:
        """Mean of the product with a link, at unit vectors (p, r) in the frame of the link."""

    def averaged(self, level: FloatArray, width: FloatArray, dimension: int) -> FloatArray:
        """E sigma(level + width t), with t the first coordinate of a uniform direction of some dimension."""


def hermite_functions(places: FloatArray, order: int) -> FloatArray:
    """Normalised Hermite polynomials times e^(-z^2/4) at places z of any shape, shape (order + 1, *places.shape)."""
    found = np.empty((order + 1, *places.shape))
    found[0] = np.exp(-0.25 * places**2)
    found[1] = places * found[0]
    for k in range(1, order):
        found[k + 1] = (places * found[k] - np.sqrt(k) * found[k - 1]) / np.sqrt(k + 1.0)
    return found


def piecewise(series: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Polynomials on pieces of [-1, 1] that interpolate a power series (K,) at Chebyshev nodes."""
    from scipy.interpolate import PPoly

    places = 0.5 * (1.0 + np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1)))
    ends = np.linspace(-1.0, 1.0, PIECES + 1)
    width = ends[1] - ends[0]
    values = np.polynomial.polynomial.polyval(ends[:-1] + width * places[:, None], series)
    powers = np.linalg.solve(np.vander(places), values) / width ** np.arange(DEGREE, -1.0, -1.0)[:, None]
    return PPoly(powers, ends)


@dataclass(frozen=True)
class SeriesNeuron:
    """An activation that is analytic in a strip, by its Hermite coefficients.

    Parameters
    ----------
    activation : str
        A name of `SMOOTH_ACTIVATIONS`.
    """

    activation: str

    @cached_property
    def coefficients(self) -> FloatArray:
        """Coefficients a_k, shape (ORDER + 1,)."""
        places = np.arange(-REACH, REACH + 0.5 * STEP, STEP)
        weights = STEP * np.exp(-0.25 * places**2) / np.sqrt(2.0 * np.pi)
        return hermite_functions(places, ORDER) @ (weights * SMOOTH_ACTIVATIONS[self.activation].value(places))

    @cached_property
    def kernel(self) -> Callable[[FloatArray], FloatArray]:
        """The series, by piecewise polynomials."""
        return piecewise(self.coefficients**2)

    @cached_property
    def kernel_slope(self) -> Callable[[FloatArray], FloatArray]:
        """Its derivative, in the same way."""
        return piecewise(np.arange(1.0, ORDER + 1.0) * self.coefficients[1:] ** 2)

    def against(self, link: Link) -> MeanProduct:
        r"""Power series in p, of the coefficients f of the link.

        .. math:: T(p) = \sum_{i, j} a_{i+j} \sqrt{\tbinom{i+j}{i}} f_{ij}\, p_1^i p_2^j.
        """
        from scipy.special import gammaln

        found = link.quadrature.hermite_coefficients(hermite_functions, ORDER)
        if found.ndim == 1:
            return _Series((self.coefficients * found)[:, None])
        i, j = np.indices(found.shape)
        total = i + j
        binomial = np.exp(0.5 * (gammaln(total + 1.0) - gammaln(i + 1.0) - gammaln(j + 1.0)))
        return _Series(np.where(total <= ORDER, self.coefficients[np.minimum(total, ORDER)] * binomial * found, 0.0))

    def averaged(self, level: FloatArray, width: FloatArray, dimension: int) -> FloatArray:
        """By a Gauss rule."""
        value = SMOOTH_ACTIVATIONS[self.activation].value
        nodes, weights = orbit_nodes(dimension, MEAN_NODES)
        mean = np.zeros(np.broadcast(level, width).shape)
        for node, weight in zip(nodes, weights, strict=True):
            mean += weight * value(level + width * node)
        return mean


@dataclass(frozen=True)
class _Series:
    """A polynomial in one or two components, of matrix (K + 1, 1) or (K + 1, K + 1)."""

    matrix: FloatArray

    def __call__(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        polynomial, kept = np.polynomial.polynomial, points.shape[1] - 1
        sides = points[:, 0], points[:, 1] if kept == 2 else np.zeros(len(points))
        slopes = np.zeros(points.shape)
        for axis in range(kept):
            slopes[:, axis] = polynomial.polyval2d(*sides, polynomial.polyder(self.matrix, axis=axis))
        return np.asarray(polynomial.polyval2d(*sides, self.matrix)), slopes


@dataclass(frozen=True)
class SquaredRelu:
    """The square of ReLU, in closed form."""

    def kernel(self, cosines: FloatArray) -> FloatArray:
        """The arc-cosine kernel of order 2."""
        angles = np.arccos(np.clip(cosines, -1.0, 1.0))
        cosine = np.cos(angles)
        return np.asarray((3.0 * np.sin(angles) * cosine + (np.pi - angles) * (1.0 + 2.0 * cosine**2)) / (2.0 * np.pi))

    def kernel_slope(self, cosines: FloatArray) -> FloatArray:
        """Four times the kernel of order 1."""
        angles = np.arccos(np.clip(cosines, -1.0, 1.0))
        return np.asarray(2.0 * (np.sin(angles) + (np.pi - angles) * np.cos(angles)) / np.pi)

    def against(self, link: Link) -> MeanProduct:
        """By quadrature over the projections, the rest by hand."""
        return lambda points: link.quadrature.potential(points, SQUARED_RELU_MEANS)

    def averaged(self, level: FloatArray, width: FloatArray, dimension: int) -> FloatArray:
        """By the moments of t above where the neuron is active."""
        share, first, second = tail_moments(level, width, dimension)
        return level**2 * share + 2.0 * level * width * first + width**2 * second


UNIT_NEURONS: Mapping[str, UnitNeuron] = MappingProxyType(
    {"tanh": SeriesNeuron("tanh"), "softplus": SeriesNeuron("softplus"), "squared_relu": SquaredRelu()}
)
"""Activations by name, beside ReLU."""
