"""What a functional F of measures offers to grids and to particles.

A functional is bound to a domain once (``on_grid``), where everything that does not change in time is
prepared, and is then evaluated at each stage. At particles it is evaluated directly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.geometry import Geometry
from wgflow.errors import InputError
from wgflow.former_names import with_former
from wgflow.functionals.anchors import Anchors
from wgflow.functionals.factors import DIFFUSION_IS_FORWARD, as_factor, check_positive_factor, is_number, refuse_sum
from wgflow.functionals.grid import GridFunctional, GridSum, scaled_grid
from wgflow.functionals.laplacians import divergence
from wgflow.measures import Particles
from wgflow.typing import FloatArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

ROUND_OFF = 1e-13  # of F, relative to the numbers that it is the sum of


@dataclass(frozen=True)
class ParticlePotential:
    """Energy, first variation and its ambient gradient at particles: a float, ``(m,)`` and ``(m, p)``."""

    energy: float
    potential: FloatArray
    gradient: FloatArray


class Functional(ABC):
    """A functional F of nonnegative measures.

    Functionals are vectors: they are added with ``+``, ``-`` and ``sum``, and multiplied and divided by numbers. Those
    whose flow has a direction (entropies, powers of the density, risks and distances) take no negative factors.
    Averages over samples may have a method ``sampled``, see ``wgflow.functionals.samples``.

    Examples
    --------
    >>> from wgflow import Entropy, Mass, Potential
    >>> well = Potential(lambda x: (x**2).sum(axis=-1))
    >>> sum([0.5 * well, 2.0 * Entropy(), -Mass(0.1)]).terms[1:]
    (Entropy(temperature=2.0), Mass(strength=-0.1))
    """

    shared: ClassVar[bool] = False
    """Whether several ranks may evaluate it together: its sums over cells are those of the blocks of the domain."""

    __array_ufunc__ = None  # numbers of numpy leave products to the methods here

    withheld = ""  # why nothing can be known of F, for those who look into it; empty where it can be used

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
    def is_smooth(self) -> bool:
        """Whether second derivatives of J are smooth, and do not bend or jump somewhere as those of neurons."""
        return True

    @property
    def anchors(self) -> tuple[Anchors, ...]:
        """Points in flat space to which particles fall, and where they may stay."""
        return ()

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:
        """Laplacian of J along a set at the particles on it, shape (m,), which moves the density along characteristics.

        By default it is found by differences of the gradient at particles of mass 0.

        Raises
        ------
        InputError
            If J has no second derivatives.
        """
        count = len(particles.weights)

        def gradient(points: FloatArray) -> FloatArray:
            probes = Particles(
                np.concatenate([particles.points, points]),
                np.concatenate([particles.weights, np.zeros(count)]),
                np.concatenate([particles.signs, particles.signs]),
                particles.domain,
            )
            return self.at_particles(probes).gradient[count:]

        return divergence(geometry, particles.points, gradient, f"the first variation of {type(self).__name__}")

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

    def scaled(self, factor: float) -> Functional:
        """The functional times a finite factor; raises InputError where that is not allowed, as of diffusion < 0.

        Functionals whose factor is one of their parameters give themselves with another one.
        """
        if self.temperature > 0.0:
            check_positive_factor(factor, self, DIFFUSION_IS_FORWARD)
        return Scaled(factor, self)

    def __add__(self, other: Any) -> Functional:
        """Sum of two functionals; a 0 changes nothing, so that ``sum`` works."""
        if isinstance(other, Functional):
            return Sum((*_outer_terms(self), *_outer_terms(other)))
        if _is_zero(other):
            return self
        raise refuse_sum(self, "+", other)

    def __radd__(self, other: Any) -> Functional:
        """Sum with what is no functional: 0 alone."""
        if _is_zero(other):
            return self
        raise refuse_sum(self, "+", other, reflected=True)

    def __sub__(self, other: Any) -> Functional:
        """Difference of two functionals."""
        if isinstance(other, Functional):
            return self + -other
        if _is_zero(other):
            return self
        raise refuse_sum(self, "-", other)

    def __rsub__(self, other: Any) -> Functional:
        """Difference of what is no functional, 0 alone, and this one."""
        if _is_zero(other):
            return -self
        raise refuse_sum(self, "-", other, reflected=True)

    def __neg__(self) -> Functional:
        """The functional times -1."""
        return self.scaled(-1.0)

    def __mul__(self, factor: Any) -> Functional:
        """The functional times a number."""
        return self.scaled(as_factor(factor, self))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Functional:
        """The functional over a number."""
        if as_factor(divisor, self) == 0.0:
            raise InputError(f"{type(self).__name__} / {divisor!r} is not allowed; divide by a number that is not 0")
        return self.scaled(1.0 / float(divisor))


def _is_zero(value: object) -> bool:
    return is_number(value) and value == 0


def _outer_terms(functional: Functional) -> tuple[Functional, ...]:
    return functional.terms if isinstance(functional, Sum) else (functional,)


def terms_of(functional: Functional) -> Iterator[Functional]:
    """The terms of a functional, those of sums in it among them.

    Raises
    ------
    InputError
        If one is withheld, so that nothing can be known of it.

    Examples
    --------
    >>> from wgflow import Entropy, Mass
    >>> from wgflow.functionals import terms_of
    >>> [*terms_of(Mass(1.0) + Entropy())]
    [Mass(strength=1.0), Entropy(temperature=1.0)]
    """
    for term in _outer_terms(functional):
        if isinstance(term, Sum):
            yield from terms_of(term)
        elif term.withheld:
            raise InputError(term.withheld)
        else:
            yield term


@dataclass(frozen=True)
class Sum(Functional):
    """The sum of several functionals."""

    terms: tuple[Functional, ...]

    @property
    def has_risk(self) -> bool:
        """Whether one of the terms has."""
        return any(term.has_risk for term in self.terms)

    def scaled(self, factor: float) -> Functional:
        """Each term times the factor."""
        return Sum(tuple(term.scaled(factor) for term in self.terms))

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind each term to the domain."""
        return GridSum(domain, [term.on_grid(domain) for term in self.terms])

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """Sum of the terms' energies, potentials and gradients."""
        parts = [term.at_particles(particles) for term in self.terms]
        return ParticlePotential(
            sum(part.energy for part in parts),
            np.sum([part.potential for part in parts], axis=0),
            np.sum([part.gradient for part in parts], axis=0),
        )

    @property
    def is_smooth(self) -> bool:
        """Whether those of all terms are."""
        return all(term.is_smooth for term in self.terms)

    @property
    def anchors(self) -> tuple[Anchors, ...]:
        """Those of all terms."""
        return tuple(anchors for term in self.terms for anchors in term.anchors)

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:
        """Sum of those of the terms."""
        return np.sum([term.laplacian_at_particles(particles, geometry) for term in self.terms], axis=0)

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


@dataclass(frozen=True)
class Scaled(Functional):
    """A factor times a functional that has none among its own parameters.

    Parameters
    ----------
    factor : float
        The factor, finite.
    functional : Functional
        The functional.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Box, Functional, Interaction
    >>> from wgflow.functionals import Scaled
    >>> box = Box([(0.0, 1.0)], 8)
    >>> attraction = Interaction(lambda z: (z**2).sum(axis=-1))
    >>> halved = Scaled(0.5, attraction).on_grid(box).value(np.ones(8))
    >>> halved == 0.5 * attraction.on_grid(box).value(np.ones(8))
    True
    """

    factor: float
    functional: Functional

    @property
    def has_risk(self) -> bool:
        """Whether the functional has."""
        return self.functional.has_risk

    @property
    def temperature(self) -> float:
        """The factor times that of the functional."""
        return self.factor * self.functional.temperature

    @property
    def round_off(self) -> float:
        """That of the functional, which is relative."""
        return self.functional.round_off

    def scaled(self, factor: float) -> Functional:
        """The functional times both factors."""
        return self.functional.scaled(factor * self.factor)

    def on_grid(self, domain: Domain) -> GridFunctional:
        """Bind the functional to the domain."""
        return scaled_grid(self.factor, self.functional.on_grid(domain))

    def at_particles(self, particles: Particles) -> ParticlePotential:
        """The factor times energy, potential and gradient."""
        return scaled_potential(self.factor, self.functional.at_particles(particles))

    @property
    def is_smooth(self) -> bool:
        """Whether those of the functional are."""
        return self.functional.is_smooth

    def laplacian_at_particles(self, particles: Particles, geometry: Geometry) -> FloatArray:
        """The factor times that of the functional."""
        return self.factor * self.functional.laplacian_at_particles(particles, geometry)

    def penalty(self, mass: float) -> float:
        """The factor times that of the functional."""
        return self.factor * self.functional.penalty(mass)


def scaled_potential(factor: float, found: ParticlePotential) -> ParticlePotential:
    """A factor times energy, potential and gradient at particles."""
    return ParticlePotential(factor * found.energy, factor * found.potential, factor * found.gradient)
