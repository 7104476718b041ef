r"""Two-point fluxes of diffusion and drift for implicit steps, on every mesh, and the reaction.

From cell K to its neighbour L, with the conductance c of their face (its size over the distance of the centres) and
the potential V of all terms but internal energies, :math:`\int U(\rho)`. For entropies of the temperature T, after
Scharfetter and Gummel,

.. math:: c\,T\,[B(q) \rho_K - B(-q) \rho_L], \quad q = (V_L - V_K) / T, \quad B(x) = x / (e^x - 1).

With powers of the density, H = U' and the pressure P, whose differences define a mean M of the two densities,

.. math:: c\,\min(M, 2 \rho_\mathrm{up}) (J_K - J_L) = c\,[P(\rho_K) - P(\rho_L) + M (V_K - V_L)] \text{ if } M \text{
          is less}, \quad M = \frac{P(\rho_K) - P(\rho_L)}{H(\rho_K) - H(\rho_L)}, \quad J = V + H,

where "up" is the cell with the larger J. All are of the second order, vanish where J does not change from K to L and
else have the sign of the fall of J, and take nothing from an empty cell.

References
----------
Scharfetter and Gummel (1969), IEEE Trans. Electron Devices 16(1), Eq. (46).
Bessemoulin-Chatard (2012), Numer. Math. 121: fluxes for powers that vanish at rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.faces import list_faces
from wgflow.errors import InputError
from wgflow.functionals import Entropy, Functional, GridFunctional, InternalEnergy, Sum
from wgflow.typing import FloatArray

LARGEST_EXPONENT = 800.0  # beyond it exp of minus it is 0
FACE_FACTOR = 2.0  # largest mobility of a face over the density of the cell that loses mass
EQUAL = 1e-6  # relative difference of two densities below which their arithmetic mean is taken
STEEPNESS = 1e-3  # least density over that of the neighbour in the slope of the mean, which has no bound in vacuum


def bernoulli(x: FloatArray) -> FloatArray:
    """``x / (exp(x) - 1)``, 1 at 0, tending to -x and 0 at -inf and inf, any shape."""
    size = np.minimum(np.abs(x), LARGEST_EXPONENT)
    small = size < 1e-8
    falling = np.where(small, 1.0 - 0.5 * size, size * np.exp(-size) / -np.expm1(-np.where(small, 1.0, size)))
    return falling + np.maximum(-x, 0.0)


class DiffusionFluxes:
    """The right-hand side of a flow with internal energy, and its derivative.

    Parameters
    ----------
    functional : Functional
        F: internal energies with any other terms.
    domain : Domain
        Where the density lives.
    transport, reaction : float
        The factors alpha and beta.

    Raises
    ------
    InputError
        If F has no internal energy.
    """

    def __init__(self, functional: Functional, domain: Domain, transport: float, reaction: float = 0.0) -> None:
        terms = _flatten(functional)
        self._internal = [term for term in terms if isinstance(term, InternalEnergy)]
        others = [term for term in terms if not isinstance(term, InternalEnergy)]
        if not self._internal:
            raise InputError("implicit steps are for diffusion, and F has no internal energy; use explicit ones")
        self._rest: GridFunctional | None = Sum(tuple(others)).on_grid(domain) if others else None
        entropies = [term.temperature for term in self._internal if isinstance(term, Entropy)]
        self._temperature = sum(entropies)
        self._has_powers = len(entropies) < len(self._internal)
        faces = list_faces(domain)
        self._first, self._second = faces.cells.T.copy()
        self._conductance, self._reaction = transport * faces.conductance, reaction
        self._shape = domain.shape
        self.volumes = np.array(np.broadcast_to(domain.volumes, domain.shape)).ravel()
        diagonal = np.arange(self.volumes.size)
        self._rows = np.concatenate([self._first, self._first, self._second, self._second, diagonal])
        self._columns = np.concatenate([self._first, self._second, self._first, self._second, diagonal])

    def rate(self, density: FloatArray) -> FloatArray:
        """Change of the density in unit time, shape (N,)."""
        potential = self._potential(density)
        if self._has_powers:
            through = self._nonlinear(np.maximum(density, 0.0), potential)
        else:
            leaving, entering = self._linear_factors(potential)
            through = leaving * density[self._first] - entering * density[self._second]
        count = density.size
        gain = np.bincount(self._second, through, count) - np.bincount(self._first, through, count)
        change = gain / self.volumes
        if self._reaction > 0.0:
            change -= self._reaction * self._first_variation(density, potential) * density
        return change

    def matrix(self, density: FloatArray, step: float) -> Any:
        """Sparse ``diag(volumes) (1 - step d rate / d rho)``, the potential V held fixed.

        Without reaction its columns sum to the volumes, so that solutions have the mass of the right-hand side.
        """
        from scipy.sparse import csc_array

        potential, held = self._potential(density), np.maximum(density, 0.0)
        leaving, entering = self._slopes(held, potential) if self._has_powers else self._linear_factors(potential)
        diagonal = self.volumes
        if self._reaction > 0.0:
            slope = self._first_variation(held, potential) + self._total("pressure_slope", held)
            diagonal = self.volumes * (1.0 + step * self._reaction * slope)
        entries = step * np.concatenate([leaving, -entering, -leaving, entering])
        data = np.concatenate([entries, diagonal])
        return csc_array((data, (self._rows, self._columns)), shape=(density.size, density.size))

    def _potential(self, density: FloatArray) -> FloatArray | None:
        """V at the cells, shape (N,); None where there are no other terms."""
        if self._rest is None:
            return None
        potential = np.empty(self._shape)
        self._rest.evaluate(density.reshape(self._shape), potential)
        return potential.ravel()

    def _total(self, name: str, density: FloatArray) -> FloatArray:
        """Sum of ``pressure`` or ``pressure_slope`` over the internal energies."""
        return np.sum([getattr(term, name)(density) for term in self._internal], axis=0)

    def _slope(self, density: FloatArray) -> FloatArray:
        """H, the sum of U' over the internal energies."""
        return np.sum([term.slope(np.maximum(density, term.floor)) for term in self._internal], axis=0)

    def _first_variation(self, density: FloatArray, potential: FloatArray | None) -> FloatArray:
        slope = self._slope(density)
        return slope if potential is None else slope + potential

    def _linear_factors(self, potential: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """Factors of the densities of the first and second cell of each face in the flux of entropies."""
        diffusion = self._temperature * self._conductance
        if potential is None:
            return diffusion, diffusion
        rise = potential[self._second] - potential[self._first]
        # B(x) = B(|x|) + max(-x, 0): as the temperature vanishes the fluxes become upwind ones, without overflow.
        size = np.minimum(np.abs(rise), LARGEST_EXPONENT * self._temperature) / self._temperature
        slower = diffusion * bernoulli(size)
        return slower + self._conductance * np.maximum(-rise, 0.0), slower + self._conductance * np.maximum(rise, 0.0)

    def _nonlinear(self, density: FloatArray, potential: FloatArray | None) -> FloatArray:
        """Flux from the first to the second cell of each face, with powers of the density."""
        pressure = self._total("pressure", density)
        fall = pressure[self._first] - pressure[self._second]
        if potential is None:
            return self._conductance * fall
        face = _Means(density, pressure, self._slope(density), potential, self._first, self._second)
        flux = fall + face.mean * face.fall
        return self._conductance * np.where(face.limited, FACE_FACTOR * face.upper * face.whole_fall, flux)

    def _slopes(self, density: FloatArray, potential: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """Derivative of `_nonlinear` by the first density, and minus that by the second."""
        first, second, conductance = self._first, self._second, self._conductance
        slope = self._total("pressure_slope", density)
        if potential is None:
            return conductance * slope[first], conductance * slope[second]
        face = _Means(density, self._total("pressure", density), self._slope(density), potential, first, second)
        found = []
        for cells, others, sign in ((first, second, 1.0), (second, first, -1.0)):
            here, there = density[cells], density[others]
            curvature = slope[cells] / np.maximum(np.maximum(here, STEEPNESS * there), 1e-300)
            of_mean = np.where(face.equal, 0.5, curvature * (here - face.mean) * sign / face.slope_fall)
            inner = slope[cells] + sign * of_mean * face.fall
            loses = face.whole_fall * sign > 0.0
            outer = FACE_FACTOR * (np.where(loses, face.whole_fall * sign, 0.0) + face.upper * curvature)
            found.append(conductance * np.where(face.limited, outer, inner))
        return found[0], found[1]


class _Means:
    """The mean density of each face and what bounds it."""

    def __init__(
        self,
        density: FloatArray,
        pressure: FloatArray,
        slope: FloatArray,
        potential: FloatArray,
        first: FloatArray,
        second: FloatArray,
    ) -> None:
        left, right = density[first], density[second]
        self.fall = potential[first] - potential[second]
        difference = slope[first] - slope[second]
        self.equal = (np.abs(left - right) <= EQUAL * (left + right)) | (difference == 0.0)
        self.slope_fall = np.where(self.equal, 1.0, difference)
        self.mean = np.where(self.equal, 0.5 * (left + right), (pressure[first] - pressure[second]) / self.slope_fall)
        self.whole_fall = self.fall + difference
        self.upper = np.where(self.whole_fall > 0.0, left, right)
        self.limited = self.mean > FACE_FACTOR * self.upper


def _flatten(functional: Functional) -> list[Functional]:
    """All terms of a sum of sums."""
    if not isinstance(functional, Sum):
        return [functional]
    return [term for part in functional.terms for term in _flatten(part)]
