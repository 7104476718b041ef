r"""The matrices of implicit steps, made of what passes through faces, and how equations with them are solved.

.. math:: A = \mathrm{diag}(d) + \sum_{KL} (e_K - e_L) (l_{KL} e_K - n_{KL} e_L)^T

with the flux :math:`l_{KL} x_K - n_{KL} x_L` from K to L: columns sum to d. Rows of cells are eliminated from one end
to the other, the last cell of rings after all others; all other matrices are factorised as sparse ones.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from wgflow.flows.factorisation import Factorisation, OrderedMatrices
from wgflow.flows.kernels.lines import eliminate_rows, solve_rows
from wgflow.typing import FloatArray, IntArray

EPSILON = float(np.finfo(float).eps)


class FaceMatrix(NamedTuple):
    """What a matrix is made of.

    Parameters
    ----------
    leaving, entering : arrays, shape (E,)
        Factors of the first and second cell of each face in the flux from the first to the second.
    diagonal : array, shape (N,)
        Sums of the columns.
    """

    leaving: FloatArray
    entering: FloatArray
    diagonal: FloatArray


class FactoredMatrix(Protocol):
    """A factorised matrix.

    Attributes
    ----------
    round_off : float
        Error of the sum of a solution, times the sums of the columns, over that of its absolute values.
    """

    round_off: float

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve for a right-hand side, shape (N,)."""


class FaceMatrices(Protocol):
    """Factorisations of matrices on the same faces."""

    def factorise(self, matrix: FaceMatrix) -> FactoredMatrix:
        """Factorise one of them; raises RuntimeError if it is singular."""


def matrices_on(cells: IntArray, shape: tuple[int, ...], sheets: int) -> FaceMatrices:
    """The fastest for faces between pairs of cells (E, 2) of a grid of some sheets: `LineMatrices` or `SparseMatrices`.

    Faces of one sheet come after those of the other.
    """
    count = int(np.prod(shape)) // sheets
    row, faces = np.arange(count), len(cells) // sheets
    if faces in (count - 1, count):
        first = (row + count * np.arange(sheets)[:, None])[:, :faces]
        second = (np.roll(row, -1) + count * np.arange(sheets)[:, None])[:, :faces]
        if np.array_equal(cells, np.stack([first.ravel(), second.ravel()], axis=1)):
            return LineMatrices(sheets, closed=faces == count)
    return SparseMatrices(cells, count * sheets)


class SparseMatrices:
    """Any matrices on the same faces, which are put in order once.

    Parameters
    ----------
    cells : array, shape (E, 2)
        The two cells of each face.
    count : int
        The number N of cells.
    """

    def __init__(self, cells: IntArray, count: int) -> None:
        first, second = cells.T
        diagonal = np.arange(count)
        rows = np.concatenate([first, first, second, second, diagonal])
        columns = np.concatenate([first, second, first, second, diagonal])
        places, self._slots = np.unique(columns * count + rows, return_inverse=True)
        starts = np.searchsorted(places, count * np.arange(count + 1)).astype(np.int64)
        self._places, self._count = (places % count, starts), count
        self._ordered: OrderedMatrices | None = None

    def assembled(self, matrix: FaceMatrix) -> Any:
        """The matrix as a `scipy.sparse.csc_array`."""
        from scipy.sparse import csc_array

        leaving, entering, diagonal = matrix
        entries = np.concatenate([leaving, -entering, -leaving, entering, diagonal])
        data = np.bincount(self._slots, entries)
        return csc_array((data, *self._places), shape=(self._count, self._count))

    def factorise(self, matrix: FaceMatrix) -> Factorisation:
        """Factorise one of them; raises RuntimeError if it is exactly singular."""
        sparse = self.assembled(matrix)
        if self._ordered is None:
            self._ordered = OrderedMatrices(sparse)
        with np.errstate(all="ignore"):  # sums of columns, which may vanish, are left of entries that may be far larger
            round_off = EPSILON * float(np.max(sparse.diagonal() / np.abs(matrix.diagonal)))
        return self._ordered.factorise(sparse.data, round_off)


class LineMatrices:
    """Matrices of rows of cells of the same length, from one end to the other or closed to rings.

    Parameters
    ----------
    rows : int
        Their number.
    closed : bool
        Whether their last face leads from the last cell to the first one.
    """

    def __init__(self, rows: int, *, closed: bool) -> None:
        self._rows, self._closed = rows, closed

    def factorise(self, matrix: FaceMatrix) -> FactoredMatrix:
        """Factorise one of them."""
        leaving, entering, diagonal = (part.reshape(self._rows, -1) for part in matrix)
        return (RingFactors if self._closed else LineFactors)(leaving, entering, diagonal)


class LineFactors:
    """A factorised matrix of rows from one end to the other.

    Parameters
    ----------
    leaving, entering : arrays, shape (r, n - 1)
        Factors in the fluxes to the next cells.
    diagonal : array, shape (r, n)
        Sums of the columns.
    """

    round_off = EPSILON

    def __init__(self, leaving: FloatArray, entering: FloatArray, diagonal: FloatArray) -> None:
        self._onward, self._back = np.empty_like(leaving), np.empty_like(leaving)
        self._inverse = np.empty_like(diagonal)
        eliminate_rows(leaving, entering, diagonal, self._onward, self._inverse, self._back)

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve for right-hand sides of N numbers."""
        result = np.empty_like(self._inverse)
        solve_rows(self._onward, self._inverse, self._back, right.reshape(result.shape), result)
        return result.reshape(right.shape)


class RingFactors:
    """The same of rings: a row of all cells but the last one, to which the last one is added.

    Parameters
    ----------
    leaving, entering : arrays, shape (r, n)
        Factors in the fluxes to the next cells, and from the last to the first.
    diagonal : array, shape (r, n)
        Sums of the columns.
    """

    round_off = EPSILON

    def __init__(self, leaving: FloatArray, entering: FloatArray, diagonal: FloatArray) -> None:
        sums = diagonal[:, :-1].copy()
        sums[:, 0] += entering[:, -1]
        sums[:, -1] += leaving[:, -2]
        self._row = LineFactors(leaving[:, :-2].copy(), entering[:, :-2].copy(), sums)
        self._shape, self._closing = diagonal.shape, (leaving[:, -2], entering[:, -1])
        come = np.zeros_like(sums)
        come[:, 0] += leaving[:, -1]
        come[:, -1] += entering[:, -2]
        self._response = self._row.solve(come)  # of the row to 1 in the last cell
        self._pivot = diagonal[:, -1] + np.sum(diagonal[:, :-1] * self._response, axis=1)

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve for right-hand sides of N numbers."""
        given = right.reshape(self._shape)
        row = self._row.solve(given[:, :-1].copy())
        by_row, by_seam = self._closing
        # Not the sum of all equations less what the row keeps: of a last cell that holds little nothing would be left.
        come = given[:, -1] + by_row * row[:, -1] + by_seam * row[:, 0]
        last = (come / self._pivot)[:, None]
        return np.concatenate([row + self._response * last, last], axis=1).reshape(right.shape)
