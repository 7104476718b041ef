r"""One variational step in its primal form, without reaction: Newton's method for the places of all particles at once.

.. math:: \min_x\; P(x) = R\Big(\sum_j w_j s_j \Psi(x_j)\Big) + \sum_j w_j \frac{|x_j - y_j|^2}{2\alpha\tau}

P of the places before the step is R there, and no iteration raises P: whatever tau is, R falls by the squared distance.
The Hessian of P is that of :math:`\sum_j w_j E_j` for the present :math:`g = \nabla R(f)`, one block for each particle,
plus that of R, whose rank is the number n of features, so that Newton's step is a linear system of n unknowns. Blocks
that are not positive are made so, and particles on top of hills go down one side of them. A minimum of P with positive
blocks is a minimum of each :math:`E_j`: the solution of the dual problem (`wgflow.variational.dual`) where none of them
has a lower one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wgflow.former_names import with_former
from wgflow.typing import FloatArray
from wgflow.variational.dual import DualProblem
from wgflow.variational.proximal import Local, eigen_axes, newton_axes

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

MAX_HALVINGS = 30


@dataclass(frozen=True)
class PrimalTrial:
    """Places of the particles, with P and what its derivatives need there."""

    points: FloatArray
    value: float
    prediction: FloatArray
    local: Local


def minimise_primal(problem: DualProblem, tolerance: float, iterations: int) -> tuple[FloatArray, int]:
    """Find a minimum of P, on a way down from the places before the step.

    Parameters
    ----------
    problem : DualProblem
        The step, without reaction.
    tolerance : float
        Decrease of P that is not worth a further iteration.
    iterations : int
        Largest number of Newton iterations.

    Returns
    -------
    points : array, shape (N, p)
        The places.
    count : int
        Newton iterations.
    """
    trial = _evaluate(problem, problem.proximal.anchors)
    for count in range(iterations):
        direction, slope = _newton(problem, trial)
        if -slope > tolerance:
            found = _search(problem, trial, direction, slope)
        else:
            found = _leave_saddle(problem, trial, tolerance)
        if found is None:
            return trial.points, count
        trial = found
    return trial.points, iterations


def _evaluate(problem: DualProblem, points: FloatArray) -> PrimalTrial:
    proximal = problem.proximal
    features = proximal.signs[:, None] * problem.functional.fn(points)
    prediction = problem.weights @ features
    risk, g = problem.risk(prediction)
    local = proximal.local(points, np.arange(len(points)), g)
    work = local.value - features @ g - proximal.strength
    return PrimalTrial(points, risk + float(problem.weights @ work), prediction, local)


def _newton(problem: DualProblem, trial: PrimalTrial) -> tuple[FloatArray, float]:
    """Newton's direction in coordinates (N, k), and the slope of P along it."""
    try:
        return _along_axes(problem, trial, newton_axes(trial.local.curvature)[0])
    except np.linalg.LinAlgError:  # a curvature is 0 up to round-off
        return _along_axes(problem, trial, eigen_axes(trial.local.curvature))


def _along_axes(problem: DualProblem, trial: PrimalTrial, axes: FloatArray) -> tuple[FloatArray, float]:
    """Newton's direction and the slope, from axes in which the curvatures of the particles are the identity."""
    jacobian = problem.slopes(trial.points, trial.local.frames) @ axes
    slope = np.einsum("nij,ni->nj", axes, trial.local.slope)
    weighted = problem.weights[:, None, None] * jacobian
    response = np.tensordot(weighted, jacobian, axes=([0, 2], [0, 2]))
    curvature = problem.curvature(trial.prediction)
    free = -np.einsum("nkl,nl->k", weighted, slope)
    change = np.linalg.solve(np.eye(len(free)) + response @ curvature, free)
    direction = -(slope + np.einsum("nkl,k->nl", jacobian, curvature @ change))
    along = float(problem.weights @ np.einsum("nl,nl->n", slope, direction))
    return np.einsum("nij,nj->ni", axes, direction), along


def _leave_saddle(problem: DualProblem, trial: PrimalTrial, tolerance: float) -> PrimalTrial | None:
    """Let particles on top of hills go down one side; None where there are none."""
    curvature, axes = np.linalg.eigh(trial.local.curvature)
    if curvature.min() >= 0.0:
        return None
    side = np.where(np.einsum("ni,ni->n", trial.local.slope, axes[:, :, 0]) > 0.0, -1.0, 1.0)
    direction = np.where(curvature[:, 0] < 0.0, side, 0.0)[:, None] * axes[:, :, 0]
    return _search(problem, trial, direction, -tolerance)


def _search(problem: DualProblem, trial: PrimalTrial, direction: FloatArray, slope: float) -> PrimalTrial | None:
    """Go along a direction as far as P falls; None if it does not."""
    length = 1.0
    for _ in range(MAX_HALVINGS):
        points = problem.proximal.geodesics.move(trial.points, trial.local.frames, length * direction)
        found = _evaluate(problem, points)
        if found.value < trial.value + 1e-4 * length * slope:
            return found
        length *= 0.5
    return None
