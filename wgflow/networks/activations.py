r"""Hidden layers with smooth activations: features :math:`\varphi_i(b) = \sigma(b \cdot x_i)` at data points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from wgflow.errors import InputError, ShapeError
from wgflow.functionals.checks import check_derivative, made, parts_of
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


def as_activation(given: Any) -> Activation:
    """Give an activation: by its name, as it is, or from an object or class with the methods value and gradient.

    Raises
    ------
    InputError, ShapeError
        If the name is unknown, a method is missing, or not vectorised, or a derivative is another one.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from wgflow.networks.activations import as_activation
    >>> sine = as_activation(SimpleNamespace(value=np.sin, gradient=np.cos))
    >>> sine.slope(np.zeros(2)), np.round(sine.curvature(np.full(2, np.pi / 2)), 8)
    (array([1., 1.]), array([-1., -1.]))
    """
    if isinstance(given, Activation):
        return given
    if isinstance(given, str):
        if given not in SMOOTH_ACTIVATIONS:
            raise InputError(
                f"activation = {given!r} is unknown; choose one of {', '.join(SMOOTH_ACTIVATIONS)}, or Relu"
            )
        return SMOOTH_ACTIVATIONS[given]
    owner = made("the activation", given)
    value, gradient = parts_of(
        "the activation", owner, {"gradient": None}, "e.g. SimpleNamespace(value=numpy.sin, gradient=numpy.cos)"
    )
    bend = getattr(owner, "hessian", None)
    check_derivative("the activation", value, gradient, SAMPLE)
    if bend is None:
        return Activation(value, lambda z, _: gradient(z), lambda z, _: _differences(gradient, z))
    check_derivative("the derivative of the activation", gradient, bend, SAMPLE)
    return Activation(value, lambda z, _: gradient(z), lambda z, _: bend(z))


def _differences(function: Callable[[FloatArray], FloatArray], z: FloatArray) -> FloatArray:
    """Derivative by central differences of the second order."""
    step = DIFFERENCE_STEP * np.maximum(np.abs(z), 1.0)
    return np.asarray((function(z + step) - function(z - step)) / (2.0 * step))


SAMPLE = np.linspace(-3.1, 2.9, 17)  # numbers at which activations are checked
DIFFERENCE_STEP = 6e-6  # the cube root of the spacing of numbers near 1

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
    activation : str, or object or class
        "tanh", "softplus" (log(1 + exp z)) or "squared_relu" (max(z, 0)^2); or any vectorised function of one number,
        as an object or a class with the methods ``value`` and ``gradient``, and perhaps ``hessian``, its first and
        second derivative.

    Raises
    ------
    ShapeError
        If the inputs are not a matrix of finite numbers.
    InputError
        If the activation is unknown, has no derivative, or another one.

    References
    ----------
    Bach and Chizat (2022), Section 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import SmoothLayer
    >>> class Sine:
    ...     def value(self, z):
    ...         return np.sin(z)
    ...     def gradient(self, z):
    ...         return np.cos(z)
    >>> layer = SmoothLayer([[1.0], [2.0]], activation=Sine)
    >>> layer(np.array([[0.0]])), layer.jacobian(np.array([[0.0]]))[:, :, 0]
    (array([[0., 0.]]), array([[1., 2.]]))
    """

    inputs: FloatArray
    activation: Any = "tanh"
    _parts: Activation = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_parts", as_activation(self.activation))
        object.__setattr__(self, "inputs", check_inputs(self.inputs))

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at points (N, d), shape (N, n); raises ShapeError if they have another dimension."""
        return self._parts.value(self._products(points))

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of ``sum_i coefficients_i phi_i`` at the points, shape (N, d)."""
        slopes = self._parts.slope(self._products(points))
        return (slopes * coefficients) @ self.inputs

    def jacobian(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of each feature at the points, shape (N, n, d)."""
        return self._parts.slope(self._products(points))[:, :, None] * self.inputs

    def hessian(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient Hessian of ``sum_i coefficients_i phi_i`` at the points, shape (N, d, d)."""
        curvatures = self._parts.curvature(self._products(points))
        return weighted_squares(curvatures * coefficients, self.inputs)

    def jet(self, points: FloatArray, coefficients: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """``sum_i coefficients_i phi_i``, its gradient and its Hessian, as of `jet_of`."""
        activation, z = self._parts, self._products(points)
        value = activation.value(z)
        gradient = (activation.slope_at(z, value) * coefficients) @ self.inputs
        return (
            value @ coefficients,
            gradient,
            weighted_squares(activation.curvature_at(z, value) * coefficients, self.inputs),
        )

    @property
    def is_smooth(self) -> bool:
        """Whether second derivatives do not jump, as those of "squared_relu"."""
        return not isinstance(self.activation, str) or self.activation != "squared_relu"

    def at_inputs(self, inputs: FloatArray) -> SmoothLayer:
        """The same neurons at other inputs, shape (k, d)."""
        return SmoothLayer(inputs, self._known)

    def restricted(self, rows: IntArray) -> SmoothLayer:
        """Features at some of the data points, given by their indices."""
        return SmoothLayer(self.inputs[rows], self._known)

    @property
    def _known(self) -> str | Activation:
        """The activation, once checked."""
        return self.activation if isinstance(self.activation, str) else self._parts

    def _products(self, points: FloatArray) -> FloatArray:
        if points.shape[-1] != self.inputs.shape[1]:
            raise ShapeError(
                f"input weights with {points.shape[-1]} components do not fit data with {self.inputs.shape[1]} inputs "
                "(a bias counts as one)"
            )
        return points @ self.inputs.T
