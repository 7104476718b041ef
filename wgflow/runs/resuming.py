"""Runs that go on in their file, from where they were stopped or killed, to the bits of one that was not."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import FlowWarning, InputError, ResumeWarning, WgflowError
from wgflow.flows import Checkpoint, Evolution, FlowState, StepCounts
from wgflow.flows.endings import ACCUMULATED, COMPLETE
from wgflow.flows.growth import RunSetup
from wgflow.flows.loop import Limits, Observers
from wgflow.runs.carrying import carry_through
from wgflow.runs.estimates import EstimatePlan, Estimator, prepare_estimator, recorded
from wgflow.runs.shared_fields import part_at, rows_in, whole_checkpoint
from wgflow.runs.sharing import shared_recorder
from wgflow.system.launchers import LAUNCH
from wgflow.system.paths import kind_of
from wgflow.trajectory import FileRecorder, Trajectory, is_locked, read_trajectory
from wgflow.trajectory.cell_order import is_former
from wgflow.trajectory.checkpoint import at_last_output, left_of, read_checkpoint
from wgflow.trajectory.reader import DAMAGE, reason
from wgflow.trajectory.saving import in_present_order
from wgflow.trajectory.schema import SCHEMA_VERSION
from wgflow.typing import FloatArray

MakeEvolution = Callable[[FlowState | None], Evolution]
"""Prepares the solver of a run at the state of one of its snapshots; at its start for None."""


def read_run(path: Path) -> tuple[Trajectory, dict[str, FloatArray]]:
    """Read a file that a run is to go on in; raises InputError where another run writes it."""
    if LAUNCH.is_first and kind_of(path, "trajectory") == "file" and is_locked(path):
        raise InputError(f"trajectory {path} is being written by another run, or open in another program; wait for it")
    return read_trajectory(path)


def times_left(trajectory: Trajectory, times: FloatArray) -> FloatArray:
    """Output times behind the last one that a run has reached."""
    return times[times > trajectory.time[trajectory.scheduled - 1]]


def check_estimates(trajectory: Trajectory, path: Path, *, wanted: bool) -> None:
    """Raise InputError where estimates are wanted for a run that began without them."""
    if wanted and not trajectory.errors:
        raise InputError(f"{path} holds a run without estimates; resume it without estimate, or choose another output")


def go_on(
    path: Path,
    trajectory: Trajectory,
    times: FloatArray,
    make: MakeEvolution,
    *,
    attach: Callable[[Trajectory], Trajectory],
    run_setup: RunSetup,
    attributes: Mapping[str, Any],
    durable: bool = False,
    limits: Limits | None = None,
    observers: Observers | None = None,
    plan: EstimatePlan | None = None,
    progress: bool = False,
) -> Trajectory:
    """Carry the run in a file through the times that are left, if any are; gives the whole trajectory.

    The run goes on from the last snapshot at an output time, with the step control that it had there, or from a later
    state between two outputs. That is given up, and the steps to it repeated, where another next output is wanted now:
    on the way to it an uninterrupted run has other steps.

    Parameters
    ----------
    path : Path
        The file.
    trajectory : Trajectory
        What it holds.
    times : array
        All output times after 0.
    make : callable
        Prepares the solver.
    attach : callable
        Gives a trajectory what describes its run, to be written anew where the cells of a sphere are in another order.
    run_setup, limits, observers, progress
        See `wgflow.runs.carrying.carry_through`.
    attributes : mapping
        Attributes of the file that may have changed.
    durable : bool
        See `wgflow.trajectory.FileRecorder.reopen`.
    plan : EstimatePlan, optional
        Coarse runs of a run with estimates, which are repeated.
    """
    left = times_left(trajectory, times)
    if left.size == 0:
        _warn_of_past_end(path, trajectory, times)
        return trajectory if trajectory.status == COMPLETE else _completed(path, trajectory, attributes)
    if is_former(trajectory.domain, trajectory.attributes):
        trajectory = in_present_order(attach(trajectory), path)
    earlier = trajectory[: trajectory.scheduled]
    domain = run_setup.domain
    evolution, checkpoint = _undamaged_evolution(make, domain, path, earlier, left)
    estimator = None if plan is None else _estimator_of(plan, earlier, times, limits)
    left_at = None if checkpoint is None else whole_checkpoint(domain, left_of(checkpoint))
    recorder = shared_recorder(
        lambda: FileRecorder.reopen(
            path, trajectory, attributes, time=evolution.time, checkpoint=left_at, durable=durable
        ),
        domain,
        path,
    )
    if checkpoint is None and earlier.time[-1] > 0.0:
        _warn_of_new_control(path, earlier)
    within = checkpoint is not None and float(checkpoint["end"]) > evolution.time
    done = trajectory.steps.get("time", np.empty(0))
    watched: dict[str, Any] = {"limits": limits, "observers": observers, "progress": progress}
    watched["earlier"] = done[done <= evolution.time]
    recorder_of_all = recorder if estimator is None else recorded(recorder, estimator, earlier)
    carry_through(run_setup, evolution, left, recorder_of_all, record_start=False, within=within, **watched)
    return recorder.trajectory()


def _warn_of_past_end(path: Path, trajectory: Trajectory, times: FloatArray) -> None:
    """Say that a run has gone further than it is asked to go."""
    reached, end = trajectory.time[trajectory.scheduled - 1], times.max(initial=0.0)
    if end < reached:
        warnings.warn(
            f"nothing is left to do: the run in {path} has reached t = {reached:g}, beyond t_end = {end:g}; "
            "a later t_end goes on",
            FlowWarning,
            stacklevel=5,
        )


def _completed(path: Path, trajectory: Trajectory, attributes: Mapping[str, Any]) -> Trajectory:
    """Note the end of a run that was killed between its last snapshot and that."""
    last = float(trajectory.time[trajectory.scheduled - 1])
    recorder = shared_recorder(lambda: FileRecorder.reopen(path, trajectory, attributes, time=last), None, path)
    recorder.finish({"status": COMPLETE, "stop_reason": "t_end", **dict.fromkeys(ACCUMULATED, 0)})
    return recorder.trajectory()


def _estimator_of(plan: EstimatePlan, earlier: Trajectory, times: FloatArray, limits: Limits | None) -> Estimator:
    """Repeat the coarse runs of a run with estimates, at the output times that it had and has."""
    return prepare_estimator(plan, np.union1d(earlier.time[1:], times), limits or Limits(), earlier.sign)


def _undamaged_evolution(
    make: MakeEvolution, domain: Domain | None, path: Path, earlier: Trajectory, times: FloatArray
) -> tuple[Evolution, Checkpoint | None]:
    """Solver where a run goes on, see `_evolution_at`; raises InputError where what the file keeps of it is damaged."""
    try:
        return _evolution_at(make, domain, earlier, read_checkpoint(path, partial(rows_in, domain)), times)
    except WgflowError:
        raise
    except DAMAGE as error:
        raise InputError(f"{path} cannot be continued: its state is damaged ({reason(error)})") from None


def _state_at(domain: Domain | None, trajectory: Trajectory, index: int) -> FlowState:
    """What this rank has of the state at a snapshot."""
    fields = {name: part_at(domain, values, index) for name, values in trajectory.fields.items()}
    return FlowState(float(trajectory.time[index]), fields)


def _evolution_at(
    make: MakeEvolution, domain: Domain | None, earlier: Trajectory, found: Checkpoint | None, times: FloatArray
) -> tuple[Evolution, Checkpoint | None]:
    """Prepare the solver at what a run goes on from; step control begins anew where its file holds none.

    Parameters
    ----------
    make : callable
        Prepares the solver.
    domain : Domain or None
        Where the flow lives: of several ranks, the part of this one.
    earlier : Trajectory
        The snapshots at output times so far.
    found : Checkpoint or None
        What its file holds: control at the last output, a state behind it, or after a kill what was there before it; of
        several ranks, the part of this one.
    times : array
        Output times to come.

    Returns
    -------
    Evolution
        The solver.
    Checkpoint or None
        Its state, where that has the step control of an uninterrupted run.
    """
    state = _state_at(domain, earlier, -1)
    with suppress(LookupError):  # of another version of wgflow
        if found is None or float(found["time"]) < state.time:
            return _found_again(make, domain, earlier, found)
        behind = float(found["time"]) > state.time
        if behind and float(found["end"]) != times[0]:
            found, behind = at_last_output(found), False
        if found is not None:
            checkpoint = found if behind else {**state.fields, **found}
            return _restored(make, checkpoint), checkpoint
    return make(state), None


def _restored(make: MakeEvolution, checkpoint: Checkpoint) -> Evolution:
    evolution = make(FlowState(float(checkpoint["time"]), checkpoint))
    evolution.restore(checkpoint)
    return evolution


def _found_again(
    make: MakeEvolution, domain: Domain | None, earlier: Trajectory, found: Checkpoint | None
) -> tuple[Evolution, Checkpoint]:
    """Repeat the steps to the last output of a run that was killed between its snapshot and its step control.

    Raises
    ------
    LookupError
        If the file does not hold what they began with.
    """
    before = _state_at(domain, earlier, -2)
    if found is not None:
        within = float(found["time"]) < float(found["end"])
        evolution = _restored(make, found if within else {**before.fields, **found})
    elif before.time == 0.0 and earlier.attributes["schema_version"] == SCHEMA_VERSION:
        within, evolution = False, make(None)
    else:
        raise KeyError("checkpoint")
    if not within:
        evolution.begin_interval(float(earlier.time[-1]))
    while evolution.time < earlier.time[-1]:
        evolution.step()
    evolution.snapshot()  # evaluates J where a run that goes on has
    evolution.counts = StepCounts()
    return evolution, evolution.checkpoint()


def _warn_of_new_control(path: Path, earlier: Trajectory) -> None:
    """Say that bits will differ; where the file is as new as this version, its run was saved by a copy of a file."""
    former = earlier.attributes["schema_version"] < SCHEMA_VERSION
    why = "was written by an earlier version, which did not keep step control" if former else "holds no step control"
    warnings.warn(
        f"{path} {why}: it begins anew at t = {earlier.time[-1]:g}, and bits differ from those of an uninterrupted run",
        ResumeWarning,
        stacklevel=5,
    )
