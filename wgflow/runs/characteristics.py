"""Flows along characteristics from Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from numpy.typing import ArrayLike

from wgflow.characteristics import NODE_TOLERANCE, CellNodes, CharacteristicFlow, NodeRule, make_nodes
from wgflow.domains import Domain
from wgflow.flows import FlowState
from wgflow.flows.growth import RunSetup
from wgflow.functionals import Functional
from wgflow.runs.arguments import RunArguments, RunOptions, shares_run_arguments
from wgflow.runs.doors import begin_or_resume, moved
from wgflow.runs.memory import check_memory
from wgflow.runs.memory.functionals import estimate_cells
from wgflow.runs.record import check_functional
from wgflow.system.launchers import ONE_RANK, refuse_ranks
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
    nodes: str | NodeRule | None = None,
    node_count: int | None = None,
    **run: Unpack[RunArguments],
) -> Trajectory:
    """Carry quadrature nodes along the flow, and the density with them.

    Parameters
    ----------
    functional : Functional
        The functional F, with a first variation that has second derivatives: risks of features with a Hessian or a
        smooth gradient, population risks, energies of smooth potentials and interactions.
    domain : Domain
        Where the measure lives: any, signed or not.
    density0 : array of shape ``domain.shape``, or callable
        Density at time 0; a callable gets the nodes, shape (n, p), or (2, n, p) on signed domains, and gives values
        without the last axis. An array holds values at the cell centres, for nodes there.
    t_end : float
        Last time.
    transport : float
        The factor alpha.
    reaction : float, optional
        The factor beta; by default the domain's own.
    tolerance : float
        Local error of positions and log-weights, in [1e-13, 0.1].
    nodes : str or rule, optional
        Where the nodes start, by default "cells" on grids, "frames" on hyperspheres and "gauss_hermite" in space:
        "cells" (one at each cell centre), "product" (Gauss nodes on S^2), "fibonacci" (a spiral on S^2), "frames"
        (orthogonal frames and their antipodes on unit spheres of any dimension) or "gauss_hermite" (for densities like
        that of a Gaussian, in boxes and space); or a rule of ``wgflow.characteristics``.
    node_count : int, optional
        Wanted number of nodes on each sheet, for all but "cells"; 1000 by default.
    times, output, overwrite, durable, resume
        As in `wgflow.solve`.
    stationarity, wall_time, wall_limit, wall_warning, force, observers, until, progress
        As in `wgflow.solve`.

    Returns
    -------
    Trajectory
        With the nodes, ``position`` and ``weight``, the density there, ``fields["node_density"]``, the least one of
        each output, ``fields["least_density"]``, and on grids the ``density`` at the cell centres.

    Raises
    ------
    InputError
        If an argument is not allowed, F has no second derivatives, or memory is short; nothing is computed or written
        then.
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
    >>> flow = solve_characteristics(Quadratic(np.eye(5)), wgflow.Hypersphere(5), one, 1.0, node_count=40)
    >>> bool((flow.fields["least_density"] > 0.0).all())
    True

    References
    ----------
    Bach and Chizat (2022), proof of Theorem 3.
    """
    refuse_ranks("solve_characteristics", ONE_RANK)
    run_options = RunOptions(**run)
    check_functional(functional)
    outputs = run_options.outputs(t_end)
    kept, rule = run_options.kept(outputs), make_nodes(nodes, domain, node_count)
    check_memory(estimate_cells(functional, domain, "adaptive", kept), force=run_options.force)
    factors: dict[str, Any] = {"transport": transport, "reaction": domain.reaction if reaction is None else reaction}
    options, start = {**factors, "tolerance": tolerance}, density0
    described = options if isinstance(rule, CellNodes) else {**options, "nodes": rule}

    def at_state(domain: Domain, state: FlowState | None) -> CharacteristicFlow:
        places = {} if state is None else {**moved(state), "expansion": state.fields.get("expansion")}
        return CharacteristicFlow(functional, domain, start, nodes=rule, **options, **places)

    return begin_or_resume(
        lambda: at_state(domain, None),
        outputs,
        at_state,
        options=described,
        functional=functional,
        run_setup=RunSetup(domain, run_options.walls()),
        run_options=run_options,
    )
