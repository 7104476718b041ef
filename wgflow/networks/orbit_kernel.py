r"""The arc-cosine kernel between measures that are invariant under the rotations of all but k directions.

With t the first coordinate of a uniform direction of R^(d-k), of density proportional to
:math:`(1-t^2)^{(d-k-3)/2}`, and kappa(cos a) = (sin a + (pi - a) cos a) / (2 pi),

.. math:: \bar k((p, r), (p', r')) = E_t\, \kappa(p \cdot p' + r r' t).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from wgflow.domains.symmetric import SymmetricDomain
from wgflow.networks.kernels.orbits import averaged_bends, averaged_pairs, averaged_sums
from wgflow.networks.low_rank import LowRank, factorise
from wgflow.typing import FloatArray

NODE_COUNTS = ((18, 24), (8, 40), (4, 80), (3, 160), (2, 400))  # least d - k, and Gauss nodes for 1e-12 from there on


def orbit_nodes(dimension: int, count: int | None = None) -> tuple[FloatArray, FloatArray]:
    """Gauss nodes and weights of the first coordinate of a uniform direction of R^n: eigenvalues of its Jacobi matrix.

    Parameters
    ----------
    dimension : int
        The number n >= 1; of n = 1 they are -1 and 1.
    count : int, optional
        Number of nodes, at least 2; by default what averages of the arc-cosine kernel need.

    References
    ----------
    Golub and Welsch (1969), Math. Comp. 23.
    """
    if dimension == 1:
        return np.array([-1.0, 1.0]), np.array([0.5, 0.5])
    from scipy.linalg import eigh_tridiagonal

    if count is None:
        count = next(needed for least, needed in NODE_COUNTS if dimension >= least)
    k = np.arange(2.0, count)
    squares = k * (k + dimension - 3.0) / ((2.0 * k + dimension - 2.0) * (2.0 * k + dimension - 4.0))
    found = eigh_tridiagonal(np.zeros(count), np.sqrt(np.concatenate([[1.0 / dimension], squares])))
    nodes, vectors = (np.asarray(part, dtype=np.float64) for part in found)
    return nodes, vectors[0] ** 2


@dataclass(frozen=True)
class OrbitKernel:
    """The averaged kernel for d inputs and k directions.

    Parameters
    ----------
    inputs, kept : int
        The numbers d and k.
    """

    inputs: int
    kept: int

    @cached_property
    def nodes(self) -> tuple[FloatArray, FloatArray]:
        """Nodes and weights of the average."""
        return orbit_nodes(self.inputs - self.kept)

    def pairs(self, points: FloatArray, others: FloatArray) -> FloatArray:
        """Kernel of points (n, k + 1) and as many others, or one, shape (n,)."""
        (nodes, weights), values = self.nodes, np.empty(len(points))
        averaged_pairs(np.ascontiguousarray(points), np.ascontiguousarray(others), 1.0 - nodes, weights, values)
        return values

    def matrix(self, points: FloatArray, others: FloatArray) -> FloatArray:
        """Kernel of all pairs of points (n, k + 1) and others (m, k + 1), shape (n, m)."""
        return np.stack([self.pairs(points, other[None]) for other in others], axis=1)

    def sums(self, points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums over sources (n, k + 1) of masses (n,) at points (m, k + 1), and their gradients (m, k + 1)."""
        (nodes, weights), values, slopes = self.nodes, np.empty(len(points)), np.empty(points.shape)
        sides = np.ascontiguousarray(points), np.ascontiguousarray(sources)
        averaged_sums(*sides, masses, 1.0 - nodes, weights, values, slopes)
        return values, slopes

    def bends(self, points: FloatArray, sources: FloatArray, masses: FloatArray) -> FloatArray:
        r"""Sums over sources (n, k + 1) of the Laplacians of the kernel along S^k at points (m, k + 1), shape (m,).

        With :math:`s^2 = 1 - r'^2 (1 - t^2)` the squared length of (p', r' t), and a its angle to the point, that is

        .. math:: \Delta \bar k = E_t \big[(s^2 - \cos^2 a) / \sin a - k (\pi - a) \cos a\big] / (2 \pi).
        """
        (nodes, weights), values = self.nodes, np.empty(len(points))
        sides = np.ascontiguousarray(points), np.ascontiguousarray(sources)
        averaged_bends(*sides, masses, 1.0 - nodes, weights, values)
        return values


class LengthKernel(OrbitKernel):
    """The kernel at points of any length, of degree 1 in each."""

    def pairs(self, points: FloatArray, others: FloatArray) -> FloatArray:
        """Kernel of points (n, k + 1) and as many others, or one, shape (n,)."""
        (lengths, directions), (other_lengths, places) = polar(points), polar(others)
        return lengths * other_lengths * super().pairs(directions, places)

    def sums(self, points: FloatArray, sources: FloatArray, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums over sources (n, k + 1) of masses (n,) at points (m, k + 1), and their gradients (m, k + 1)."""
        (lengths, directions), (others, places) = polar(points), polar(sources)
        values, slopes = super().sums(directions, places, masses * others)
        return lengths * values, slopes


def polar(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lengths (n,) and directions (n, k + 1) of points; that of the origin is along the first axis."""
    lengths = np.linalg.norm(points, axis=1)
    directions = np.where((lengths > 0.0)[:, None], points, np.eye(1, points.shape[1]))
    return lengths, directions / np.where(lengths > 0.0, lengths, 1.0)[:, None]


@lru_cache(maxsize=1)
def factor_on(domain: SymmetricDomain, tolerance: float, memory_limit: float) -> LowRank:
    """Factor of the kernel at the cells of a domain, the last one kept; arguments as of `factorise`."""
    return factorise(OrbitKernel(domain.inputs, domain.kept), domain.points, tolerance, memory_limit)
