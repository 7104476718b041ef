"""Coarse runs of particles: fewer of them, and steps of twice the size where steps have a fixed one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.flows import Evolution
from wgflow.flows.growth import RunSetup
from wgflow.measures import Particles
from wgflow.particles import Adaptive, Descent, Langevin, Method, RungeKutta4
from wgflow.runs.estimates.coarse_runs import CoarseRun
from wgflow.runs.estimates.plan import EstimatePlan, RefinementPlan, SamplingPlan
from wgflow.runs.estimates.starts import batch, is_even, merged

BATCHES = 8
SPECTRAL = 4.0  # largest order that is believed in where evenly spread particles may be exact to all orders
TOLERANCES = 10.0  # what an adaptive method may err by, over the tolerance of its steps

Start = Callable[[int], Particles]
"""Gives the particles of a coarse run: the start of the run itself thinned out by a factor."""
Evolve = Callable[[Particles, int, int], Evolution]
"""Gives a solver for particles, with steps of a multiple of the size, and with the noise of a seed to be added."""


def plan_draws(
    count: int,
    domain: Domain | None,
    start: Start,
    evolve: Evolve,
    *,
    thinning: int = 2,
    noise: float = 0.0,
) -> RefinementPlan:
    """Plan two runs with fewer and fewer particles, for those that are evenly spread.

    Parameters
    ----------
    count : int
        Number of particles of the run itself.
    domain : Domain or None
        Where they live.
    start, evolve : callable
        Give the particles and the solver of a coarse run.
    thinning : int
        Factor between the numbers of particles: 2^d for lattices in d dimensions.
    noise : float
        See `RefinementPlan`.
    """

    def coarse_run(level: int) -> CoarseRun:
        fewer = thinning**level
        return CoarseRun(
            f"{count // fewer} particles",
            1.0 / fewer,
            lambda: (evolve(start(fewer), 2**level, 0), RunSetup(domain)),
        )

    return RefinementPlan((coarse_run(2), coarse_run(1)), domain, SPECTRAL, noise)


def plan_batches(
    count: int,
    domain: Domain | None,
    start: Start,
    evolve: Evolve,
    *,
    exponent: float = 0.5,
    order: float | None = None,
) -> SamplingPlan:
    """Plan runs with batches of particles, for those that are drawn at random.

    Parameters
    ----------
    count : int
        Number of particles of the run itself.
    domain : Domain or None
        Where they live.
    start : callable
        Gives the particles of each batch, from its number.
    evolve : callable
        Gives their solver.
    exponent : float
        Rate at which the error falls with the number of particles.
    order : float, optional
        Order of steps of a prescribed size; the first batch then runs once more, with steps of twice the size.
    """

    def coarse_run(number: int, steps: int, cost: float) -> CoarseRun:
        return CoarseRun(
            f"{BATCHES} batches of {count // BATCHES} particles",
            cost,
            lambda: (evolve(start(number), steps, 1 + number), RunSetup(domain)),
        )

    runs = [coarse_run(number, 1, 1.0 / BATCHES) for number in range(BATCHES)]
    if order is not None:
        runs.append(coarse_run(0, 2, 0.5 / BATCHES))
    return SamplingPlan(tuple(runs), BATCHES, domain, exponent, order or 1.0)


def plan_particles(
    particles: Particles, domain: Domain | None, method: Method, draw: bool | Start, evolve: Callable[..., Evolution]
) -> EstimatePlan:
    """Plan the coarse runs of particles that were given one by one.

    Those that are evenly spread on a circle or line have their neighbours merged; others are taken for a random draw.

    Parameters
    ----------
    particles : Particles
        Start of the run itself.
    domain : Domain or None
        Where they live.
    method : Method
        How they move.
    draw : bool or callable
        True, or what gives fewer particles of the same kind, from their number.
    evolve : callable
        Gives the solver for particles and a method.
    """
    check_method(method)
    count = len(particles.weights)

    def solver(fewer: Particles, steps: int, seed: int) -> Evolution:
        return evolve(fewer, coarser_method(method, steps, seed))

    noise = TOLERANCES * method.tolerance if isinstance(method, Adaptive) else 0.0
    if isinstance(method, Langevin) or (draw is True and not is_even(particles, domain)):
        part = partial(batch, particles, count=BATCHES)
        return plan_batches(count, domain, part, solver, order=order_of(method))

    def fewer(factor: int) -> Particles:
        if callable(draw):
            return draw(count // factor)
        half = merged(particles, domain)
        return half if factor == 2 else merged(half, domain)

    return plan_draws(count, domain, fewer, solver, noise=noise)


def check_method(method: Method) -> None:
    """Raise InputError if the noise of a method does not fall with the number of particles."""
    number = getattr(method, "batch", None)
    if number:
        raise InputError(
            f"estimate is not available for steps with {number} samples each: their noise falls with the step and the "
            "samples, and not with the number of particles; run other seeds (wgflow sweep) and compare"
        )


def coarser_method(method: Method, factor: int, seed: int) -> Method:
    """Method with steps of a multiple of the size, and other noise."""
    if isinstance(method, Langevin):
        return replace(method, seed=method.seed + seed)
    return replace(method, step=factor * method.step) if isinstance(method, RungeKutta4 | Descent) else method


def order_of(method: Method) -> float | None:
    """Order of a method with steps of a fixed size, None of others; noise hides that of Langevin steps."""
    return {RungeKutta4: 4.0, Descent: 1.0}.get(type(method))
