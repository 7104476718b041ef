"""Runs that go on in their file, from where they were stopped or killed."""

from __future__ import annotations

import time as clock
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from wgflow.errors import InputError, ResumeWarning, WgflowError
from wgflow.flows import Checkpoint, Evolution, StepCounts
from wgflow.flows.endings import ACCUMULATED, COMPLETE
from wgflow.flows.growth import evolve_on
from wgflow.flows.loop import Limits, Observers
from wgflow.problems.estimates import plan_estimate
from wgflow.problems.models import ProblemFile
from wgflow.problems.problem import FlowState, Problem
from wgflow.problems.stored_problem import check_fit, check_same_problem, stored_attributes, stored_config
from wgflow.runs.estimates import Estimator, prepare_estimator, recorded
from wgflow.runs.memory import check_memory
from wgflow.runs.record import attach_functional
from wgflow.system.paths import kind_of
from wgflow.trajectory import FileRecorder, Trajectory, is_locked, read_trajectory
from wgflow.trajectory.checkpoint import at_last_output, read_checkpoint
from wgflow.trajectory.reader import DAMAGE, reason
from wgflow.trajectory.schema import SCHEMA_VERSION
from wgflow.typing import FloatArray


def resume_run(
    problem: Problem,
    path: Path,
    observers: Observers | None = None,
    *,
    estimate: bool = False,
    since: float | None = None,
) -> Trajectory:
    """Continue the run in a file to the problem's ``t_end``; the result is that of an uninterrupted run, bit by bit.

    The run goes on from the last snapshot at an output time, with the step control that it had there, or from a later
    state between two outputs. That is given up, and the steps to it repeated, where the problem now asks for another
    next output: on the way to it an uninterrupted run has other steps. Files of earlier schemas do not hold step
    control: there it begins anew at an output, with a `ResumeWarning`. Coarse runs for
    estimates are repeated.

    Raises
    ------
    InputError
        If the file holds the run of another problem; the difference is shown. If estimates are wanted for a run that
        began without them, or memory is short.
    """
    since = clock.perf_counter() if since is None else since
    if kind_of(path, "trajectory") == "file" and is_locked(path):
        raise InputError(f"trajectory {path} is being written by another run, or open in another program; wait for it")
    trajectory, arrays = read_trajectory(path)
    stored = stored_config(trajectory, path)
    problem = replace(problem, config=problem.config.with_former_defaults(stored))
    check_same_problem(problem, stored, arrays, path)
    check_fit(problem, trajectory, path)
    if estimate and not trajectory.errors:
        raise InputError(f"{path} holds a run without estimates; resume it without estimate, or choose another output")
    if trajectory.domain is not None:
        problem = replace(problem, domain=trajectory.domain)  # it may have grown
    remaining = problem.times[problem.times > trajectory.time[trajectory.scheduled - 1]]
    goes_on = remaining.size > 0 and not _is_stationary(trajectory, problem, stored)
    if goes_on:
        check_memory(problem.memory(estimate=bool(trajectory.errors)), force=problem.force, built=True)
    (observers or Observers()).tell_begin()
    if goes_on:
        trajectory = _go_on(problem, path, trajectory, remaining, replace(problem.limits, since=since), observers)
    elif remaining.size == 0 and trajectory.status != COMPLETE:
        trajectory = _completed(problem, path, trajectory)
    return replace(attach_functional(trajectory, problem.functional), problem=problem)


def _go_on(
    problem: Problem,
    path: Path,
    trajectory: Trajectory,
    times: FloatArray,
    limits: Limits,
    observers: Observers | None,
) -> Trajectory:
    """Carry the run in a file through the times that are left; gives the whole trajectory."""
    earlier = trajectory[: trajectory.scheduled]
    evolution, checkpoint = _undamaged_evolution(problem, path, earlier, times)
    estimator = _estimator_of(problem, earlier, limits)
    recorder = FileRecorder.reopen(
        path,
        trajectory,
        stored_attributes(problem),
        time=evolution.time,
        checkpoint=checkpoint,
        durable=problem.config.output.durable,
    )
    if checkpoint is None and earlier.time[-1] > 0.0 and earlier.attributes["schema_version"] < SCHEMA_VERSION:
        _warn_of_new_control(path, float(earlier.time[-1]))
    evolve_on(
        problem.run_setup,
        evolution,
        times,
        recorded(recorder, estimator, earlier),
        limits=limits,
        observers=observers,
        record_start=False,
        within=checkpoint is not None and float(checkpoint["end"]) > evolution.time,
    )
    return recorder.trajectory()


def _completed(problem: Problem, path: Path, trajectory: Trajectory) -> Trajectory:
    """Note the end of a run that was killed between its last snapshot and that."""
    time = float(trajectory.time[trajectory.scheduled - 1])
    recorder = FileRecorder.reopen(path, trajectory, stored_attributes(problem), time=time)
    recorder.finish({"status": COMPLETE, "stop_reason": "t_end", **dict.fromkeys(ACCUMULATED, 0)})
    return recorder.trajectory()


def _undamaged_evolution(
    problem: Problem, path: Path, earlier: Trajectory, times: FloatArray
) -> tuple[Evolution, Checkpoint | None]:
    """Solver where a run goes on, see `_evolution_at`; raises InputError where what the file keeps of it is damaged."""
    try:
        return _evolution_at(problem, earlier, read_checkpoint(path), times)
    except WgflowError:
        raise
    except DAMAGE as error:
        raise InputError(f"{path} cannot be continued: its state is damaged ({reason(error)})") from None


def _estimator_of(problem: Problem, earlier: Trajectory, limits: Limits) -> Estimator | None:
    """Repeat the coarse runs of a run with estimates, at the output times that it had and has."""
    if not earlier.errors:
        return None
    times = np.union1d(earlier.time[1:], problem.times)
    return prepare_estimator(plan_estimate(problem), times, limits, earlier.sign)


def _state_at(trajectory: Trajectory, index: int) -> FlowState:
    return FlowState(float(trajectory.time[index]), {name: values[index] for name, values in trajectory.fields.items()})


def _evolution_at(
    problem: Problem, earlier: Trajectory, found: Checkpoint | None, times: FloatArray
) -> tuple[Evolution, Checkpoint | None]:
    """Prepare the solver at what a run goes on from; step control begins anew where its file holds none.

    Parameters
    ----------
    problem : Problem
        The problem.
    earlier : Trajectory
        The snapshots at output times so far.
    found : Checkpoint or None
        What its file holds: control at the last output, a state behind it, or after a kill what was there before it.
    times : array
        Output times to come.

    Returns
    -------
    Evolution
        The solver.
    Checkpoint or None
        Its state, where that has the step control of an uninterrupted run.
    """
    state = _state_at(earlier, -1)
    with suppress(LookupError):  # of another version of wgflow
        if found is None or float(found["time"]) < state.time:
            return _found_again(problem, earlier, found)
        behind = float(found["time"]) > state.time
        if behind and float(found["end"]) != times[0]:
            found, behind = at_last_output(found), False
        if found is not None:
            checkpoint = found if behind else {**state.fields, **found}
            return _restored(problem, checkpoint), checkpoint
    return problem.make_evolution(state), None


def _restored(problem: Problem, checkpoint: Checkpoint) -> Evolution:
    evolution = problem.make_evolution(FlowState(float(checkpoint["time"]), checkpoint))
    evolution.restore(checkpoint)
    return evolution


def _found_again(problem: Problem, earlier: Trajectory, found: Checkpoint | None) -> tuple[Evolution, Checkpoint]:
    """Repeat the steps to the last output of a run that was killed between its snapshot and its step control.

    Raises
    ------
    LookupError
        If the file does not hold what they began with.
    """
    before = _state_at(earlier, -2)
    if found is not None:
        within = float(found["time"]) < float(found["end"])
        evolution = _restored(problem, found if within else {**before.fields, **found})
    elif before.time == 0.0 and earlier.attributes["schema_version"] == SCHEMA_VERSION:
        within, evolution = False, problem.make_evolution()
    else:
        raise KeyError("checkpoint")
    if not within:
        evolution.begin_interval(float(earlier.time[-1]))
    while evolution.time < earlier.time[-1]:
        evolution.step()
    evolution.snapshot()  # evaluates J where a run that goes on has
    evolution.counts = StepCounts()
    return evolution, evolution.checkpoint()


def _warn_of_new_control(path: Path, time: float) -> None:
    warnings.warn(
        f"{path} was written by an earlier version, which did not keep step control: it begins anew at t = {time:g}, "
        "and bits differ from those of an uninterrupted run",
        ResumeWarning,
        stacklevel=4,
    )


def _is_stationary(trajectory: Trajectory, problem: Problem, stored: ProblemFile) -> bool:
    """Whether the run ended because it was stationary, by the tolerance that still holds."""
    ended = trajectory.attributes.get("stop_reason") == "stationary"
    return ended and stored.solver.stationarity == problem.config.solver.stationarity
