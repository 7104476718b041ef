r"""Population risk of ReLU students whose measure is invariant under the rotations of all but one or two directions.

Where the target depends on x through its k directions alone, F of an invariant measure is a quadratic function of its
image on the half circle or half sphere, with the kernel of `wgflow.networks.orbit_kernel` and the potential of the
target without any average:

.. math:: F(\nu) = \tfrac12 \iint \bar k\, d\nu\, d\nu - \int T d\nu + \tfrac12 E y^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import ShapeError
from wgflow.functionals.base import ParticlePotential
from wgflow.measures import Particles
from wgflow.networks.orbit_kernel import OrbitKernel
from wgflow.networks.relu_means import tail_moments
from wgflow.typing import FloatArray

TOLERANCES = {1: 1e-12, 2: 1e-6}  # of the kernel by the number of directions, where none is given

MeanProduct = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Mean of a target and neurons at points (m, k + 1), and its gradient (m, k + 1)."""


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

    def potential_laplacian(self, reduced: FloatArray, dimension: int) -> FloatArray:
        """Laplacian (m,) of that mean along the unit sphere of a dimension >= k, at unit vectors (m, k + 1)."""


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
    return potential_along(target.potential, target.frame, points)


def potential_along(potential: MeanProduct, axes: FloatArray, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A potential of the components along orthonormal axes (k, p), and the length of the rest, at points (m, p)."""
    along = points @ axes.T
    rest = points - along @ axes
    heights = np.linalg.norm(rest, axis=1)
    values, slopes = potential(np.column_stack([along, heights]))
    outward = rest / np.where(heights > 0.0, heights, 1.0)[:, None]
    return values, slopes[:, :-1] @ axes + slopes[:, -1:] * outward


def laplacian_in_space(target: GaussianTarget, points: FloatArray) -> FloatArray:
    """Laplacian of the potential of a target along the unit sphere of R^d at unit vectors (m, d), shape (m,)."""
    along = points @ target.frame.T
    heights = np.linalg.norm(points - along @ target.frame, axis=1)
    return target.potential_laplacian(np.column_stack([along, heights]), points.shape[1] - 1)


def orbit_laplacian(target: GaussianTarget, particles: Particles, domain: SymmetricDomain) -> FloatArray:
    """Laplacian of J along the domain at particles that are points (p, r) of it, shape (m,)."""
    frame_on(target, domain)
    points, rank = particles.points, len(target.frame)
    found = OrbitKernel(domain.inputs, domain.kept).bends(points, points, particles.weights * particles.signs)
    reduced = np.column_stack([points[:, :rank], np.linalg.norm(points[:, rank:], axis=1)])
    return np.asarray(particles.signs * (found - target.potential_laplacian(reduced, domain.kept)))


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
    """ReLU neurons averaged over the rotations of their rest, at inputs that are points (p, r) themselves.

    By the moments of the first coordinate of a uniform direction of R^n, see `wgflow.networks.relu_means`.

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
        level, width = level_and_width(points, self.inputs)
        share, first, _ = tail_moments(level, width, self.dimension)
        return np.asarray(level * share + width * first)


def level_and_width(points: FloatArray, inputs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Numbers a and b of a + b t, what neurons (N, k + 1) see of inputs (n, k + 1), both of shape (N, n)."""
    return points[:, :-1] @ inputs[:, :-1].T, points[:, -1:] * inputs[:, -1]
