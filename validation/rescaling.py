"""Any unit: for each functional and solver, the same run in other units of length, time, mass and energy.

Units are powers of two from 2^-40 to 2^40. A run in others has as many steps, and densities or positions that differ
by round-off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wgflow import Circle, Signed, simulate, solve
from wgflow.app.validation import Row, Setting, agrees, within
from wgflow.characteristics import CharacteristicFlow
from wgflow.domains import Domain
from wgflow.flows import Evolution
from wgflow.functionals import Functional
from wgflow.normalised.normalised_flow import NormalisedFlow
from wgflow.particles import Descent, Langevin, Method, RungeKutta4
from wgflow.typing import FloatArray
from wgflow.variational import JkoOptions, LinearisedJkoFlow, make_jko_flow
from wgflow.variational.grid import GridJkoFlow

from ._scaled import (
    Units,
    around,
    attraction,
    block,
    cloud,
    dimension,
    discrepancy,
    growth,
    heat,
    line,
    network,
    plane,
    population,
    power,
    separable,
    sobolev,
    start,
    total,
    waves,
    well,
    zonal,
)

END = 0.25
SAME = 5e-12  # relative difference of runs in other units
EXPONENTS = (-40, -20, -1, 1, 20, 40)


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


def on_grid(
    functional: Callable[[Units], Functional], domain: Callable[[Units], Domain] = line, **options: Any
) -> Callable[[Units], Result]:
    """Finite volumes; a reaction is given in units of 1, and ``begin`` is another start than the bump."""
    reaction, begin = options.pop("reaction", 0.0), options.pop("begin", start)

    def run(units: Units) -> Result:
        place = domain(units)
        factors = {"transport": units.mobility, "reaction": reaction * units.rate}
        times = np.array([0.5, 1.0]) * END * units.time
        trajectory = solve(functional(units), place, begin(place, units), times[-1], times=times, **factors, **options)
        steps = tuple(int(trajectory.attributes[name]) for name in ("accepted_steps", "rejected_steps"))
        return trajectory.density[-1] / units.density(dimension(place)), steps

    return run


def by_particles(
    functional: Callable[[Units], Functional], method: Callable[[float], Method] | None = None
) -> Callable[[Units], Result]:
    """Particles on a line, by a method with some step."""

    def run(units: Units) -> Result:
        chosen = None if method is None else method(0.05 * units.time)
        times = np.array([0.5, 1.0]) * END * units.time
        options: dict[str, Any] = {"domain": line(units), "transport": units.mobility, "method": chosen}
        trajectory = simulate(functional(units), cloud(units), times[-1], times=times, **options)
        return trajectory.position[-1] / units.length, (int(trajectory.attributes["evaluations"]),)

    return run


def carried(evolution: Evolution, units: Units) -> Evolution:
    """The flow at the end."""
    evolution.begin_interval(END * units.time)
    while evolution.time < END * units.time:
        evolution.step()
    return evolution


def by_steps(build: Callable[[Units, JkoOptions], Evolution], **options: Any) -> Callable[[Units], Result]:
    """Variational steps."""

    def run(units: Units) -> Result:
        evolution = carried(build(units, JkoOptions(0.1 * units.time, **options)), units)
        fields, counts = evolution.snapshot().fields, (evolution.counts.accepted, evolution.counts.evaluations)
        if "position" in fields:
            return fields["position"] / units.length, counts
        return fields["density"] / units.density(1), counts

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
    circle = Signed(Circle(32))
    factors: dict[str, Any] = {"transport": units.mobility, "reaction": 4.0 * units.rate}
    evolution = carried(CharacteristicFlow(population(units), circle, start(circle, units), **factors), units)
    return evolution.snapshot().fields["weight"] / units.mass, (evolution.counts.evaluations,)


def normalised(units: Units) -> Result:
    """The flow of the logistic risk with its mass in logarithms."""
    circle: Domain = Signed(Circle(32))
    factors: dict[str, Any] = {"transport": units.mobility, "reaction": 2.0 * units.rate}
    evolution = NormalisedFlow(
        separable(units), circle, start(circle, units), tau=0.1 * units.time, growth=0.05, **factors
    )
    carried(evolution, units)
    return evolution.density, (evolution.counts.accepted, evolution.counts.evaluations)


def with_energy_of(run: Callable[[Units], Result], energy: Callable[[Units], float]) -> Callable[[Units], Result]:
    """A run of a functional whose J has the unit that the others give."""
    return lambda units: run(replace(units, energy=energy(units)))


def mass_of(units: Units) -> float:
    """Unit of J of a risk whose predictions have the unit of the mass."""
    return units.mass


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
    Rescaling("kernel distance", on_grid(discrepancy)),
    Rescaling(
        "classifier with regularisation",
        with_energy_of(on_grid(total(separable, growth), around, reaction=2.0), lambda units: 1.0 / units.mass),
        ("time", "mass"),
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
    Rescaling("normalised flow", with_energy_of(normalised, lambda units: 1.0 / units.mass), ("time", "mass")),
    *(
        Rescaling(f"variational steps of particles, order {order}", by_steps(moved_particles(waves), order=order))
        for order in (1, 2)
    ),
    Rescaling("variational steps on a grid", by_steps(moved_density(GridJkoFlow, waves))),
    Rescaling("linearised variational steps", by_steps(moved_density(LinearisedJkoFlow, total(well, heat)))),
    Rescaling("linearised steps, features", by_steps(moved_density(LinearisedJkoFlow, waves))),
]


def validate(setting: Setting) -> Iterator[Row]:
    """Show for each run the largest difference over all units; quick, over extreme ones, all changed at once."""
    found = []
    for rescaling in RESCALINGS:
        found.append(rescaling.difference(EXTREME if setting.quick else rescaling.one_by_one() + EXTREME))
        beside = f"units of {', '.join(rescaling.units)}"
        yield within(f"{rescaling.name}: difference in other units", found[-1], SAME, beside)
    runs = f"{len(RESCALINGS)} pairs of functional and solver"
    yield agrees(f"other units, {runs}: those with other numbers of steps", found.count(math.inf), 0).quote()
    same = [difference for difference in found if difference < math.inf]
    yield within(f"other units, {runs}: largest relative difference", max(same, default=math.inf), SAME).quote()
