"""F(mu) = R(int Psi dmu) for feature maps Psi and convex risks R."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from wgflow.domains import Circle, Domain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.base import Functional, GridFunctional, ParticlePotential, Particles, SheetSums
from wgflow.functionals.dense import DenseMoments
from wgflow.functionals.half_circles import HalfCircles
from wgflow.functionals.losses import HALF_SQUARED_NORM, Loss, find_loss
from wgflow.functionals.relu_sums import ReluSums
from wgflow.typing import FloatArray

FeatureFunction = Callable[[FloatArray], FloatArray]

_DIFFERENCE_STEP = 2.0**-9  # fourth-order central differences: error near 1e-12 for smooth features


class FeatureMap(Protocol):
    """A feature map with its derivative: points (N, p) to features (N, n)."""

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at the points, shape (N, n)."""

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of ``sum_i coefficients_i Psi_i`` at the points, shape (N, p)."""


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

    Raises
    ------
    InputError
        If the inputs are not a matrix of finite numbers, or the smoothing is not in [0, 1).
    """

    inputs: FloatArray
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        inputs = np.asarray(self.inputs, dtype=np.float64)
        if inputs.ndim != 2 or inputs.size == 0 or not np.isfinite(inputs).all():
            raise ShapeError(f"inputs of shape {inputs.shape} are not allowed; give finite numbers, shape (n, d)")
        if not 0.0 <= self.smoothing < 1.0:
            raise InputError(f"smoothing = {self.smoothing!r} is not allowed; give a number from 0 to below 1")
        object.__setattr__(self, "inputs", inputs)

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, n)."""
        activation = points @ self.inputs.T
        if self.smoothing == 0.0:
            return np.maximum(activation, 0.0)
        width = self._width
        inside = np.clip(activation + width, 0.0, 2.0 * width)
        return np.where(activation > width, activation, 0.25 * inside**2 / width)

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of the combination, shape (N, d); zero slope at the kink itself."""
        return self.sums.fields(points, coefficients)[1]

    @cached_property
    def sums(self) -> ReluSums:
        """Compiled sums over particles and data."""
        return ReluSums(self.inputs, self._width)

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


@dataclass(frozen=True)
class _DifferencedFeatures:
    """A plain function with the gradient found by fourth-order central differences."""

    function: FeatureFunction

    def __call__(self, points: FloatArray) -> FloatArray:
        return self.function(points)

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        gradient = np.empty_like(points)
        for axis in range(points.shape[1]):
            step = np.zeros(points.shape[1])
            step[axis] = _DIFFERENCE_STEP
            near = self.function(points + step) - self.function(points - step)
            far = self.function(points + 2.0 * step) - self.function(points - 2.0 * step)
            gradient[:, axis] = (8.0 * near - far) @ coefficients / (12.0 * _DIFFERENCE_STEP)
        return gradient


@dataclass(frozen=True)
class Features(Functional):
    r"""Risk of the prediction :math:`h = \int \Psi d\mu` (times the sign on signed domains).

    .. math:: F(\mu) = R(h), \qquad J(w|\mu) = \langle \Psi(w), \nabla R(h) \rangle

    Parameters
    ----------
    fn : callable
        Any vectorised function from points (N, p) to features (N, n). If it has a method
        ``gradient(points, coefficients)`` (see `FeatureMap`), particles use it, else central differences with a
        step of 1/512, which are wrong within 1/256 of a kink.
    targets : array, shape (n,)
        What the prediction should be; labels +1 and -1 for the losses "logistic" and "softmin".
    loss : str or Loss
        "square" (1/2 (h - y)^2, averaged over the n columns), "logistic" (log(1 + exp(-y h)), averaged) or
        "softmin" (log of the average of exp(-y h)).

    Raises
    ------
    InputError
        If the loss is unknown, targets are not finite, or labels are not +1 or -1.

    References
    ----------
    Bach and Chizat (2022), Sections 2 and 3.
    """

    fn: FeatureFunction
    targets: FloatArray
    loss: str | Loss = "square"
    _risk: Loss = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            targets = np.atleast_1d(np.asarray(self.targets, dtype=np.float64))
        except (TypeError, ValueError):
            raise InputError(f"targets = {self.targets!r} are not numbers; give an array of shape (n,)") from None
        risk = find_loss(self.loss) if isinstance(self.loss, str) else self.loss
        if targets.ndim != 1 or targets.size == 0 or not np.isfinite(targets).all():
            raise InputError("targets must be a one-dimensional array of finite numbers, at least one")
        if isinstance(self.fn, Relu) and len(self.fn.inputs) != targets.size:
            raise ShapeError(f"{len(self.fn.inputs)} data points have {targets.size} targets; give one target each")
        if risk.labels and not np.isin(targets, (-1.0, 1.0)).all():
            wrong = targets[~np.isin(targets, (-1.0, 1.0))][0]
            raise InputError(f"targets hold {wrong:g}, but loss = {risk.name!r} allows only the labels +1 and -1")
        object.__setattr__(self, "targets", targets)
        object.__setattr__(self, "_risk", risk)

    @property
    def risk(self) -> Loss:
        """The risk R."""
        return self._risk

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Prepare the features at the cell centres; raises ShapeError if ``fn`` gives another shape."""
        return _GridFeatures(self, domain)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Evaluate F, J and grad J at particles."""
        points, charges = particles.points, particles.weights * particles.signs
        if isinstance(self.fn, Relu):
            if self.fn.inputs.shape[1] != points.shape[1]:
                raise ShapeError(f"data with {self.fn.inputs.shape[1]} inputs do not fit points {points.shape}")
            risk, coefficients = self._risk.evaluate(self.fn.sums.predictions(points, charges), self.targets)
            values, gradient = self.fn.sums.fields(points, coefficients)
        else:
            psi = self.features(points)
            risk, coefficients = self._risk.evaluate(charges @ psi, self.targets)
            values, gradient = psi @ coefficients, self.feature_map.gradient(points, coefficients)
        return ParticlePotential(risk, particles.signs * values, particles.signs[:, None] * gradient)

    @property
    def feature_map(self) -> FeatureMap:
        """The features with a gradient, exact if ``fn`` offers one."""
        return self.fn if hasattr(self.fn, "gradient") else _DifferencedFeatures(self.fn)  # type: ignore[return-value]

    def features(self, points: FloatArray) -> FloatArray:
        """Features (N, n) at points (N, p), checked."""
        psi = np.asarray(self.fn(points), dtype=np.float64)
        if psi.shape != (len(points), self.targets.size):
            raise ShapeError(
                f"the features of {points.shape} points have shape {psi.shape}; allowed is "
                f"{(len(points), self.targets.size)}, one column for each target"
            )
        if not np.isfinite(psi).all():
            raise InputError("the feature function returned a value that is not finite")
        return psi


class Moments(Protocol):
    """Features prepared on a domain: from net cell masses (N,) to moments (n,), and back."""

    def moments(self, mass: FloatArray) -> FloatArray:
        """Moments ``sum_K Psi(x_K) mass_K``."""

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``."""


def make_moments(functional: Features, domain: Domain) -> Moments:
    """Choose the fastest exact evaluation of features on a domain."""
    fn, base = functional.fn, domain.base
    if isinstance(fn, Relu) and fn.smoothing == 0.0 and isinstance(base, Circle):
        _check_dimension(fn.inputs, base)
        return HalfCircles(base, fn.inputs)
    if isinstance(fn, Relu):
        _check_dimension(fn.inputs, base)
    points = base.points.reshape(-1, base.points.shape[-1])
    return DenseMoments(functional.features(points))


def _check_dimension(inputs: FloatArray, domain: Domain) -> None:
    if inputs.shape[1] != domain.points.shape[-1]:
        raise ShapeError(
            f"data with {inputs.shape[1]} inputs (a bias counts as one) does not fit the domain "
            f"{domain.kind!r}, which needs {domain.points.shape[-1]}"
        )


class _GridFeatures(GridFunctional):
    def __init__(self, functional: Features, domain: Domain) -> None:
        self.domain = domain
        self._risk, self._targets = functional.risk, functional.targets
        self._moments = make_moments(functional, domain)
        self._sheets = SheetSums(domain)
        self._prediction = np.zeros_like(self._targets)
        self.scale = abs(self._risk.evaluate(np.zeros_like(self._targets), self._targets)[0]) or 1.0

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        prediction = self._moments.moments(self._sheets.net_mass(density))
        self._prediction[:] = prediction
        risk, coefficients = self._risk.evaluate(prediction, self._targets)
        self._write(coefficients, potential)
        return risk

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        change = self._moments.moments(self._sheets.net_mass(rate))
        curvature = self._risk.curvature(self._prediction, self._targets)
        self._write(curvature * change, potential)

    def _write(self, coefficients: FloatArray, potential: FloatArray) -> None:
        self._moments.potential(coefficients, self._sheets.positive_sheet(potential))
        self._sheets.mirror(potential)


def Quadratic(target: FloatArray) -> Features:  # noqa: N802 - named like the functionals it stands beside
    r"""Quadratic features with :math:`R(M) = \frac12 |M - M_*|_F^2`, :math:`M = \int w w^T d\mu`.

    The flow has an exact solution (`wgflow.problems.exact`): it is the first test of every solver.

    Parameters
    ----------
    target : array, shape (p, p)
        Symmetric matrix M_*.

    Raises
    ------
    InputError
        If ``target`` is not a symmetric matrix of finite numbers.
    """
    matrix = np.asarray(target, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise InputError(f"target of shape {matrix.shape} is not a square matrix of finite numbers")
    if not np.allclose(matrix, matrix.T, rtol=1e-12, atol=0.0):
        raise InputError("target is not symmetric; give a matrix that equals its transpose")
    return Features(OuterProduct(), matrix.ravel(), HALF_SQUARED_NORM)
