"""Feature maps Psi: points to features, with the gradients that particles need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from wgflow.errors import InputError, ShapeError
from wgflow.functionals.differences import central_differences
from wgflow.functionals.relu_sums import ReluSums
from wgflow.typing import FloatArray, IntArray

FeatureFunction = Callable[[FloatArray], FloatArray]

PRECISIONS = {"float64": np.float64, "float32": np.float32}
SPACINGS = {"float64": float(np.finfo(np.float64).eps), "float32": float(np.finfo(np.float32).eps)}


class FeatureMap(Protocol):
    """A feature map with its derivative: points (N, p) to features (N, n)."""

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at the points, shape (N, n)."""

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of ``sum_i coefficients_i Psi_i`` at the points, shape (N, p)."""


def check_inputs(inputs: ArrayLike) -> FloatArray:
    """Data points as a matrix (n, d); raises ShapeError if they are not one of finite numbers."""
    matrix = np.asarray(inputs, dtype=np.float64)
    if matrix.ndim != 2 or matrix.size == 0 or not np.isfinite(matrix).all():
        raise ShapeError(f"inputs of shape {matrix.shape} are not allowed; give finite numbers, shape (n, d)")
    return matrix


@dataclass(frozen=True)
class Relu:
    r"""Neurons :math:`\Psi_i(\eta) = \max(\eta \cdot x_i, 0)` at n data points.

    Parameters
    ----------
    inputs : array, shape (n, d)
        Data points, with a last column of ones where a bias is wanted.
    smoothing : float
        Half width s of the interval :math:`|\eta \cdot x_i| < s |x_i|` in which the kink is rounded to the
        parabola :math:`(\eta \cdot x_i + s|x_i|)^2 / (4 s|x_i|)`. Particles need it
        on finite data: the field of the exact ReLU jumps at kinks, which they reach in finite time, and the
        flow is then a differential inclusion.
    precision : str
        "float64" or "float32", of the arithmetic at particles.
    merge : bool
        Whether data points that occur several times are evaluated once; finding them takes a sort.

    Raises
    ------
    InputError
        If the inputs are not a matrix of finite numbers, or the smoothing is not in [0, 1).
    """

    inputs: FloatArray
    smoothing: float = 0.0
    precision: str = "float64"
    merge: bool = True

    def __post_init__(self) -> None:
        inputs = check_inputs(self.inputs)
        if not 0.0 <= self.smoothing < 1.0:
            raise InputError(f"smoothing = {self.smoothing!r} is not allowed; give a number from 0 to below 1")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision = {self.precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")
        object.__setattr__(self, "inputs", inputs)

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, n)."""
        activation = points @ self.inputs.T
        if self.smoothing == 0.0:
            return np.maximum(activation, 0.0)
        width = self._width
        inside = np.clip(activation + width, 0.0, 2.0 * width)
        return np.where(activation > width, activation, 0.25 * inside**2 / width)

    def at_inputs(self, inputs: FloatArray) -> Relu:
        """The same neurons at other inputs, shape (k, d)."""
        return replace(self, inputs=inputs)

    def restricted(self, rows: IntArray) -> Relu:
        """Features at some of the data points, given by their indices."""
        return Relu(self.inputs[rows], self.smoothing, self.precision, merge=False)

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of the combination, shape (N, d); zero slope at the kink itself."""
        return self.sums.backward(self.sums.activations(points), coefficients)[1]

    def jacobian(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of each feature, shape (N, n, d); zero slope at the kink itself."""
        activation, width = points @ self.inputs.T, self._width
        if self.smoothing == 0.0:
            slopes = (activation > 0.0).astype(np.float64)
        else:
            slopes = np.clip(0.5 * (activation + width) / width, 0.0, 1.0)
        return slopes[:, :, None] * self.inputs

    def hessian(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient Hessian of the combination, shape (N, d, d): that of the rounded kinks, zero without rounding."""
        if self.smoothing == 0.0:
            return np.zeros((*points.shape, points.shape[1]))
        width = self._width
        inside = np.abs(points @ self.inputs.T) < width
        return weighted_squares(np.where(inside, 0.5 * coefficients / width, 0.0), self.inputs)

    @cached_property
    def sums(self) -> ReluSums:
        """Compiled sums over particles and data."""
        make = ReluSums.of_distinct if self.merge else ReluSums
        return make(self.inputs, self._width, PRECISIONS[self.precision])

    @property
    def _width(self) -> FloatArray:
        """Half width of the rounded interval for each data point; a point at the origin has no kink."""
        length = np.linalg.norm(self.inputs, axis=1)
        return self.smoothing * np.where(length > 0.0, length, 1.0)


@dataclass(frozen=True)
class OuterProduct:
    r"""Quadratic features :math:`\Psi(w) = w w^T`, flattened to (N, p^2)."""

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, p^2)."""
        return (points[:, :, None] * points[:, None, :]).reshape(len(points), -1)

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Gradient ``(A + A^T) w`` of ``w^T A w``, shape (N, p)."""
        matrix = coefficients.reshape(points.shape[1], -1)
        return points @ (matrix + matrix.T)

    def jacobian(self, points: FloatArray) -> FloatArray:
        """Gradient of each feature, shape (N, p^2, p)."""
        count, p = points.shape
        by_left = np.einsum("ik,nj->nijk", np.eye(p), points)
        return (by_left + by_left.transpose(0, 2, 1, 3)).reshape(count, p * p, p)

    def hessian(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Hessian ``A + A^T``, the same everywhere, shape (N, p, p)."""
        matrix = coefficients.reshape(points.shape[1], -1)
        return np.broadcast_to(matrix + matrix.T, (len(points), *matrix.shape))


def weighted_squares(weights: FloatArray, vectors: FloatArray) -> FloatArray:
    """Matrices ``sum_i weights_ki v_i v_i^T``, shapes (N, n) and (n, p) to (N, p, p)."""
    count, p = vectors.shape
    return (weights @ (vectors[:, :, None] * vectors[:, None, :]).reshape(count, p * p)).reshape(-1, p, p)


@dataclass(frozen=True)
class DifferencedFeatures:
    """A plain function with the gradient found by central differences."""

    function: FeatureFunction

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, n)."""
        return self.function(points)

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of the combination, shape (N, p)."""
        return central_differences(lambda moved: self.function(moved) @ coefficients, points)


def with_gradient(fn: FeatureFunction) -> FeatureMap:
    """Give features a gradient: their own, or central differences."""
    return fn if hasattr(fn, "gradient") else DifferencedFeatures(fn)  # type: ignore[return-value]


def jacobian_of(fn: FeatureFunction, points: FloatArray) -> FloatArray:
    """Ambient gradient of each feature, shape (N, n, p): the map's own ``jacobian``, or central differences."""
    own: FeatureFunction | None = getattr(fn, "jacobian", None)
    return central_differences(fn, points) if own is None else own(points)


def hessian_of(fn: FeatureFunction, points: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Ambient Hessian of a combination, shape (N, p, p): the map's own, or central differences of its gradient."""
    own: Callable[[FloatArray, FloatArray], FloatArray] | None = getattr(fn, "hessian", None)
    if own is not None:
        return own(points, coefficients)
    rough = central_differences(lambda moved: with_gradient(fn).gradient(moved, coefficients), points)
    return 0.5 * (rough + rough.transpose(0, 2, 1))


def jet_of(
    fn: FeatureFunction, points: FloatArray, coefficients: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A combination of features with its first two derivatives, which share what they are computed from.

    Returns
    -------
    values, gradient, hessian : arrays, shapes (N,), (N, p) and (N, p, p)
        By the map's own ``jet`` where it has one.
    """
    own: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]] | None = getattr(fn, "jet", None)
    if own is not None:
        return own(points, coefficients)
    gradient = with_gradient(fn).gradient(points, coefficients)
    return fn(points) @ coefficients, gradient, hessian_of(fn, points, coefficients)
