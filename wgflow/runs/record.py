"""Carrying a prepared solver through its output times, with what all doors share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from wgflow.domains import Domain
from wgflow.domains.slab import slab_of, whole_of
from wgflow.errors import InputError
from wgflow.flows import Evolution, Snapshot
from wgflow.flows.growth import RunSetup
from wgflow.flows.labels import labels_with
from wgflow.flows.loop import Limits, Observers
from wgflow.functionals import Functional
from wgflow.functionals.checks import called
from wgflow.measures.checks import described, real_values
from wgflow.networks.kernel_attributes import kernel_attributes
from wgflow.runs import estimates
from wgflow.runs.carrying import carry_through
from wgflow.runs.shared_fields import laid_out, part_of
from wgflow.runs.sharing import shared_recorder
from wgflow.trajectory import FileRecorder, MemoryRecorder, Trajectory, check_output
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.runs.estimates import EstimatePlan, Estimator

ALIKE = 1e-9  # relative: values of a function at the same point
ROUND_OFF = 4.0  # units in the last place: of multiples of a step


@dataclass(frozen=True)
class RunFile:
    """The file that a run writes, or goes on in.

    Parameters
    ----------
    path : path or None
        The file; without one the trajectory stays in memory.
    overwrite : bool
        Whether an existing file may be replaced.
    durable : bool
        Whether to wait at each output until the disk has it.
    resume : bool
        Whether to go on with the run in the file.
    """

    path: str | Path | None = None
    overwrite: bool = False
    durable: bool = False
    resume: bool = False


MEMORY = RunFile()


def check_times(times: ArrayLike | None, t_end: float, count: int = 101) -> FloatArray:
    """Output times after 0, ending at ``t_end``.

    Parameters
    ----------
    times : array-like or None
        Wanted times in [0, t_end]; 0 and ``t_end`` join them. Those that round-off puts above ``t_end``, as in
        ``np.arange(0, 0.4, 0.1)``, stand for it. None for ``count`` regular ones.
    t_end : float
        Last time, positive.
    count : int
        Number of regular times, 0 and ``t_end`` included.

    Raises
    ------
    InputError
        If a time is not finite or lies outside.
    """
    if not isinstance(t_end, int | float | np.number) or not (math.isfinite(t_end) and t_end > 0.0):
        raise InputError(f"t_end = {t_end!r} is not allowed; give a positive number")
    if times is None:
        return np.linspace(0.0, t_end, count)[1:]
    given = np.asarray(times, dtype=np.float64).ravel()
    beyond = (given > t_end) & (given - t_end <= ROUND_OFF * np.spacing(t_end))
    wanted = np.array(sorted({*np.where(beyond, t_end, given).tolist(), float(t_end)}))
    if not np.isfinite(wanted).all() or wanted[0] < 0.0 or wanted[-1] > t_end:
        found = " to ".join(dict.fromkeys(repr(float(end)) for end in (given.min(), given.max())))
        raise InputError(f"times must lie in [0, t_end] = [0, {float(t_end)!r}]; found {found}")
    return wanted[wanted > 0.0]


def density_on(domain: Domain, density: ArrayLike | Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Density at the cell centres, a part of it on several ranks; raises InputError unless it is one of numbers."""
    name, slab = "the initial density", slab_of(domain)
    if not callable(density):
        return part_of(domain, {name: real_values(name, density)})[name]
    values = real_values(name, called(name, density, domain.points, shape=domain.shape))
    if slab is not None and values.shape == domain.shape:
        row = slab.own.start
        alone = np.take(domain.points, [row], axis=domain.sheets - 1)
        again = real_values(name, called(name, density, alone, shape=alone.shape[:-1]))
        if not np.allclose(again, np.take(values, [row], axis=domain.sheets - 1), rtol=ALIKE, atol=0.0):
            raise InputError(
                f"{name} at a point depends on the other points that it is given, which on several ranks are not all: "
                "give an array, or a function of each point alone"
            )
    return values


def check_arguments(functional: object, domain: Any) -> None:
    """Raise InputError unless there are a functional, and a domain with cells, for a density to follow."""
    check_functional(functional)
    base = getattr(domain, "base", None)
    if base is None or not hasattr(base, "has_cells"):
        raise InputError(f"domain = {described(domain)} is no domain; give one, e.g. Box([(0.0, 1.0)], 64)")
    if not base.has_cells:
        raise InputError(
            f"domain = {domain!r} has no cells for a density; give a domain that has, such as a Box, or follow "
            "particles there with simulate"
        )


def check_functional(functional: object) -> None:
    """Raise InputError unless something is a functional."""
    if not isinstance(functional, Functional):
        hint = ", e.g. Potential(V) of a function V" if callable(functional) else ", e.g. Potential(V)"
        raise InputError(f"functional = {described(functional)} is no functional; give one{hint}")


def record_flow(
    evolution: Evolution,
    times: FloatArray,
    *,
    functional: Functional,
    run_setup: RunSetup,
    sign: FloatArray | None = None,
    file: RunFile = MEMORY,
    attributes: Mapping[str, Any] | None = None,
    data: Mapping[str, FloatArray] | None = None,
    limits: Limits | None = None,
    observers: Observers | None = None,
    plan: EstimatePlan | None = None,
    progress: bool = False,
) -> Trajectory:
    """Run a prepared solver, after the coarse runs of a plan; the fields of its trajectory stay in the file, if any.

    Parameters
    ----------
    evolution : Evolution
        The solver, at time 0.
    times : array
        Output times after 0.
    functional : Functional
        The functional F.
    run_setup : RunSetup
        Where the flow lives, and what it does at the walls.
    sign : array, shape (m,), optional
        Sign of each particle.
    file : RunFile
        Where to write it.
    attributes, data
        See `wgflow.trajectory.FileRecorder.create`.
    limits, observers, progress
        See `wgflow.runs.carrying.carry_through`.
    plan : EstimatePlan, optional
        Coarse runs that estimate the errors.

    Raises
    ------
    InputError, ComputationError, KeyboardInterrupt
        As the doors of this room do.
    """
    path = None if file.path is None else Path(file.path)
    if path is not None:
        check_output(path, overwrite=file.overwrite)
        if "problem" not in (attributes or {}):
            from wgflow.trajectory.named_functionals import describe_functional  # it loads all that it has names for

            described = describe_functional(functional)
            attributes = {**(attributes or {}), **described.attributes}
            data = {**(data or {}), **described.arrays}
    attributes = {**(attributes or {}), **kernel_attributes(functional, run_setup.domain)}
    estimator = None if plan is None else estimates.prepare_estimator(plan, times, limits or Limits(), sign)
    domain = run_setup.domain
    known: dict[str, Any] = {"domain": None if domain is None else whole_of(domain), "sign": sign}
    known |= {"attributes": attributes, "labels": labels_with(evolution.labels, functional)}
    how: dict[str, Any] = {"overwrite": file.overwrite, "durable": file.durable, "data": data}

    def make() -> FileRecorder | MemoryRecorder:
        return MemoryRecorder(**known) if path is None else FileRecorder.create(path, first, **how, **known)

    first = laid_out(_with_estimates(evolution.snapshot(), estimator), domain)
    recorder = shared_recorder(make, domain, path)
    watched: dict[str, Any] = {"limits": limits, "observers": observers, "progress": progress}
    keeper = recorder if estimator is None else estimates.recorded(recorder, estimator)
    carry_through(run_setup, evolution, times, keeper, **watched)
    return attach_functional(recorder.trajectory(), functional)


def _with_estimates(first: Snapshot, estimator: Estimator | None) -> Snapshot:
    """A snapshot like all that follow, with room for estimates where there will be any."""
    return first if estimator is None else estimates.with_room_for_estimates(first)


def attach_functional(trajectory: Trajectory, functional: Functional | None) -> Trajectory:
    """Give a trajectory its functional, which also tells whether what falls is a risk."""
    return replace(trajectory, functional=functional, labels=labels_with(trajectory.labels, functional))
