r"""Which particles act on each other: all, or those of random batches in the place of all.

Particles are dealt at random to batches of about equal size, and act on the others of their own batch alone, each of
which stands for :math:`(n - 1) / (b - 1)` of the n - 1 others, with b the size of the batch. What acts on each is right
in the mean, and forces still cancel in pairs.

References
----------
Jin, Li and Liu (2020), Random Batch Methods (RBM) for interacting particle systems, J. Comput. Phys. 400, 108877.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.functionals.base import Functional, ParticlePotential
from wgflow.functionals.grid import GridFunctional
from wgflow.measures import Particles
from wgflow.typing import FloatArray, IntArray

MOST_SEED = 2**63


@dataclass(frozen=True, eq=False)
class Batches:
    """Batches of particles that act on each other.

    Parameters
    ----------
    order : array, shape (n,), or slice
        The particles, batch by batch.
    edges : array, shape (b + 1,)
        Where batches begin, and the last one ends.
    """

    order: IntArray | slice
    edges: IntArray

    @property
    def sizes(self) -> IntArray:
        """Numbers of particles, shape (b,)."""
        return np.diff(self.edges)

    @property
    def ends(self) -> IntArray:
        """End of the batch of each particle, in the order, shape (n,)."""
        return np.repeat(self.edges[1:], self.sizes)

    @property
    def factors(self) -> FloatArray:
        """For how many others each other particle of its batch stands, for each particle in the order, shape (n,)."""
        if len(self.sizes) == 1:
            return np.full(self.edges[-1], float(self.edges[-1] > 1))
        return np.repeat((self.edges[-1] - 1.0) / np.maximum(self.sizes - 1.0, 1.0), self.sizes)


def all_pairs(count: int) -> Batches:
    """One batch of all particles."""
    return Batches(slice(None), np.array([0, count]))


def random_batches(count: int, size: int, generator: np.random.Generator) -> Batches:
    """Deal particles at random to batches of a size or, where that does not divide their number, somewhat more."""
    number = max(count // size, 1)
    edges = np.linspace(0, count, number + 1).astype(np.int64)
    return Batches(np.arange(count) if number == 1 else generator.permutation(count), edges)


class PairEnergy(Protocol):
    """An energy of pairs of particles."""

    def over_batches(self, particles: Particles, batches: Batches) -> ParticlePotential:
        """Evaluate it and its derivatives, where particles act on each other within batches."""

    def scaled(self, factor: float) -> Self:
        """The energy times a factor."""


@dataclass(frozen=True)
class BatchedInteraction(Functional):
    """An interaction within random batches of particles, right in the mean.

    Parameters
    ----------
    interaction : PairEnergy
        The interaction of all.
    size : int
        Number of particles of a batch, at least 2.
    seed : int
        Seed of the batches, which are those of a number of particles.

    Raises
    ------
    InputError
        If batches hold one particle.
    """

    interaction: PairEnergy
    size: int
    seed: int

    def __post_init__(self) -> None:
        if self.size < 2:
            raise InputError(
                f"batch = {self.size} is not allowed: particles that interact need others in their batch; give at "
                "least 2, or leave it out"
            )

    def scaled(self, factor: float) -> Self:
        """The factor times that within the same batches."""
        return replace(self, interaction=self.interaction.scaled(factor))

    def on_grid(self, domain: Domain) -> GridFunctional:  # noqa: ARG002
        """Raise InputError: cells are no particles."""
        raise InputError("random batches are of particles; on grids all cells interact")

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum over the pairs of each batch."""
        batches = random_batches(len(particles.weights), self.size, np.random.default_rng(self.seed))
        return self.interaction.over_batches(particles, batches)


def batched(interaction: PairEnergy, size: int, generator: np.random.Generator) -> BatchedInteraction:
    """An interaction within batches whose seed is drawn."""
    return BatchedInteraction(interaction, size, int(generator.integers(MOST_SEED)))
