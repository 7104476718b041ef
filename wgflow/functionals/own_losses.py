"""Losses that the user gives, as an object or a class: averages over the data of a function of each prediction."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals.checks import check_derivative, made, values_of
from wgflow.functionals.losses import LOSSES, Average, Loss, averaged, find_loss
from wgflow.measures.checks import described
from wgflow.typing import FloatArray

PARTS = ("value", "gradient", "hessian")
OFFSETS = np.array([-3.1, -1.3, -0.45, -0.11, 0.13, 0.4, 1.2, 2.9])  # of predictions from targets, over their size
MOST_TARGETS = 8  # at which a loss is checked
CONVEX = 1e-9  # fall of a slope that is round-off, relative to the largest


class PointwiseLoss(Protocol):
    """A convex loss of one prediction, vectorised over predictions and targets; R is its average over the data.

    Attributes that may be there: ``name``; ``labels`` (whether targets must be +1 and -1) and ``nonnegative`` (whether
    no value is below 0, so that certificates bound R below), both False by default.
    """

    def value(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Give the losses, shape (n,)."""

    def gradient(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Give their derivatives in the predictions, shape (n,)."""

    def hessian(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Give their second derivatives, shape (n,)."""


def as_loss(given: object) -> Loss:
    """Give a loss: by its name, as it is, or from an object or class that is a `PointwiseLoss`.

    Raises
    ------
    InputError
        If the name is unknown, or a method is missing.

    Examples
    --------
    An own loss is shown at `wgflow.Features`.

    >>> import numpy as np
    >>> from wgflow.functionals.own_losses import as_loss
    >>> value, gradient = as_loss("square").evaluate(np.array([1.0, 3.0]), np.array([0.0, 0.0]))
    >>> float(value), gradient.tolist()
    (2.5, [0.5, 1.5])
    """
    if isinstance(given, str):
        return find_loss(given)
    if isinstance(given, Loss):
        return given
    loss = made("loss", given)
    missing = [name for name in PARTS if not callable(getattr(loss, name, None))]
    if missing:
        raise InputError(
            f"loss = {described(given)} has no {' and no '.join(missing)}; choose one of {', '.join(LOSSES)}, or give "
            f"an object or class with the methods {', '.join(PARTS)} of predictions and targets, (n,) to (n,)"
        )
    return averaged(loss)


def check_loss(loss: Loss, targets: FloatArray) -> None:
    """Check a loss of the user around some targets (n,); those of wgflow need none.

    Raises
    ------
    InputError, ShapeError
        If it is not vectorised, not finite, no average of convex functions, or its derivatives are not its own.
    """
    if not isinstance(loss.without_factor.evaluate, Average):
        return
    own, name = loss.without_factor.evaluate.loss, f"the loss {loss.without_factor.name}"
    some = targets[:MOST_TARGETS]
    size = float(np.abs(some).mean()) or 1.0
    places, target = (some[:, None] + size * OFFSETS).ravel(), np.repeat(some, OFFSETS.size)
    slopes = check_derivative(name, own.value, own.gradient, places, target).reshape(some.size, -1)
    check_derivative(f"the derivative of {name}", own.gradient, own.hessian, places, target)
    values = values_of(name, lambda h: own.value(h, target), places, places.shape, of="predictions")
    if loss.nonnegative and values.min() < 0.0:
        raise InputError(f"{name} says that it is nonnegative; found the value {values.min():g}")
    falls = np.diff(slopes, axis=1)
    if falls.min() < -CONVEX * np.abs(slopes).max():
        number = int(np.argmin(falls.min(axis=1)))
        raise InputError(f"{name} is not convex: its derivative falls as the prediction grows, near {some[number]:g}")
