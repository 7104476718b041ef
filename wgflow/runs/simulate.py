"""Flows of particles from Python."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from numpy.typing import ArrayLike

from wgflow.domains import Domain
from wgflow.flows import Evolution, FlowState
from wgflow.flows.growth import RunSetup
from wgflow.flows.loop import Limits, Observers
from wgflow.flows.stopping import Until
from wgflow.flows.walls import NEVER, WallRule
from wgflow.functionals import Functional
from wgflow.measures import Particles
from wgflow.measures.placement import check_placement, known_domain
from wgflow.particles import PARTICLE_TOLERANCE, Adaptive, Method, suitable_langevin
from wgflow.particles.particle_flow import make_particle_flow
from wgflow.runs.doors import begin_or_resume, moved
from wgflow.runs.estimates import plan_particles
from wgflow.runs.memory import check_memory
from wgflow.runs.memory.functionals import KeptOutputs, estimate_simulate
from wgflow.runs.record import RunFile, check_functional, check_times
from wgflow.trajectory import Trajectory


def simulate(
    functional: Functional,
    particles0: Particles,
    t_end: float,
    *,
    domain: Domain | None = None,
    transport: float = 1.0,
    reaction: float | None = None,
    tolerance: float = PARTICLE_TOLERANCE,
    method: Method | None = None,
    input_rate: float = 1.0,
    times: ArrayLike | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    durable: bool = False,
    resume: bool = False,
    stationarity: float | None = None,
    wall_time: float | None = None,
    wall_limit: float = NEVER,
    wall_warning: float = NEVER,
    estimate: bool | Callable[[int], Particles] = False,
    force: bool = False,
    observers: Observers | None = None,
    until: Until | None = None,
    progress: bool = False,
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
        Local error of the default method, `Adaptive`, in [1e-13, 0.1], by default 1e-6.
    method : Adaptive, RungeKutta4, Descent or Langevin, optional
        How the particles advance in time; ``Descent(step)`` is gradient descent, ``Descent(step, batch)`` SGD. Where F
        has an entropy, ``Langevin(step)``, by default with a step for the drift at the start (``suitable_langevin``).
    input_rate : float
        Rate of the input weights over that of the output weight, for pairs (a, b) on boxes and in space.
    times, output, overwrite, durable, resume, stationarity, wall_time, wall_limit, wall_warning, force, observers
        As in `solve`, like ``until`` and ``progress``; at a wall are the particles in its cells, and those beyond it.
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

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Particles, Quadratic, Space, simulate
    >>> start = Particles(np.array([[1.0, 0.5], [-0.5, 1.0]]), np.full(2, 0.5), np.ones(2))
    >>> trajectory = simulate(Quadratic(np.eye(2)), start, 1.0, domain=Space(2), until=lambda state: state.risk < 0.5)
    >>> trajectory.position.shape[1:], trajectory.attributes["stop_reason"]
    ((2, 2), 'until')
    """
    since = clock.perf_counter()
    check_functional(functional)
    lives = known_domain(particles0, domain)
    check_placement(particles0, lives)
    outputs, start = check_times(times, t_end), replace(particles0, domain=lives)
    kept = KeptOutputs(outputs.size + 1, output is None, bool(estimate))
    check_memory(estimate_simulate(functional, start, method, kept), force=force)
    if method is None and functional.temperature > 0.0:
        method = suitable_langevin(functional, start, t_end, transport)
    method = Adaptive(tolerance) if method is None else method

    factor = lives.reaction if reaction is None else reaction
    options = {"transport": transport, "reaction": factor, "input_rate": input_rate}

    def evolve(particles: Particles, method: Method, state: FlowState | None = None) -> Evolution:
        return make_particle_flow(functional, particles, lives, method=method, **options, **moved(state))

    return begin_or_resume(
        evolve(start, method),
        outputs,
        lambda _, state: evolve(start, method, state),
        options={**options, "method": method},
        plan=plan_particles(start, lives, method, estimate, evolve) if estimate else None,
        functional=functional,
        run_setup=RunSetup(lives, WallRule(wall_limit, wall_warning)),
        sign=start.signs,
        file=RunFile(output, overwrite, durable, resume),
        limits=Limits(stationarity, wall_time, since=since, until=until),
        observers=observers,
        progress=progress,
    )
