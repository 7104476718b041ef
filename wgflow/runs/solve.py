"""Flows on grids from Python, by finite volumes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

from numpy.typing import ArrayLike

from wgflow.domains import Domain
from wgflow.finite_volume import STEPPERS, default_tolerance, make_finite_volume
from wgflow.flows import Evolution
from wgflow.flows.growth import RunSetup
from wgflow.functionals import Functional
from wgflow.runs.arguments import RunArguments, RunOptions, shares_run_arguments
from wgflow.runs.doors import begin_or_resume
from wgflow.runs.estimates import check_fixed, coarse_start, coarse_tolerance, grid_options, plan_grids
from wgflow.runs.memory import check_larger_box, check_memory
from wgflow.runs.memory.functionals import estimate_solve
from wgflow.runs.record import check_arguments, density_on
from wgflow.runs.sharing import needs_one_rank, share_out
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import reach_of


@shares_run_arguments
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
    grow: bool = False,
    estimate: bool = False,
    **run: Unpack[RunArguments],
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
        See `ExplicitFiniteVolume`. The steppers "backward_euler" and "tr_bdf2" are implicit, for
        stiff diffusion; then the others of these do not count: see `ImplicitFiniteVolume`.
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
    resume : bool
        Whether to go on with the run in ``output``, which must have begun with the same arguments (other outputs, and
        what stops it, may have changed): the trajectory is that of a run that was not interrupted, bit by bit.
    stationarity, wall_time : float, optional
        See `Limits`; ``wall_time`` counts from the call, set-up and coarse runs included.
    wall_limit, wall_warning : float
        Stop, or warn, when the cells at a wall of a box hold a larger share of the mass; 1, the default, never does.
    grow : bool
        Enlarge the box by whole cells where it would warn; the densities of all outputs then have the last shape.
    estimate : bool
        Run on half and a quarter of the cells along each axis first, and estimate errors from the differences, see
        `Trajectory.errors`. Not with ``grow``.
    force : bool
        Whether to compute what needs more memory than is free, by an estimate that is made before any work.
    observers : Observers, optional
        Called after steps and snapshots.
    until : callable, optional
        Stop after the first step whose state it finds True for, a `wgflow.flows.stopping.State`: its ``time``,
        ``energy``, ``risk``, ``mass``, ``min_potential``, ``measure``. The attribute ``stop_reason`` is then "until".
    progress : bool
        Whether to show how far the run is: a bar on a terminal, one line that changes in a notebook, else a few lines.

    Returns
    -------
    Trajectory

    Raises
    ------
    InputError
        If an argument is not allowed, or memory is short; nothing is computed or written then.
    ComputationError
        If a step failed, or a box grows beyond the memory.
    KeyboardInterrupt
        After Ctrl-C, in scripts. In IPython and its notebooks the trajectory so far is returned instead, with a
        warning and the status "interrupted".

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, Quadratic, solve
    >>> trajectory = solve(Quadratic(np.diag([1.0, 0.5])), Circle(64), lambda x: np.ones(x.shape[:-1]), 1.0)
    >>> trajectory.density.shape
    (101, 64)
    >>> early = solve(Quadratic(np.eye(2)), Circle(64), np.ones(64), 1.0, until=lambda state: state.mass < 5.0)
    >>> early.attributes["stop_reason"], bool(early.mass[-1] < 5.0)
    ('until', True)
    """
    run_options = RunOptions(**run)
    if grow:
        check_fixed(estimate=estimate)
    check_arguments(functional, domain)
    implicit = STEPPERS[stepper].implicit
    refused = needs_one_rank(stepper, grow=grow, estimate=estimate)
    domain = share_out(functional, domain, refused, reach_of(order))
    outputs, kind = run_options.outputs(t_end), "implicit" if implicit else "explicit"
    kept = run_options.kept(outputs, estimate=estimate)
    memory = partial(estimate_solve, functional, method=kind, order=order, kept=kept)
    check_memory(memory(domain), force=run_options.force)
    density = density_on(domain, density0)
    options: dict[str, Any] = {"transport": transport, "reaction": reaction, "order": order, "limiter": limiter}
    options |= {"stepper": stepper, "velocity": velocity}
    accuracy = default_tolerance(stepper) if tolerance is None else tolerance

    def start(domain: Domain, time: float, density: FloatArray, tolerance: float) -> Evolution:
        return make_finite_volume(functional, domain, density, time=time, tolerance=tolerance, **options)

    def restart(domain: Domain, time: float, density: FloatArray) -> Evolution:
        return start(domain, time, density, accuracy)

    rule, pointwise = run_options.walls(grow=grow), order > 2 and not implicit

    def check_larger(larger: Domain) -> None:
        check_larger_box(memory(larger), larger.shape, force=run_options.force)

    def coarse(smaller: Domain, factor: int) -> tuple[Evolution, RunSetup]:
        initial = coarse_start(density0, density, domain, smaller, pointwise=pointwise)
        return start(smaller, 0.0, initial, coarse_tolerance(stepper, accuracy, factor)), RunSetup(smaller, rule)

    return begin_or_resume(
        lambda: restart(domain, 0.0, density),
        outputs,
        lambda domain, state: restart(domain, state.time, state.fields["density"]),
        options={**options, "tolerance": accuracy},
        functional=functional,
        run_setup=RunSetup(domain, rule, restart, check_larger),
        plan=plan_grids(domain, coarse, **grid_options(stepper, order, functional, domain)) if estimate else None,
        run_options=run_options,
    )
