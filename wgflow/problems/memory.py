"""The memory of a run of a problem file, from its sections and the size of its data, before anything is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wgflow.domains import Domain, make_domain
from wgflow.finite_volume import IMPLICIT_METHODS
from wgflow.problems.models import (
    DeconvolutionProblem,
    EnergyProblem,
    FileInitial,
    ProblemFile,
    QuadraticProblem,
    TwoLayerProblem,
    UniformInitial,
)
from wgflow.runs.memory import Item, MemoryEstimate, check_memory
from wgflow.runs.memory.coarse import coarse_items
from wgflow.runs.memory.domains import describe_grid
from wgflow.runs.memory.estimate import DOUBLE
from wgflow.runs.memory.grids import (
    Grid,
    Terms,
    domain_items,
    functional_items,
    snapshot_items,
    start_items,
    step_items,
)
from wgflow.runs.memory.particles import Cloud, Interplay, cloud_items

BEHAVIOUR = {"wall_warning", "wall_limit", "grow"}  # keys of [domain] that say how a run behaves there
READING = {".csv": 25.0, ".npz": 3.0}  # bytes for each byte of a file of data while it is read


def check_reading(path: Path, *, force: bool = False) -> None:
    """Raise InputError if a file of data is larger than memory."""
    if path.is_file():
        size = READING.get(path.suffix, 1.0) * path.stat().st_size
        item = Item("its numbers", size, "the number of its rows, or give .npz for .csv", brief=True)
        check_memory(MemoryEstimate((item,)), force=force, subject=f"reading {path}")


def estimate_memory(
    config: ProblemFile,
    data: tuple[int, int] | None = None,
    *,
    count: int | None = None,
    in_memory: bool = False,
    estimate: bool = False,
) -> MemoryEstimate:
    """Estimate what a run takes at its peak.

    Parameters
    ----------
    config : ProblemFile
        The checked sections.
    data : (int, int), optional
        Number of data and of their inputs, a bias included, where the problem has any.
    count : int, optional
        Number of particles where a file gives them.
    in_memory : bool
        Whether snapshots stay in memory, and are not written to a file.
    estimate : bool
        Whether coarse runs come first, which estimate errors.

    Returns
    -------
    MemoryEstimate
        To a factor of about 1.5; a box that grows as it is at the start.
    """
    grid, cloud = grid_of(config), _cloud(config, count)
    items = [] if grid is None else [*_grid_items(config, grid, _method(config), data)]
    if cloud is not None:
        items += cloud_items(cloud, _particle_method(config), _interplay(config, data))
    entries = grid.entries if cloud is None and grid is not None else 0
    if cloud is not None:
        entries = cloud.count * (cloud.components + 2)
    key = cloud.key if cloud is not None else grid.key if grid is not None else ""
    times = len(config.output.times) + 1 if config.output.times is not None else config.output.snapshots
    items += snapshot_items(entries, times, in_memory=in_memory, key=key)
    if estimate:
        axes = 0 if cloud is not None and config.solver.kind != "characteristics" else _axes(grid)
        items += coarse_items(items, entries, times, axes)
    return MemoryEstimate(tuple(items))


def _axes(grid: Grid | None) -> int:
    """Number of axes along which cells are halved."""
    return 0 if grid is None else grid.dimension


def grid_of(config: ProblemFile) -> Grid | None:
    """The cells of the domain; None where it has none."""
    domain = _domain_of(config)
    keys = [f"domain.{name}" for name in ("shape", "cells") if name in domain.parameters]
    return describe_grid(domain, *keys)


def _domain_of(config: ProblemFile) -> Domain:
    """The domain, whose points and mesh nobody has asked for."""
    return make_domain(**config.domain.model_dump(exclude=BEHAVIOUR))


def _method(config: ProblemFile) -> str | None:
    """Key of `wgflow.runs.memory.grids.STATE`; None where particles move."""
    solver = config.solver.kind
    if solver == "finite_volume":
        return "implicit" if config.finite_volume.stepper in IMPLICIT_METHODS else "explicit"
    if solver == "jko" and config.jko.scheme == "linearised":
        return "linearised"
    return "normalised" if solver == "normalised" else None


def _grid_items(config: ProblemFile, grid: Grid, method: str | None, data: tuple[int, int] | None) -> Iterator[Item]:
    yield from domain_items(grid)
    yield from start_items(grid, uniform=isinstance(config.initial, UniformInitial | FileInitial))
    if method is not None:
        pointwise = method == "explicit" and config.finite_volume.pointwise
        yield from functional_items(grid, method, _terms(config, grid, data))
        yield from step_items(grid, method, order=config.finite_volume.order if pointwise else 2)
    else:
        yield Item("the initial density", DOUBLE * grid.entries, grid.key)


def _terms(config: ProblemFile, grid: Grid, data: tuple[int, int] | None) -> Terms:
    """What the functional keeps at the cells."""
    section = config.problem
    if isinstance(section, EnergyProblem):
        nonlocal_terms = section.interaction or section.kernel is not None or section.sobolev is not None
        convolved = bool(nonlocal_terms) and grid.is_lattice
        return Terms(convolution=convolved, internal=bool(section.internal))
    diffusion = Terms(internal=section.temperature > 0.0)
    if isinstance(section, QuadraticProblem):
        return replace(diffusion, features=grid.components**2, memory_limit=2.0**30)
    if isinstance(section, DeconvolutionProblem):
        return replace(diffusion, convolution=True)
    if data is None:
        return diffusion
    count, inputs = data
    if grid.half_circles and inputs == 2:
        return diffusion  # sums over half circles store nothing
    pairs = grid.components == inputs + 1 and grid.is_flat
    return replace(diffusion, features=count, pairs=pairs, memory_limit=section.memory_limit * 2.0**20)


def _cloud(config: ProblemFile, count: int | None) -> Cloud | None:
    """The particles that move; None where a density does."""
    solver, grid = config.solver.kind, grid_of(config)
    components = grid.components if grid is not None else getattr(config.domain, "dimension", 1)
    if solver == "particles" or (solver == "jko" and not config.jko.on_grid):
        return Cloud(config.particles.count if count is None else count, components)
    if grid is not None and (solver == "characteristics" or (solver == "jko" and config.jko.scheme == "dual")):
        return Cloud(grid.entries, components, grid.key)
    return None


def _particle_method(config: ProblemFile) -> str:
    """Key of `wgflow.runs.memory.particles.STATE`, or "jko"."""
    solver = config.solver.kind
    return config.particles.method if solver == "particles" else {"jko": "jko"}.get(solver, "adaptive")


def _interplay(config: ProblemFile, data: tuple[int, int] | None) -> Interplay:
    """What the functional keeps at particles."""
    section, batch = config.problem, config.particles.batch if config.solver.kind == "particles" else 0
    if isinstance(section, EnergyProblem):
        return Interplay(pairs=bool(section.interaction) or section.kernel is not None)
    if isinstance(section, QuadraticProblem):
        return Interplay(features=len(section.target) ** 2)
    if isinstance(section, DeconvolutionProblem):
        waves = 2 * (section.frequencies or 32) + 1
        return Interplay(features=2 * waves * len(section.spikes.positions[0]))
    if not isinstance(section, TwoLayerProblem) or data is None:
        return _of_teacher(config, section, batch)
    stored = section.activation != "relu" or config.solver.kind == "jko"
    return Interplay(features=data[0] if stored and not batch else 0, batch=batch, inputs=data[1], data=data[0])


def _of_teacher(config: ProblemFile, section: TwoLayerProblem, batch: int) -> Interplay:
    teacher = section.teacher
    inputs = len(teacher.directions[0]) if teacher is not None and teacher.directions is not None else 2
    modes = config.jko.modes if config.solver.kind == "jko" else 0
    return Interplay(features=modes, batch=batch, inputs=inputs)
