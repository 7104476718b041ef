"""Any unit: for each functional and solver, the same run in other units of length, time, mass and energy.

Units are powers of two from 2^-40 to 2^40. A run in others has as many steps, and densities or positions that differ
by round-off.

    python validation/rescaling.py [--quick]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wgflow import (
    Box,
    Circle,
    Entropy,
    Features,
    Interaction,
    Particles,
    Population,
    Potential,
    PowerEnergy,
    Signed,
    SobolevDiscrepancy,
    Sphere,
    Teacher,
    ZonalInteraction,
    simulate,
    solve,
)
from wgflow.domains import Domain
from wgflow.functionals import Functional, Relu
from wgflow.particles import CharacteristicFlow, Descent, Langevin, Method, RungeKutta4
from wgflow.schemes import Evolution
from wgflow.typing import FloatArray
from wgflow.variational import JkoOptions, LinearisedJkoFlow, make_jko_flow
from wgflow.variational.grid import GridJkoFlow

END = 0.25
SAME = 1e-10  # relative difference of runs in other units
EXPONENTS = (-40, -20, -1, 1, 20, 40)


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


EXTREME = [Units(*(2.0 ** (sign * exponent) for exponent in (40, -37, -31, 39))) for sign in (-1, 1)]

Result = tuple[FloatArray, tuple[int, ...]]
"""Densities or positions over their unit, and numbers of steps."""


@dataclass(frozen=True)
class Rescaling:
    """A run that may be done in any units."""

    name: str
    run: Callable[[Units], Result]
    units: tuple[str, ...] = ("length", "time", "mass", "energy")

    def difference(self, others: Iterable[Units]) -> float:
        """Largest difference to the run in units of 1, relative to the largest value; inf if steps differ in number."""
        expected, steps = self.run(Units())
        runs = [self.run(self._of_kind(units)) for units in others]
        if any(found_steps != steps for _, found_steps in runs):
            return math.inf
        return float(max(np.abs(found - expected).max() for found, _ in runs) / np.abs(expected).max())

    def one_by_one(self) -> list[Units]:
        """All units changed alone."""
        return [replace(Units(), **{unit: 2.0**exponent}) for unit in self.units for exponent in EXPONENTS]

    def _of_kind(self, units: Units) -> Units:
        """Units of which those that this run does not know are 1."""
        return replace(Units(), **{unit: getattr(units, unit) for unit in self.units})


# Functionals in units.


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


def total(*parts: Callable[[Units], Functional]) -> Callable[[Units], Functional]:
    """Sum of functionals."""

    def build(units: Units) -> Functional:
        first, *others = (part(units) for part in parts)
        return sum(others, first)

    return build


# Domains and starts in units.


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


# Solvers in units.


def on_grid(
    functional: Callable[[Units], Functional], domain: Callable[[Units], Domain] = line, **options: Any
) -> Callable[[Units], Result]:
    """Finite volumes; a reaction is given in units of 1, and ``begin`` is another start than the bump."""
    reaction, begin = options.pop("reaction", 0.0), options.pop("begin", start)

    def run(units: Units) -> Result:
        place = domain(units)
        factors = {"transport": units.mobility, "reaction": reaction * units.rate}
        times = np.array([0.5, 1.0]) * END * units.time
        flow = solve(functional(units), place, begin(place, units), times[-1], times=times, **factors, **options)
        steps = tuple(int(flow.attributes[name]) for name in ("accepted_steps", "rejected_steps"))
        return flow.density[-1] / units.density(dimension(place)), steps

    return run


def by_particles(
    functional: Callable[[Units], Functional], method: Callable[[float], Method] | None = None
) -> Callable[[Units], Result]:
    """Particles on a line, by a method with some step."""

    def run(units: Units) -> Result:
        chosen = None if method is None else method(0.05 * units.time)
        times = np.array([0.5, 1.0]) * END * units.time
        options: dict[str, Any] = {"domain": line(units), "transport": units.mobility, "method": chosen}
        flow = simulate(functional(units), cloud(units), times[-1], times=times, **options)
        return flow.position[-1] / units.length, (int(flow.attributes["evaluations"]),)

    return run


def by_steps(build: Callable[[Units, JkoOptions], Evolution], **options: Any) -> Callable[[Units], Result]:
    """Variational steps."""

    def run(units: Units) -> Result:
        flow = build(units, JkoOptions(0.1 * units.time, **options))
        flow.begin_interval(END * units.time)
        while flow.time < END * units.time:
            flow.step()
        fields = flow.snapshot().fields
        if "position" in fields:
            return fields["position"] / units.length, (flow.counts.accepted, flow.counts.evaluations)
        return fields["density"] / units.density(1), (flow.counts.accepted, flow.counts.evaluations)

    return run


def moved_particles(functional: Callable[[Units], Functional]) -> Callable[[Units, JkoOptions], Evolution]:
    """Variational steps of particles."""
    return lambda units, options: make_jko_flow(
        functional(units), cloud(units), line(units), options, transport=units.mobility, reaction=0.0
    )


def moved_density(kind: Any, functional: Callable[[Units], Functional]) -> Callable[[Units, JkoOptions], Evolution]:
    """Variational steps of a density."""

    def build(units: Units, options: JkoOptions) -> Evolution:
        place, factors = line(units), {"transport": units.mobility, "reaction": 0.0}
        made: Evolution = kind(functional(units), place, start(place, units), options=options, **factors)
        return made

    return build


def along_characteristics(units: Units) -> Result:
    """Nodes on a circle."""
    circle, factors = Signed(Circle(32)), {"transport": units.mobility, "reaction": 4.0 * units.rate}
    flow = CharacteristicFlow(population(units), circle, start(circle, units), **factors)
    flow.begin_interval(END * units.time)
    while flow.time < END * units.time:
        flow.step()
    return flow.snapshot().fields["weight"] / units.mass, (flow.counts.evaluations,)


def with_energy_of(run: Callable[[Units], Result], energy: Callable[[Units], float]) -> Callable[[Units], Result]:
    """A run of a functional whose J has the unit that the others give."""
    return lambda units: run(replace(units, energy=energy(units)))


def mass_of(units: Units) -> float:
    """Unit of J of a risk whose predictions have the unit of the mass."""
    return units.mass


def everywhere(units: Units) -> Domain:  # noqa: ARG001
    """A sphere, signed, which has no length."""
    return Signed(Sphere(42))


def around(units: Units) -> Domain:  # noqa: ARG001
    """A circle, signed, which has no length."""
    return Signed(Circle(32))


NO_LENGTH, GIVEN = ("time", "mass", "energy"), ("length", "time", "mass")

RESCALINGS = [
    Rescaling("potential, ssprk43", on_grid(well)),
    Rescaling("potential with reaction", on_grid(well, reaction=0.5)),
    *(
        Rescaling(f"potential, {name}", on_grid(well, stepper=name, tolerance=size))
        for name, size in (("euler", 1e-2), ("ssprk2", 1e-2), ("ssprk3", 1e-4))
    ),
    Rescaling("potential, order 5", on_grid(well, order=5)),
    Rescaling("entropy, van Leer", on_grid(total(well, heat), limiter="van_leer")),
    Rescaling("entropy beside vacuum", on_grid(total(well, heat), limiter="van_leer", begin=block)),
    Rescaling("porous medium", on_grid(total(well, power(2.0)))),
    Rescaling("fast diffusion", on_grid(total(well, power(0.5)))),
    Rescaling("interaction in a plane", on_grid(attraction, plane)),
    Rescaling("features", on_grid(waves)),
    Rescaling(
        "Sobolev distance",
        with_energy_of(
            on_grid(sobolev, lambda units: line(units, periodic=True)), lambda units: units.mass * units.length
        ),
        GIVEN,
    ),
    Rescaling("network on a circle", on_grid(network, around, reaction=4.0), NO_LENGTH),
    Rescaling("zonal kernel on a circle", on_grid(zonal, lambda units: Circle(32)), NO_LENGTH),  # noqa: ARG005
    Rescaling(
        "population risk on a sphere",
        with_energy_of(on_grid(population, around, reaction=4.0), mass_of),
        ("time", "mass"),
    ),
    *(
        Rescaling(f"{name}, {stepper}", on_grid(functional, stepper=stepper, tolerance=1e-3))
        for stepper in ("backward_euler", "tr_bdf2")
        for name, functional in (
            ("entropy and interaction", total(attraction, heat)),
            ("porous medium", total(well, power(2.0))),
            ("fast diffusion", total(well, power(0.5))),
            ("entropy and features", total(waves, heat)),
        )
    ),
    Rescaling("particles in a potential", by_particles(well)),
    Rescaling("particles that attract", by_particles(attraction)),
    Rescaling("particles, features", by_particles(waves)),
    Rescaling("particles, rk4", by_particles(well, RungeKutta4)),
    Rescaling("particles, descent", by_particles(waves, Descent)),
    Rescaling("particles, Langevin", by_particles(total(well, heat), lambda step: Langevin(step, order=2))),
    Rescaling("characteristics", with_energy_of(along_characteristics, mass_of), ("time", "mass")),
    *(
        Rescaling(f"variational steps of particles, order {order}", by_steps(moved_particles(waves), order=order))
        for order in (1, 2)
    ),
    Rescaling("variational steps on a grid", by_steps(moved_density(GridJkoFlow, waves))),
    Rescaling("linearised variational steps", by_steps(moved_density(LinearisedJkoFlow, total(well, heat)))),
    Rescaling("linearised steps, features", by_steps(moved_density(LinearisedJkoFlow, waves))),
]


def check_rescalings(*, quick: bool) -> Iterator[bool]:
    """Show for each run the largest difference over all units."""
    for rescaling in RESCALINGS:
        found = rescaling.difference(EXTREME if quick else rescaling.one_by_one() + EXTREME)
        passed = found <= SAME
        name = f"{rescaling.name}: {', '.join(rescaling.units)}"
        print(f"{'PASS' if passed else 'FAIL'}  {name:66s} {found: .2e}  (bound {SAME:.1e})", flush=True)
        yield passed


def main() -> int:
    """Show all; 0 if each run is the same in all units."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only extreme units, all changed at once")
    return 0 if all(list(check_rescalings(quick=parser.parse_args().quick))) else 1


if __name__ == "__main__":
    sys.exit(main())
