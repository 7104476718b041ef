"""What a functional F of measures offers to grids and to particles.

A functional is bound to a domain once (``on_grid``), where everything that does not change in time is
prepared, and is then evaluated at each stage. At particles it is evaluated directly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from wgflow.domains import Domain, total_mass
from wgflow.errors import ShapeError
from wgflow.functionals.kernels.sheets import net_masses
from wgflow.measures import Particles
from wgflow.typing import FloatArray

ROUND_OFF = 1e-13  # of F, relative to the numbers that it is the sum of


@dataclass(frozen=True)
class ParticlePotential:
    """Energy, first variation and its ambient gradient at particles: a float, ``(m,)`` and ``(m, p)``."""

    energy: float
    potential: FloatArray
    gradient: FloatArray


class GridFunctional(ABC):
    """A functional F bound to a domain.

    Measures are atomic, ``m_K rho_K`` at the cell centres, so that ``J_K`` is exactly the derivative of
    the discrete F with respect to the mass of cell K.
    """

    domain: Domain

    largest_share: float = 1.0
    """Share of the mass that may come together in one cell: less than 1 for energies that need a resolved density."""

    @abstractmethod
    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        """Write the first variation J into ``potential`` and return F, both of shape ``domain.shape``."""

    @abstractmethod
    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the change of J along ``rate``, with the curvature of R at the last evaluated density.

        It may be larger than the derivative of J, as it bounds the steps of explicit schemes.
        """

    def local_curvature(self) -> FloatArray:
        """Derivative of J in each cell by the density there, as far as it is U'' of internal energies, shape (N,).

        It is that at the last evaluated density; 0 for all other terms.
        """
        return np.zeros(int(np.prod(self.domain.shape)))

    def nonlocal_hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        """Write the derivative of J along ``rate`` at the last evaluated density, without `local_curvature`."""
        self.hessian(rate, potential)

    def penalty(self, density: FloatArray) -> float:  # noqa: ARG002
        """Part of F that is a regularisation and not the risk, at a density of shape ``domain.shape``."""
        return 0.0

    def scale(self, density: FloatArray) -> float:
        """Size of the numbers whose sum is F at a density of shape ``domain.shape``, which becomes the last evaluated.

        Round-off in F is a few units of 1e-16 of it.
        """
        potential = np.empty(self.domain.shape)
        energy = self.evaluate(density, potential)
        return abs(energy) + total_mass(self.domain, np.abs(potential) * density)

    def value(self, density: FloatArray) -> float:
        """F at a density of shape ``domain.shape``; raises ShapeError if it does not fit."""
        return self.evaluate(*self._buffers(density))

    def first_variation(self, density: FloatArray) -> FloatArray:
        r"""Mean potential :math:`J(\cdot|\mu) = dF/d\mu` at the cell centres.

        Parameters
        ----------
        density : array, shape ``domain.shape``
            Cell averages of the density of mu with respect to the volume of the domain.

        Returns
        -------
        array, shape ``domain.shape``

        Raises
        ------
        ShapeError
            If ``density`` does not fit the domain.

        References
        ----------
        Bach and Chizat (2022), Eq. (3.6).
        """
        density, potential = self._buffers(density)
        self.evaluate(density, potential)
        return potential

    def _buffers(self, density: FloatArray) -> tuple[FloatArray, FloatArray]:
        density = np.ascontiguousarray(density, dtype=np.float64)
        if density.shape != self.domain.shape:
            raise ShapeError(f"density of shape {density.shape} does not fit the domain of shape {self.domain.shape}")
        return density, np.empty_like(density)


class Functional(ABC):
    """A functional F of nonnegative measures; functionals add with ``+``.

    Averages over samples may have a method ``sampled``, see `wgflow.functionals.samples`.
    """

    @property
    def has_risk(self) -> bool:
        r"""Whether F is a risk :math:`R(\int \Psi d\mu)`, or contains one; others are energies."""
        return False

    @abstractmethod
    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind to a domain; raises InputError if the functional cannot live there."""

    @abstractmethod
    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Evaluate F, J and grad J at the particles of a discrete measure."""

    @property
    def temperature(self) -> float:
        """Factor T of the entropies in F: particles follow them by Brownian noise of variance 2 T in unit time."""
        return 0.0

    @property
    def round_off(self) -> float:
        """Error of F at particles by rounding, relative to the numbers that it is the sum of."""
        return ROUND_OFF

    def penalty(self, mass: float) -> float:  # noqa: ARG002
        """Part of F at particles that is a regularisation and not the risk, for a measure of the given mass."""
        return 0.0

    def __add__(self, other: Functional) -> Functional:
        """Sum of two functionals."""
        return Sum((self, other))


@dataclass(frozen=True)
class Sum(Functional):
    """The sum of several functionals."""

    terms: tuple[Functional, ...]

    @property
    def has_risk(self) -> bool:
        """Whether one of the terms has."""
        return any(term.has_risk for term in self.terms)

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind each term to the domain."""
        return _GridSum(domain, [term.on_grid(domain) for term in self.terms])

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum of the terms' energies, potentials and gradients."""
        parts = [term.at_particles(particles) for term in self.terms]
        return ParticlePotential(
            sum(part.energy for part in parts),
            np.sum([part.potential for part in parts], axis=0),
            np.sum([part.gradient for part in parts], axis=0),
        )

    @property
    def temperature(self) -> float:
        """Sum of the terms' temperatures."""
        return sum(term.temperature for term in self.terms)

    @property
    def round_off(self) -> float:
        """The largest one of the terms."""
        return max(term.round_off for term in self.terms)

    def penalty(self, mass: float) -> float:
        """Sum of the terms' penalties."""
        return sum(term.penalty(mass) for term in self.terms)


class _GridSum(GridFunctional):
    def __init__(self, domain: Domain, terms: list[GridFunctional]) -> None:
        self.domain = domain
        self.largest_share = min(term.largest_share for term in terms)
        self._terms = terms
        self._part = np.empty(domain.shape)

    def evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        potential[...] = 0.0
        energy = 0.0
        for term in self._terms:
            energy += term.evaluate(density, self._part)
            potential += self._part
        return energy

    def hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        potential[...] = 0.0
        for term in self._terms:
            term.hessian(rate, self._part)
            potential += self._part

    def local_curvature(self) -> FloatArray:
        return np.sum([term.local_curvature() for term in self._terms], axis=0)

    def nonlocal_hessian(self, rate: FloatArray, potential: FloatArray) -> None:
        potential[...] = 0.0
        for term in self._terms:
            term.nonlocal_hessian(rate, self._part)
            potential += self._part

    def penalty(self, density: FloatArray) -> float:
        return sum(term.penalty(density) for term in self._terms)

    def scale(self, density: FloatArray) -> float:
        return sum(term.scale(density) for term in self._terms)


@dataclass(frozen=True)
class Mass(Functional):
    """The regulariser ``lambda |mu|``, whose first variation is the constant lambda.

    Parameters
    ----------
    strength : float
        The factor lambda, finite; it moves no mass and acts through the reaction only.
    """

    strength: float

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind to a domain."""
        return _GridMass(domain, self.strength)

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Constant potential, zero gradient."""
        potential = np.full(len(particles.weights), self.strength)
        return ParticlePotential(self.penalty(particles.mass), potential, np.zeros_like(particles.points))

    def sampled(self, count: int, generator: np.random.Generator, components: int) -> Functional:  # noqa: ARG002
        """Itself: there is nothing to sample."""
        return self

    def penalty(self, mass: float) -> float:
        """All of it."""
        return self.strength * mass


class _GridMass(GridFunctional):
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


class SheetSums:
    """Net masses of the cells over the sheets, and back: features are odd in the sign of a sheet."""

    def __init__(self, domain: Domain) -> None:
        self._sheets = domain.sheets
        self._volumes = np.ascontiguousarray(domain.base.volumes).ravel()
        self._net = np.empty(self._volumes.size)

    def net_mass(self, density: FloatArray) -> FloatArray:
        """Signed mass of each cell of the base domain, flattened; overwritten by the next call."""
        rows = density.reshape(self._sheets, -1)
        if self._sheets == 2:
            net_masses(rows[0], rows[1], self._volumes, self._net)
        else:
            np.multiply(rows[0], self._volumes, out=self._net)
        return self._net

    def positive_sheet(self, potential: FloatArray) -> FloatArray:
        """Flat view of the positive sheet."""
        return potential.reshape(self._sheets, -1)[0]

    def mirror(self, potential: FloatArray) -> None:
        """Fill the negative sheet with minus the positive one."""
        if self._sheets == 2:
            np.negative(potential[0], out=potential[1])
