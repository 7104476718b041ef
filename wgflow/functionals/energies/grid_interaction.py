"""Energies of charges that act on each other: at particles over all pairs, on grids by a convolution."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from wgflow.domains import Domain, total_mass
from wgflow.errors import ShapeError
from wgflow.functionals.base import ParticlePotential
from wgflow.functionals.convolution import Convolution, Pairing
from wgflow.functionals.energies.pair_sums import compiled_sums
from wgflow.functionals.grid import GridFunctional, SheetSums
from wgflow.measures import Particles
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray

PAIRS_AT_ONCE = 2**20  # of cells and samples, so that memory stays bounded
TILE = 96  # particles: what their pairs need stays in the cache
BothSums = tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def _blocks(targets: int, sources: int) -> Iterator[slice]:
    """Slices of targets with at most `PAIRS_AT_ONCE` pairs each."""
    size = max(PAIRS_AT_ONCE // max(sources, 1), 1)
    return (slice(start, start + size) for start in range(0, targets, size))


def potential_over_pairs(
    particles: Particles, kernel: object, gradient: object, pairs: Callable[..., BothSums]
) -> ParticlePotential:
    """Energy, potential and gradient of charges that act on each other: compiled, or by the sums that are given."""
    charges = particles.weights * particles.signs
    found = compiled_sums(kernel, gradient, particles.points, charges)
    return sum_over_pairs(particles, pairs) if found is None else _potential(particles, *found)


def sum_over_pairs(particles: Particles, pairs: Callable[..., BothSums]) -> ParticlePotential:
    """Energy, potential and gradient of charges that act on each other, each pair of particles taken once.

    Parameters
    ----------
    particles : Particles
        The charges.
    pairs : callable
        Targets (m, p), sources (n, p) and the charges of both to the sums for the targets, and for the sources: values
        and gradients.
    """
    points, charges = particles.points, particles.weights * particles.signs
    values, gradient = np.zeros(len(charges)), np.zeros_like(points)
    tiles = [slice(start, start + TILE) for start in range(0, len(charges), TILE)]
    for number, tile in enumerate(tiles):
        for other in tiles[number:]:
            here, there = pairs(points[tile], points[other], charges[tile], charges[other])
            for place, (own, slopes) in [(tile, here), (other, there)][: 1 if other is tile else 2]:
                values[place] += own
                gradient[place] += slopes
    return _potential(particles, values, gradient)


def _potential(particles: Particles, values: FloatArray, gradient: FloatArray) -> ParticlePotential:
    """What acts on particles, from sums over charges."""
    energy = 0.5 * float(particles.weights @ (particles.signs * values))
    return ParticlePotential(energy, particles.signs * values, particles.signs[:, None] * gradient)


def laplacian_over_pairs(
    particles: Particles, kernel_laplacian: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """Laplacian of the potential of charges, from that of the kernel between targets and sources, flattened."""
    charges, found = particles.weights * particles.signs, np.empty(len(particles.weights))
    for block in _blocks(len(charges), len(charges)):
        between = kernel_laplacian(particles.points[block], particles.points)
        found[block] = between.reshape(-1, len(charges)) @ charges
    return particles.signs * found


def potential_of_samples(
    domain: Domain, samples: Particles, at_cells: Pairing, exact: Pairing
) -> tuple[FloatArray, float]:
    """Sum of a kernel over charges at all cells of the base domain, and half of the exact one's at the charges."""
    cells = domain.base.points.reshape(-1, domain.base.points.shape[-1])
    if samples.points.shape[1] != cells.shape[1]:
        raise ShapeError(f"samples with {samples.points.shape[1]} components do not fit points with {cells.shape[1]}")
    charges = samples.weights * samples.signs

    def potential(points: FloatArray, kernel: Pairing) -> FloatArray:
        values = np.empty(len(points))
        for block in _blocks(len(points), len(charges)):
            values[block] = kernel(points[block], samples.points).reshape(-1, len(charges)) @ charges
        return values

    return potential(cells, at_cells), 0.5 * float(charges @ potential(samples.points, exact))


class GridInteraction(GridFunctional):
    """Interaction energy of the cells of a domain, of the difference of the two sheets on signed ones.

    Parameters
    ----------
    domain : Domain
        Where the measure lives.
    convolution : callable
        Convolution of masses on the base domain with the kernel.
    largest : float
        Largest absolute value of the kernel.
    """

    def __init__(self, domain: Domain, convolution: Convolution, largest: float) -> None:
        self.domain = domain
        self._largest, self._blocks = largest, RowBlocks.of(domain)
        self._convolution = convolution
        self._sheets = SheetSums(domain)

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        """Write J and return F."""
        mass = self._sheets.net_mass(density)
        values = self._sheets.positive_sheet(potential)
        self._convolution(mass, values)
        energy = 0.5 * self._blocks.product(mass, values)
        self._sheets.mirror(potential)
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the change of J along ``rate``."""
        self._convolution(self._sheets.net_mass(rate), self._sheets.positive_sheet(potential))
        self._sheets.mirror(potential)

    def scale(self, density: FloatArray) -> float:
        """Size of the numbers whose sum is F, where opposite charges cancel."""
        return super().scale(density) + 0.5 * self._largest * total_mass(self.domain, density) ** 2
