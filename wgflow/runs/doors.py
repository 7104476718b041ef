"""What the doors of this room share: a run of objects from Python begins, or goes on in its file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.slab import shared_by, slab_of, whole_of
from wgflow.errors import InputError
from wgflow.flows import Evolution, FlowState, Snapshot
from wgflow.flows.growth import RunSetup
from wgflow.functionals import Functional
from wgflow.runs.arguments import RunOptions
from wgflow.runs.estimates import EstimatePlan
from wgflow.runs.progress import shown_progress
from wgflow.runs.record import attach_functional, record_flow
from wgflow.runs.resuming import check_estimates, go_on, read_run
from wgflow.runs.shared_fields import part_at
from wgflow.text import shown
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

OPTIONS = "options"  # the attribute that holds the arguments of a door
CLOSE = 1e-9  # of the start of the same run, which another machine may have computed

AtState = Callable[[Domain, FlowState], Evolution]
"""Prepares the solver of a run at the state of one of its snapshots, on the domain that it has there."""


def moved(state: FlowState | None) -> dict[str, Any]:
    """Where the particles of a state have moved, as solvers of particles take it."""
    if state is None:
        return {}
    return {"points": state.fields.get("position"), "growth": state.fields.get("growth"), "time": state.time}


def begin_or_resume(
    start: Callable[[], Evolution],
    times: FloatArray,
    at_state: AtState,
    *,
    options: Mapping[str, Any],
    functional: Functional,
    run_setup: RunSetup,
    run_options: RunOptions,
    plan: EstimatePlan | None = None,
) -> Trajectory:
    """Run a solver from the start, or go on with its run in a file.

    Parameters
    ----------
    start : callable
        Prepares the solver, at time 0.
    times : array
        Output times after 0.
    at_state : callable
        Prepares it elsewhere.
    options : mapping
        Arguments that a run which goes on must have again; they are kept in the file. They are looked at once ``start``
        has found nothing wrong.
    functional, run_setup, plan
        See `wgflow.runs.record.record_flow`.
    run_options : RunOptions
        What the caller of the door asked for.

    Raises
    ------
    InputError
        If there is no such file, or it holds another run.
    """
    file = run_options.file
    watched: dict[str, Any] = {"limits": run_options.limits, "observers": run_options.observers}
    watched |= {"progress": run_options.progress, "plan": plan}
    with shown_progress(run_options.progress):
        evolution = start()
        described = {OPTIONS: json.dumps({name: _plain(value) for name, value in options.items()})}
        if not file.resume:
            sign = getattr(evolution, "signs", None)
            known: dict[str, Any] = {"functional": functional, "sign": sign, "file": file, "attributes": described}
            return record_flow(evolution, times, run_setup=run_setup, **known, **watched)
        if file.path is None:
            raise InputError("resume needs output, the trajectory file to continue")
        path = Path(file.path)
        trajectory, _ = read_run(path)
        _check_same_run(trajectory, evolution.snapshot(), run_setup, described, path)
        _check_estimates(trajectory, path, wanted=plan is not None)
        setup = replace(run_setup, domain=_shared_like(run_setup.domain, trajectory.domain))  # it may have grown

        def make(state: FlowState | None) -> Evolution:
            return evolution if state is None or setup.domain is None else at_state(setup.domain, state)

        def attach(found: Trajectory) -> Trajectory:
            return attach_functional(found, functional)

        known = {"attach": attach, "run_setup": setup, "attributes": described, "durable": file.durable}
        return attach(go_on(path, trajectory, times, make, **known, **watched))


def _shared_like(given: Domain | None, domain: Domain | None) -> Domain | None:
    """The part of a domain that this rank has, where it has a part of a given one."""
    slab = None if given is None else slab_of(given)
    return domain if domain is None or slab is None else shared_by(domain, slab.communicator, slab.ghosts)


def _plain(value: Any) -> Any:
    """An argument as JSON holds it; of objects the text that shows them."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


def _check_estimates(trajectory: Trajectory, path: Path, *, wanted: bool) -> None:
    check_estimates(trajectory, path, wanted=wanted)
    if trajectory.errors and not wanted:
        raise InputError(f"{path} holds a run with estimates; resume it with estimate=True, as it began")


def _check_same_run(
    trajectory: Trajectory, start: Snapshot, run_setup: RunSetup, described: Mapping[str, str], path: Path
) -> None:
    """Raise InputError unless a file holds a run of the same solver from the same start."""
    if "problem" in trajectory.attributes:
        raise InputError(
            f"{path} is the run of a problem file; wgflow.run(problem, {str(path)!r}, resume=True) continues it"
        )
    if OPTIONS in trajectory.attributes:
        _check_same_options(trajectory.attributes[OPTIONS], described[OPTIONS], path)
    grows = run_setup.walls is not None and run_setup.walls.grow
    domain = run_setup.domain
    stored = {name: part_at(domain, values, 0) for name, values in trajectory.fields.items()}
    names = [name for name in start.fields if not grows]
    same = grows or trajectory.domain == (None if domain is None else whole_of(domain))
    same = same and all(_is_close(stored.get(name), start.fields[name]) for name in names)
    if not (same and _is_close(trajectory.energy[0], start.energy) and _is_close(trajectory.mass[0], start.mass)):
        raise InputError(
            f"{path} holds another run: its start, its functional or its domain {shown(trajectory.domain)} is another "
            "one; resume with the same arguments, or choose another output"
        )


def _is_close(found: Any, wanted: Any) -> bool:
    """Whether numbers or arrays are the same, but for round-off of another machine."""
    scale = CLOSE * float(np.max(np.abs(wanted), initial=0.0))
    return np.shape(found) == np.shape(wanted) and bool(
        np.allclose(found, wanted, rtol=CLOSE, atol=scale, equal_nan=True)
    )


def _check_same_options(stored: Any, wanted: str, path: Path) -> None:
    """Raise InputError where an argument is another one than a run began with; the difference is shown."""
    try:
        found = dict(json.loads(stored))
    except (TypeError, ValueError):
        raise InputError(f"{path} cannot be continued: its attribute {OPTIONS} is damaged") from None
    given = json.loads(wanted)
    for name in sorted(found.keys() | given.keys()):
        if found.get(name) != given.get(name):
            raise InputError(
                f"{path} holds another run: {name} = {shown(found.get(name))} there, {shown(given.get(name))} here; "
                "resume with the same arguments, or choose another output"
            )
