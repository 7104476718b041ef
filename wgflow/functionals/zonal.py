r"""Convolution with zonal kernels on the sphere S^2, by spherical harmonics in O(N + L^3).

The kernel is :math:`k(x \cdot y) = \sum_l \lambda_l \sum_m Y_{lm}(x) Y_{lm}(y)`. Masses at any points become
coefficients by the adjoint of the synthesis, so that the truncated operator is symmetric, and positive semidefinite
where the eigenvalues are not negative, and J remains the derivative of F.

References
----------
Reinecke, Belkner and Carron (2023), Improved cosmic microwave background (de-)lensing, A&A 678: the transforms.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from wgflow.domains import Sphere
from wgflow.errors import FlowWarning
from wgflow.former_names import with_former
from wgflow.functionals.convolution import TOLERATED
from wgflow.typing import FloatArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

LEAST_DEGREE = 128
DEGREE_FACTOR = 2.0  # degrees per square root of the number of cells
ACCURACY = 1e-12  # of the transforms, relative
ALIAS_DEGREE = 1.9  # of the first harmonics that are constant at the centres of nearly hexagonal cells, over sqrt(N)
ALIASES = 6.0  # neighbours of 0 in the lattice of those


def largest_degree(cells: int) -> int:
    """Degree L at which the kernel is cut off.

    The rest of a kernel whose slope has a kink, as the arc-cosine kernel's has, is at most 0.16 L^-3 (relative to
    k = 1/2 at the angle 0), its gradient about 0.24 L^-2. With L = 2 sqrt(N), and cells of width h = sqrt(4 pi / N),
    they are 4e-4 h^3 and 5e-3 h^2: far below the error of the finite volumes.
    """
    return max(LEAST_DEGREE, int(np.ceil(DEGREE_FACTOR * np.sqrt(cells))))


class HarmonicConvolution:
    """Sums ``sum_j k(x_i . x_j) mass_j`` at the cell centres, with the kernel cut off at `largest_degree`.

    One thread: with several, the transforms round differently from call to call.

    Parameters
    ----------
    sphere : Sphere
        The sphere with N cells.
    eigenvalues : callable
        Largest degree L to the eigenvalues lambda_l of a kernel, shape (L + 1,).
    """

    def __init__(self, sphere: Sphere, eigenvalues: Callable[[int], FloatArray]) -> None:
        import ducc0

        x, y, z = sphere.points.T
        places = np.stack([np.arctan2(np.hypot(x, y), z), np.mod(np.arctan2(y, x), 2.0 * np.pi)], axis=1)
        degree = largest_degree(sphere.cells)
        self._synthesis, self._adjoint = ducc0.sht.synthesis_general, ducc0.sht.adjoint_synthesis_general
        self._options = {"spin": 0, "lmax": degree, "loc": places, "epsilon": ACCURACY, "nthreads": 1}
        coefficients = eigenvalues(degree)
        self._factors = np.concatenate([coefficients[order:] for order in range(degree + 1)])
        self._harmonics = np.empty((1, self._factors.size), dtype=np.complex128)

    def __call__(self, mass: FloatArray, values: FloatArray) -> None:
        """Write the sums for cell masses, shape (N,), into ``values``, shape (N,)."""
        self._adjoint(map=mass[None, :], alm=self._harmonics, **self._options)
        self._harmonics *= self._factors
        self._synthesis(alm=self._harmonics, map=values[None, :], **self._options)


def warn_of_cutoff(sphere: Sphere, eigenvalues: FloatArray) -> None:
    """Warn if the cells of a sphere are too coarse for the kernel of some eigenvalues up to `largest_degree`.

    They are if harmonics count that the cells mistake for constants.
    """
    first = int(np.ceil(ALIAS_DEGREE * np.sqrt(sphere.cells)))
    error = ALIASES * abs(eigenvalues[first : first + 2]).max() / (abs(eigenvalues).max() or 1.0)
    if error > TOLERATED:
        warnings.warn(
            f"the zonal kernel varies within a cell of size {np.sqrt(4.0 * np.pi / sphere.cells):.3g}: the sphere "
            f"misjudges its integral by about {error:.0%}; refine it, or choose a smoother kernel",
            FlowWarning,
            stacklevel=3,
        )
