"""Flows from Python: `solve` on grids and `simulate` with particles."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.finite_volume import IMPLICIT_METHODS, default_tolerance, make_finite_volume
from wgflow.flows import Evolution
from wgflow.flows.growth import Course, evolve_on
from wgflow.flows.loop import Limits, Observers
from wgflow.flows.walls import WallRule
from wgflow.functionals import Functional
from wgflow.measures import Particles
from wgflow.measures.placement import check_placement, known_domain
from wgflow.particles import Adaptive, Method, suitable_langevin
from wgflow.particles.flows import make_particle_flow
from wgflow.runs.estimates import (
    Plan,
    blank,
    check_fixed,
    coarse_start,
    coarse_tolerance,
    grid_options,
    plan_grids,
    plan_particles,
    prepare_estimator,
    recorded,
)
from wgflow.runs.memory import check_larger_box, check_memory
from wgflow.runs.memory.functionals import Keeping, estimate_simulate, estimate_solve
from wgflow.trajectory import FileRecorder, MemoryRecorder, Trajectory, check_output, read_trajectory
from wgflow.trajectory.schema import SCALARS
from wgflow.typing import FloatArray

ROUND_OFF = 4.0  # units in the last place: of multiples of a step


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
    wanted = np.unique(np.append(np.where(beyond, t_end, given), t_end))
    if not np.isfinite(wanted).all() or wanted[0] < 0.0 or wanted[-1] > t_end:
        found = f"{float(wanted[0])!r} to {float(wanted[-1])!r}"
        raise InputError(f"times must lie in [0, t_end] = [0, {float(t_end)!r}]; found {found}")
    return wanted[wanted > 0.0]


def solve(
    functional: Functional,
    domain: Domain,
    density0: ArrayLike | Callable[[FloatArray], FloatArray],
    t_end: float,
    *,
    transport: float = 1.0,
    reaction: float | None = None,
    order: int = 2,
    limiter: str | None = None,
    stepper: str = "ssprk43",
    velocity: str = "two_point",
    tolerance: float | None = None,
    times: ArrayLike | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    durable: bool = False,
    stationarity: float | None = None,
    wall_time: float | None = None,
    wall_limit: float = 1.0,
    wall_warning: float = 1.0,
    grow: bool = False,
    estimate: bool = False,
    force: bool = False,
    observers: Observers | None = None,
) -> Trajectory:
    r"""Solve :math:`\partial_t \mu = \alpha\,\mathrm{div}(\mu \nabla J) - \beta J \mu` by finite volumes.

    Parameters
    ----------
    functional : Functional
        The functional F whose first variation is J; functionals add with ``+``.
    domain : Domain
        Where the measure lives, e.g. ``Signed(Circle(1024))``.
    density0 : array of shape ``domain.shape``, or callable
        Density at time 0; a callable gets the cell centres, shape ``(*shape, p)``.
    t_end : float
        Last time.
    transport : float
        The factor alpha.
    reaction : float, optional
        The factor beta; by default the domain's own (4 on the circle, 2 on the signed circle).
    order, limiter, stepper, velocity
        See `wgflow.finite_volume.ExplicitFiniteVolume`. The steppers "backward_euler" and "tr_bdf2" are implicit, for
        stiff diffusion; then the others of these do not count: see `wgflow.finite_volume.ImplicitFiniteVolume`.
    tolerance : float, optional
        Error of a step in L1, in [1e-12, 0.1]: of explicit steps relative to the change in a step, by default 1e-4; of
        implicit ones relative to the mass, by default 1e-6.
    times : array-like, optional
        Output times; 101 regular ones by default.
    output : path, optional
        File to write the trajectory to while the run goes on.
    overwrite : bool
        Whether an existing output may be replaced.
    durable : bool
        Whether to wait at each output until the disk has it, so that it survives a loss of power.
    stationarity, wall_time : float, optional
        See `Limits`; ``wall_time`` counts from the call, set-up and coarse runs included.
    wall_limit, wall_warning : float
        Stop, or warn, when the cells at a wall of a box hold a larger share of the mass; 1 never does.
    grow : bool
        Enlarge the box by whole cells where it would warn; the densities of all outputs then have the last shape.
    estimate : bool
        Run on half and a quarter of the cells along each axis first, and estimate errors from the differences, see
        `Trajectory.errors`. Not with ``grow``.
    force : bool
        Whether to compute what needs more memory than is free, by an estimate that is made before any work.
    observers : Observers, optional
        Called after steps and snapshots.

    Returns
    -------
    Trajectory

    Raises
    ------
    InputError
        If an argument is not allowed, or memory is short; nothing is computed or written then.
    ComputationError
        If a step failed, or a box grows beyond the memory.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, Quadratic, solve
    >>> flow = solve(Quadratic(np.diag([1.0, 0.5])), Circle(64), lambda x: np.ones(x.shape[:-1]), 1.0)
    >>> flow.density.shape
    (101, 64)
    """
    since = clock.perf_counter()
    if grow:
        check_fixed(estimate=estimate)
    outputs, kind = check_times(times, t_end), "implicit" if stepper in IMPLICIT_METHODS else "explicit"
    keeps = Keeping(outputs.size + 1, output is None, estimate)
    memory = partial(estimate_solve, functional, method=kind, order=order, keeps=keeps)
    check_memory(memory(domain), force=force)
    density = _density_on(domain, density0)
    options: dict[str, Any] = {"transport": transport, "reaction": reaction, "order": order, "limiter": limiter}
    options |= {"stepper": stepper, "velocity": velocity}
    accuracy = default_tolerance(stepper) if tolerance is None else tolerance

    def start(domain: Domain, time: float, density: FloatArray, tolerance: float) -> Evolution:
        return make_finite_volume(functional, domain, density, time=time, tolerance=tolerance, **options)

    def restart(domain: Domain, time: float, density: FloatArray) -> Evolution:
        return start(domain, time, density, accuracy)

    rule, pointwise = WallRule(wall_limit, wall_warning, grow), order > 2 and stepper not in IMPLICIT_METHODS

    def coarse(smaller: Domain, factor: int) -> tuple[Evolution, Course]:
        initial = coarse_start(density0, density, domain, smaller, pointwise=pointwise)
        return start(smaller, 0.0, initial, coarse_tolerance(stepper, accuracy, factor)), Course(smaller, rule)

    return record_flow(
        restart(domain, 0.0, density),
        outputs,
        functional=functional,
        course=Course(
            domain, rule, restart, lambda larger: check_larger_box(memory(larger), larger.shape, force=force)
        ),
        plan=plan_grids(domain, coarse, **grid_options(stepper, order, functional, domain)) if estimate else None,
        output=None if output is None else Path(output),
        overwrite=overwrite,
        durable=durable,
        limits=Limits(stationarity, wall_time, since=since),
        observers=observers,
    )


def _density_on(domain: Domain, density: ArrayLike | Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Density at the cell centres; raises InputError unless it is one of real numbers."""
    values = np.asarray(density(domain.points) if callable(density) else density)
    if values.dtype.kind not in "fiub":
        raise InputError(f"the initial density has the type {values.dtype}; allowed are real numbers")
    return values.astype(np.float64, copy=False)


def simulate(
    functional: Functional,
    particles0: Particles,
    t_end: float,
    *,
    domain: Domain | None = None,
    transport: float = 1.0,
    reaction: float | None = None,
    tolerance: float = 1e-8,
    method: Method | None = None,
    input_rate: float = 1.0,
    times: ArrayLike | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    durable: bool = False,
    stationarity: float | None = None,
    wall_time: float | None = None,
    wall_limit: float = 1.0,
    wall_warning: float = 1.0,
    estimate: bool | Callable[[int], Particles] = False,
    force: bool = False,
    observers: Observers | None = None,
) -> Trajectory:
    """Follow the same flow with particles: in R^p on boxes and in space, else in polar form.

    Parameters
    ----------
    functional : Functional
        The functional F.
    particles0 : Particles
        Start: points on the domain, unit vectors on circle and spheres; weights and signs.
    t_end : float
        Last time.
    domain : Domain, optional
        The domain that the particles live on; by default the one that they remember, as drawn particles do. It gives
        ``reaction`` and is stored with the trajectory.
    transport : float
        The factor alpha.
    reaction : float, optional
        The factor beta; by default the domain's own.
    tolerance : float
        Local error of the default method, `Adaptive`, in [1e-13, 0.1].
    method : Adaptive, RungeKutta4, Descent or Langevin, optional
        How the particles advance in time; ``Descent(step)`` is gradient descent, ``Descent(step, batch)`` SGD. Where F
        has an entropy, ``Langevin(step)``, by default with a step for the drift at the start (`suitable_langevin`).
    input_rate : float
        Rate of the input weights over that of the output weight, for pairs (a, b) on boxes and in space.
    times, output, overwrite, durable, stationarity, wall_time, wall_limit, wall_warning, force, observers
        As in `solve`; at a wall are the particles in its cells, and those beyond it.
    estimate : bool or callable
        Estimate errors from runs with fewer particles, see `Trajectory.errors`. True takes particles whose gaps on a
        circle or line hardly differ for evenly spread, and merges neighbours; others for a random draw, of which it
        runs eight batches. A callable draws fewer particles that are spread in the same way, from their number.

    Returns
    -------
    Trajectory

    Raises
    ------
    InputError
        If no domain is known, a particle is not on it, an argument is not allowed, or memory is short; nothing is
        computed or written then.
    ComputationError
        If the integrator failed.
    """
    since = clock.perf_counter()
    lives = known_domain(particles0, domain)
    check_placement(particles0, lives)
    outputs, start = check_times(times, t_end), replace(particles0, domain=lives)
    keeps = Keeping(outputs.size + 1, output is None, bool(estimate))
    check_memory(estimate_simulate(functional, start, method, keeps), force=force)
    if method is None and functional.temperature > 0.0:
        method = suitable_langevin(functional, start, t_end, transport)
    method = Adaptive(tolerance) if method is None else method

    def evolve(particles: Particles, method: Method) -> Evolution:
        return make_particle_flow(
            functional,
            particles,
            lives,
            transport=transport,
            reaction=lives.reaction if reaction is None else reaction,
            method=method,
            input_rate=input_rate,
        )

    return record_flow(
        evolve(start, method),
        outputs,
        plan=plan_particles(start, lives, method, estimate, evolve) if estimate else None,
        functional=functional,
        course=Course(lives, WallRule(wall_limit, wall_warning)),
        sign=start.signs,
        output=None if output is None else Path(output),
        overwrite=overwrite,
        durable=durable,
        limits=Limits(stationarity, wall_time, since=since),
        observers=observers,
    )


def record_flow(
    evolution: Evolution,
    times: FloatArray,
    *,
    functional: Functional,
    course: Course,
    sign: FloatArray | None = None,
    output: Path | None = None,
    overwrite: bool = False,
    durable: bool = False,
    attributes: Mapping[str, Any] | None = None,
    data: Mapping[str, FloatArray] | None = None,
    limits: Limits | None = None,
    observers: Observers | None = None,
    plan: Plan | None = None,
) -> Trajectory:
    """Run a prepared solver, after the coarse runs of a plan; gives its trajectory, from the file if there is one."""
    if output is not None:
        check_output(output, overwrite=overwrite)
    estimator = None if plan is None else prepare_estimator(plan, times, limits or Limits(), sign)
    if output is None:
        memory = MemoryRecorder()
        recorder = recorded(memory, estimator)
        domain = evolve_on(course, evolution, times, recorder, limits=limits, observers=observers)
        return _gather(memory, functional, domain, sign, attributes or {})
    first = evolution.snapshot()
    file = FileRecorder.create(
        output,
        first if estimator is None else blank(first),
        domain=course.domain,
        sign=sign,
        attributes=attributes,
        data=data,
        overwrite=overwrite,
        durable=durable,
    )
    evolve_on(course, evolution, times, recorded(file, estimator), limits=limits, observers=observers)
    return attach_functional(read_trajectory(output)[0], functional)


def attach_functional(trajectory: Trajectory, functional: Functional | None) -> Trajectory:
    """Give a trajectory its functional."""
    return replace(trajectory, functional=functional)


def _gather(
    memory: MemoryRecorder,
    functional: Functional,
    domain: Domain | None,
    sign: FloatArray | None,
    attributes: Mapping[str, Any],
) -> Trajectory:
    snapshots = memory.snapshots
    return Trajectory(
        np.array([snapshot.time for snapshot in snapshots]),
        {name: np.array([getattr(snapshot, name) for snapshot in snapshots]) for name in SCALARS},
        {name: np.stack([s.fields[name] for s in snapshots]) for name in snapshots[0].fields},
        domain,
        sign,
        functional,
        {**attributes, **memory.attributes},
        memory.steps.columns(),
    )
