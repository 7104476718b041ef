r"""Two-point fluxes of diffusion and drift for implicit steps, on every mesh.

From cell K to its neighbour L, with the conductance c of their face (its size over the distance of the centres),

.. math:: c\,T\,[B(q) \rho_K - B(-q) \rho_L] + c\,[P(\rho_K) - P(\rho_L)], \quad q = (V_L - V_K) / T,
          \quad B(x) = x / (e^x - 1)

for the entropy with temperature T and the potential V of all other terms (Scharfetter and Gummel), or for the
pressure P of powers. Both vanish where J does not change from K to L and else have the sign of the fall of J; what
leaves a cell is proportional to what it holds.

References
----------
Scharfetter and Gummel (1969), IEEE Trans. Electron Devices 16(1), Eq. (46).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.faces import list_faces
from wgflow.errors import InputError
from wgflow.functionals import Entropy, Functional, GridFunctional, InternalEnergy, Sum
from wgflow.typing import FloatArray

LARGEST_EXPONENT = 700.0  # of exp, short of overflow


def bernoulli(x: FloatArray) -> FloatArray:
    """``x / (exp(x) - 1)``, 1 at 0, any shape."""
    bounded = np.clip(x, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    small = np.abs(bounded) < 1e-8
    return np.where(small, 1.0 - 0.5 * bounded, bounded / np.expm1(np.where(small, 1.0, bounded)))


class DiffusionFluxes:
    """The right-hand side of a flow with internal energy, and its derivative.

    Parameters
    ----------
    functional : Functional
        F: entropies with any other terms, or internal energies alone.
    domain : Domain
        Where the density lives.
    transport : float
        The factor alpha.

    Raises
    ------
    InputError
        If F has no internal energy, or powers of the density together with other terms.
    """

    def __init__(self, functional: Functional, domain: Domain, transport: float) -> None:
        terms = _flatten(functional)
        entropies = [term for term in terms if isinstance(term, Entropy)]
        self._powers = [term for term in terms if isinstance(term, InternalEnergy) and not isinstance(term, Entropy)]
        others = [term for term in terms if not isinstance(term, InternalEnergy)]
        if not (entropies or self._powers):
            raise InputError("implicit steps are for diffusion, and F has no internal energy; use explicit ones")
        if self._powers and others:
            raise InputError(
                "implicit steps allow powers of the density only without other terms than internal energies; use "
                "explicit steps"
            )
        self._rest: GridFunctional | None = Sum(tuple(others)).on_grid(domain) if others else None
        self._temperature = sum(term.temperature for term in entropies)
        faces = list_faces(domain)
        self._first, self._second = faces.cells.T.copy()
        self._conductance = transport * faces.conductance
        self._shape = domain.shape
        self.volumes = np.array(np.broadcast_to(domain.volumes, domain.shape)).ravel()
        diagonal = np.arange(self.volumes.size)
        self._rows = np.concatenate([self._first, self._first, self._second, self._second, diagonal])
        self._columns = np.concatenate([self._first, self._second, self._first, self._second, diagonal])

    def rate(self, density: FloatArray) -> FloatArray:
        """Change of the density in unit time, shape (N,)."""
        leaving, entering = self._factors(density)
        through = leaving * density[self._first] - entering * density[self._second]
        if self._powers:
            pressure = np.sum([term.pressure(np.maximum(density, 0.0)) for term in self._powers], axis=0)
            through += self._conductance * (pressure[self._first] - pressure[self._second])
        count = density.size
        gain = np.bincount(self._second, through, count) - np.bincount(self._first, through, count)
        return gain / self.volumes

    def matrix(self, density: FloatArray, step: float) -> Any:
        """Sparse ``diag(volumes) (1 - step d rate / d rho)``, the potential held fixed; its columns sum to volumes."""
        from scipy.sparse import csc_array

        leaving, entering = self._factors(density)
        if self._powers:
            slope = np.sum([term.pressure_slope(np.maximum(density, 0.0)) for term in self._powers], axis=0)
            leaving = leaving + self._conductance * slope[self._first]
            entering = entering + self._conductance * slope[self._second]
        entries = step * np.concatenate([leaving, -entering, -leaving, entering])
        data = np.concatenate([entries, self.volumes])
        return csc_array((data, (self._rows, self._columns)), shape=(density.size, density.size))

    def _factors(self, density: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Factors of the densities of the first and second cell of each face in the flux between them."""
        if self._rest is None:
            diffusion = self._temperature * self._conductance
            return diffusion, diffusion
        potential = np.empty(self._shape)
        self._rest.evaluate(density.reshape(self._shape), potential)
        values = potential.ravel()
        rise = (values[self._second] - values[self._first]) / self._temperature
        diffusion = self._temperature * self._conductance
        return diffusion * bernoulli(rise), diffusion * bernoulli(-rise)


def _flatten(functional: Functional) -> list[Functional]:
    """All terms of a sum of sums."""
    if not isinstance(functional, Sum):
        return [functional]
    return [term for part in functional.terms for term in _flatten(part)]
