"""Flows by variational steps (Jordan, Kinderlehrer and Otto) from Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Unpack

from numpy.typing import ArrayLike

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.flows import Evolution, FlowState
from wgflow.flows.growth import RunSetup
from wgflow.functionals import Functional
from wgflow.measures import Particles
from wgflow.measures.placement import check_placement
from wgflow.runs.arguments import RunArguments, RunOptions, shares_run_arguments
from wgflow.runs.doors import begin_or_resume, moved
from wgflow.runs.memory import MemoryEstimate, check_memory
from wgflow.runs.memory.functionals import KeptOutputs, estimate_cells, estimate_simulate, estimate_solve
from wgflow.runs.record import check_arguments, check_functional, density_on
from wgflow.system.launchers import ONE_RANK, refuse_ranks
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray
from wgflow.variational import GridJkoFlow, JkoOptions, LinearisedJkoFlow, make_jko_flow

Start = Particles | ArrayLike | Callable[[FloatArray], FloatArray]
Scheme = Literal["dual", "linearised"]
SCHEMES = ("dual", "linearised")


@shares_run_arguments
def solve_jko(
    functional: Functional,
    domain: Domain,
    start: Start,
    t_end: float,
    *,
    tau: float,
    growth: float = 0.0,
    order: int = 1,
    scheme: Scheme = "dual",
    tolerance: float = 1e-13,
    halve: bool = True,
    adapt: bool = False,
    transport: float = 1.0,
    reaction: float | None = None,
    **run: Unpack[RunArguments],
) -> Trajectory:
    r"""Follow the flow by steps that minimise F plus the squared distance to the measure before, of any size.

    .. math:: \mu^{n+1} \in \arg\min_\mu\; F(\mu) + \frac{1}{2\tau} W^2(\mu, \mu^n)

    Parameters
    ----------
    functional : Functional
        The functional F: `Features` or its sum with `Mass` for the scheme "dual"; any for "linearised".
    domain : Domain
        Where the measure lives.
    start : Particles, array of shape ``domain.shape``, or callable
        What moves: particles, or a density at time 0; a callable gets the cell centres, shape ``(*shape, p)``.
    t_end : float
        Last time.
    tau, growth : float
        Steps grow with time t to ``tau + growth t``.
    order : int
        1 for the step itself; 2 for half a step, extrapolated ("dual" alone).
    scheme : str
        "dual" finds exact steps from their dual; a density is put back on the cells after each. "linearised" takes the
        metric at the end of a step, on the cells and for densities alone.
    tolerance : float
        Largest duality gap of a step, relative to R before it; see `JkoOptions`.
    halve, adapt : bool
        Whether steps that are not found are halved, and whether those that are found easily are doubled.
    transport : float
        The factor alpha, positive for "dual".
    reaction : float, optional
        The factor beta; by default the domain's own.
    times, output, overwrite, durable, resume
        As in `wgflow.solve`.
    stationarity, wall_time, wall_limit, wall_warning, force, observers, until, progress
        As in `wgflow.solve`.

    Returns
    -------
    Trajectory

    Raises
    ------
    InputError
        If an argument is not allowed, or memory is short; nothing is computed or written then.
    ComputationError
        If a step is not found.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, Quadratic, solve_jko
    >>> one = lambda x: np.ones(x.shape[:-1])
    >>> trajectory = solve_jko(Quadratic(np.diag([1.0, 0.5])), Circle(64), one, 1.0, tau=0.25, scheme="linearised")
    >>> bool((np.diff(trajectory.energy) <= 0.0).all())
    True

    References
    ----------
    Jordan, Kinderlehrer and Otto (1998); Cances, Gallouet and Todeschi (2020).
    """
    refuse_ranks("solve_jko", ONE_RANK)
    run_options = RunOptions(**run)
    check_functional(functional) if isinstance(start, Particles) else check_arguments(functional, domain)
    outputs = run_options.outputs(t_end)
    if scheme not in SCHEMES:
        raise InputError(f"scheme = {scheme!r} is not allowed; choose {' or '.join(map(repr, SCHEMES))}")
    options = JkoOptions(tau, growth, order, halve, tolerance, adapt=adapt)
    kept = run_options.kept(outputs)
    check_memory(_memory(functional, domain, start, scheme, kept), force=run_options.force)
    factors = {"transport": transport, "reaction": domain.reaction if reaction is None else reaction}

    def at_state(_: Domain, state: FlowState) -> Evolution:
        return _evolution(functional, domain, start, scheme, options, state, **factors)

    return begin_or_resume(
        lambda: _evolution(functional, domain, start, scheme, options, None, **factors),
        outputs,
        at_state,
        options={"scheme": scheme, "steps": options, **factors},
        functional=functional,
        run_setup=RunSetup(domain, run_options.walls()),
        run_options=run_options,
    )


def _memory(functional: Functional, domain: Domain, start: Start, scheme: Scheme, kept: KeptOutputs) -> MemoryEstimate:
    """Estimate what the steps of a scheme take."""
    if isinstance(start, Particles):
        return estimate_simulate(functional, start, "jko", kept)
    if scheme == "linearised":
        return estimate_solve(functional, domain, scheme, order=2, kept=kept)
    return estimate_cells(functional, domain, "jko", kept)


def _evolution(
    functional: Functional,
    domain: Domain,
    start: Start,
    scheme: Scheme,
    options: JkoOptions,
    state: FlowState | None,
    **factors: Any,
) -> Evolution:
    """Prepare the solver of a scheme, and of what moves, at the start or at a state."""
    if isinstance(start, Particles):
        if scheme == "linearised":
            raise InputError("linearised variational steps need a density on cells; found particles: choose 'dual'")
        check_placement(start, domain)
        return make_jko_flow(functional, start, domain, options, **factors, **moved(state))
    solver = GridJkoFlow if scheme == "dual" else LinearisedJkoFlow
    if state is not None:
        return solver(functional, domain, state.fields["density"], options=options, time=state.time, **factors)
    return solver(functional, domain, density_on(domain, start), options=options, **factors)
