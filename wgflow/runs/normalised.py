"""Flows of a mass that grows without end from Python, in normalised form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from numpy.typing import ArrayLike

from wgflow.domains import Domain
from wgflow.flows import Evolution, FlowState
from wgflow.flows.growth import RunSetup
from wgflow.functionals import Functional
from wgflow.normalised.normalised_flow import NormalisedFlow
from wgflow.runs.arguments import RunArguments, RunOptions, shares_run_arguments
from wgflow.runs.doors import begin_or_resume
from wgflow.runs.memory import check_memory
from wgflow.runs.memory.functionals import estimate_solve
from wgflow.runs.record import check_arguments, density_on
from wgflow.system.launchers import ONE_RANK, refuse_ranks
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray


@shares_run_arguments
def solve_normalised(
    functional: Functional,
    domain: Domain,
    density0: ArrayLike | Callable[[FloatArray], FloatArray],
    t_end: float,
    *,
    transport: float = 1.0,
    reaction: float | None = None,
    tau: float = 1.0,
    growth: float = 0.05,
    order: int = 2,
    log_mass: float = 0.0,
    **run: Unpack[RunArguments],
) -> Trajectory:
    r"""Follow a classifier whose measure grows without end: its normalised measure, and the logarithm of its mass.

    Parameters
    ----------
    functional : Features
        Features with labels and the loss "softmin" or "logistic".
    domain : Domain
        Grid, signed for networks with output weights of both signs.
    density0 : array of shape ``domain.shape``, or callable
        Density at time 0, of any mass; a callable gets the cell centres, shape ``(*shape, p)``.
    t_end : float
        Last time, in the rescaled time :math:`\tau` of `wgflow.NormalisedFlow`.
    transport : float
        The factor alpha.
    reaction : float, optional
        The factor beta, positive; by default the domain's own.
    tau, growth : float
        Steps grow with time to ``tau + growth time``.
    order : int
        Order in space of transport by short steps, 1 or 2.
    log_mass : float
        Logarithm of a factor of ``density0``, which numbers may not hold.
    times, output, overwrite, durable, resume
        As in `wgflow.solve`.
    stationarity, wall_time, wall_limit, wall_warning, force, observers, until, progress
        As in `wgflow.solve`.

    Returns
    -------
    Trajectory
        Its ``labels`` say what its outputs are: ``energy`` and ``risk`` are minus the smoothed margin. ``fields`` has
        ``log_mass``, ``margin``, ``scaled_log_time`` and ``multipliers``.

    Raises
    ------
    InputError
        If an argument is not allowed, or memory is short; nothing is computed or written then.
    ComputationError
        If a step is not found.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, Features, Relu, Signed, solve_normalised
    >>> points, labels = np.array([[1.0, 0.5], [0.2, -1.0]]), np.array([1.0, -1.0])
    >>> risk = Features(Relu(points), labels, loss="softmin")
    >>> trajectory = solve_normalised(risk, Signed(Circle(64)), lambda x: np.ones(x.shape[:-1]), 10.0)
    >>> bool(trajectory.fields["margin"][-1] > 0.0)
    True

    References
    ----------
    Bach and Chizat (2022), Section 5; Chizat and Bach (2020), Section 4.
    """
    refuse_ranks("solve_normalised", ONE_RANK)
    run_options = RunOptions(**run)
    check_arguments(functional, domain)
    outputs = run_options.outputs(t_end)
    kept = run_options.kept(outputs)
    check_memory(estimate_solve(functional, domain, "normalised", order=2, kept=kept), force=run_options.force)
    density, factors = density_on(domain, density0), {"transport": transport, "reaction": reaction}
    options: dict[str, Any] = {**factors, "tau": tau, "growth": growth, "order": order, "log_mass": log_mass}

    def at_state(_: Domain, state: FlowState) -> Evolution:
        evolution = NormalisedFlow(functional, domain, density, **options)
        evolution.go_on(state.time, state.fields)
        return evolution

    return begin_or_resume(
        lambda: NormalisedFlow(functional, domain, density, **options),
        outputs,
        at_state,
        options=options,
        functional=functional,
        run_setup=RunSetup(domain, run_options.walls()),
        run_options=run_options,
    )
