"""What functionals keep at cells and particles, for runs that are built in Python."""

from __future__ import annotations

from dataclasses import dataclass

from wgflow.domains import Domain
from wgflow.functionals import (
    Features,
    Functional,
    Interaction,
    InternalEnergy,
    KernelDiscrepancy,
    SobolevDiscrepancy,
    ZonalInteraction,
    terms_of,
)
from wgflow.functionals.fourier import FourierFeatures
from wgflow.measures import Particles
from wgflow.networks import Neurons, Population, UnitPopulation
from wgflow.networks.relu import Relu
from wgflow.runs.memory.coarse import coarse_items
from wgflow.runs.memory.domains import describe_grid
from wgflow.runs.memory.estimate import Item, MemoryEstimate
from wgflow.runs.memory.grids import Grid, Terms, domain_items, functional_items, snapshot_items, step_items
from wgflow.runs.memory.particles import FunctionalArrays, ParticleArrays, particle_items

KINDS = {
    "RungeKutta4": "rk4",
    "Descent": "euler",
    "Langevin": "langevin",
}  # of methods, in `wgflow.runs.memory.particles`
CONVOLVED = (Interaction, ZonalInteraction, KernelDiscrepancy, SobolevDiscrepancy)


@dataclass(frozen=True)
class KeptOutputs:
    """What a run keeps of its way.

    Parameters
    ----------
    times : int
        Number of snapshots.
    in_memory : bool
        Whether they stay in memory, and are not written to a file.
    estimate : bool
        Whether coarse runs come first.
    """

    times: int
    in_memory: bool = False
    estimate: bool = False


def estimate_solve(
    functional: Functional, domain: Domain, method: str, *, order: int, kept: KeptOutputs
) -> MemoryEstimate:
    """Estimate what `wgflow.solve` takes, whose domain need not have its points yet.

    Parameters
    ----------
    functional : Functional
        The functional F.
    domain : Domain
        Where the density lives.
    method : str
        "explicit", "implicit", "normalised", or "transport" with a velocity from outside.
    order : int
        Order in space.
    kept : KeptOutputs
        What is kept of the way.
    """
    grid = describe_grid(domain)
    if grid is None:
        return MemoryEstimate(())
    items = [*domain_items(grid), *functional_items(grid, method, _grid_terms(functional, grid))]
    items += step_items(grid, method, order=order)
    return _with_snapshots(items, grid.entries, grid.key, kept, grid.dimension)


def estimate_simulate(
    functional: Functional, particles: Particles, method: object, kept: KeptOutputs
) -> MemoryEstimate:
    """Estimate what `wgflow.simulate` takes with particles that are there; arguments as of `estimate_solve`.

    The method is a method of particles, or "jko" for variational steps.
    """
    count, components = particles.points.shape
    arrays = ParticleArrays(count, components, "the number of particles")
    kind = method if isinstance(method, str) else KINDS.get(type(method).__name__, "adaptive")
    items = [*particle_items(arrays, kind, _arrays_of(functional, components, getattr(method, "batch", None) or 0))]
    return _with_snapshots(items, count * (components + 2), arrays.key, kept, 0)


def estimate_cells(functional: Functional, domain: Domain, method: str, kept: KeptOutputs) -> MemoryEstimate:
    """Estimate what a solver takes that moves a particle for each cell; arguments as of `estimate_solve`.

    The method is a key of `wgflow.runs.memory.particles.STATE`, or "jko".
    """
    grid = describe_grid(domain)
    if grid is None:
        return MemoryEstimate(())
    arrays = ParticleArrays(grid.entries, grid.components, grid.key)
    items = [
        *domain_items(grid),
        *particle_items(arrays, method, _arrays_of(functional, grid.components, 0)),
    ]
    return _with_snapshots(items, arrays.count * (arrays.components + 2), arrays.key, kept, grid.dimension)


def _with_snapshots(items: list[Item], entries: int, key: str, kept: KeptOutputs, axes: int) -> MemoryEstimate:
    """The estimate with the snapshots of a run and of its coarse runs."""
    items = [*items, *snapshot_items(entries, kept.times, in_memory=kept.in_memory, key=key)]
    return MemoryEstimate((*items, *(coarse_items(items, entries, kept.times, axes) if kept.estimate else ())))


def _grid_terms(functional: Functional, grid: Grid) -> Terms:
    terms = [*terms_of(functional)]
    stored = [term for term in terms if isinstance(term, Features) and not _is_summed(term, grid)]
    largest = max(stored, key=lambda term: term.targets.size, default=None)
    pairs = largest is not None and isinstance(largest.fn, Neurons)
    transformed = any(isinstance(term, CONVOLVED) or _is_fourier(term) for term in terms)
    return Terms(
        features=0 if largest is None else largest.targets.size,
        memory_limit=0.0 if largest is None else largest.memory_limit,
        tiled=largest is not None and _is_tiled(largest, grid.points(pairs=pairs)),
        pairs=pairs,
        convolution=transformed and grid.is_lattice,
        internal=any(isinstance(term, InternalEnergy) for term in terms),
        kernel_rank=grid.kernel_rank if any(isinstance(term, Population | UnitPopulation) for term in terms) else 0,
    )


def _is_fourier(term: Functional) -> bool:
    return isinstance(term, Features) and isinstance(term.fn, FourierFeatures)


def _is_summed(term: Features, grid: Grid) -> bool:
    """Whether the grid needs no features at its cells: transforms, or sums over half circles."""
    half_circles = grid.half_circles and isinstance(term.fn, Relu) and term.fn.smoothing == 0.0
    return half_circles or _is_fourier(term)


def _is_tiled(term: Features, points: int) -> bool:
    """Whether the features are summed in tiles of cells."""
    relu = term.fn.hidden if isinstance(term.fn, Neurons) else term.fn
    return isinstance(relu, Relu) and relu.in_tiles(points, term.memory_limit)


def _arrays_of(functional: Functional, components: int, batch: int) -> FunctionalArrays:
    terms = [*terms_of(functional)]
    features = [term for term in terms if isinstance(term, Features)]
    dense = [term.targets.size for term in features if getattr(term.fn, "sums", None) is None]
    return FunctionalArrays(
        features=0 if batch else max(dense, default=0),
        pairs=any(isinstance(term, CONVOLVED) for term in terms),
        batch=batch,
        inputs=components,
        data=max((term.targets.size for term in features), default=0),
    )
