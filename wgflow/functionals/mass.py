"""The regulariser of the mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.domains import Domain, total_mass
from wgflow.domains.geometry import Geometry
from wgflow.errors import InputError
from wgflow.functionals.base import Functional, ParticlePotential
from wgflow.functionals.factors import is_number
from wgflow.functionals.grid import GridFunctional
from wgflow.measures import Particles, require_particles
from wgflow.text import shown
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Mass(Functional):
    """The regulariser ``lambda |mu|``, whose first variation is the constant lambda.

    Of balanced ReLU networks it is weight decay: |mu| is the mean of (a^2 + |b|^2) / 2 over the neurons (a, b). With it
    the best measure of a convex risk is sparse, and lambda is the level of ``-J`` of the risk on its support.

    Parameters
    ----------
    strength : float
        The factor lambda, finite; it moves no mass and acts through the reaction only.

    Raises
    ------
    InputError
        If the factor is not a finite number.

    References
    ----------
    Bach and Chizat (2022), Section 2, for the regularised problem and its optimality conditions.

    Examples
    --------
    >>> from wgflow import Mass
    >>> 2.0 * Mass(0.1) - Mass(0.5)
    Sum(terms=(Mass(strength=0.2), Mass(strength=-0.5)))
    """

    strength: float
    shared = True

    def __post_init__(self) -> None:
        if not is_number(self.strength):
            raise InputError(f"strength = {shown(self.strength)} of Mass is not allowed; give a finite number")

    def scaled(self, factor: float) -> Functional:
        """The mass with the factor in its strength."""
        return Mass(factor * self.strength)

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind to a domain."""
        return _GridMass(domain, self.strength)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Constant potential, zero gradient."""
        require_particles(particles)
        potential = np.full(len(particles.weights), self.strength)
        return ParticlePotential(self.penalty(particles.mass), potential, np.zeros_like(particles.points))

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:  # noqa: ARG002
        """Zero: the potential is constant."""
        return np.zeros(len(particles.weights))

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:  # noqa: ARG002
        """Itself: there is nothing to sample."""
        return self

    def penalty(self, mass: float) -> float:
        """All of it."""
        return self.strength * mass


class _GridMass(GridFunctional):
    is_linear = True

    def __init__(self, domain: Domain, strength: float) -> None:
        self.domain = domain
        self._strength = strength

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        potential[...] = self._strength
        return self._strength * total_mass(self.domain, density)

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:  # noqa: ARG002
        potential[...] = 0.0

    def penalty(self, density: FloatArray) -> float:
        return self._strength * total_mass(self.domain, density)
