"""Functionals, domains and starts in any units, for `rescaling.py`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wgflow import (
    Box,
    Circle,
    Entropy,
    Features,
    Interaction,
    KernelDiscrepancy,
    Mass,
    Particles,
    Population,
    Potential,
    PowerEnergy,
    Signed,
    SobolevDiscrepancy,
    Sphere,
    Teacher,
    ZonalInteraction,
)
from wgflow.domains import Domain
from wgflow.functionals import Functional
from wgflow.networks.relu import Relu
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Units:
    """Units in which a run is done; the energy is that of J, of which F has as much for each unit of mass."""

    length: float = 1.0
    time: float = 1.0
    mass: float = 1.0
    energy: float = 1.0

    @property
    def rate(self) -> float:
        """Factor beta that is 1 in these units."""
        return 1.0 / (self.time * self.energy)

    @property
    def mobility(self) -> float:
        """Factor alpha that is 1 in these units."""
        return self.length**2 * self.rate

    def density(self, dimension: int) -> float:
        """Unit of a density."""
        return self.mass / self.length**dimension


def well(units: Units) -> Functional:
    """A bowl with waves."""
    return Potential(
        lambda x: units.energy * (0.5 * (x / units.length) ** 2 + 0.1 * np.cos(3.0 * x / units.length)).sum(axis=-1)
    )


def heat(units: Units) -> Functional:
    """An entropy."""
    return Entropy(0.3 * units.energy)


def power(exponent: float) -> Callable[[Units], Functional]:
    """A power of the density on a line."""
    return lambda units: PowerEnergy(exponent, 0.5 * units.energy * units.density(1) ** (1.0 - exponent))


def attraction(units: Units) -> Functional:
    """A smooth kernel on a box."""
    strength = -units.energy / units.mass
    return Interaction(lambda z: strength * np.exp(-0.5 * ((z / units.length) ** 2).sum(axis=-1)))


def zonal(units: Units) -> Functional:
    """A smooth kernel on a circle."""
    return ZonalInteraction(lambda cosine: units.energy / units.mass * np.exp(cosine))


def waves(units: Units) -> Functional:
    """Features on a line, whose risk is not convex in the positions."""
    size = math.sqrt(units.energy / units.mass)

    def features(x: FloatArray) -> FloatArray:
        return size * np.concatenate([np.cos(1.7 * x / units.length), np.sin(2.0 * x / units.length)], axis=-1)

    return Features(features, np.full(2, 0.5 * size * units.mass))


def network(units: Units) -> Functional:
    """ReLU neurons on data."""
    size = math.sqrt(units.energy / units.mass)
    inputs = np.random.default_rng(0).normal(size=(9, 2))
    return Features(Relu(size * inputs, smoothing=0.1), size * units.mass * inputs[:, 0])


def population(units: Units) -> Functional:
    """The risk of a teacher of two neurons; J has the unit of the mass."""
    return Population(Teacher(np.array([[1.0, 0.2], [-0.3, 1.0]]), units.mass * np.array([1.0, -0.5])))


def sobolev(units: Units) -> Functional:
    """A Sobolev distance on a line; J has the unit of a mass times a length."""
    return SobolevDiscrepancy(
        lambda x: units.density(1) * (1.0 + 0.3 * np.cos(0.5 * np.pi * x[..., 0] / units.length)), 1
    )


def discrepancy(units: Units) -> Functional:
    """A kernel distance on a line."""
    kernel = Interaction(lambda z: units.energy / units.mass * np.exp(-0.5 * (z[:, 0] / units.length) ** 2))
    return KernelDiscrepancy(kernel, lambda x: units.density(1) * np.exp(-((x[..., 0] / units.length) ** 2)))


def separable(units: Units) -> Functional:
    """Neurons on labelled data, whose risk has no unit: J has that of one over a mass."""
    inputs = np.random.default_rng(0).normal(size=(9, 2))
    return Features(Relu(inputs / units.mass), np.where(inputs[:, 0] > 0.2, 1.0, -1.0), "logistic")


def growth(units: Units) -> Functional:
    """A regularisation."""
    return Mass(0.01 * units.energy)


def total(*parts: Callable[[Units], Functional]) -> Callable[[Units], Functional]:
    """Sum of functionals."""

    def build(units: Units) -> Functional:
        first, *others = (part(units) for part in parts)
        return sum(others, first)

    return build


def line(units: Units, cells: int = 48, *, periodic: bool = False) -> Box:
    """A line."""
    return Box([(-2.0 * units.length, 2.0 * units.length)], [cells], periodic)


def plane(units: Units) -> Box:
    """A square."""
    return Box([(-2.0 * units.length, 2.0 * units.length)] * 2, [12, 12])


def start(domain: Domain, units: Units) -> FloatArray:
    """A bump, on each sheet of signed domains."""
    scale = units.length if isinstance(domain.base, Box) else 1.0
    bump = np.exp(-2.0 * ((domain.points / scale - 0.3) ** 2).sum(axis=-1)) + 0.01
    return np.asarray(units.density(dimension(domain)) * bump)


def block(domain: Domain, units: Units) -> FloatArray:
    """A block beside vacuum."""
    inside = np.abs(domain.points / units.length - 0.3).max(axis=-1) < 0.6
    return np.asarray(units.density(dimension(domain)) * inside)


def dimension(domain: Domain) -> int:
    """Number of axes that have a length."""
    return len(domain.base.shape) if isinstance(domain.base, Box) else 0


def cloud(units: Units) -> Particles:
    """Particles on a line."""
    places = 0.8 * np.linspace(-1.0, 1.3, 16)[:, None] ** 3 + 0.1
    return Particles(units.length * places, np.full(16, units.mass / 16.0), np.ones(16))


def everywhere(units: Units) -> Domain:  # noqa: ARG001
    """A sphere, signed, which has no length."""
    return Signed(Sphere(42))


def around(units: Units) -> Domain:  # noqa: ARG001
    """A circle, signed, which has no length."""
    return Signed(Circle(32))
