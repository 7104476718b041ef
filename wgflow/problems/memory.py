"""The memory of a run of a problem file, from its sections and the size of its data, before anything is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from wgflow.domains import Domain
from wgflow.runs.memory import Item, MemoryEstimate, check_memory
from wgflow.runs.memory.coarse import coarse_items
from wgflow.runs.memory.domains import describe_grid
from wgflow.runs.memory.estimate import DOUBLE
from wgflow.runs.memory.grids import (
    Grid,
    domain_items,
    functional_items,
    snapshot_items,
    start_items,
    step_items,
)
from wgflow.runs.memory.particles import ParticleArrays, particle_items

if TYPE_CHECKING:
    from wgflow.problems.models import ProblemFile

READING = {
    ".csv": 25.0,
    ".tsv": 25.0,
    ".gz": 100.0,
    ".npz": 3.0,
}  # bytes for each byte of a file of data while it is read


def check_reading(path: Path, *, force: bool = False) -> None:
    """Raise InputError if a file of data is larger than memory."""
    if path.is_file():
        size = READING.get(path.suffix.lower(), 1.0) * path.stat().st_size
        item = Item("its numbers", size, "the number of its rows, or give .npz for text", brief=True)
        check_memory(MemoryEstimate((item,)), force=force, subject=f"reading {path}")


def estimate_memory(
    config: ProblemFile,
    data: tuple[int, int] | None = None,
    *,
    domain: Domain | None = None,
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
    domain : Domain, optional
        The domain as it is now, where it has grown; it need not have its points yet.
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
    domain = config.domain.build() if domain is None else domain
    grid, options = cells_of(domain), config.options
    arrays = _arrays(config, domain, grid, count)
    items = [] if grid is None else [*_grid_items(config, grid, data)]
    if arrays is not None and options.particle_method is not None:
        items += particle_items(arrays, options.particle_method, config.problem.functional_arrays(options, data))
    entries = grid.entries if arrays is None and grid is not None else 0
    if arrays is not None:
        entries = arrays.count * (arrays.components + 2)
    key = arrays.key if arrays is not None else grid.key if grid is not None else ""
    times = len(config.output.times) + 1 if config.output.times is not None else config.output.snapshots
    items += snapshot_items(entries, times, in_memory=in_memory, key=key)
    if estimate:
        items += coarse_items(items, entries, times, grid.dimension if grid is not None and options.halves_cells else 0)
    return MemoryEstimate(tuple(items))


def cells_of(domain: Domain) -> Grid | None:
    """The cells of a domain; None where it has none."""
    keys = [f"domain.{name}" for name in ("shape", "cells") if name in domain.parameters]
    return describe_grid(domain, *keys[:1])


def _grid_items(config: ProblemFile, grid: Grid, data: tuple[int, int] | None) -> Iterator[Item]:
    options, method = config.options, config.options.cell_method
    yield from domain_items(grid)
    yield from start_items(grid, uniform=not config.initial.by_quadrature)
    if method is not None:
        yield from functional_items(grid, method, config.problem.cell_terms(grid, data))
        yield from step_items(grid, method, order=options.spatial_order, midpoint=options.midpoint_velocities)
    else:
        yield Item("the initial density", DOUBLE * grid.entries, grid.key)


def _arrays(config: ProblemFile, domain: Domain, grid: Grid | None, count: int | None) -> ParticleArrays | None:
    """The particles that move; None where a density does."""
    options = config.options
    if options.draws_particles:
        number = config.drawing.count if count is None else count
        return ParticleArrays(number, domain.geometry.components)
    if options.particle_method is None or grid is None:
        return None
    return ParticleArrays(grid.entries, grid.components, grid.key)
