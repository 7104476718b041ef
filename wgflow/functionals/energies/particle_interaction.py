"""Energies of charged particles that act on each other, over all pairs or those of batches: compiled, or by NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from wgflow.functionals.base import ParticlePotential
from wgflow.functionals.convolution import ScalarFunction
from wgflow.functionals.energies.batches import Batches
from wgflow.functionals.energies.pair_sums import compiled_sums
from wgflow.measures import Particles
from wgflow.typing import FloatArray

PAIRS_AT_ONCE = 2**20  # so that memory stays bounded
MOST_NUMBERS = 32000  # in an array of a tile: it stays in the cache
KEPT = 2**20  # numbers
Sums = tuple[FloatArray, FloatArray]  # values (n,) and gradients (n, p)


class Pairwise(Protocol):
    """What sums over pairs ask of an interaction."""

    @property
    def kernel(self) -> ScalarFunction:
        """The kernel."""

    @property
    def gradient(self) -> ScalarFunction | None:
        """Its gradient, if there is one."""

    @property
    def lengths(self) -> FloatArray | None:
        """Lengths of periodic axes, inf for others; None where no axis is periodic."""

    def between(self, targets: FloatArray, sources: FloatArray, *charges: FloatArray) -> tuple[Sums, Sums]:
        """Targets (m, p), sources (n, p) and the charges of both to the sums for the targets, and for the sources."""

    def within(self, points: FloatArray) -> Sums:
        """Values and gradients of the kernel between points (n, p) and themselves."""


def potential_over_pairs(energy: Pairwise, particles: Particles, batches: Batches) -> ParticlePotential:
    """Energy, potential and gradient of charges that act on each other, each pair of particles taken once.

    Raises
    ------
    InputError
        If kernel or gradient are not finite.
    """
    charges = particles.weights * particles.signs
    points, ordered, signs = particles.points[batches.order], charges[batches.order], particles.signs
    found = compiled_sums(energy.kernel, energy.gradient, points, ordered, batches, energy.lengths)
    sums, slopes = _sums(energy, points, ordered, batches) if found is None else found
    values, gradient = np.empty_like(sums), np.empty_like(slopes)
    values[batches.order], gradient[batches.order] = sums, slopes
    return ParticlePotential(0.5 * float(charges @ values), signs * values, signs[:, None] * gradient)


def _sums(energy: Pairwise, points: FloatArray, charges: FloatArray, batches: Batches) -> Sums:
    """Values and gradients by NumPy, tile by tile."""
    np.empty(KEPT)  # the C library keeps the memory of arrays no larger than one that was freed, pages and all
    values, gradient = np.zeros(len(charges)), np.zeros_like(points)
    size = max(math.isqrt(MOST_NUMBERS // points.shape[1]), 1)
    for first, last in zip(batches.edges[:-1], batches.edges[1:], strict=True):
        tiles = [slice(start, min(start + size, last)) for start in range(first, last, size)]
        for number, tile in enumerate(tiles):
            for other in tiles[number:]:
                here, there = energy.between(points[tile], points[other], charges[tile], charges[other])
                for place, (own, slopes) in [(tile, here), (other, there)][: 1 if other is tile else 2]:
                    values[place] += own
                    gradient[place] += slopes
    if len(batches.sizes) == 1:
        return values, gradient
    factors, (own, slopes) = batches.factors, energy.within(points)
    values += (factors - 1.0) * (values - charges * own)  # what a point gives to itself counts once
    gradient += (factors - 1.0)[:, None] * (gradient - charges[:, None] * slopes)
    return values, gradient


def laplacian_over_pairs(
    particles: Particles, kernel_laplacian: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """Laplacian of the potential of charges, from that of the kernel between targets and sources, flattened."""
    charges = particles.weights * particles.signs
    return particles.signs * summed(particles.points, particles.points, charges, kernel_laplacian)


def summed(
    targets: FloatArray,
    sources: FloatArray,
    charges: FloatArray,
    kernel: Callable[[FloatArray, FloatArray], FloatArray],
) -> FloatArray:
    """Sum over charges, at sources (n, p), of a kernel between targets (m, p) and sources, flattened; shape (m,)."""
    values = np.empty(len(targets))
    size = max(PAIRS_AT_ONCE // max(len(charges), 1), 1)
    for start in range(0, len(targets), size):
        block = slice(start, start + size)
        values[block] = kernel(targets[block], sources).reshape(-1, len(charges)) @ charges
    return values
