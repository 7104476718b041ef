"""The sparse factorisation of implicit and variational steps."""

from __future__ import annotations

from typing import Any

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
    # The pattern is symmetric: half of the entries of the default ordering.
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", panel_size=PANEL, **rows)
