"""Flows along characteristics from Python."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from pathlib import Path

from numpy.typing import ArrayLike

from wgflow.characteristics import NODE_TOLERANCE, CharacteristicFlow
from wgflow.domains import Domain
from wgflow.flows.growth import RunSetup
from wgflow.flows.loop import Limits, Observers
from wgflow.flows.stopping import Until
from wgflow.functionals import Functional
from wgflow.runs.doors import begin_or_resume, moved
from wgflow.runs.memory import check_memory
from wgflow.runs.memory.functionals import KeptOutputs, estimate_cells
from wgflow.runs.record import RunFile, check_functional, check_times, density_on
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray


def solve_characteristics(
    functional: Functional,
    domain: Domain,
    density0: ArrayLike | Callable[[FloatArray], FloatArray],
    t_end: float,
    *,
    transport: float = 1.0,
    reaction: float | None = None,
    tolerance: float = NODE_TOLERANCE,
    times: ArrayLike | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    durable: bool = False,
    resume: bool = False,
    stationarity: float | None = None,
    wall_time: float | None = None,
    force: bool = False,
    observers: Observers | None = None,
    until: Until | None = None,
    progress: bool = False,
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
    times, output, overwrite, durable, resume, stationarity, wall_time, force, observers
        As in `wgflow.solve`, like ``until`` and ``progress``.

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
    since = clock.perf_counter()
    check_functional(functional)
    outputs = check_times(times, t_end)
    kept = KeptOutputs(outputs.size + 1, output is None)
    check_memory(estimate_cells(functional, domain, "adaptive", kept), force=force)
    factors = {"transport": transport, "reaction": domain.reaction if reaction is None else reaction}
    options, density = {**factors, "tolerance": tolerance}, density_on(domain, density0)
    return begin_or_resume(
        lambda: CharacteristicFlow(functional, domain, density, **options),
        outputs,
        lambda _, state: CharacteristicFlow(functional, domain, density, **options, **moved(state)),
        options=options,
        functional=functional,
        run_setup=RunSetup(domain),
        file=RunFile(output, overwrite, durable, resume),
        limits=Limits(stationarity, wall_time, since=since, until=until),
        observers=observers,
        progress=progress,
    )
