"""Neurons with both layers free: features Psi(a, b) = a phi(b)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.feature_maps import FeatureFunction, jacobian_of, jet_of, with_gradient
from wgflow.functionals.moments import Moments, make_moments
from wgflow.networks.kernels.neurons import pair_gradient
from wgflow.networks.product_moments import ProductMoments, WeightBox, box_of_pairs
from wgflow.networks.relu_sums import Activations, ReluSums
from wgflow.typing import FloatArray, IntArray


@dataclass(frozen=True)
class Neurons:
    r"""Features :math:`\Psi(a, b) = a\,\varphi(b)` of points w = (a, b): the output weight a comes first.

    Parameters
    ----------
    hidden : callable
        The features :math:`\varphi` of the input weights, points (N, p - 1) to (N, n), e.g. ``Relu(inputs)``.

    Examples
    --------
    >>> features = wgflow.Neurons(wgflow.Relu([[1.0, 0.0], [0.0, 1.0]]))
    >>> features(np.array([[2.0, 0.5, -1.0]]))  # 2 max(b.x, 0) with b = (0.5, -1)
    array([[1., 0.]])

    References
    ----------
    Bach and Chizat (2022), Section 2.1.
    """

    hidden: FeatureFunction

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at points (N, p), shape (N, n); raises ShapeError if p is 1."""
        check_pairs(points)
        return points[:, :1] * self.hidden(points[:, 1:])

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of ``sum_i coefficients_i Psi_i``, shape (N, p)."""
        check_pairs(points)
        inner = points[:, 1:]
        by_input = points[:, :1] * with_gradient(self.hidden).gradient(inner, coefficients)
        return np.column_stack([self.hidden(inner) @ coefficients, by_input])

    def jacobian(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of each feature, shape (N, n, p)."""
        check_pairs(points)
        inner = points[:, 1:]
        by_input = points[:, :1, None] * jacobian_of(self.hidden, inner)
        return np.concatenate([self.hidden(inner)[:, :, None], by_input], axis=2)

    def hessian(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient Hessian of ``sum_i coefficients_i Psi_i``, shape (N, p, p)."""
        return self.jet(points, coefficients)[2]

    def jet(self, points: FloatArray, coefficients: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """``sum_i coefficients_i Psi_i``, its gradient and its Hessian, as of `jet_of`."""
        check_pairs(points)
        outputs = points[:, 0]
        values, slope, bend = jet_of(self.hidden, points[:, 1:], coefficients)
        hessian = np.zeros((*points.shape, points.shape[1]))
        hessian[:, 0, 1:] = hessian[:, 1:, 0] = slope
        hessian[:, 1:, 1:] = outputs[:, None, None] * bend
        return outputs * values, np.column_stack([values, outputs[:, None] * slope]), hessian

    def at_inputs(self, inputs: FloatArray) -> Neurons:
        """The same neurons at other inputs; raises InputError where the hidden features have none."""
        at_inputs = getattr(self.hidden, "at_inputs", None)
        if at_inputs is None:
            raise InputError(f"{type(self.hidden).__name__} features have no inputs that may be changed")
        return Neurons(at_inputs(inputs))

    def restricted(self, rows: IntArray) -> Neurons:
        """Features at some of the data points; raises InputError where the hidden features know of none."""
        restricted = getattr(self.hidden, "restricted", None)
        if restricted is None:
            raise InputError(f"{type(self.hidden).__name__} features cannot be restricted to some data points")
        return Neurons(restricted(rows))

    @property
    def feature_count(self) -> int | None:
        """Number n of features, where the hidden ones tell it."""
        return getattr(self.hidden, "feature_count", None)

    @property
    def is_smooth(self) -> bool:
        """Whether the hidden features are."""
        return bool(getattr(self.hidden, "is_smooth", True))

    @property
    def has_kinks(self) -> bool:
        """Whether the hidden features have."""
        return bool(getattr(self.hidden, "has_kinks", False))

    def moments_on(self, domain: Domain, count: int, memory_limit: float) -> Moments | None:
        """Moments contracted over the output weights first, on boxes of pairs (a, b)."""
        box = box_of_pairs(domain)
        if box is None or len(box.shape) == 1:
            return None
        inner = WeightBox(box.bounds[1:], box.shape[1:], box.periodic[1:])
        hidden = make_moments(self.hidden, _checked(self.hidden, count), inner, count, memory_limit)
        return ProductMoments(box, hidden)

    @property
    def sums(self) -> NeuronSums | None:
        """Compiled sums over particles and data, where the hidden features have them."""
        inner = getattr(self.hidden, "sums", None)
        return None if inner is None else NeuronSums(inner)


@dataclass(frozen=True)
class PairActivations:
    """Pairs (a, b), shape (m, p), with the activations of their hidden features."""

    points: FloatArray
    hidden: Activations


@dataclass(frozen=True)
class NeuronSums:
    """Predictions and potentials of neurons (a, b) from those of their hidden features; see `ReluSums`."""

    hidden: ReluSums

    def forward(self, points: FloatArray, charges: FloatArray) -> tuple[FloatArray, PairActivations]:
        """Predictions ``sum_j charges_j Psi(points_j)``, shape (n,), and what the gradient needs of them."""
        check_pairs(points)
        predictions, inner = self.hidden.forward(points[:, 1:], charges * points[:, 0])
        return predictions, PairActivations(points, inner)

    def backward(self, activations: PairActivations, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give ``<Psi, coefficients>`` at the particles, shape (m,), and its gradient, shape (m, p)."""
        points = activations.points
        values, inner = self.hidden.backward(activations.hidden, coefficients)
        gradient = np.empty(points.shape)
        pair_gradient(points[:, 0], values, inner, gradient)
        return points[:, 0] * values, gradient

    def values(self, points: FloatArray, coefficients: FloatArray, values: FloatArray) -> None:
        """Write ``<Psi, coefficients>`` at the points into ``values``, shape (m,)."""
        self.hidden.values(points[:, 1:], coefficients, values)
        values *= points[:, 0]


def check_pairs(points: FloatArray) -> None:
    """Raise ShapeError unless points have an output weight and at least one input weight."""
    if points.shape[-1] < 2:
        raise ShapeError(f"points {points.shape} are not pairs (a, b); give at least two components")


def _checked(hidden: FeatureFunction, count: int) -> FeatureFunction:
    def features(points: FloatArray) -> FloatArray:
        psi = np.asarray(hidden(points), dtype=np.float64)
        if psi.shape != (len(points), count):
            raise ShapeError(f"hidden features of shape {psi.shape} do not fit {len(points)} points, {count} targets")
        return psi

    return features
