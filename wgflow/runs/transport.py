"""Transport with a velocity from outside from Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.finite_volume.explicit import EXPLICIT_TOLERANCE
from wgflow.finite_volume.transport import HALF_SQUARE, NO_STATIONARITY, TransportFlow
from wgflow.finite_volume.velocities import GivenVelocity
from wgflow.flows import Evolution, FlowState
from wgflow.flows.growth import RunSetup
from wgflow.measures.checks import described
from wgflow.runs.arguments import RunArguments, RunOptions, shares_run_arguments
from wgflow.runs.doors import begin_or_resume
from wgflow.runs.memory import check_memory
from wgflow.runs.memory.functionals import estimate_solve
from wgflow.runs.record import check_arguments, density_on
from wgflow.system.launchers import ONE_RANK, refuse_ranks
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray


@shares_run_arguments
def solve_transport(
    velocity: GivenVelocity,
    domain: Domain,
    density0: ArrayLike | Callable[[FloatArray], FloatArray],
    t_end: float,
    *,
    order: int = 3,
    limiter: str | None = None,
    stepper: str = "ssprk43",
    tolerance: float = EXPLICIT_TOLERANCE,
    **run: Unpack[RunArguments],
) -> Trajectory:
    r"""Solve :math:`\partial_t \rho + \mathrm{div}(\rho u) = 0` on the sphere with a velocity u from outside.

    Parameters
    ----------
    velocity : Velocity or StreamFunction
        The velocity u.
    domain : Sphere
        A whole sphere.
    density0 : array of shape ``domain.shape``, or callable
        Density at time 0; a callable gets the cell centres, shape ``(*shape, p)``.
    t_end : float
        Last time.
    order, limiter
        Order in space, 1, 2 or 3, and limiter of face values; see `ExplicitFiniteVolume`. Of order 3 there is also
        "zalesak": at the end of each step fluxes are corrected so that, where the velocity has no divergence, no cell
        gets beyond the range of its own and its neighbours' densities. That keeps steep densities best, and clips
        smooth extrema, for which the default "positive" is better.
    stepper : str
        "euler", "ssprk2", "ssprk3" or "ssprk43".
    tolerance : float
        Error of a step in L1 relative to the change in it, in [1e-12, 0.1].
    times, output, overwrite, durable, resume
        As in `wgflow.solve`.
    wall_time, wall_limit, wall_warning, force, observers, until, progress
        As in `wgflow.solve`, without ``stationarity``: no energy falls.

    Returns
    -------
    Trajectory
        Its ``energy`` and ``risk`` are half the integral of the squared density, which a velocity without divergence
        keeps; ``min_potential`` is the least density.

    Raises
    ------
    InputError
        If an argument is not allowed, or memory is short; nothing is computed or written then.
    ComputationError
        If a step failed.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Sphere, StreamFunction, solve_transport
    >>> spin = StreamFunction(lambda x, t: -2.0 * np.pi * x[:, 2], steady=True)
    >>> flow = solve_transport(spin, Sphere(642), lambda x: np.exp(4.0 * x[:, 0]), 0.25, times=[0.25])
    >>> middle = flow.density[-1] * flow.domain.volumes @ flow.domain.points
    >>> bool(middle[1] > 0.99 * np.linalg.norm(middle))
    True

    References
    ----------
    Skamarock and Gassmann (2011), Mon. Wea. Rev. 139. Zalesak (1979), J. Comput. Phys. 31.
    """
    refuse_ranks("solve_transport", ONE_RANK)
    if not isinstance(velocity, GivenVelocity):
        raise InputError(f"velocity = {described(velocity)} is none; give a Velocity(u) or a StreamFunction(psi)")
    run_options = RunOptions(**run)
    if run_options.stationarity is not None:
        raise InputError(NO_STATIONARITY)
    check_arguments(HALF_SQUARE, domain)
    outputs = run_options.outputs(t_end)
    memory = estimate_solve(HALF_SQUARE, domain, "transport", order=order, kept=run_options.kept(outputs))
    check_memory(memory, force=run_options.force)
    options: dict[str, Any] = {"order": order, "limiter": limiter, "stepper": stepper, "tolerance": tolerance}

    def at_state(_: Domain, state: FlowState) -> Evolution:
        return TransportFlow(velocity, domain, state.fields["density"], time=state.time, **options)

    density, kept = density_on(domain, density0), dict(options)

    def start() -> Evolution:
        evolution = TransportFlow(velocity, domain, density, **options)
        kept["velocity"] = _told(velocity, domain)
        return evolution

    return begin_or_resume(
        start,
        outputs,
        at_state,
        options=kept,
        functional=HALF_SQUARE,
        run_setup=RunSetup(domain, run_options.walls()),
        run_options=run_options,
    )


def _told(velocity: GivenVelocity, domain: Any) -> str:
    """What tells a velocity from others: sums over the flows through all faces at the start, to six digits."""
    flows = velocity.through_faces(domain.mesh)(0.0)
    sums = np.linalg.norm(flows), np.cos(np.arange(flows.size)) @ flows
    return "flows of {:.6g} and {:.6g} at the start".format(*sums)
