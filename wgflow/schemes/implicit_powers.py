r"""Fluxes of drift and powers of the density through faces, monotone for every strength of the drift.

Let a and b be the densities of the cells that the drift leaves and enters, w >= 0 the fall of the potential V from one
to the other, H = U' and the pressure P with P' = rho H'. The flux over the conductance,

.. math:: G = w a + P(a) - P(b) - \int_b^a \min(P', w / 2),

is :math:`w (a + b) / 2 + P(a) - P(b)`, of the second order, where diffusion dominates (P' >= w / 2), and that of upwind
transport and diffusion where drift does. It grows with a and falls with b, but does not vanish at rest unless H is
linear. So it is bounded by multiples of the flux upwind in the fall j = w + H(a) - H(b) of J, which have both
properties, and with them the sign of j:

.. math::

   G &\in [\tfrac12, 2]\; a\, j &\text{ if } j \ge 0,\ a < b, \\
   G &\in [2 b\, j,\ \tfrac12 \max(b\, j,\ w a + P(a) - P(b))] &\text{ if } j < 0.

(For j >= 0 and a >= b it lies between 0 and a j anyway; the last term keeps the steep H in vacuum out.) So F falls,
nothing leaves an empty cell, and implicit steps have matrices of positive type.

References
----------
Engquist and Osher (1981), One-sided difference approximations for nonlinear conservation laws, Math. Comp. 36: the
integral of a bounded slope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wgflow.functionals import InternalEnergy
from wgflow.typing import FloatArray, IntArray

LEAST_FACTOR, LARGEST_FACTOR = 0.5, 2.0  # of the fluxes upwind in J, which bound the others
FREE, UPWIND_IN_V, UPWIND_IN_J = range(3)
STEEPNESS = 1e-3  # least density over that of the neighbour in the slope of H, which has no bound in vacuum


@dataclass(frozen=True)
class InternalTerms:
    """Internal energies with the floors of their densities.

    Parameters
    ----------
    terms : sequence of InternalEnergy
        The energies.
    mean : float
        The mean density, which sets the floors.
    """

    terms: Sequence[InternalEnergy]
    mean: float

    def pressure(self, density: FloatArray) -> FloatArray:
        """P, the sum over the energies."""
        return np.sum([term.pressure(density, term.floor(self.mean)) for term in self.terms], axis=0)

    def pressure_slope(self, density: FloatArray) -> FloatArray:
        """P', the sum over the energies."""
        return np.sum([term.pressure_slope(density, term.floor(self.mean)) for term in self.terms], axis=0)

    def slope(self, density: FloatArray) -> FloatArray:
        """H, the sum of U' over the energies."""
        return np.sum([term.slope(np.maximum(density, term.floor(self.mean))) for term in self.terms], axis=0)

    def bounded_fall(self, left: FloatArray, right: FloatArray, bound: FloatArray) -> tuple[FloatArray, IntArray]:
        """Integral of min(P', bound) from ``right`` to ``left`` for one of the energies, and its number.

        It is the one whose integral is largest: that of the sum has no closed form, and is not less.
        """
        falls = []
        for term in self.terms:
            floor = term.floor(self.mean)
            falls.append(term.bounded_pressure(left, floor, bound) - term.bounded_pressure(right, floor, bound))
        numbers = np.abs(falls).argmax(axis=0)
        return np.choose(numbers, falls), numbers

    def slope_of(self, numbers: IntArray, density: FloatArray) -> FloatArray:
        """P' of the energies of the given numbers, at densities of the same shape."""
        return np.choose(numbers, [term.pressure_slope(density, term.floor(self.mean)) for term in self.terms])


class DriftFaces:
    """The fluxes, over the conductances, from the cells that the drift leaves to those that it enters.

    Parameters
    ----------
    internal : InternalTerms
        The internal energies.
    left, right : arrays, shape (E,)
        Densities a and b of these cells.
    drift : array, shape (E,)
        The fall w of the potential.

    Attributes
    ----------
    flux : array, shape (E,)
        The fluxes.
    """

    def __init__(self, internal: InternalTerms, left: FloatArray, right: FloatArray, drift: FloatArray) -> None:
        self._internal, self._left, self._right, self._drift = internal, left, right, drift
        self._fall = drift + internal.slope(left) - internal.slope(right)
        self._losing = np.where(self._fall < 0.0, right, left)
        in_v = drift * left + internal.pressure(left) - internal.pressure(right)
        in_j = self._losing * self._fall
        bounded, self._number = internal.bounded_fall(left, right, 0.5 * drift)
        free = in_v - bounded
        least, most = LEAST_FACTOR * in_j, LARGEST_FACTOR * in_j
        steep = (self._fall < 0.0) & (in_v > in_j)
        least = np.where(steep, LEAST_FACTOR * in_v, least)
        bound = (left < right) | (self._fall < 0.0)
        small = bound & ((np.sign(free) != np.sign(in_j)) | (np.abs(free) < np.abs(least)))
        large = bound & ~small & (np.abs(free) > np.abs(most))
        self.flux = np.where(small, least, np.where(large, most, free))
        self._choice = np.where(small, np.where(steep, UPWIND_IN_V, UPWIND_IN_J), np.where(large, UPWIND_IN_J, FREE))
        self._factor = np.where(large, LARGEST_FACTOR, LEAST_FACTOR)

    def slopes(self) -> tuple[FloatArray, FloatArray]:
        """Derivatives of the fluxes by a, and minus those by b; none is negative."""
        by_left = self._slope(self._left, self._right, self._drift, np.maximum(self._fall, 0.0))
        by_right = self._slope(self._right, self._left, np.zeros_like(self._drift), np.maximum(-self._fall, 0.0))
        return by_left, by_right

    def _slope(self, here: FloatArray, there: FloatArray, in_v: FloatArray, in_j: FloatArray) -> FloatArray:
        """The derivative by one density, with what the fluxes upwind in V and J carry of a unit of it."""
        own = self._internal.pressure_slope(here)
        bounded = np.minimum(self._internal.slope_of(self._number, here), 0.5 * self._drift)
        least = np.maximum(here, STEEPNESS * there)
        curvature = own / np.where(least > 0.0, least, 1.0)  # of U; no mass leaves two empty cells
        upwind_in_j = self._factor * (in_j + self._losing * curvature)
        return np.choose(self._choice, [in_v + own - bounded, self._factor * (in_v + own), upwind_in_j])
