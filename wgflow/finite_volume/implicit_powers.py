r"""Fluxes of drift and powers of the density through faces, monotone for every strength of the drift.

Let a and b be the densities of the cells that the drift leaves and enters, w >= 0 the fall of the potential V from one
to the other, H = U' and the pressure P with P' = rho H'. The flux over the conductance,

.. math:: G = w a + P(a) - P(b) - \int_b^a \min(P', w / 2),

is :math:`w (a + b) / 2 + P(a) - P(b)`, of the second order, where diffusion dominates (P' >= w / 2), and that of upwind
transport and diffusion where drift does. It grows with a and falls with b, but does not vanish at rest unless H is
linear. So it is bounded by multiples of a flux that does, that of the entropy T in the drift of all other terms, whose
U' is H_0: with the rise q = H_0(b) - H_0(a) - w and the fall j = w + H(a) - H(b) of J,

.. math:: G_0 = T B(q / T) a - T B(-q / T) b,

which is upwind in J (a j if j > 0, or b j) without an entropy, and

.. math::

   G &\in [\tfrac12, 2]\, G_0 &\text{ if } j \ge 0,\ a < b, \\
   G &\in [2 G_0,\ \tfrac12 \max(G_0,\ w a + P(a) - P(b))] &\text{ if } j < 0.

(For j >= 0 and a >= b it has the sign of j anyway; the last term keeps the steep H in vacuum out.) So F falls, nothing
leaves an empty cell, and implicit steps have matrices of positive type. With an entropy or several powers a lower bound
takes the place of the integral: the largest of those of each alone, for entropies (T - T B(w / T)) (a - b).

References
----------
Engquist and Osher (1981), One-sided difference approximations for nonlinear conservation laws, Math. Comp. 36: the
integral of a bounded slope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wgflow.finite_volume.bernoulli import drift_factors, drift_shares
from wgflow.functionals import Entropy, InternalEnergy
from wgflow.typing import FloatArray, IntArray

LEAST_FACTOR, LARGEST_FACTOR = 0.5, 2.0  # of the fluxes that vanish at rest, which bound the others
FREE, UPWIND, VANISHING = range(3)  # what a flux is a multiple of: G itself, its largest value or G_0
STEEPNESS = 1e-3  # least density over that of the neighbour in the slope of H, which has no bound in vacuum


@dataclass(frozen=True)
class InternalTerms:
    """Internal energies with the floors of their densities.

    Parameters
    ----------
    powers : sequence of InternalEnergy
        Powers of the density, and others that are no entropies.
    temperature : float
        Sum of the temperatures of the entropies.
    mean : float
        The mean density, which sets the floors.
    """

    powers: Sequence[InternalEnergy]
    temperature: float
    mean: float

    def pressure(self, density: FloatArray) -> FloatArray:
        """P, the sum over all energies."""
        powers = [term.pressure(density, term.floor(self.mean)) for term in self.powers]
        return sum(powers, self.temperature * density)

    def pressure_slope(self, density: FloatArray) -> FloatArray:
        """P', the sum over all energies."""
        return self.temperature + self.power_pressure_slope(density)

    def power_pressure_slope(self, density: FloatArray) -> FloatArray:
        """P' of the powers alone."""
        return sum(self._power_slopes(density), np.zeros_like(density))

    def slope(self, density: FloatArray) -> FloatArray:
        """H, the sum of U' over all energies."""
        powers = self.power_slope(density)
        if self.temperature == 0.0:
            return powers
        entropy = Entropy(self.temperature)
        return powers + entropy.slope(np.maximum(density, entropy.floor(self.mean)))

    def power_slope(self, density: FloatArray) -> FloatArray:
        """U' of the powers alone."""
        slopes = [term.slope(np.maximum(density, term.floor(self.mean))) for term in self.powers]
        return sum(slopes, np.zeros_like(density))

    def bounded_fall(self, left: FloatArray, right: FloatArray, drift: FloatArray) -> tuple[FloatArray, IntArray]:
        """The bounded integral from ``right`` to ``left``, and the number of the energy that it is of."""
        falls = [self._entropy_bound(drift) * (left - right)]
        for term in self.powers:
            floor, bound = term.floor(self.mean), 0.5 * drift
            falls.append(term.bounded_fall(left, right, floor, bound))
        numbers = np.abs(falls).argmax(axis=0)
        return np.choose(numbers, falls), numbers

    def bounded_slope(self, numbers: IntArray, density: FloatArray, drift: FloatArray) -> FloatArray:
        """The derivative of these integrals by the density at one end."""
        powers = [np.minimum(slope, 0.5 * drift) for slope in self._power_slopes(density)]
        return np.choose(numbers, [self._entropy_bound(drift), *powers])

    def _power_slopes(self, density: FloatArray) -> list[FloatArray]:
        return [term.pressure_slope(density, term.floor(self.mean)) for term in self.powers]

    def _entropy_bound(self, drift: FloatArray) -> FloatArray:
        return self.temperature - drift_factors(drift, self.temperature)[0]


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
        self._rise = internal.power_slope(right) - internal.power_slope(left) - drift
        self._factors = drift_factors(self._rise, internal.temperature)
        vanishing = self._factors[0] * left - self._factors[1] * right
        upwind = drift * left + internal.pressure(left) - internal.pressure(right)
        bounded, self._number = internal.bounded_fall(left, right, drift)
        free = upwind - bounded
        falls = drift + internal.slope(left) - internal.slope(right) < 0.0
        steep = falls & (upwind > vanishing)
        least, most = LEAST_FACTOR * np.where(steep, upwind, vanishing), LARGEST_FACTOR * vanishing
        bound = (left < right) | falls
        small = bound & ((np.sign(free) != np.sign(vanishing)) | (np.abs(free) < np.abs(least)))
        large = bound & ~small & (np.abs(free) > np.abs(most))
        self.flux = np.where(small, least, np.where(large, most, free))
        self._choice = np.where(small, np.where(steep, UPWIND, VANISHING), np.where(large, VANISHING, FREE))
        self._factor = np.where(large, LARGEST_FACTOR, LEAST_FACTOR)

    def slopes(self) -> tuple[FloatArray, FloatArray]:
        """Derivatives of the fluxes by a, and minus those by b; none is negative."""
        share = drift_shares(self._rise, self._internal.temperature)
        mobility = share * self._left + (1.0 - share) * self._right
        by_left = self._slope(self._left, self._right, self._drift, self._factors[0], mobility)
        by_right = self._slope(self._right, self._left, np.zeros_like(self._drift), self._factors[1], mobility)
        return by_left, by_right

    def _slope(
        self, here: FloatArray, there: FloatArray, upwind: FloatArray, factor: FloatArray, mobility: FloatArray
    ) -> FloatArray:
        """The derivative by one density, of which the drift carries the factors ``upwind``, and ``factor`` in G_0."""
        own = self._internal.pressure_slope(here)
        bounded = self._internal.bounded_slope(self._number, here, self._drift)
        least = np.maximum(here, STEEPNESS * there)
        share = mobility / np.where(least > 0.0, least, 1.0)  # first: H' may overflow in vacuum
        free, vanishing = upwind + own - bounded, factor + share * self._internal.power_pressure_slope(here)
        return np.choose(self._choice, [free, self._factor * (upwind + own), self._factor * vanishing])
