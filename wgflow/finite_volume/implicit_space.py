r"""Two-point fluxes of diffusion and drift for implicit steps, on every mesh, and the reaction.

From cell K to its neighbour L, with the conductance c of their face (its size over the distance of the centres) and
the potential V of all terms but internal energies, :math:`\int U(\rho)`. For entropies of the temperature T, after
Scharfetter and Gummel,

.. math:: c\,T\,[B(q) \rho_K - B(-q) \rho_L], \quad q = (V_L - V_K) / T, \quad B(x) = x / (e^x - 1).

With powers of the density they are those of `wgflow.finite_volume.implicit_powers`. All are of the second order where
diffusion dominates, tend to upwind transport where drift does, grow with the density of K and fall with that of L,
vanish where J does not change from K to L and else have the sign of the fall of J, and take nothing from an empty cell.

References
----------
Scharfetter and Gummel (1969), IEEE Trans. Electron Devices 16(1), Eq. (46).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wgflow.domains import Domain
from wgflow.domains.faces import list_faces
from wgflow.errors import InputError
from wgflow.finite_volume.bernoulli import drift_factors
from wgflow.finite_volume.implicit_powers import DriftFaces, InternalTerms
from wgflow.flows.face_matrices import FaceMatrix
from wgflow.functionals import Entropy, Functional, GridFunctional, InternalEnergy, Sum, terms_of
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray


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

    Attributes
    ----------
    is_linear : bool
        Whether the rate is a fixed matrix times the density.
    faces : Faces
        The faces between cells.
    """

    def __init__(self, functional: Functional, domain: Domain, transport: float, reaction: float = 0.0) -> None:
        terms = [*terms_of(functional)]
        internal = [term for term in terms if isinstance(term, InternalEnergy)]
        others = [term for term in terms if not isinstance(term, InternalEnergy)]
        if not internal:
            raise InputError(
                "implicit steppers are for diffusion, and F has no internal energy; choose an explicit one, stepper = "
                '"ssprk43"'
            )
        self._rest: GridFunctional | None = Sum(tuple(others)).on_grid(domain) if others else None
        self._temperature = sum(term.temperature for term in internal if isinstance(term, Entropy))
        self._powers = [term for term in internal if not isinstance(term, Entropy)]
        self._level = _reference_level(domain, self._temperature)
        self.faces = list_faces(domain)
        self._first, self._second = self.faces.cells.T.copy()
        self._conductance, self._reaction = transport * self.faces.conductance, reaction
        self._shape = domain.shape
        self.volumes = np.array(np.broadcast_to(domain.volumes, domain.shape)).ravel()
        self._volume = float(self.volumes.sum())
        held = self._rest is None or self._rest.is_linear
        self._held = self._evaluated(np.zeros(self.volumes.size)) if held else None
        self._factors = self._linear_factors(self._held) if held and not self._powers else None
        self.is_linear = self._factors is not None and reaction == 0.0

    def rate(self, density: FloatArray) -> FloatArray:
        """Change of the density in unit time, shape (N,)."""
        potential = self._potential(density)
        if self._powers:
            through = self._nonlinear(np.maximum(density, 0.0), potential)
        else:
            leaving, entering = self._factors or self._linear_factors(potential)
            through = leaving * density[self._first] - entering * density[self._second]
        count = density.size
        gain = np.bincount(self._second, through, count) - np.bincount(self._first, through, count)
        change = gain / self.volumes
        if self._reaction > 0.0:
            change -= self._reaction * self._first_variation(density, potential) * density
        return change

    def matrix(self, density: FloatArray, step: float) -> FaceMatrix:
        """Parts of ``diag(volumes) (1 - step d rate / d rho)``, the potential V held fixed.

        Without reaction its columns sum to the volumes, so that solutions have the mass of the right-hand side.
        """
        potential, held = self._potential(density), np.maximum(density, 0.0)
        if self._powers:
            leaving, entering = self._slopes(held, potential)
        else:
            leaving, entering = self._factors or self._linear_factors(potential)
        diagonal = self.volumes
        if self._reaction > 0.0:
            slope = self._first_variation(held, potential) + self._terms(held).pressure_slope(held)
            diagonal = self.volumes * (1.0 + step * self._reaction * slope)
        return FaceMatrix(step * leaving, step * entering, diagonal)

    def _potential(self, density: FloatArray) -> FloatArray | None:
        """V at the cells, shape (N,); None where there are no other terms."""
        return self._evaluated(density) if self._held is None else self._held

    def _evaluated(self, density: FloatArray) -> FloatArray | None:
        if self._rest is None:
            return self._level
        potential = np.empty(self._shape)
        self._rest.evaluate(density.reshape(self._shape), potential)
        return potential.ravel() if self._level is None else potential.ravel() + self._level

    def _terms(self, density: FloatArray) -> InternalTerms:
        """The internal energies with the floors of a density."""
        return InternalTerms(self._powers, self._temperature, inner_product(self.volumes, density) / self._volume)

    def _first_variation(self, density: FloatArray, potential: FloatArray | None) -> FloatArray:
        slope = self._terms(density).slope(density)
        return slope if potential is None else slope + potential

    def _linear_factors(self, potential: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """Factors of the densities of the first and second cell of each face in the flux of entropies."""
        if potential is None:
            diffusion = self._temperature * self._conductance
            return diffusion, diffusion
        leaving, entering = drift_factors(potential[self._second] - potential[self._first], self._temperature)
        return self._conductance * leaving, self._conductance * entering

    def _nonlinear(self, density: FloatArray, potential: FloatArray | None) -> FloatArray:
        """Flux from the first to the second cell of each face, with powers of the density."""
        if potential is None:
            pressure = self._terms(density).pressure(density)
            return self._conductance * (pressure[self._first] - pressure[self._second])
        faces, forward = self._drift_faces(density, potential)
        return self._conductance * np.where(forward, faces.flux, -faces.flux)

    def _slopes(self, density: FloatArray, potential: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """Derivative of `_nonlinear` by the first density, and minus that by the second."""
        if potential is None:
            slope = self._terms(density).pressure_slope(density)
            return self._conductance * slope[self._first], self._conductance * slope[self._second]
        faces, forward = self._drift_faces(density, potential)
        left, right = faces.slopes()
        first, second = np.where(forward, left, right), np.where(forward, right, left)
        return self._conductance * first, self._conductance * second

    def _drift_faces(self, density: FloatArray, potential: FloatArray) -> tuple[DriftFaces, NDArray[np.bool_]]:
        """The faces in the direction of the drift, and where that is from the first to the second cell."""
        fall = potential[self._first] - potential[self._second]
        forward = fall >= 0.0
        left, right = np.where(forward, self._first, self._second), np.where(forward, self._second, self._first)
        return DriftFaces(self._terms(density), density[left], density[right], np.abs(fall)), forward


def _reference_level(domain: Domain, temperature: float) -> FloatArray | None:
    """Potential -T log w (N,) that an entropy relative to a reference w adds to that of the volume; None without."""
    reference = domain.base.reference
    return None if reference is None else np.tile(-temperature * np.log(reference.weights), domain.sheets)
