r"""One variational step in its dual form: a concave problem in as many unknowns as there are features.

.. math:: \min_\mu R\Big(\int \Psi d\mu\Big) + \lambda |\mu| + \frac{W^2(\mu, \mu^n)}{2\tau}
          = \max_g -R^*(g) + \int Q_\tau(\langle g, \Psi \rangle + \lambda)\, d\mu^n,
          \qquad Q_\tau h(y) = \min_x h(x) + \frac{|x - y|^2}{2\tau},

and with a reaction the distance of the cone. The unknown is the prediction f with :math:`g = \nabla R(f)`, so that
conjugates are never formed: :math:`R^*(g) = \langle g, f\rangle - R(f)`, for every differentiable loss. Newton's method
finds :math:`f = \int \Psi\, d(T_g)_\# \mu^n` with the proximal map :math:`T_g`. The duality gap is the Bregman distance
:math:`R(f') - R(f) - \langle g, f' - f\rangle` of the two sides, which costs nothing and does not cancel.

References
----------
Jordan, Kinderlehrer and Otto (1998); Benamou, Carlier and Laborde (2016), Section 3, for dual forms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wgflow.functionals import Features
from wgflow.functionals.feature_maps import jacobian_of
from wgflow.typing import FloatArray
from wgflow.variational.proximal import Proximal, ProximalProblem, proximal_map

MAX_STARTS = 16


@dataclass(frozen=True)
class Trial:
    r"""What a prediction f leads to.

    Parameters
    ----------
    prediction, coefficients : arrays, shape (n,)
        f and its gradient :math:`g = \nabla R(f)`.
    risk : float
        R(f).
    image : array, shape (n,)
        Prediction of the particles after they moved by the proximal map of g.
    value : float
        Dual value less its value for particles at rest.
    moved : Proximal
        Where the particles go.
    features : array, shape (N, n)
        Their features there.
    mass : array, shape (N,)
        Their masses there, with signs.
    """

    prediction: FloatArray
    coefficients: FloatArray
    risk: float
    image: FloatArray
    value: float
    moved: Proximal
    features: FloatArray
    mass: FloatArray


@dataclass(frozen=True)
class DualProblem:
    """The dual problem of one step.

    Parameters
    ----------
    functional : Features
        The risk and the features.
    proximal : ProximalProblem
        Particles before the step, and what their steps cost.
    weights : array, shape (N,)
        Masses of the particles before the step.
    """

    functional: Features
    proximal: ProximalProblem
    weights: FloatArray

    @cached_property
    def base(self) -> FloatArray:
        """Features of the particles before the step, with their signs, shape (N, n)."""
        return self.proximal.signs[:, None] * self.functional.features(self.proximal.anchors)

    @cached_property
    def prediction(self) -> FloatArray:
        """Prediction before the step, shape (n,)."""
        return self.weights @ self.base

    @cached_property
    def scale(self) -> float:
        """R before the step and 1e-8 of that of the zero measure, where round-off in the predictions begins to show."""
        return abs(self.risk(self.prediction)[0]) + 1e-8 * abs(self.risk(np.zeros_like(self.prediction))[0])

    def risk(self, prediction: FloatArray) -> tuple[float, FloatArray]:
        """R and its gradient."""
        return self.functional.risk.evaluate(prediction, self.functional.targets)

    def trial(self, prediction: FloatArray, start: FloatArray, *, everywhere: bool) -> Trial | None:
        """Move the particles by the proximal map of a prediction; None where there is none."""
        risk, g = self.risk(prediction)
        moved = proximal_map(self.proximal, g, start, everywhere=everywhere)
        if moved is None:
            return None
        cost, local = self.proximal.cost, moved.local
        mass = self.weights * self.proximal.signs * np.exp(cost.growth(local.value, local.link_slope))
        features = self.functional.fn(moved.points)
        # Less the same sum at rest, so that the small change of a small step is not lost in round-off.
        change = self.weights @ (cost.least(local.value) - self.base @ g - self.proximal.strength)
        value = risk - float(g @ (prediction - self.prediction)) + float(change)
        return Trial(prediction, g, risk, mass @ features, value, moved, features, mass)

    def gap(self, trial: Trial) -> float:
        """Duality gap of a trial."""
        change = float(trial.coefficients @ (trial.image - trial.prediction))
        return max(self.risk(trial.image)[0] - trial.risk - change, 0.0)

    def newton(self, trial: Trial, along: FloatArray) -> tuple[FloatArray, float]:
        """Newton's step of the prediction, and the slope of the dual value along it."""
        curvature = self.curvature(trial.prediction)
        residual = trial.image - trial.prediction
        matrix = np.eye(residual.size) + self.response(trial, along) @ curvature
        step = np.asarray(np.linalg.solve(matrix, residual), dtype=np.float64)
        return step, float(residual @ curvature @ step)

    def curvature(self, prediction: FloatArray) -> FloatArray:
        """Second derivative of R, shape (n, n)."""
        return self.functional.risk.hessian(prediction, self.functional.targets)

    def slopes(self, points: FloatArray, frames: FloatArray) -> FloatArray:
        """Slopes of the features, with the signs of particles, along frames, shape (N, n, k)."""
        slopes = self.proximal.geodesics.coordinates(frames, jacobian_of(self.functional.fn, points))
        return self.proximal.signs[:, None, None] * slopes

    def along(self, trial: Trial) -> FloatArray:
        """Change of the slope of E with g, along the axes of E scaled to curvature 1, shape (N, n, k)."""
        moved, local = trial.moved, trial.moved.local
        slopes = self.slopes(moved.points, local.frames)
        if self.proximal.cost.gamma == 0.0:
            return slopes @ moved.axes
        scaled = (self.proximal.signs * self.proximal.cost.gamma * local.link_slope)[:, None] * local.force
        mixed = slopes - trial.features[:, :, None] * scaled[:, None, :]
        return local.link_slope[:, None, None] * mixed @ moved.axes

    def response(self, trial: Trial, along: FloatArray) -> FloatArray:
        r"""Minus the Hessian of :math:`\int Q_\tau d\mu^n` in g, shape (n, n): positive semidefinite."""
        gamma, local = self.proximal.cost.gamma, trial.moved.local
        weight = np.sqrt(self.weights * np.exp(-gamma * local.value))
        rows = (weight[:, None, None] * along).transpose(0, 2, 1).reshape(-1, along.shape[1])
        grown = (weight * np.sqrt(2.0 * gamma) * local.link_slope)[:, None] * trial.features
        return rows.T @ rows + grown.T @ grown

    def predicted(self, trial: Trial, along: FloatArray, prediction: FloatArray) -> FloatArray:
        """Places of the particles for another prediction, to first order, shape (N, p)."""
        change = self.risk(prediction)[1] - trial.coefficients
        steps = -np.einsum("nkl,nl->nk", trial.moved.axes, along.transpose(0, 2, 1) @ change)
        return self.proximal.geodesics.move(trial.moved.points, trial.moved.local.frames, steps)

    def starts(self) -> Iterator[FloatArray]:
        """Predictions to begin with: the present one, then ones with smaller and smaller gradients."""
        targets, labels = self.functional.targets, self.functional.risk.labels
        yield self.prediction
        if self.proximal.cost.gamma == 0.0:
            return
        for number in range(MAX_STARTS):
            if labels:
                yield self.prediction + 2.0**number * targets
            else:
                yield targets + 0.25 ** (number + 1) * (self.prediction - targets)
