"""Flows along characteristics from Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from numpy.typing import ArrayLike

from wgflow.characteristics import NODE_TOLERANCE, CharacteristicFlow
from wgflow.domains import Domain
from wgflow.flows.growth import RunSetup
from wgflow.functionals import Functional
from wgflow.runs.arguments import RunArguments, RunOptions, shares_run_arguments
from wgflow.runs.doors import begin_or_resume, moved
from wgflow.runs.memory import check_memory
from wgflow.runs.memory.functionals import estimate_cells
from wgflow.runs.record import check_functional, density_on
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray


@shares_run_arguments
def solve_characteristics(
    functional: Functional,
    domain: Domain,
    density0: ArrayLike | Callable[[FloatArray], FloatArray],
    t_end: float,
    *,
    transport: float = 1.0,
    reaction: float | None = None,
    tolerance: float = NODE_TOLERANCE,
    **run: Unpack[RunArguments],
) -> Trajectory:
    """Carry one node per cell of a circle along the flow, and the density with it.

    Parameters
    ----------
    functional : Functional
        The functional F.
    domain : Domain
        Circle or signed circle; its cells give the nodes.
    density0 : array of shape ``domain.shape``, or callable
        Density at time 0; a callable gets the cell centres, shape ``(*shape, 2)``.
    t_end : float
        Last time.
    transport : float
        The factor alpha.
    reaction : float, optional
        The factor beta; by default the domain's own.
    tolerance : float
        Local error of the integrator, in [1e-13, 0.1].
    times, output, overwrite, durable, resume
        As in `wgflow.solve`.
    stationarity, wall_time, wall_limit, wall_warning, force, observers, until, progress
        As in `wgflow.solve`.

    Returns
    -------
    Trajectory
        With the nodes, ``position`` and ``weight``, and the ``density`` at the cell centres.

    Raises
    ------
    InputError
        If an argument is not allowed, or memory is short; nothing is computed or written then.
    ComputationError
        If the integrator failed.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, Quadratic, solve_characteristics
    >>> one = lambda x: np.ones(x.shape[:-1])
    >>> trajectory = solve_characteristics(Quadratic(np.diag([1.0, 0.5])), Circle(64), one, 1.0)
    >>> trajectory.position.shape, trajectory.density.shape
    ((101, 64, 2), (101, 64))

    References
    ----------
    Bach and Chizat (2022), proof of Theorem 3.
    """
    run_options = RunOptions(**run)
    check_functional(functional)
    outputs = run_options.outputs(t_end)
    kept = run_options.kept(outputs)
    check_memory(estimate_cells(functional, domain, "adaptive", kept), force=run_options.force)
    factors = {"transport": transport, "reaction": domain.reaction if reaction is None else reaction}
    options, density = {**factors, "tolerance": tolerance}, density_on(domain, density0)
    return begin_or_resume(
        lambda: CharacteristicFlow(functional, domain, density, **options),
        outputs,
        lambda _, state: CharacteristicFlow(functional, domain, density, **options, **moved(state)),
        options=options,
        functional=functional,
        run_setup=RunSetup(domain, run_options.walls()),
        run_options=run_options,
    )
