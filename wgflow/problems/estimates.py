"""The coarse runs that estimate the errors of a problem: half and a quarter of its cells or particles."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.flows import Evolution
from wgflow.flows.growth import RunSetup
from wgflow.measures import Particles
from wgflow.problems.initial.file import FileInitial
from wgflow.problems.initial.registry import initial_particles
from wgflow.problems.restart import StoredMeasure
from wgflow.runs.estimates import (
    BATCHES,
    TOLERANCES,
    EstimatePlan,
    batch,
    check_fixed,
    plan_batches,
    plan_draws,
    plan_grids,
    without_wall_warnings,
)

if TYPE_CHECKING:
    from wgflow.problems.problem import Problem


def plan_estimate(problem: Problem) -> EstimatePlan:
    """Plan the coarse runs of a problem.

    Raises
    ------
    InputError
        If there is no sound estimate for its solver; the message says why.
    """
    check_fixed(estimate=problem.config.domain.grows)
    return problem.options.plan_estimate(problem)


def plan_cells(problem: Problem, **options: Any) -> EstimatePlan:
    """Plan for densities on half and a quarter of the cells; options of `plan_grids`."""
    return plan_grids(problem.domain, lambda domain, factor: _coarse(problem, domain, factor), **options)


def _coarse(problem: Problem, domain: Domain, factor: int) -> tuple[Evolution, RunSetup]:
    """Solver of a problem on a coarser domain, with longer steps where their size is not that of the cells."""
    smaller = replace(problem, domain=domain, config=problem.config.model_copy(update=_longer(problem, factor)))
    return smaller.make_evolution(), without_wall_warnings(smaller.run_setup)


def _longer(problem: Problem, factor: int) -> dict[str, Any]:
    """Section of the solver, with longer steps."""
    return {problem.solver: problem.options.coarsened(factor)}


def plan_cloud(problem: Problem, order: float | None, *, noisy: bool = False) -> EstimatePlan:
    """Plan for particles: fewer drawn in the same way, or batches of those that are random or given by a file.

    Parameters
    ----------
    problem : Problem
        The problem.
    order : float or None
        Order in time of its steps; None for steps of a tolerance.
    noisy : bool
        Whether particles move at random.
    """
    config, domain = problem.config, problem.domain
    options = problem.drawing
    particles = problem.initial_particles()
    count, dimension = len(particles.weights), _dimensions(domain)

    def evolve(fewer: Particles, steps: int, seed: int) -> Evolution:
        return _with_particles(problem, fewer, steps, seed).make_evolution()

    if config.initial.from_file or options.start == "random":
        part = partial(batch, particles, count=BATCHES)
        return plan_batches(count, domain, part, evolve, order=order)
    if options.start == "equispaced" and not noisy:
        thin = partial(_thinned, problem, count)
        noise = TOLERANCES * options.tolerance if order is None else 0.0
        return plan_draws(count, domain, thin, evolve, thinning=2**dimension, noise=noise)
    rate = 0.5 if noisy else _rate(options.start, dimension)
    part = partial(_redrawn, problem, count // BATCHES)
    return plan_batches(count, domain, part, evolve, exponent=rate, order=order)


def _thinned(problem: Problem, count: int, factor: int) -> Particles:
    """Particles of the same measure in smaller number."""
    return _redrawn(problem, count // factor, -1)


def _redrawn(problem: Problem, count: int, number: int) -> Particles:
    """Particles of the same measure, with a seed of their own for each number from 0 on."""
    initial = problem.config.initial
    if isinstance(initial, FileInitial):
        raise InputError(f"[initial] path = {initial.path!r} holds particles of its own")
    again = initial.model_copy(update={"seed": initial.seed + 1 + number})
    return initial_particles(again, problem.domain, max(count, 1), problem.drawing.start)


def _rate(start: str, dimension: int) -> float:
    """Rate at which errors fall with the number of particles, see `wgflow.draw_particles`."""
    return 0.5 + 1.0 / dimension if start == "stratified" else 1.0


def _dimensions(domain: Domain) -> int:
    """Dimension of the cube whose points become particles; without cells, of normal numbers and a sign."""
    geometry = domain.geometry
    return geometry.dimension if domain.base.has_cells else geometry.components + domain.sheets - 1


def _with_particles(problem: Problem, particles: Particles, steps: int, seed: int) -> Problem:
    """Problem that starts from given particles, with steps of a multiple of the size and other noise."""
    initial = FileInitial(kind="file", path="particles of a coarse run", seed=problem.config.initial.seed + seed)
    changed = {"initial": initial, **_longer(problem, steps)}
    start = StoredMeasure(Path(initial.path), particles=particles)
    return replace(problem, config=problem.config.model_copy(update=changed), start=start)
