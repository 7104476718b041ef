"""Flows of particles from Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Unpack

from wgflow.domains import Domain
from wgflow.flows import Evolution, FlowState
from wgflow.flows.growth import RunSetup
from wgflow.functionals import Functional
from wgflow.measures import Particles
from wgflow.measures.placement import check_placement, known_domain
from wgflow.particles import PARTICLE_TOLERANCE, Adaptive, Method, suitable_langevin
from wgflow.particles.particle_flow import make_particle_flow
from wgflow.runs.arguments import RunArguments, RunOptions, shares_run_arguments
from wgflow.runs.doors import begin_or_resume, moved
from wgflow.runs.estimates import plan_particles
from wgflow.runs.memory import check_memory
from wgflow.runs.memory.functionals import estimate_simulate
from wgflow.runs.record import check_functional
from wgflow.trajectory import Trajectory


@shares_run_arguments
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
    estimate: bool | Callable[[int], Particles] = False,
    **run: Unpack[RunArguments],
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
    times, output, overwrite, durable, resume
        As in `wgflow.solve`.
    stationarity, wall_time, wall_limit, wall_warning, force, observers, until, progress
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

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Particles, Quadratic, Space, simulate
    >>> start = Particles(np.array([[1.0, 0.5], [-0.5, 1.0]]), np.full(2, 0.5), np.ones(2))
    >>> trajectory = simulate(Quadratic(np.eye(2)), start, 1.0, domain=Space(2), until=lambda state: state.risk < 0.5)
    >>> trajectory.position.shape[1:], trajectory.attributes["stop_reason"]
    ((2, 2), 'until')
    """
    run_options = RunOptions(**run)
    check_functional(functional)
    lives = known_domain(particles0, domain)
    check_placement(particles0, lives)
    outputs, start = run_options.outputs(t_end), replace(particles0, domain=lives)
    kept = run_options.kept(outputs, estimate=bool(estimate))
    check_memory(estimate_simulate(functional, start, method, kept), force=run_options.force)
    if method is None and functional.temperature > 0.0:
        method = suitable_langevin(functional, start, t_end, transport)
    method = Adaptive(tolerance) if method is None else method

    factor = lives.reaction if reaction is None else reaction
    options = {"transport": transport, "reaction": factor, "input_rate": input_rate}

    def evolve(particles: Particles, method: Method, state: FlowState | None = None) -> Evolution:
        return make_particle_flow(functional, particles, lives, method=method, **options, **moved(state))

    return begin_or_resume(
        lambda: evolve(start, method),
        outputs,
        lambda _, state: evolve(start, method, state),
        options={**options, "method": method},
        plan=plan_particles(start, lives, method, estimate, evolve) if estimate else None,
        functional=functional,
        run_setup=RunSetup(lives, run_options.walls()),
        run_options=run_options,
    )
