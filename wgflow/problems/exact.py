r"""The exact solution of the flow of quadratic features, in any dimension.

With :math:`\Psi(w) = w w^T` and :math:`R(M) = \frac12 |M - M_*|_F^2` a Gaussian N(0, S_0) stays Gaussian
under the continuity equation, :math:`\dot S = -2 [(S - M_*) S + S (S - M_*)]`, and its image under
w -> (w/|w|, weight |w|^2) solves the full nonlinear sphere equation, reaction included.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gamma, pi

import numpy as np
from scipy.linalg import expm

from wgflow.errors import InputError
from wgflow.typing import FloatArray


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
        form = np.einsum("...i,ij,...j->...", points, np.linalg.inv(self.covariance), points)
        constant = pi ** (-p / 2) * gamma(p / 2 + 1) / np.sqrt(np.linalg.det(self.covariance))
        return constant * form ** (-(p + 2) / 2)

    @property
    def mass(self) -> float:
        """Total mass, the trace of the covariance."""
        return float(np.trace(self.covariance))


def quadratic_flow(target: FloatArray, start: FloatArray, time: float) -> AngularGaussian:
    r"""Exact solution at a time, :math:`S(t) = e^{2tM_*} [S_0^{-1} + M_*^{-1}(e^{4tM_*} - I)]^{-1} e^{2tM_*}`.

    Parameters
    ----------
    target : array, shape (p, p)
        Symmetric matrix M_* (it may be singular).
    start : array, shape (p, p)
        Covariance S_0.
    time : float
        Time t >= 0.

    Returns
    -------
    AngularGaussian
        The density on the sphere; its ``covariance`` is S(t).
    """
    eigenvalues, vectors = np.linalg.eigh(target)
    quotient = np.where(eigenvalues == 0.0, 4.0 * time, np.expm1(4.0 * time * eigenvalues))
    quotient = np.divide(quotient, eigenvalues, where=eigenvalues != 0.0, out=quotient)
    growth = expm(2.0 * time * np.asarray(target))
    inner = np.linalg.inv(np.linalg.inv(start) + (vectors * quotient) @ vectors.T)
    covariance = growth @ inner @ growth
    return AngularGaussian(0.5 * (covariance + covariance.T))
