"""The sparse factorisations of implicit and variational steps."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from wgflow.typing import FloatArray, IntArray

# The pattern is symmetric: half of the entries of the default ordering.
ORDERING: Final = "MMD_AT_PLUS_A"
PANEL = 4  # columns that are eliminated together: half the time of the default, 20, where each has a dozen entries


def factorise(matrix: Any, *, definite: bool = False) -> Any:
    """Factorise a sparse matrix with a symmetric pattern.

    Parameters
    ----------
    matrix : scipy.sparse.csc_array, shape (N, N)
        The matrix.
    definite : bool
        Whether it is symmetric and positive definite, so that rows need not be exchanged.

    Returns
    -------
    scipy.sparse.linalg.SuperLU
        Its method ``solve`` takes right-hand sides (N,).

    Raises
    ------
    RuntimeError
        If the matrix is exactly singular.
    """
    from scipy.sparse.linalg import splu

    rows: dict[str, Any] = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}} if definite else {}
    return splu(matrix, permc_spec=ORDERING, panel_size=PANEL, **rows)


class OrderedMatrices:
    """Factorisations of matrices that all have entries at the same places, which are put in order once.

    Parameters
    ----------
    pattern : scipy.sparse.csc_array, shape (N, N)
        Any matrix with these places, in a symmetric pattern; its values do not matter.
    """

    def __init__(self, pattern: Any) -> None:
        from scipy.sparse import csc_array, eye_array
        from scipy.sparse.linalg import spilu

        count, entries = pattern.shape[0], pattern.nnz
        places = csc_array((np.ones(entries), pattern.indices, pattern.indptr), shape=pattern.shape)
        dominant: Any = csc_array(places + entries * eye_array(count, format="csc"))
        # An incomplete factorisation that drops all it may is ordered as a complete one, in a quarter of the time.
        order = np.argsort(spilu(dominant, drop_tol=1.0, fill_factor=1.0, permc_spec=ORDERING).perm_c)
        numbered = csc_array((np.arange(entries), pattern.indices, pattern.indptr), shape=pattern.shape)
        ordered = csc_array(numbered[order][:, order])
        ordered.sort_indices()
        self._order, self._entries = order, ordered.data
        self._places = ordered.indices.astype(np.int32), ordered.indptr.astype(np.int32)

    def factorise(self, values: FloatArray, round_off: float) -> Factorisation:
        """Factorise the matrix with the values of the pattern's entries; raises RuntimeError if it is singular."""
        from scipy.sparse import csc_array
        from scipy.sparse.linalg import splu

        count = self._order.size
        matrix = csc_array((values[self._entries], *self._places), shape=(count, count))
        return Factorisation(splu(matrix, permc_spec="NATURAL", panel_size=1), self._order, round_off)


class Factorisation:
    """A factorised matrix, its rows and columns in another order.

    Parameters
    ----------
    factors : scipy.sparse.linalg.SuperLU
        The factors of the matrix in that order.
    order : array, shape (N,)
        The row that comes at each place.
    round_off : float
        Relative error of a solution.
    """

    def __init__(self, factors: Any, order: IntArray, round_off: float) -> None:
        self._factors, self._order, self.round_off = factors, order, round_off

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve for a right-hand side, shape (N,)."""
        found = np.empty_like(right)
        found[self._order] = self._factors.solve(right[self._order])
        return found
