"""Runs that go on in their file, from where they were stopped or killed."""

from __future__ import annotations

import time as clock
from dataclasses import replace
from pathlib import Path

from wgflow.flows.loop import Observers
from wgflow.flows.stopping import Until
from wgflow.problems.estimates import plan_estimate
from wgflow.problems.models import ProblemFile
from wgflow.problems.on_ranks import on_ranks
from wgflow.problems.own_code import check_same_code
from wgflow.problems.problem import Problem
from wgflow.problems.stored_problem import check_fit, check_same_problem, stored_attributes, stored_config
from wgflow.runs.memory import check_memory
from wgflow.runs.record import attach_functional
from wgflow.runs.resuming import check_estimates, go_on, read_run, times_left
from wgflow.trajectory import Trajectory


def resume_run(
    problem: Problem,
    path: Path,
    observers: Observers | None = None,
    *,
    estimate: bool = False,
    since: float | None = None,
    until: Until | None = None,
    progress: bool = False,
) -> Trajectory:
    """Continue the run in a file to the problem's ``t_end``; the result is that of an uninterrupted run, bit by bit.

    See `wgflow.runs.resuming.go_on`. Files of earlier schemas do not hold step control: there it begins anew at an
    output, with a `ResumeWarning`. Coarse runs for estimates are repeated.

    Raises
    ------
    InputError
        If the file holds the run of another problem; the difference is shown. If estimates are wanted for a run that
        began without them, or memory is short.
    """
    since = clock.perf_counter() if since is None else since
    trajectory, arrays = read_run(path)
    stored = stored_config(trajectory, path)
    problem = replace(problem, config=problem.config.with_former_defaults(stored))
    check_same_problem(problem, stored, arrays, path)
    check_same_code(problem.code, trajectory.attributes, path)
    check_fit(problem, trajectory, path)
    check_estimates(trajectory, path, wanted=estimate)
    if trajectory.domain is not None:
        problem = on_ranks(replace(problem, domain=trajectory.domain))  # it may have grown
    stationary = _is_stationary(trajectory, problem, stored)
    left = times_left(trajectory, problem.times)
    if left.size > 0 and not stationary:
        check_memory(problem.memory(estimate=bool(trajectory.errors)), force=problem.force, built=True)
    (observers or Observers()).tell_begin()
    if not (left.size > 0 and stationary):
        trajectory = go_on(
            path,
            trajectory,
            problem.times,
            problem.make_evolution,
            attach=lambda found: replace(found, problem=problem),
            run_setup=problem.run_setup,
            attributes=stored_attributes(problem),
            durable=problem.config.output.durable,
            limits=replace(problem.limits, since=since, until=until),
            observers=observers,
            plan=plan_estimate(problem) if trajectory.errors and left.size > 0 else None,
            progress=progress,
        )
    return replace(attach_functional(trajectory, problem.functional), problem=problem)


def _is_stationary(trajectory: Trajectory, problem: Problem, stored: ProblemFile) -> bool:
    """Whether the run ended because it was stationary, by the tolerance that still holds."""
    ended = trajectory.attributes.get("stop_reason") == "stationary"
    return ended and stored.solver.stationarity == problem.config.solver.stationarity
