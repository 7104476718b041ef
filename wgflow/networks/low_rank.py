r"""Factors of low rank of kernels at cells, some of which are mirror images of others.

A kernel of points (p, r) that sees of two points the products of their components alone is the same for both of their
mirror images in a coordinate plane. Where all cells have such images, in G = 2, 4, ... ways, it is a sum of G kernels
at a G-th of the cells: with chi a character of the group, for g and h in it,

.. math:: k(g x, h x') = \sum_\chi \chi(g) \chi(h) k_\chi(x, x'), \qquad
          k_\chi(x, x') = \frac1G \sum_g \chi(g) k(g x, x').

Each has a factor of its own. Together they have as many columns as one of the whole kernel, of a G-th of the length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, Protocol

import numpy as np

from wgflow.errors import InputError
from wgflow.networks.kernels.low_rank import mirrored_sums
from wgflow.typing import FloatArray, IntArray

MIB = 2.0**20
SAME_PLACE = 1e-12  # of the largest coordinate: what meshes of mirror images are apart by round-off
WORTH_A_COLUMN = 0.25  # of what the largest part has left at a pivot


class CellKernel(Protocol):
    """A kernel that is positive semidefinite, and sees of points the products of their components."""

    def pairs(self, points: FloatArray, others: FloatArray) -> FloatArray:
        """Kernel of points (n, k + 1) and as many others, or one, shape (n,)."""


@dataclass(frozen=True)
class Mirrors:
    """Cells by their mirror images in the axes in which all have one.

    Parameters
    ----------
    images : array, shape (G, Q)
        Cells that the first row are all images of; the second one is that of the first in the first of these axes, and
        so on. A cell on an axis is its own image.
    """

    images: IntArray

    @classmethod
    def of(cls, points: FloatArray) -> Mirrors:
        """Find images of points (N, k + 1) in the axes of the directions, all but the last."""
        from scipy.spatial import KDTree

        images = np.arange(len(points))[None]
        tree, near = KDTree(points), SAME_PLACE * np.abs(points).max()
        for axis in range(points.shape[1] - 1):
            mirrored = np.where(np.arange(points.shape[1]) == axis, -points, points)
            distances, image = (np.asarray(found) for found in tree.query(mirrored))
            if distances.max() <= near:
                images = np.concatenate([images, image[images]])
        return cls(images[:, images.min(axis=0) == images[0]])

    @property
    def characters(self) -> FloatArray:
        """The characters of the group of mirror images, shape (G, G)."""
        found = np.ones((1, 1))
        while len(found) < len(self.images):
            found = np.block([[found, found], [found, -found]])
        return found

    @property
    def shares(self) -> FloatArray:
        """One over the number of mirror images of a cell that are itself, shape (Q,)."""
        return 1.0 / (self.images == self.images[0]).sum(axis=0)

    @property
    def held(self) -> FloatArray:
        """One where a part may live, 0 at cells whose own images have another sign in it, shape (G, Q)."""
        return np.asarray((self.characters @ (self.images == self.images[0]) > 0.0).astype(np.float64))

    def parts(self, values: FloatArray) -> FloatArray:
        """Parts of kernel values at images (G, Q), of the same shape."""
        return np.asarray(self.held * (self.characters @ values) / len(values))


@dataclass(frozen=True)
class LowRank:
    """A factor of the kernel at the cells, K = L L^T up to an error.

    Parameters
    ----------
    mirrors : Mirrors
        The cells.
    rows : array, shape (rank, Q)
        The columns of the factors of all parts, each a row.
    ends : array, shape (G + 1,)
        Rows of each part, from one end to the next.
    error : float
        Largest entry of K - L L^T, over the largest of K.
    """

    mirrors: Mirrors
    rows: FloatArray
    ends: IntArray
    error: float

    @property
    def rank(self) -> int:
        """Number of columns."""
        return len(self.rows)

    @property
    def memory(self) -> int:
        """Bytes of the factors."""
        return self.rows.nbytes

    @property
    def factor(self) -> FloatArray:
        """The factor L of the whole kernel, shape (N, rank)."""
        images = self.mirrors.images
        signs = np.repeat(self.mirrors.characters, np.diff(self.ends), axis=1)
        whole = np.empty((images.max() + 1, self.rank))
        whole[images] = signs[:, None, :] * self.rows.T
        return whole


class LowRankSums:
    """Sums with the kernel at the cells by its factor; they have work space, which belongs to one caller.

    Parameters
    ----------
    low_rank : LowRank
        The factor.
    """

    def __init__(self, low_rank: LowRank) -> None:
        mirrors = low_rank.mirrors
        images = np.ascontiguousarray(mirrors.images, dtype=np.uint32)
        work = np.empty(images.shape), np.empty(images.shape)
        self._known = (low_rank.rows, low_rank.ends, images, mirrors.shares, *work)

    def __call__(self, masses: FloatArray, values: FloatArray) -> None:
        """Write ``L L^T masses`` into ``values``, both of shape (N,)."""
        mirrored_sums(masses, *self._known, values)


class _Columns:
    """Columns of the factor of one part, in rows that grow."""

    def __init__(self, cells: int) -> None:
        self._rows, self.count = np.empty((16, cells)), 0

    @property
    def rows(self) -> FloatArray:
        """Those that there are."""
        return self._rows[: self.count]

    def append(self, values: FloatArray, left: FloatArray, pivot: int) -> None:
        """Take a column of the kernel less what is known of it; ``left`` is the diagonal of the rest, and follows."""
        if self.count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        column = self._rows[self.count]
        np.divide(values - self.rows[:, pivot] @ self.rows, np.sqrt(left[pivot]), out=column)
        left[:] = np.maximum(left - column**2, 0.0)
        left[pivot] = 0.0
        self.count += 1


def factorise(kernel: CellKernel, points: FloatArray, tolerance: float, memory_limit: float) -> LowRank:
    """Pivoted Cholesky factorisation of the kernel at points (N, k + 1), of each of its parts.

    What is left over is positive semidefinite, so that its largest entry is on its diagonal, the sum of those of all
    parts, which is known at each step: columns are added until it is small enough. The cell where it is largest is the
    pivot of all parts that have much left there.

    Parameters
    ----------
    kernel : CellKernel
        The kernel.
    points : array, shape (N, k + 1)
        Cell centres.
    tolerance : float
        Largest error over the largest entry.
    memory_limit : float
        Bytes that the factors may take.

    Raises
    ------
    InputError
        If they take more, with the tolerance that fits.

    References
    ----------
    Harbrecht, Peters and Schneider (2012), On the low-rank approximation by the pivoted Cholesky decomposition.
    """
    mirrors = Mirrors.of(points)
    images = mirrors.images
    left = mirrors.parts(np.stack([kernel.pairs(points[image], points[images[0]]) for image in images]))
    largest = float(left.sum(axis=0).max())
    parts = [_Columns(images.shape[1]) for _ in images]
    most = int(memory_limit / (8.0 * images.shape[1]))
    while (error := float(left.sum(axis=0).max())) > tolerance * largest:
        if sum(part.count for part in parts) >= most:
            _refuse(len(points), most, memory_limit, tolerance, error / largest)
        pivot = int(left.sum(axis=0).argmax())
        column = mirrors.parts(kernel.pairs(points, points[images[:1, pivot]])[images])
        for number in np.flatnonzero(left[:, pivot] >= WORTH_A_COLUMN * left[:, pivot].max()):
            parts[number].append(column[number], left[number], pivot)
    ends = np.cumsum([0, *(part.count for part in parts)])
    return LowRank(mirrors, np.concatenate([part.rows for part in parts]), ends, error / largest)


def _refuse(count: int, most: int, memory_limit: float, tolerance: float, reached: float) -> NoReturn:
    raise InputError(
        f"the kernel at {count} cells has a rank above {most} at tolerance = {tolerance:g}, which takes more than the "
        f"memory limit of {memory_limit / MIB:.3g} MiB; tolerance = {2.0 * reached:.1e} fits, as do fewer cells; or "
        "raise the limit"
    )
