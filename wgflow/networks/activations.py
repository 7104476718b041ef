r"""Hidden layers with smooth activations: features :math:`\varphi_i(b) = \sigma(b \cdot x_i)` at data points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from wgflow.errors import InputError, ShapeError
from wgflow.functionals.feature_maps import weighted_squares
from wgflow.networks.relu import check_inputs
from wgflow.typing import FloatArray, IntArray


@dataclass(frozen=True)
class Activation:
    """A function of one number, and its first two derivatives from the number and the value; all vectorised."""

    value: Callable[[FloatArray], FloatArray]
    slope_at: Callable[[FloatArray, FloatArray], FloatArray]
    curvature_at: Callable[[FloatArray, FloatArray], FloatArray]

    def slope(self, z: FloatArray) -> FloatArray:
        """First derivative."""
        return self.slope_at(z, self.value(z))

    def curvature(self, z: FloatArray) -> FloatArray:
        """Second derivative."""
        return self.curvature_at(z, self.value(z))


# The paper asks for differentiable features in its theorems; ReLU, with sums of its own, is `Relu`.
SMOOTH_ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "tanh": Activation(np.tanh, lambda _, v: 1.0 - v**2, lambda _, v: -2.0 * v * (1.0 - v**2)),
        "softplus": Activation(
            lambda z: np.logaddexp(0.0, z), lambda _, v: -np.expm1(-v), lambda _, v: -np.expm1(-v) * np.exp(-v)
        ),
        "squared_relu": Activation(
            lambda z: np.maximum(z, 0.0) ** 2,
            lambda z, _: 2.0 * np.maximum(z, 0.0),
            lambda z, _: np.where(z > 0.0, 2.0, 0.0),
        ),
    }
)


@dataclass(frozen=True)
class SmoothLayer:
    r"""Features :math:`\varphi_i(b) = \sigma(b \cdot x_i)` at n data points, for `Neurons`.

    Parameters
    ----------
    inputs : array, shape (n, d)
        Data points, with a last column of ones where a bias is wanted.
    activation : str
        "tanh", "softplus" (log(1 + exp z)) or "squared_relu" (max(z, 0)^2).

    Raises
    ------
    ShapeError
        If the inputs are not a matrix of finite numbers.
    InputError
        If the activation is unknown.

    References
    ----------
    Bach and Chizat (2022), Section 2.1.
    """

    inputs: FloatArray
    activation: str = "tanh"

    def __post_init__(self) -> None:
        if self.activation not in SMOOTH_ACTIVATIONS:
            raise InputError(
                f"activation = {self.activation!r} is unknown; choose one of {', '.join(SMOOTH_ACTIVATIONS)}, or Relu"
            )
        object.__setattr__(self, "inputs", check_inputs(self.inputs))

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at points (N, d), shape (N, n); raises ShapeError if they have another dimension."""
        return SMOOTH_ACTIVATIONS[self.activation].value(self._products(points))

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of ``sum_i coefficients_i phi_i`` at the points, shape (N, d)."""
        slopes = SMOOTH_ACTIVATIONS[self.activation].slope(self._products(points))
        return (slopes * coefficients) @ self.inputs

    def jacobian(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of each feature at the points, shape (N, n, d)."""
        return SMOOTH_ACTIVATIONS[self.activation].slope(self._products(points))[:, :, None] * self.inputs

    def hessian(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient Hessian of ``sum_i coefficients_i phi_i`` at the points, shape (N, d, d)."""
        curvatures = SMOOTH_ACTIVATIONS[self.activation].curvature(self._products(points))
        return weighted_squares(curvatures * coefficients, self.inputs)

    def jet(self, points: FloatArray, coefficients: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """``sum_i coefficients_i phi_i``, its gradient and its Hessian, as of `jet_of`."""
        activation, z = SMOOTH_ACTIVATIONS[self.activation], self._products(points)
        value = activation.value(z)
        gradient = (activation.slope_at(z, value) * coefficients) @ self.inputs
        return (
            value @ coefficients,
            gradient,
            weighted_squares(activation.curvature_at(z, value) * coefficients, self.inputs),
        )

    def at_inputs(self, inputs: FloatArray) -> SmoothLayer:
        """The same neurons at other inputs, shape (k, d)."""
        return SmoothLayer(inputs, self.activation)

    def restricted(self, rows: IntArray) -> SmoothLayer:
        """Features at some of the data points, given by their indices."""
        return SmoothLayer(self.inputs[rows], self.activation)

    def _products(self, points: FloatArray) -> FloatArray:
        if points.shape[-1] != self.inputs.shape[1]:
            raise ShapeError(
                f"input weights with {points.shape[-1]} components do not fit data with {self.inputs.shape[1]} inputs "
                "(a bias counts as one)"
            )
        return points @ self.inputs.T
