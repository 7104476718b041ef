r"""The exact solution of the flow of quadratic features, in any dimension.

With :math:`\Psi(w) = w w^T` and :math:`R(M) = \frac12 |M - M_*|_F^2` a Gaussian N(0, S_0) stays Gaussian
under the continuity equation, :math:`\dot S = -2 [(S - M_*) S + S (S - M_*)]`, and its image under
w -> (w/|w|, weight |w|^2) solves the full nonlinear sphere equation, reaction included.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gamma, pi

import numpy as np

from wgflow.errors import InputError
from wgflow.typing import FloatArray

_ROUND_OFF = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class AngularGaussian:
    r"""Image on the sphere of a Gaussian N(0, S), each point weighted by its squared length.

    Parameters
    ----------
    covariance : array, shape (p, p)
        Symmetric positive definite matrix S; the mass is its trace.

    Raises
    ------
    InputError
        If the covariance is not symmetric positive definite.
    """

    covariance: FloatArray

    def __post_init__(self) -> None:
        matrix = np.asarray(self.covariance, dtype=np.float64)
        square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and np.isfinite(matrix).all()
        if not square or not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix).min() <= 0.0:
            raise InputError(
                f"covariance = {matrix.tolist()} is not allowed; give a symmetric positive definite matrix"
            )
        object.__setattr__(self, "covariance", matrix)

    def __call__(self, points: FloatArray) -> FloatArray:
        r"""Density at unit vectors, shape (..., p) to (...).

        .. math:: (2\pi)^{-p/2} |S|^{-1/2} 2^{p/2} \Gamma(p/2 + 1) (\eta^T S^{-1} \eta)^{-(p+2)/2}
        """
        p = self.covariance.shape[0]
        scale = 2.0 ** np.round(
            np.log2(np.trace(self.covariance) / p)
        )  # keeps the powers below from over- and underflow
        matrix = self.covariance / scale
        form = np.einsum("...i,ij,...j->...", points, np.linalg.inv(matrix), points)
        constant = pi ** (-p / 2) * gamma(p / 2 + 1) / np.sqrt(np.linalg.det(matrix))
        return scale * constant * form ** (-(p + 2) / 2)

    @property
    def mass(self) -> float:
        """Total mass, the trace of the covariance."""
        return float(np.trace(self.covariance))


def quadratic_flow(target: FloatArray, start: FloatArray, time: float) -> AngularGaussian:
    r"""Exact solution at a time, as a density on the sphere.

    Parameters
    ----------
    target, start, time
        See `quadratic_covariance`.

    Returns
    -------
    AngularGaussian
        Its ``covariance`` is S(t).

    Raises
    ------
    InputError
        If an argument is not allowed, or S(t) is singular to round-off: all mass is then on a subspace, and there is
        no density.
    """
    covariance = quadratic_covariance(target, start, time)
    least, most = np.linalg.eigvalsh(covariance)[[0, -1]]
    if not least > len(covariance) * _ROUND_OFF * most:
        raise InputError(
            f"the exact solution has no density at time {time:g}: its covariance has eigenvalues from {least:.1e} to "
            f"{most:.1e}, which are 0 to round-off; use quadratic_covariance"
        )
    return AngularGaussian(covariance)


def quadratic_covariance(target: FloatArray, start: FloatArray, time: float) -> FloatArray:
    r"""Covariance of the exact solution at a time.

    .. math:: S(t) = [e^{-2tM_*} S_0^{-1} e^{-2tM_*} + M_*^{-1}(I - e^{-4tM_*})]^{-1}

    It is computed without growing exponentials, and is accurate at all times: also where M_* is singular, where the
    second term is its limit, or has negative eigenvalues, and where the start is on a subspace.

    Parameters
    ----------
    target : array, shape (p, p)
        Symmetric matrix M_*.
    start : array, shape (p, p)
        Symmetric positive semidefinite covariance S_0.
    time : float
        Time t >= 0.

    Returns
    -------
    array, shape (p, p)

    Raises
    ------
    InputError
        If an argument is not allowed.
    """
    target, start = _symmetric("target", target), _symmetric("start", start)
    if start.shape != target.shape or np.linalg.eigvalsh(start)[0] < -_smallest_pivot(start):
        raise InputError(
            f"start = {start.tolist()} is not allowed; give a positive semidefinite matrix of shape {target.shape}"
        )
    if not 0.0 <= time < np.inf:
        raise InputError(f"time = {time!r} is not allowed; give a number >= 0")
    rates, vectors = np.linalg.eigh(-target)  # the fastest growing direction first
    rates, limit = -rates, np.full(len(rates), 4.0 * time)
    # With E = e^(-2t max(M, 0)) and N = e^(2t min(M, 0)), S = N [E S_0^-1 E + |M|^-1 (I - e^(-4t|M|))]^-1 N; and with
    # S_0 = L L^T, L = E K E_r^-1, whose entries do not grow, the inverse is K [E_r^2 + K^T ... K]^-1 K^T.
    filled = np.divide(-np.expm1(-4.0 * time * abs(rates)), abs(rates), where=rates != 0.0, out=limit)
    lower, pivots = _echelon_factor(vectors.T @ start @ vectors)
    growing = 2.0 * time * np.maximum(rates, 0.0)
    scaled = lower * np.exp(np.minimum(growing[:, None] - growing[pivots], 0.0))
    inner = np.diag(np.exp(-2.0 * growing[pivots])) + (scaled.T * filled) @ scaled
    shrunk = vectors @ (np.exp(2.0 * time * np.minimum(rates, 0.0))[:, None] * scaled)
    covariance = shrunk @ np.linalg.solve(inner, shrunk.T)
    return np.asarray(0.5 * (covariance + covariance.T))


def _symmetric(name: str, values: FloatArray) -> FloatArray:
    matrix = np.asarray(values, dtype=np.float64)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and np.isfinite(matrix).all()
    if not square or not np.allclose(matrix, matrix.T):
        raise InputError(f"{name} = {matrix.tolist()} is not allowed; give a symmetric matrix")
    return matrix


def _smallest_pivot(matrix: FloatArray) -> float:
    """Below what a pivot of a semidefinite matrix is 0 but for round-off."""
    return 4.0 * len(matrix) * _ROUND_OFF * float(np.diagonal(matrix).max(initial=0.0))


def _echelon_factor(matrix: FloatArray) -> tuple[FloatArray, list[int]]:
    """Factor L (p, r) of a semidefinite matrix L L^T of rank r, and the row of the first entry of each column.

    Cholesky's, which leaves out directions that are in the span of those before.
    """
    rest, columns, pivots = matrix.copy(), [], []
    least = _smallest_pivot(matrix)
    for row in range(len(matrix)):
        if rest[row, row] > least:
            column = rest[:, row] / np.sqrt(rest[row, row])
            column[:row] = 0.0
            rest -= np.outer(column, column)
            columns.append(column)
            pivots.append(row)
    return np.array(columns).reshape(-1, len(matrix)).T, pivots
