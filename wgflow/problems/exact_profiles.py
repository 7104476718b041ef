r"""Exact solutions with a front: porous media that spread or rest in a bowl, and particles that repel each other.

References
----------
Vazquez (2007), The Porous Medium Equation, Sections 4.4 and 18.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wgflow.domains import Box
from wgflow.domains.quadrature import cell_averages
from wgflow.errors import InputError
from wgflow.typing import FloatArray

PARTS = 8  # of a cell along each axis, beside a front in the plane


def bump_averages(box: Box, radius: float, power: float) -> FloatArray:
    """Exact cell averages of the density of mass 1 on a line that is a multiple of (radius^2 - x^2)_+^power.

    With the power 1/2 and the radius sqrt(2) it is the semicircle at which particles with the interaction
    x^2 / 2 - log|x| rest.

    Parameters
    ----------
    box : Box
        A box of one dimension.
    radius, power : float
        Half width of the support, and power > -1.

    Returns
    -------
    array, shape ``box.shape``
    """
    from scipy.special import betainc

    edges = np.linspace(*box.bounds[0], box.shape[0] + 1)
    inside = np.clip(edges / radius, -1.0, 1.0)
    return np.diff(0.5 * np.sign(inside) * betainc(0.5, power + 1.0, inside**2)) / box.spacing[0]


def disk_averages(box: Box, slices: int = 32) -> FloatArray:
    """Cell averages of the uniform density of mass 1 on the unit disk, at which |x|^2 / 2 - log|x| rests.

    Parameters
    ----------
    box : Box
        A box of two dimensions.
    slices : int
        Number of slices of each cell across the first axis; along the second the disk is exact.

    Returns
    -------
    array, shape ``box.shape``
    """
    low, high = box.bounds[0]
    places = (np.arange(box.shape[0] * slices) + 0.5) / (box.shape[0] * slices)
    half = np.sqrt(np.maximum(1.0 - (low + (high - low) * places) ** 2, 0.0))[:, None]
    edges = np.linspace(*box.bounds[1], box.shape[1] + 1)
    covered = np.diff(np.clip(edges, -half, half), axis=1) / box.spacing[1]
    return covered.reshape(box.shape[0], slices, -1).mean(axis=1) / np.pi


def radius_at_rest(exponent: float) -> float:
    r"""Radius of the density of mass 1 on a line that rests in x^2 / 2, a porous medium with the given exponent.

    Its pressure :math:`\frac{m}{m-1} \rho^{m-1}` is (radius^2 - x^2)_+ / 2: `bump_averages` with the power 1/(m - 1).
    """
    from scipy.special import beta

    power = 1.0 / (exponent - 1.0)
    unit = (0.5 / (exponent * power)) ** power * beta(0.5, power + 1.0)
    return float(unit ** (-1.0 / (2.0 * power + 1.0)))


@dataclass(frozen=True)
class Barenblatt:
    r"""Self-similar solution of mass 1 of :math:`\partial_t \rho = \Delta \rho^m` in one or two dimensions.

    .. math:: \rho = t^{-a} (C - k |x|^2 t^{-2a/d})_+^{1/(m-1)}, \quad a = \frac{d}{d(m-1) + 2}, \quad
              k = \frac{a(m-1)}{2md}

    Parameters
    ----------
    exponent : float
        The exponent m > 1.
    dimension : int
        The dimension d, 1 or 2.

    Raises
    ------
    InputError
        If a number is not allowed.
    """

    exponent: float
    dimension: int = 1

    def __post_init__(self) -> None:
        if not (self.exponent > 1.0 and math.isfinite(self.exponent)):
            raise InputError(f"exponent = {self.exponent!r} is not allowed; give a finite number > 1")
        if self.dimension not in (1, 2):
            raise InputError(f"dimension = {self.dimension!r} is not allowed; choose 1 or 2")

    @property
    def power(self) -> float:
        """Power 1/(m - 1) of the distance to the front with which the density begins there."""
        return 1.0 / (self.exponent - 1.0)

    @property
    def rate(self) -> float:
        """Rate a of the decay."""
        return self.dimension / (self.dimension * (self.exponent - 1.0) + 2.0)

    @property
    def _slope(self) -> float:
        return self.rate * (self.exponent - 1.0) / (2.0 * self.exponent * self.dimension)

    @property
    def _constant(self) -> float:
        from scipy.special import beta

        half = 0.5 * self.dimension
        surface = 2.0 if self.dimension == 1 else 2.0 * np.pi
        unit = 0.5 * surface * beta(half, self.power + 1.0) * self._slope**-half
        return float(unit ** (-1.0 / (self.power + half)))

    def radius(self, time: float) -> float:
        """Radius of the support."""
        return math.sqrt(self._constant / self._slope) * time ** (self.rate / self.dimension)

    def density(self, points: FloatArray, time: float) -> FloatArray:
        """Density at points of shape (..., d)."""
        spread = time ** (-2.0 * self.rate / self.dimension)
        inside = np.maximum(self._constant - self._slope * (points**2).sum(axis=-1) * spread, 0.0)
        return np.asarray(time**-self.rate * inside**self.power)

    def averages(self, box: Box, time: float) -> FloatArray:
        """Cell averages on a box of this dimension, exact on lines."""
        if self.dimension == 1:
            return bump_averages(box, self.radius(time), self.power)
        finer = Box(box.bounds, [PARTS * count for count in box.shape])
        shape = [number for count in box.shape for number in (count, PARTS)]
        return cell_averages(finer, lambda points: self.density(points, time)).reshape(shape).mean(axis=(1, 3))
