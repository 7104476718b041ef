"""Risks R(h) of predictions h at n data points, and their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wgflow.functionals.factors import Times
from wgflow.registry import Registry
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Loss:
    """A convex risk on R^n.

    Parameters
    ----------
    name : str
        Name in problem files.
    evaluate : callable
        ``(predictions (n,), targets (n,)) -> (R, grad R (n,))``.
    curvature : callable
        ``(predictions (n,), targets (n,)) -> (n,)``, a diagonal matrix above the Hessian of R.
    labels : bool
        Whether the targets must be +1 or -1.
    average : bool
        Whether R is an average over the data, so that the average over a random batch has the right mean.
    coupling : callable or None
        ``(predictions (n,), targets (n,), change (n,)) -> (n,)``, what the Hessian of R gives along the change beyond
        the curvature; None where the curvature is all of it.
    quadratic : bool
        Whether R is half a weighted sum of squares, so that certificates know its conjugate.
    nonnegative : bool
        Whether R >= 0 everywhere, so that certificates bound it below.
    factor : float
        What R is multiplied by, beside the loss ``unit``.
    unit : Loss or None
        The loss that is multiplied; None where the factor is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow.functionals import find_loss
    >>> find_loss("square").scaled(2.0).evaluate(np.array([1.0, 3.0]), np.zeros(2))
    (5.0, array([1., 3.]))
    """

    name: str
    evaluate: Callable[[FloatArray, FloatArray], tuple[float, FloatArray]]
    curvature: Callable[[FloatArray, FloatArray], FloatArray]
    labels: bool = False
    average: bool = False
    coupling: Callable[[FloatArray, FloatArray, FloatArray], FloatArray] | None = None
    quadratic: bool = False
    nonnegative: bool = False
    factor: float = 1.0
    unit: Loss | None = None

    @property
    def without_factor(self) -> Loss:
        """The loss that this one is a multiple of."""
        return self.unit or self

    def second_derivative(self, prediction: FloatArray, target: FloatArray, change: FloatArray) -> FloatArray:
        """Derivative of grad R along ``change``; all of shape (n,)."""
        derivative = self.curvature(prediction, target) * change
        return derivative if self.coupling is None else derivative + self.coupling(prediction, target, change)

    def hessian(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Second derivative of R, shape (n, n)."""
        matrix = np.diag(self.curvature(prediction, target))
        if self.coupling is not None:
            matrix += np.stack([self.coupling(prediction, target, unit) for unit in np.eye(prediction.size)], axis=1)
        return matrix

    def scaled(self, factor: float) -> Loss:
        """The loss times a factor >= 0."""
        unit, whole = self.without_factor, factor * self.factor
        if whole == 1.0:
            return unit
        coupling = None if unit.coupling is None else Times(whole, unit.coupling)
        return replace(
            unit,
            name=f"{whole:g} {unit.name}",
            evaluate=_TimesRisk(whole, unit.evaluate),
            curvature=Times(whole, unit.curvature),
            coupling=coupling,
            factor=whole,
            unit=unit,
        )


@dataclass(frozen=True)
class _TimesRisk:
    """A factor times a risk and its gradient."""

    factor: float
    evaluate: Callable[[FloatArray, FloatArray], tuple[float, FloatArray]]

    def __call__(self, prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
        risk, gradient = self.evaluate(prediction, target)
        return self.factor * risk, self.factor * gradient


@dataclass(frozen=True)
class Average:
    """The average of a loss of single predictions, and its gradient."""

    loss: Any

    def __call__(self, prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
        """R and its gradient."""
        values, slopes = self.loss.value(prediction, target), self.loss.gradient(prediction, target)
        return float(np.mean(values)), np.asarray(slopes, dtype=np.float64) / prediction.size


@dataclass(frozen=True)
class _AverageCurvature:
    """The second derivative of the average of a loss, a diagonal."""

    loss: Any

    def __call__(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.asarray(self.loss.hessian(prediction, target), dtype=np.float64) / prediction.size


def averaged(loss: Any) -> Loss:
    """Give the average over the data of a loss of single predictions, an object or a class.

    Parameters
    ----------
    loss : object or class
        With the methods of `wgflow.functionals.own_losses.PointwiseLoss`; a class is made without arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow.functionals.losses import averaged
    >>> class LogCosh:
    ...     nonnegative = True
    ...     def value(self, h, y):
    ...         return np.log(np.cosh(h - y))
    ...     def gradient(self, h, y):
    ...         return np.tanh(h - y)
    ...     def hessian(self, h, y):
    ...         return 1.0 / np.cosh(h - y) ** 2
    >>> averaged(LogCosh).evaluate(np.zeros(2), np.zeros(2))
    (0.0, array([0., 0.]))
    """
    own = loss() if isinstance(loss, type) else loss
    flags: dict[str, Any] = {name: bool(getattr(own, name, False)) for name in ("labels", "nonnegative")}
    name = str(getattr(own, "name", type(own).__name__))
    return Loss(name, Average(own), _AverageCurvature(own), average=True, **flags)


def _square(prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    residual = prediction - target
    return 0.5 * float(residual.dot(residual)) / residual.size, residual / residual.size


def _square_curvature(prediction: FloatArray, target: FloatArray) -> FloatArray:  # noqa: ARG001
    return np.full(prediction.size, 1.0 / prediction.size)


def _half_squared_norm(prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    residual = prediction - target
    return 0.5 * float(residual.dot(residual)), residual


def _unit_curvature(prediction: FloatArray, target: FloatArray) -> FloatArray:  # noqa: ARG001
    return np.ones(prediction.size)


def _logistic(prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    from scipy.special import expit

    margin = target * prediction
    return float(np.logaddexp(0.0, -margin).mean()), -target * expit(-margin) / margin.size


def _logistic_curvature(prediction: FloatArray, target: FloatArray) -> FloatArray:
    from scipy.special import expit

    return expit(prediction * target) * expit(-prediction * target) / prediction.size


def _softmin(prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    from scipy.special import logsumexp

    margin = target * prediction
    log_sum = float(logsumexp(-margin))
    return log_sum - float(np.log(margin.size)), -target * np.exp(-margin - log_sum)


def _softmin_curvature(prediction: FloatArray, target: FloatArray) -> FloatArray:
    from scipy.special import logsumexp

    margin = target * prediction
    return np.exp(-margin - logsumexp(-margin))


def _softmin_coupling(prediction: FloatArray, target: FloatArray, change: FloatArray) -> FloatArray:
    gradient = _softmin(prediction, target)[1]
    return -gradient * float(gradient @ change)


SQUARE = Loss("square", _square, _square_curvature, average=True, quadratic=True, nonnegative=True)
HALF_SQUARED_NORM = Loss("half squared norm", _half_squared_norm, _unit_curvature, quadratic=True, nonnegative=True)
LOGISTIC = Loss("logistic", _logistic, _logistic_curvature, labels=True, average=True, nonnegative=True)
SOFTMIN = Loss("softmin", _softmin, _softmin_curvature, labels=True, coupling=_softmin_coupling)

LOSSES = Registry("loss =", {loss.name: loss for loss in (SQUARE, LOGISTIC, SOFTMIN)})


def find_loss(name: str) -> Loss:
    """Look up a loss by its name; raises InputError if there is none of that name."""
    return LOSSES[name]
