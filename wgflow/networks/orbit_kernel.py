r"""The arc-cosine kernel between measures that are invariant under the rotations of all but k directions.

With t the first coordinate of a uniform direction of R^(d-k), of density proportional to
:math:`(1-t^2)^{(d-k-3)/2}`, and kappa(cos a) = (sin a + (pi - a) cos a) / (2 pi),

.. math:: \bar k((p, r), (p', r')) = E_t\, \kappa(p \cdot p' + r r' t).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np

from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.networks.kernels.orbits import averaged_bends, averaged_pairs, averaged_sums
from wgflow.typing import FloatArray, IntArray

NODE_COUNTS = ((18, 24), (8, 40), (4, 80), (3, 160), (2, 400))  # least d - k, and Gauss nodes for 1e-12 from there on
MIB = 2.0**20


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

    def column(self, points: FloatArray, pivot: FloatArray) -> FloatArray:
        """Kernel of points (n, k + 1) and one point (k + 1,), shape (n,)."""
        return self._pairs(points, np.ascontiguousarray(pivot[None, :]))

    def diagonal(self, points: FloatArray) -> FloatArray:
        """Kernel of each point (n, k + 1) with itself, shape (n,)."""
        return self._pairs(points, points)

    def _pairs(self, points: FloatArray, others: FloatArray) -> FloatArray:
        (nodes, weights), values = self.nodes, np.empty(len(points))
        averaged_pairs(np.ascontiguousarray(points), np.ascontiguousarray(others), 1.0 - nodes, weights, values)
        return values

    def matrix(self, points: FloatArray, others: FloatArray) -> FloatArray:
        """Kernel of all pairs of points (n, k + 1) and others (m, k + 1), shape (n, m)."""
        return np.stack([self.column(points, other) for other in others], axis=1)

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


class CellKernel(Protocol):
    """A kernel that is positive semidefinite."""

    def column(self, points: FloatArray, pivot: FloatArray) -> FloatArray:
        """Kernel of points (n, k + 1) and one point (k + 1,), shape (n,)."""

    def diagonal(self, points: FloatArray) -> FloatArray:
        """Kernel of each point (n, k + 1) with itself, shape (n,)."""


class LengthKernel(OrbitKernel):
    """The kernel at points of any length, of degree 1 in each."""

    def column(self, points: FloatArray, pivot: FloatArray) -> FloatArray:
        """Kernel of points (n, k + 1) and one point (k + 1,), shape (n,)."""
        lengths, directions = polar(points)
        length, direction = polar(pivot[None, :])
        return lengths * length[0] * super().column(directions, direction[0])

    def diagonal(self, points: FloatArray) -> FloatArray:
        """Kernel of each point (n, k + 1) with itself, shape (n,)."""
        lengths, directions = polar(points)
        return lengths**2 * super().diagonal(directions)

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


@dataclass(frozen=True)
class LowRank:
    """A factor of the kernel at the cells, K = L L^T up to an error.

    Parameters
    ----------
    factor : array, shape (N, rank)
        The factor L, its columns one after another in memory.
    pivots : array, shape (rank,)
        Cells whose columns it interpolates.
    error : float
        Largest entry of K - L L^T, over the largest of K.
    """

    factor: FloatArray
    pivots: IntArray
    error: float

    @property
    def rank(self) -> int:
        """Number of columns."""
        return len(self.pivots)

    @property
    def memory(self) -> int:
        """Bytes of the factor."""
        return self.factor.nbytes


def factorise(kernel: CellKernel, points: FloatArray, tolerance: float, memory_limit: float) -> LowRank:
    """Pivoted Cholesky factorisation of the kernel at points (N, k + 1).

    What is left over is positive semidefinite, so that its largest entry is on its diagonal, which is known at each
    step: columns are added until it is small enough.

    Parameters
    ----------
    kernel : CellKernel
        The kernel.
    points : array, shape (N, k + 1)
        Cell centres.
    tolerance : float
        Largest error over the largest entry.
    memory_limit : float
        Bytes that the factor may take.

    Raises
    ------
    InputError
        If it takes more, with the tolerance that fits.

    References
    ----------
    Harbrecht, Peters and Schneider (2012), On the low-rank approximation by the pivoted Cholesky decomposition.
    """
    count = len(points)
    most = min(int(memory_limit / (8.0 * count)), count)
    left = kernel.diagonal(points)
    largest = float(left.max())
    pivots: list[int] = []
    rows = np.empty((min(64, max(most, 1)), count))
    while left.max() > tolerance * largest and len(pivots) < count:
        if len(pivots) >= most:
            _refuse(count, most, memory_limit, tolerance, float(left.max()) / largest)
        rank = len(pivots)
        if rank == len(rows):
            rows = np.concatenate([rows, np.empty((min(rank, most - rank), count))])
        pivot = int(left.argmax())
        column = kernel.column(points, points[pivot]) - rows[:rank, pivot] @ rows[:rank]
        column /= np.sqrt(left[pivot])
        rows[rank] = column
        left = np.maximum(left - column**2, 0.0)
        left[pivot] = 0.0
        pivots.append(pivot)
    factor = rows[: len(pivots)].copy().T
    return LowRank(factor, np.array(pivots, dtype=np.int64), float(left.max()) / largest)


@lru_cache(maxsize=1)
def factor_on(domain: SymmetricDomain, tolerance: float, memory_limit: float) -> LowRank:
    """Factor of the kernel at the cells of a domain, the last one kept; arguments as of `factorise`."""
    return factorise(OrbitKernel(domain.inputs, domain.kept), domain.points, tolerance, memory_limit)


def _refuse(count: int, most: int, memory_limit: float, tolerance: float, reached: float) -> None:
    raise InputError(
        f"the kernel at {count} cells has a rank above {most} at tolerance = {tolerance:g}, which takes more than the "
        f"memory limit of {memory_limit / MIB:.3g} MiB; tolerance = {2.0 * reached:.1e} fits, as do fewer cells; or "
        "raise the limit"
    )
