"""The bounds of a step, from a thousand rough states: no negative density and no rise of F, at the first try."""

from __future__ import annotations

import numpy as np
import pytest

from tests.references import without_error_control
from wgflow.domains import Box, Circle, Signed, Sphere, total_mass
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.functionals import Features, Interaction, Mass, Quadratic
from wgflow.functionals.energies.potential import Potential
from wgflow.networks import Neurons, Population, Teacher
from wgflow.networks.relu import Relu

STATES = 24  # for each domain and functional
DOMAINS = {
    "circle": Circle(24),
    "signed circle": Signed(Circle(17)),
    "interval": Box([(-1.0, 2.0)], 20),
    "signed interval": Signed(Box([(-1.0, 2.0)], 12, periodic=True)),
    "rectangle": Box([(-1.0, 1.0), (-2.0, 1.0)], (8, 7), periodic=[True, False]),
    "cuboid": Box([(-1.0, 1.0), (-2.0, 1.0), (0.0, 1.0)], (5, 6, 4)),
    "sphere": Sphere(162),
    "signed sphere": Signed(Sphere(42)),
}
RISKS = ("square", "logistic", "softmin", "quadratic", "penalised", "pairs", "population", "energies")


def make_functional(kind, domain, generator):
    """A random functional of a kind, or None where it does not live on the domain."""
    dimension = domain.points.shape[-1]
    inputs, labels = 2.0 * generator.normal(size=(6, dimension)), generator.choice([-1.0, 1.0], size=6)
    matrix = generator.normal(size=(dimension, dimension))
    if kind in {"square", "logistic", "softmin"}:
        targets = generator.normal(size=6) if kind == "square" else labels
        return Features(Relu(inputs), targets, kind)
    if kind == "quadratic":
        return Quadratic(matrix + matrix.T)
    if kind == "penalised":
        return Features(Relu(inputs), labels, "logistic") + Mass(0.3)
    if kind == "pairs" and dimension > 1:
        return Features(Neurons(Relu(inputs[:, 1:])), generator.normal(size=6))
    if kind == "population" and dimension == 2 + (domain.base.kind != "circle") and domain.base.kind != "box":
        return (
            None
            if domain.sheets == 2 and dimension == 3
            else Population(Teacher(generator.normal(size=(3, 2)), [1, -1, 1]))
        )
    if kind == "energies" and domain.base.kind == "box":
        bowl, hill = generator.normal(size=dimension), generator.uniform(0.3, 2.0)
        return Potential(lambda x: x @ bowl) + Interaction(lambda z: np.exp(-hill * (z**2).sum(axis=-1)))
    return None


def rough_density(shape, generator):
    """Vacuum, spikes and ten orders of magnitude."""
    density = 10.0 ** generator.uniform(-9.0, 1.0, size=shape) * (generator.random(shape) < 0.7)
    density.flat[generator.integers(density.size)] = 10.0
    return density


LIVING = [
    (name, kind)
    for name, domain in DOMAINS.items()
    for kind in RISKS
    if make_functional(kind, domain, np.random.default_rng(0)) is not None
]


@pytest.mark.parametrize(("name", "kind"), LIVING)
def test_steps_at_the_bounds_lower_the_energy_and_keep_the_sign(name, kind):
    domain = DOMAINS[name]
    generator = np.random.default_rng([list(DOMAINS).index(name), RISKS.index(kind)])
    rejected = 0
    for number in range(STATES):
        functional = make_functional(kind, domain, generator).on_grid(domain)
        density = rough_density(domain.shape, generator)
        names = (None, "positive") if "sphere" in name else ("mc", "positive", "minmod")
        options = {"order": 1 + number % 2, "limiter": names[number % len(names)]}
        stepper = ("euler", "ssprk2", "ssprk3", "ssprk43")[number % 4]
        evolution = without_error_control(ExplicitFiniteVolume(functional, density, stepper=stepper, **options))
        mass = total_mass(domain, density)
        for _ in range(3):
            before = evolution.energy
            evolution.step()
            assert evolution.energy <= before + 1e-13 * functional.scale(evolution.density)
            assert evolution.density.min() >= 0.0
        rejected += evolution.counts.rejected
        if domain.reaction == 0.0:
            assert total_mass(domain, evolution.density) == pytest.approx(mass, rel=1e-12)
    # Rejections only repair what the power iteration has not yet seen of the stiffest mode.
    assert rejected <= 0.1 * 3 * STATES


def energy_after(functional, density, factor, step):
    """Change of F by one Euler stage of a multiple of a step."""
    evolution = ExplicitFiniteVolume(functional, density, order=1, stepper="euler")
    result = np.empty_like(density)
    evolution._scheme.euler_stage(
        density, functional.first_variation(density), density, (0.0, 1.0), factor * step, result
    )
    return functional.value(result) - functional.value(density)


def test_the_energy_bound_is_sharp():
    """Along a single feature F = (m - c)^2/2 the bound 2 / lambda is exact: beyond it F rises, below it falls."""
    domain = Box([(0.0, 1.0)], 32)
    functional = Features(lambda x: x, [0.5]).on_grid(domain)
    density = np.zeros(32)
    density[10] = 32.0  # one atom at x = 0.328: df/dt = -(f - 0.5) rho_face, lambda = total mass = 1
    assert energy_after(functional, density, 0.9, 2.0) < 0.0
    assert energy_after(functional, density, 1.1, 2.0) > 0.0
