"""The coarse runs that estimate the errors of a problem: half and a quarter of its cells or particles."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from wgflow.domains import Circle, Domain, Hypersphere, Sphere
from wgflow.errors import InputError
from wgflow.flows import Evolution
from wgflow.flows.growth import RunSetup
from wgflow.measures import Particles
from wgflow.particles import Langevin
from wgflow.problems.initial import initial_particles
from wgflow.problems.models import BoxSection, FileInitial, JkoSection
from wgflow.problems.particles import make_method
from wgflow.problems.problem import Problem
from wgflow.problems.restart import StoredMeasure
from wgflow.runs.estimates import (
    BATCHES,
    TOLERANCES,
    Plan,
    batch,
    check_fixed,
    check_method,
    coarse_tolerance,
    grid_options,
    order_of,
    plan_batches,
    plan_draws,
    plan_grids,
    quiet,
)


def plan_estimate(problem: Problem) -> Plan:
    """Plan the coarse runs of a problem.

    Raises
    ------
    InputError
        If there is no sound estimate for its solver; the message says why.
    """
    section, config = problem.config.domain, problem.config
    check_fixed(estimate=isinstance(section, BoxSection) and section.grow)
    if problem.solver == "normalised":
        raise InputError(
            'estimate is not available for [solver] kind = "normalised": its measure soon lives in single cells and '
            "its steps are long, so that differences of two grids tell little of the error (found: a fortieth); run "
            "other domain.cells and normalised.tau (wgflow sweep) and compare"
        )
    if problem.solver == "particles" or (problem.solver == "jko" and not config.jko.on_grid):
        return _plan_particles(problem)
    return plan_grids(problem.domain, lambda domain, factor: _coarse(problem, domain, factor), **_options(problem))


def _options(problem: Problem) -> dict[str, Any]:
    """Options of `plan_grids`."""
    config = problem.config
    if problem.solver == "finite_volume":
        options = config.finite_volume
        return grid_options(options.stepper, options.order, problem.functional, problem.domain)
    if problem.solver == "characteristics":
        return {"steps": 0, "most": 4.0, "noise": TOLERANCES * config.characteristics.tolerance, "pointwise": True}
    return {}


def _coarse(problem: Problem, domain: Domain, factor: int) -> tuple[Evolution, RunSetup]:
    """Solver of a problem on a coarser domain, with longer steps where their size is not that of the cells."""
    config = problem.config
    options = config.finite_volume
    tolerance = coarse_tolerance(options.stepper, options.tolerance, factor)
    changed = {"finite_volume": options.model_copy(update={"tolerance": tolerance}), "jko": _longer(problem, factor)}
    smaller = replace(problem, domain=domain, config=config.model_copy(update=changed))
    return smaller.make_evolution(), quiet(smaller.run_setup)


def _longer(problem: Problem, factor: int) -> JkoSection:
    jko = problem.config.jko
    return jko.model_copy(update={"tau": factor * jko.tau, "growth": factor * jko.growth})


def _plan_particles(problem: Problem) -> Plan:
    """Plan for particles: fewer drawn in the same way, or batches of those that are random or given by a file."""
    config, domain = problem.config, problem.domain
    options, moved = config.particles, problem.solver == "particles"
    method = make_method(options, config.initial.seed)
    if moved:
        check_method(method)
    order = order_of(method) if moved else float(config.jko.order)
    particles, noisy = problem.initial_particles(), moved and isinstance(method, Langevin)
    count, dimension = len(particles.weights), _dimensions(domain)

    def evolve(fewer: Particles, steps: int, seed: int) -> Evolution:
        return _with_particles(problem, fewer, steps, seed).make_evolution()

    if isinstance(config.initial, FileInitial) or options.start == "random":
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
    return initial_particles(again, problem.domain, max(count, 1), problem.config.particles.start)


def _rate(start: str, dimension: int) -> float:
    """Rate at which errors fall with the number of particles, see `wgflow.draw_particles`."""
    return 0.5 + 1.0 / dimension if start == "stratified" else 1.0


def _dimensions(domain: Domain) -> int:
    """Dimension of the cube whose points become particles."""
    base = domain.base
    if isinstance(base, Circle | Sphere):
        return 1 if isinstance(base, Circle) else 2
    return int(domain.points.shape[-1]) + (domain.sheets - 1 if isinstance(base, Hypersphere) else 0)


def _with_particles(problem: Problem, particles: Particles, steps: int, seed: int) -> Problem:
    """Problem that starts from given particles, with steps of a multiple of the size and other noise."""
    config, options = problem.config, problem.config.particles
    initial = FileInitial(kind="file", path="particles of a coarse run", seed=config.initial.seed + seed)
    longer = None if options.step is None or options.method == "langevin" else steps * options.step
    changed = {
        "initial": initial,
        "jko": _longer(problem, steps),
        "particles": options.model_copy(update={"step": longer if longer is not None else options.step}),
    }
    start = StoredMeasure(Path(initial.path), particles=particles)
    return replace(problem, config=config.model_copy(update=changed), start=start)
