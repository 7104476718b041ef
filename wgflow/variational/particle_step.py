"""One variational step of particles: from its dual form, or from its primal form where particles would split."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wgflow.flows.planned_steps import StepError
from wgflow.typing import FloatArray
from wgflow.variational.dual import DualProblem, Trial
from wgflow.variational.primal import minimise_primal
from wgflow.variational.proximal import check_everywhere

ROUND_OFF = 1e-13
MAX_HALVINGS = 24
# Without reaction the primal form takes over where these do not suffice.
PATIENCE, HALVINGS_IN_PATIENCE = 8, 3
PRIMAL_ITERATIONS = 150
NEARLY = 1e-6  # of the scale: a gap that the dual form may close


@dataclass(frozen=True)
class DualStep:
    """The result of a step.

    Parameters
    ----------
    points : array, shape (N, p)
        Where the particles go.
    growth : array, shape (N,)
        Logarithm of the factor of their masses.
    prediction : array, shape (n,)
        Their prediction.
    iterations : int
        Newton iterations.
    gap : float
        Duality gap: no measure is better by more than this; infinite where it is not known. It is a certificate where
        the proximal map is global: where E is convex, or was compared with candidates. It is no round-off where
        particles would have to split: the step is then a local minimum.
    curvature : array, shape (N, k, k)
        Second derivative of E over that of the distance alone: 1 + tau D^2 J without reaction.
    """

    points: FloatArray
    growth: FloatArray
    prediction: FloatArray
    iterations: int
    gap: float
    curvature: FloatArray

    @cached_property
    def least_curvature(self) -> float:
        """Least curvature of E over that of the distance alone."""
        return float(np.linalg.eigvalsh(self.curvature).min())


def solve_step(problem: DualProblem, *, tolerance: float = 1e-13, iterations: int = 20) -> DualStep:
    """Find the step, first by a local search for each particle; by a global one if candidates tell it apart.

    Where the proximal map is not single-valued (particles would split, which large steps of nonconvex features ask for)
    the dual value has a kink at its largest, and no places of the particles close the gap. Without reaction the step
    is then a local minimum of the primal form, which lowers F for every tau.

    Parameters
    ----------
    problem : DualProblem
        The step.
    tolerance : float
        Largest duality gap, relative to R before the step.
    iterations : int
        Largest number of Newton iterations.

    Raises
    ------
    StepError
        With a reaction, if the proximal map is not single-valued, or Newton's method did not arrive.
    """
    if problem.proximal.cost.gamma > 0.0:
        return _global_step(problem, tolerance, iterations)
    try:
        return _global_step(problem, tolerance, min(iterations, PATIENCE))
    except StepError:
        return _local_step(problem, tolerance)


def _global_step(problem: DualProblem, tolerance: float, iterations: int) -> DualStep:
    """Find the step from its dual form."""
    trial, count = _maximise(problem, _first_trial(problem, everywhere=False), tolerance, iterations)
    if not check_everywhere(problem.proximal, trial.coefficients, trial.moved):
        first = _first_trial(problem, everywhere=True)
        trial, more = _maximise(problem, first, tolerance, iterations, everywhere=True)
        count += more
    return _result(problem, trial, count)


def _local_step(problem: DualProblem, tolerance: float) -> DualStep:
    """Find the step from its primal form: where particles would split it is a local minimum, with a duality gap."""
    points, count = minimise_primal(problem, 0.1 * tolerance * problem.scale, PRIMAL_ITERATIONS)
    prediction = problem.weights @ (problem.proximal.signs[:, None] * problem.functional.fn(points))
    coefficients = problem.risk(prediction)[1]
    local = problem.proximal.local(points, np.arange(len(points)), coefficients)
    best = problem.proximal.best_candidates(points, local.value, coefficients)
    trial = problem.trial(prediction, best, everywhere=False)
    gap = np.inf if trial is None else max(float(problem.weights @ (local.value - trial.moved.local.value)), 0.0)
    if trial is not None and gap <= NEARLY * problem.scale:
        with suppress(StepError):
            trial, more = _maximise(problem, trial, tolerance, PATIENCE)
            return _result(problem, trial, count + more)
    curvature = local.curvature / problem.proximal.cost.stiffness
    return DualStep(points, np.zeros(len(points)), prediction, count, gap, curvature)


def _result(problem: DualProblem, trial: Trial, count: int) -> DualStep:
    local = trial.moved.local
    return DualStep(
        trial.moved.points,
        problem.proximal.cost.growth(local.value, local.link_slope),
        trial.image,
        count,
        problem.gap(trial),
        local.curvature / problem.proximal.cost.stiffness,
    )


def _first_trial(problem: DualProblem, *, everywhere: bool) -> Trial:
    tried = (problem.trial(start, problem.proximal.anchors, everywhere=everywhere) for start in problem.starts())
    trial = next((found for found in tried if found is not None), None)
    if trial is None:
        raise StepError(
            f"the proximal map of a step of {problem.proximal.cost.tau:g} is not single-valued; choose a smaller tau"
        )
    return trial


def _maximise(
    problem: DualProblem, trial: Trial, tolerance: float, iterations: int, *, everywhere: bool = False
) -> tuple[Trial, int]:
    for count in range(iterations + 1):
        if problem.gap(trial) <= tolerance * problem.scale:
            return trial, count
        if count < iterations:
            trial = _improved(problem, trial, everywhere=everywhere)
    tau = problem.proximal.cost.tau
    raise StepError(f"a step of {tau:g} was not found in {iterations} Newton iterations; choose a smaller tau")


def _improved(problem: DualProblem, trial: Trial, *, everywhere: bool) -> Trial:
    """Do a step of Newton's method, as long as it raises the dual value."""
    along = problem.along(trial)
    step, slope = problem.newton(trial, along)
    length, size = 1.0, abs(trial.value) + trial.risk
    for _ in range(MAX_HALVINGS if problem.proximal.cost.gamma > 0.0 else HALVINGS_IN_PATIENCE):
        prediction = trial.prediction + length * step
        found = problem.trial(prediction, problem.predicted(trial, along, prediction), everywhere=everywhere)
        if found is not None and found.value >= trial.value + 1e-4 * length * slope - ROUND_OFF * size:
            return found
        length *= 0.5
    raise StepError(
        f"the proximal map of a step of {problem.proximal.cost.tau:g} is not single-valued where its dual value is "
        "largest (particles would split); choose a smaller tau"
    )
