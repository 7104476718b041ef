"""The two calls of most users: `run` a problem, `load` a trajectory."""

from __future__ import annotations

import time as clock
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wgflow.errors import InputError, ResumeWarning, WgflowError
from wgflow.flows import Checkpoint, Evolution, StepCounts
from wgflow.flows.endings import ACCUMULATED, COMPLETE, RUNNING
from wgflow.flows.growth import evolve_on
from wgflow.flows.loop import Limits, Observers
from wgflow.functionals import Functional
from wgflow.problems.estimates import plan_estimate
from wgflow.problems.models import ProblemFile
from wgflow.problems.parsing import apply_settings, parse_sections, read_toml
from wgflow.problems.problem import Problem, State, assemble, build_problem, restore_dataset, restore_samples
from wgflow.problems.shipped import find_problem_file
from wgflow.problems.stored import check_fit, check_same_problem, stored_config
from wgflow.runs.estimates import Estimator, prepare_estimator, recorded
from wgflow.runs.flow import attach_functional, record_flow
from wgflow.runs.memory import check_memory
from wgflow.system.paths import kind_of
from wgflow.trajectory import FileRecorder, Trajectory, check_output, is_locked, read_trajectory
from wgflow.trajectory.checkpoint import at_last_output, read_checkpoint
from wgflow.trajectory.reader import DAMAGE, reason
from wgflow.trajectory.schema import SCHEMA_VERSION
from wgflow.typing import FloatArray

ProblemSource = str | Path | Mapping[str, Any]


def open_problem(source: ProblemSource, settings: Iterable[str] = (), *, force: bool = False) -> Problem:
    """Read and check a problem.

    Parameters
    ----------
    source : path or mapping
        A TOML file (or the name of one that ships with wgflow), or a dictionary of the same shape.
    settings : iterable of str
        Changes of the form ``section.key=value``.
    force : bool
        Whether to open a problem whose run needs more memory than is free.

    Raises
    ------
    InputError
        With the key, the value and what is allowed; or with the memory that is needed, and what takes most of it.
    """
    if isinstance(source, Mapping):
        sections, folder, origin = source, Path.cwd(), "problem"
    else:
        path = find_problem_file(Path(source))
        sections, folder, origin = read_toml(path), path.parent, str(path)
    config = parse_sections(apply_settings(sections, settings), origin)
    try:
        return build_problem(config, folder, force=force)
    except InputError as error:
        raise type(error)(f"{origin}: {error}") from None


def run(
    problem: ProblemSource | Problem,
    output: str | Path | None = None,
    resume: bool = False,
    *,
    overwrite: bool = False,
    estimate: bool = False,
    force: bool = False,
    observers: Observers | None = None,
    since: float | None = None,
) -> Trajectory:
    """Run a problem.

    Parameters
    ----------
    problem : path, mapping or Problem
        A TOML file, a dictionary of the same shape, or what `open_problem` returned.
    output : path, optional
        File to write the trajectory to; in memory by default.
    resume : bool
        Whether to continue the run in ``output`` from its last snapshot.
    overwrite : bool
        Whether an existing output may be replaced.
    estimate : bool
        Run on half and a quarter of the cells or particles first, and estimate errors, see `Trajectory.errors`. A run
        with estimates is resumed with them; nothing else of it depends on them.
    force : bool
        Whether to run what needs more memory than is free, by an estimate that is made before any work.
    observers : Observers, optional
        Called after steps and snapshots.
    since : float, optional
        Reading of `time.perf_counter` from which ``solver.wall_time`` counts; the call by default.

    Returns
    -------
    Trajectory

    Raises
    ------
    InputError
        If the problem or the output is not allowed, or memory is short; nothing is computed or written then.
    ComputationError
        If a step or a write failed; the snapshots before it are kept.
    KeyboardInterrupt
        After Ctrl-C, once the file is closed; ``resume`` continues it.

    Examples
    --------
    >>> import wgflow
    >>> flow = wgflow.run({
    ...     "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
    ...     "domain": {"kind": "circle", "cells": 64},
    ...     "solver": {"t_end": 1.0},
    ... })
    >>> flow.risk.shape
    (101,)
    """
    since = clock.perf_counter() if since is None else since
    if not isinstance(problem, Problem):
        problem = open_problem(problem, force=force)
    problem = problem.forced(force=force)
    if resume:
        if output is None:
            raise InputError("resume needs output, the trajectory file to continue")
        return resume_run(problem, Path(output), observers, estimate=estimate, since=since)
    path = None if output is None else Path(output)
    if path is not None:
        check_output(path, overwrite=overwrite)
    check_memory(problem.memory(in_memory=path is None, estimate=estimate), force=problem.force, built=True)
    plan = plan_estimate(problem) if estimate else None
    evolution = problem.make_evolution()
    _tell_begin(observers)
    return record_flow(
        evolution,
        problem.times,
        functional=problem.functional,
        course=problem.course,
        sign=getattr(evolution, "signs", None),
        output=path,
        overwrite=overwrite,
        durable=problem.config.output.durable,
        attributes=_attributes(problem),
        data=problem.data_arrays(),
        limits=replace(problem.limits, since=since),
        observers=observers,
        plan=plan,
    )


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
    last = trajectory.scheduled - 1
    state = _state_at(trajectory, last)
    remaining = problem.times[problem.times > state.time]
    if trajectory.domain is not None:
        problem = replace(problem, domain=trajectory.domain)  # it may have grown
    goes_on = remaining.size > 0 and not _is_stationary(trajectory, problem, stored)
    if goes_on:
        check_memory(problem.memory(estimate=bool(trajectory.errors)), force=problem.force, built=True)
    _tell_begin(observers)
    if goes_on:
        limits = replace(problem.limits, since=since)
        evolution, checkpoint = _undamaged_evolution(problem, path, trajectory[: last + 1], remaining)
        estimator = _estimator_of(problem, trajectory[: last + 1], limits)
        recorder = FileRecorder.reopen(
            path,
            _attributes(problem),
            count=last + 1,
            time=evolution.time,
            checkpoint=checkpoint,
            durable=problem.config.output.durable,
        )
        if checkpoint is None and state.time > 0.0 and int(trajectory.attributes["schema_version"]) < SCHEMA_VERSION:
            _warn_of_new_control(path, state.time)
        evolve_on(
            problem.course,
            evolution,
            remaining,
            recorded(recorder, estimator, trajectory[: last + 1]),
            limits=limits,
            observers=observers,
            record_start=False,
            within=checkpoint is not None and float(checkpoint["end"]) > evolution.time,
        )
    elif remaining.size == 0 and trajectory.status != COMPLETE:  # killed between its last snapshot and its end
        recorder = FileRecorder.reopen(path, _attributes(problem), count=last + 1, time=state.time)
        recorder.finish({"status": COMPLETE, "stop_reason": "t_end", **dict.fromkeys(ACCUMULATED, 0)})
    return load(path)


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


def _tell_begin(observers: Observers | None) -> None:
    for tell in () if observers is None else observers.begin:
        tell()


def _estimator_of(problem: Problem, earlier: Trajectory, limits: Limits) -> Estimator | None:
    """Repeat the coarse runs of a run with estimates, at the output times that it had and has."""
    if not earlier.errors:
        return None
    times = np.union1d(earlier.time[1:], problem.times)
    return prepare_estimator(plan_estimate(problem), times, limits, earlier.sign)


def _state_at(trajectory: Trajectory, index: int) -> State:
    return State(float(trajectory.time[index]), {name: values[index] for name, values in trajectory.fields.items()})


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
    evolution = problem.make_evolution(State(float(checkpoint["time"]), checkpoint))
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
        stacklevel=3,
    )


def _is_stationary(trajectory: Trajectory, problem: Problem, stored: ProblemFile) -> bool:
    """Whether the run ended because it was stationary, by the tolerance that still holds."""
    ended = trajectory.attributes.get("stop_reason") == "stationary"
    return ended and stored.solver.stationarity == problem.config.solver.stationarity


def load(path: str | Path, functional: Functional | None = None) -> Trajectory:
    """Read a trajectory file.

    Parameters
    ----------
    path : path
        A file that `run`, `wgflow.solve` or `wgflow.simulate` wrote.
    functional : Functional, optional
        F, for files that no problem file describes; needed for ``potential``.

    Raises
    ------
    InputError
        If the file is not a readable trajectory.
    """
    trajectory, arrays = read_trajectory(Path(path))
    if functional is None and "problem" in trajectory.attributes:
        functional = _restore(trajectory, arrays, Path(path)).functional
    return attach_functional(trajectory, functional)


def follow(path: str | Path, poll: float = 0.5) -> Iterator[tuple[Trajectory, int]]:
    """Follow a run of another process while it writes its trajectory.

    Parameters
    ----------
    path : path
        Its file, which must exist.
    poll : float
        Seconds between two looks at it.

    Yields
    ------
    trajectory, index : Trajectory, int
        The trajectory so far and the number of a snapshot, each snapshot once; ends when the run has ended.

    Raises
    ------
    InputError
        If the file is not a readable trajectory.

    Examples
    --------
    >>> for flow, index in wgflow.follow("teacher.h5"):  # doctest: +SKIP
    ...     print(flow.time[index], flow.risk[index])
    """
    seen = 0
    while True:
        trajectory = load(path)
        for index in range(seen, len(trajectory.time)):
            yield trajectory, index
        seen = len(trajectory.time)
        if trajectory.status != RUNNING:
            return
        clock.sleep(poll)


def load_problem(path: str | Path) -> Problem:
    """Rebuild the problem, data included, from a trajectory file; raises InputError if it holds none."""
    trajectory, arrays = read_trajectory(Path(path))
    return _restore(trajectory, arrays, Path(path))


def _restore(trajectory: Trajectory, arrays: Mapping[str, FloatArray], path: Path) -> Problem:
    config = stored_config(trajectory, path)
    try:
        problem = assemble(config, restore_dataset(config, arrays), samples=restore_samples(arrays))
    except InputError as error:
        raise InputError(f"{path} holds a problem that is not allowed: {error}") from None
    except DAMAGE as error:
        raise InputError(f"{path} holds a problem that its data do not fit ({reason(error)})") from None
    check_fit(problem, trajectory, path)
    return problem


def _attributes(problem: Problem) -> dict[str, Any]:
    return {
        "problem": problem.text,
        "solver": problem.solver,
        "reaction": problem.reaction,
        "seed": problem.config.initial.seed,
    }
