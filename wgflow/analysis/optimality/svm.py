r"""Support vector machines with a hard margin and without offset.

.. math:: \gamma = \max_{|w| \le 1} \min_i y_i \langle w, \varphi_i \rangle
          = \min_{\lambda \ge 0, \sum \lambda = 1} \Big| \sum_i \lambda_i y_i \varphi_i \Big|

References
----------
Lawson and Hanson (1974), Solving Least Squares Problems, Chapter 23: least distance by nonnegative least squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.errors import ComputationError, InputError
from wgflow.typing import FloatArray

LEAST_MARGIN = 1e-7  # over the largest |phi_i|: below, round-off decides whether the data are separable
RESCALINGS = 4
GOOD_GAP = 1e-8


@dataclass(frozen=True)
class HardMargin:
    """Margins that bracket the best one, and the multipliers that show both.

    Parameters
    ----------
    margin : float
        Least ``y_i <w, phi_i> / |w|`` for ``w = sum_i multipliers_i y_i phi_i``.
    upper_bound : float
        Length of w, which no margin exceeds.
    multipliers : array, shape (n,)
        Nonnegative, of sum 1; positive at support vectors.
    """

    margin: float
    upper_bound: float
    multipliers: FloatArray


def hard_margin(vectors: FloatArray) -> HardMargin:
    """Find the shortest vector in the convex hull of vectors ``y_i phi_i``.

    Parameters
    ----------
    vectors : array, shape (n, m)
        Features times labels.

    Raises
    ------
    InputError
        If the data are not separable: the hull holds the origin.
    ComputationError
        If least squares failed.
    """
    size = float(np.linalg.norm(vectors, axis=1).max())
    best: HardMargin | None = None
    level = size
    for _ in range(RESCALINGS):  # the last row of the least squares must be of the size of the margin
        found = _bracket(vectors, _least_distance(vectors / level))
        if found.upper_bound <= LEAST_MARGIN * size:
            raise not_separable()
        best = found if best is None or found.margin > best.margin else best
        if best.upper_bound - best.margin <= GOOD_GAP * best.upper_bound:
            break
        level = found.upper_bound
    if best is None or best.margin <= 0.0:
        raise not_separable()
    return best


def not_separable() -> InputError:
    """Error of data that no classifier of the wanted kind separates."""
    return InputError("the data are not separable (the best margin is 0): no classifier of this kind fits all labels")


def factor(gram: FloatArray) -> FloatArray:
    """Vectors (n, r) with a given positive semidefinite matrix (n, n) of products; round-off below zero is dropped."""
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-15 * values[-1]
    return vectors[:, kept] * np.sqrt(values[kept])


def _least_distance(vectors: FloatArray) -> FloatArray:
    """Multipliers by nonnegative least squares ``|sum_i z_i (v_i, 1) - (0, 1)|``."""
    from scipy.optimize import nnls

    system = np.vstack([vectors.T, np.ones(len(vectors))])
    wanted = np.append(np.zeros(vectors.shape[1]), 1.0)
    try:
        multipliers, _ = nnls(system, wanted, maxiter=30 * len(vectors))
    except RuntimeError as error:
        raise ComputationError(f"the multipliers of the margin were not found: {error}") from None
    return multipliers / multipliers.sum()


def _bracket(vectors: FloatArray, multipliers: FloatArray) -> HardMargin:
    shortest = multipliers @ vectors
    length = float(np.linalg.norm(shortest))
    return HardMargin(float((vectors @ shortest).min()) / max(length, 1e-300), length, multipliers)
