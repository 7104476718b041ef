r"""Population risk of ReLU students whose measure is invariant under the rotations of all but one or two directions.

Where the target depends on x through its k directions alone, F of an invariant measure is a quadratic function of its
image on the half circle or half sphere, with the kernel of `wgflow.networks.orbit_kernel` and the potential of the
target without any average:

.. math:: F(\nu) = \tfrac12 \iint \bar k\, d\nu\, d\nu - \int T d\nu + \tfrac12 E y^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import betainc, gammaln

from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import ShapeError
from wgflow.functionals.base import ParticlePotential
from wgflow.measures import Particles
from wgflow.networks.orbit_kernel import LowRank, OrbitKernel
from wgflow.typing import FloatArray

TOLERANCES = {1: 1e-12, 2: 1e-6}  # of the kernel by the number of directions, where none is given


class GaussianTarget(Protocol):
    """A function of Gaussian inputs that depends on a few of their projections."""

    @property
    def inputs(self) -> int:
        """Number d of inputs."""

    @property
    def frame(self) -> FloatArray:
        """Orthonormal directions (k, d) that it depends on."""

    @property
    def second_moment(self) -> float:
        """The mean of its square."""

    def targets(self, inputs: FloatArray) -> FloatArray:
        """Values (n,) at inputs (n, d)."""

    def potential(self, reduced: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean of its product with ReLU neurons (m, k + 1) in the frame and beside it, and the gradient (m, k + 1)."""


def frame_on(target: GaussianTarget, domain: SymmetricDomain) -> FloatArray:
    """Directions (k, d) of the domain: those of the target, and where it has fewer any other ones.

    Raises
    ------
    ShapeError
        If the target has another number of inputs, or more directions than the domain.
    """
    found, inputs = target.frame, target.inputs
    if inputs != domain.inputs:
        raise ShapeError(f"a target of {inputs} inputs does not fit {domain!r}; give inputs = {inputs}")
    if len(found) > domain.kept:
        other = 'a half sphere, "half_sphere"' if len(found) == 2 else 'particles on a "hypersphere"'
        raise ShapeError(
            f"the target depends on {len(found)} directions, the {domain.kind} has {domain.kept}; choose {other}"
        )
    missing = domain.kept - len(found)
    if missing == 0:
        return found
    left = np.eye(inputs) - found.T @ found if inputs <= 64 else _left_over(found)
    row = left[np.argmax(np.linalg.norm(left, axis=1))]
    return np.vstack([found, row / np.linalg.norm(row)])


def _left_over(frame: FloatArray) -> FloatArray:
    """The axis (1, d) that a frame is farthest from, less its part in it."""
    axis = int(np.argmin((frame**2).sum(axis=0)))
    return np.eye(1, frame.shape[1], axis) - frame[:, axis] @ frame


def potential_on(target: GaussianTarget, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Potential of a target at points (m, k + 1) of a domain that may have more directions, and its gradient."""
    rank = len(target.frame)
    if points.shape[1] == rank + 1:
        return target.potential(points)
    heights = np.linalg.norm(points[:, rank:], axis=1)
    values, slopes = target.potential(np.column_stack([points[:, :rank], heights]))
    shares = points[:, rank:] / np.where(heights > 0.0, heights, 1.0)[:, None]
    return values, np.column_stack([slopes[:, :rank], slopes[:, -1:] * shares])


def potential_in_space(target: GaussianTarget, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Potential of a target at points (m, d) of R^d, and its gradient (m, d)."""
    along = points @ target.frame.T
    rest = points - along @ target.frame
    heights = np.linalg.norm(rest, axis=1)
    values, slopes = target.potential(np.column_stack([along, heights]))
    outward = rest / np.where(heights > 0.0, heights, 1.0)[:, None]
    return values, slopes[:, :-1] @ target.frame + slopes[:, -1:] * outward


@dataclass(frozen=True)
class LowRankSums:
    """Sums with the kernel at the cells by its factor."""

    low_rank: LowRank

    def __call__(self, masses: FloatArray, values: FloatArray) -> None:
        """Write ``L L^T masses`` into ``values``, both of shape (N,)."""
        factor = self.low_rank.factor
        np.dot(factor, masses @ factor, out=values)


def at_orbits(target: GaussianTarget, particles: Particles, domain: SymmetricDomain) -> ParticlePotential:
    """F, J and grad J at particles that are points (p, r) of the domain, each of which stands for its whole orbit."""
    frame_on(target, domain)
    points, charges = particles.points, particles.weights * particles.signs
    values, slopes = OrbitKernel(domain.inputs, domain.kept).sums(points, points, charges)
    wanted, wanted_slopes = potential_on(target, points)
    values, slopes = values - wanted, slopes - wanted_slopes
    energy = 0.5 * float(charges @ (values - wanted)) + 0.5 * target.second_moment
    return ParticlePotential(energy, particles.signs * values, particles.signs[:, None] * slopes)


@dataclass(frozen=True)
class OrbitRelu:
    r"""ReLU neurons averaged over the rotations of their rest, at inputs that are points (p, r) themselves.

    With t the first coordinate of a uniform direction of R^n, :math:`\tau = -a/b`, and c the factor of its density,

    .. math:: E (a + b t)_+ = a P(t > \tau) + b \frac{c}{n-1} (1 - \tau^2)_+^{(n-1)/2}.

    Parameters
    ----------
    inputs : array, shape (n, k + 1)
        Components of the inputs along the directions, and the length of the rest.
    dimension : int
        Number d - k of components of the rest.
    """

    inputs: FloatArray
    dimension: int

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at points (N, k + 1), shape (N, n)."""
        level = points[:, :-1] @ self.inputs[:, :-1].T
        width = points[:, -1:] * self.inputs[:, -1]
        if self.dimension == 1:
            return 0.5 * (np.maximum(level + width, 0.0) + np.maximum(level - width, 0.0))
        cut = np.clip(-level / np.where(width > 0.0, width, 1e-300), -1.0, 1.0)
        half = 0.5 * (self.dimension - 1)
        inside = 1.0 - cut**2
        tail = 0.5 * betainc(half, 0.5, inside)
        factor = np.exp(gammaln(half + 0.5) - gammaln(half)) / (np.sqrt(np.pi) * 2.0 * half)
        above = np.where(cut > 0.0, tail, 1.0 - tail)
        return np.asarray(level * above + width * factor * inside**half)
