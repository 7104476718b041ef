r"""Networks that are not balanced, in any number of inputs with one direction: the box of (a, p, r).

A neuron (a, b) with the component p of b along the direction, and the length r >= 0 of its rest, stands for its orbit.
The metric of (a, p, r) is flat, so that the flow of the image measure is that of a box with a wall at r = 0, and the
kernel is that of the half circle, extended to all lengths of (p, r). The image of a Gaussian N(0, s I) of R^(d+1) has
the density of a Gaussian in (a, p) times one proportional to :math:`r^{d-2} e^{-r^2/2s}`. Two directions would need
four axes.
"""

from __future__ import annotations

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.geometry import is_flat
from wgflow.functionals.base import ParticlePotential
from wgflow.measures import Particles
from wgflow.networks.low_rank import LowRankSums, factorise
from wgflow.networks.orbit_kernel import LengthKernel
from wgflow.networks.pair_population import PairPopulation, input_weights
from wgflow.networks.symmetric_population import GaussianTarget
from wgflow.typing import FloatArray

AXES = 3  # a, p and r
TOLERANCE = 1e-7  # of the kernel, where none is given


def holds_orbits(domain: Domain, target: GaussianTarget) -> bool:
    """Whether a domain is a box of (a, p, r) for a target: of more than two inputs, and one direction."""
    return (
        domain.base.lattice is domain.base
        and is_flat(domain.geometry)
        and domain.sheets == 1
        and domain.geometry.components == AXES
        and target.inputs >= AXES
        and len(target.frame) == 1
        and (AXES - 1, 0) in domain.base.walls
        and domain.base.lattice.bounds[-1][0] == 0.0
    )


def bind_orbit_pairs(
    target: GaussianTarget, domain: Domain, tolerance: float | None, memory_limit: float
) -> PairPopulation:
    """Prepare the population risk on a box of (a, p, r); raises InputError where the kernel takes too much memory."""
    points = input_weights(domain)
    kernel = LengthKernel(target.inputs, 1)
    low_rank = factorise(kernel, points, TOLERANCE if tolerance is None else tolerance, memory_limit)
    wanted = target.potential(points)[0]
    return PairPopulation(domain, wanted, 0.5 * target.second_moment, LowRankSums(low_rank))


def at_orbit_pairs(target: GaussianTarget, particles: Particles) -> ParticlePotential:
    """F, J and grad J at particles (a, p, r), each of which stands for its orbit."""
    outputs, points = particles.points[:, 0], particles.points[:, 1:]
    charges = particles.weights * outputs
    values, slopes = LengthKernel(target.inputs, 1).sums(points, points, charges)
    wanted, wanted_slopes = target.potential(points)
    energy = 0.5 * float(charges @ (values - 2.0 * wanted)) + 0.5 * target.second_moment
    residual = values - wanted
    gradient = np.column_stack([residual, outputs[:, None] * (slopes - wanted_slopes)])
    return ParticlePotential(energy, outputs * residual, gradient)


def orbit_gaussian(points: FloatArray, inputs: int, variance: float) -> FloatArray:
    """Density at points (..., 3) = (a, p, r) of the image of a Gaussian of mass 1 of R^(d+1) with equal variances.

    Parameters
    ----------
    points : array, shape (..., 3)
        With r >= 0.
    inputs : int
        Number d of inputs.
    variance : float
        That of each component.
    """
    from scipy.special import gammaln

    rest = inputs - 1
    scaled = points / np.sqrt(variance)
    heights = np.maximum(scaled[..., 2], np.finfo(np.float64).tiny)
    constant = np.log(2.0 * np.pi) + gammaln(0.5 * rest) + (0.5 * rest - 1.0) * np.log(2.0) + 1.5 * np.log(variance)
    return np.asarray(np.exp((rest - 1.0) * np.log(heights) - 0.5 * (scaled**2).sum(axis=-1) - constant))
