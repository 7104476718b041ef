"""Internal energies against formulae, derivatives, and the diffusions that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functionals.problems import random_density
from tests.references import central_difference
from wgflow import Entropy, Interaction, Potential, PowerEnergy, solve
from wgflow.domains import Box, Circle, Signed, Sphere, total_mass
from wgflow.errors import ComputationError, InputError
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.measures import Particles

BOX = Box([[-1.0, 2.0], [0.0, 1.5]], (7, 10), periodic=[True, False])
ENERGIES = [Entropy(0.7), PowerEnergy(2.0), PowerEnergy(1.5, 0.3), PowerEnergy(4.0), PowerEnergy(0.5, 2.0)]
DOMAINS = [BOX, Circle(12), Signed(Circle(9)), Sphere(42)]


def inner_energy(energy, density):
    if isinstance(energy, Entropy):
        return energy.temperature * density * np.log(density)
    return energy.strength * density**energy.exponent / (energy.exponent - 1.0)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("energy", ENERGIES)
def test_energies_and_potentials_are_those_of_the_formulae(energy, domain):
    density, bound = random_density(domain, 4) + 0.05, energy.on_grid(domain)
    expected = (domain.volumes * inner_energy(energy, density)).sum()
    assert bound.value(density) == pytest.approx(expected, rel=1e-12)
    slope = central_difference(lambda s: inner_energy(energy, density * (1.0 + s)) / density, 1e-3)
    assert abs(bound.first_variation(density) / slope - 1.0).max() < 1.3e-10
    assert abs(energy.slope(density) / slope - 1.0).max() < 1.3e-10


@pytest.mark.parametrize("energy", ENERGIES)
def test_the_hessian_is_the_change_of_the_potential(energy):
    density = 1.0 + 0.3 * np.sin(3.0 * BOX.points[..., 0])  # no cell far below its neighbours
    bound, rate, change = energy.on_grid(BOX), random_density(BOX, 5) - 0.8, np.empty(BOX.shape)
    expected = central_difference(lambda s: bound.first_variation(density + s * rate), 1e-3)
    bound.evaluate(density, change)
    bound.hessian(rate, change)
    assert abs(change - expected).max() < 1.2e-9 * abs(expected).max()


@pytest.mark.parametrize("energy", ENERGIES)
def test_pressures_belong_to_the_energies(energy):
    density = np.geomspace(1e-3, 10.0, 7)
    assert energy.pressure(density, 0.0) == pytest.approx(
        density * energy.slope(density) - inner_energy(energy, density), rel=1.4e-14
    )
    slope = central_difference(lambda s: energy.pressure(density * (1.0 + s), 0.0) / density, 1e-3)
    assert energy.pressure_slope(density, 0.0) == pytest.approx(slope, rel=5.5e-12)


@pytest.mark.parametrize("energy", [Entropy(), PowerEnergy(0.5), PowerEnergy(1.5), PowerEnergy(3.0)])
def test_vacuum_has_a_finite_potential_and_a_convex_energy(energy):
    box = Box([[0.0, 4.0]], 4)
    bound = energy.on_grid(box)
    vacuum = np.array([0.0, 1.0, 0.0, 0.0])
    potential = bound.first_variation(vacuum)
    assert np.isfinite(potential).all()
    low = 0.5 * energy.floor(0.25) or 1e-9
    filled = vacuum + low * np.array([1.0, 0.0, 0.0, 0.0])
    rise = bound.value(filled) - bound.value(vacuum)
    assert rise == pytest.approx(low * potential[0], rel=1e-6, abs=1e-13)
    change = np.empty(4)
    bound.evaluate(vacuum, change)
    bound.hessian(np.array([1e-40, -1.0, 1e-40, 0.0]), change)
    assert np.isfinite(change).all()


@pytest.mark.parametrize("mass", [1e-100, 1.0, 1e60])
def test_floors_are_shares_of_the_mean_density(mass):
    """1e-30 of the mean for logarithms, and J at most 1e6 times that of the mean for m = 1 / 2."""
    box = Box([[0.0, 4.0]], 4)
    vacuum = mass * np.array([1.0, 1e-5, 1e-35, 0.0])
    logarithm = Entropy(0.7).on_grid(box).first_variation(vacuum)
    floor = np.log(0.25 * mass * 1e-30 * (1.0 + 1e-5))
    assert logarithm == pytest.approx(0.7 * (1.0 + np.array([*np.log(vacuum[:2]), floor, floor])), rel=1e-14)
    power = PowerEnergy(0.5, 2.0).on_grid(box).first_variation(vacuum)
    mean = -2.0 / np.sqrt(0.25 * mass * (1.0 + 1e-5))
    assert power[2:] == pytest.approx(np.full(2, 1e6 * mean), rel=1e-12)
    assert power[:2] == pytest.approx(-2.0 / np.sqrt(vacuum[:2]), rel=1e-12)


def test_curvature_in_vacuum_is_that_of_a_tenth_of_the_neighbour():
    bound, change = Entropy().on_grid(Box([[0.0, 4.0]], 4)), np.empty(4)
    bound.evaluate(np.array([0.0, 1.0, 0.5, 0.0]), change)
    bound.hessian(np.ones(4), change)
    assert change == pytest.approx([10.0, 1.0, 2.0, 20.0], rel=1e-14)


def rough_density(shape, seed):
    generator = np.random.default_rng(seed)
    density = generator.exponential(size=shape) ** 2 * (generator.random(shape) < 0.7)
    density.flat[generator.integers(density.size)] = 3.0
    return density


@given(
    st.sampled_from(range(len(ENERGIES))),
    st.sampled_from(range(len(DOMAINS))),
    st.integers(0, 2**32 - 1),
    st.sampled_from([(1, None), (2, None), (2, "van_leer"), (2, "positive")]),
    st.sampled_from(["euler", "ssprk3"]),
)
@settings(max_examples=60)
def test_explicit_diffusion_never_raises_the_energy_nor_loses_positivity(energy, place, seed, order, stepper):
    domain = DOMAINS[place]
    functional = (ENERGIES[energy] + Potential(lambda x: np.sin(2.0 * x[:, 0]))).on_grid(domain)
    density = rough_density(domain.shape, seed)
    limiter = None if order[1] == "van_leer" and domain.base.kind == "sphere" else order[1]
    evolution = ExplicitFiniteVolume(
        functional, density, order=order[0], limiter=limiter, stepper=stepper, reaction=0.0
    )
    for _ in range(15):
        before = evolution.energy
        evolution.step()
        assert evolution.energy <= before + 1e-13 * functional.scale(evolution.density)
        assert evolution.density.min() >= 0.0
        assert total_mass(domain, evolution.density) == pytest.approx(total_mass(domain, density), rel=1e-13)


@pytest.mark.parametrize("limiter", ["van_leer", "minmod"])
def test_vacuum_fills_in_not_many_more_steps_than_the_parabolic_bound_asks_for(limiter):
    """They are shorter at first, where the jumps of the density spread over a cell."""
    box = Box([[-4.0, 4.0]], 104)
    evolution = ExplicitFiniteVolume(Entropy().on_grid(box), 0.5 * (abs(box.axes[0]) < 1.0), limiter=limiter)
    evolution.begin_interval(0.1)
    while evolution.time < 0.1:
        evolution.step()
    assert evolution.counts.accepted < 1.6 * 4 * 0.1 * 4.0 / box.spacing[0] ** 2
    assert evolution.density.min() > 1e-30


def test_what_concentrates_beyond_the_grid_is_stopped():
    box = Box([[-1.0, 1.0]], 400)
    collapse = Entropy(0.01) + Interaction(lambda z: 2.0 * np.log(np.maximum(abs(z[:, 0]), 1e-3)))
    evolution = ExplicitFiniteVolume(collapse.on_grid(box), np.exp(-20.0 * box.axes[0] ** 2))
    evolution.begin_interval(10.0)
    with pytest.raises(ComputationError, match=r"concentration at t = 0\.\d+: one cell holds 1\d% of the mass"):
        while evolution.time < 10.0:
            evolution.step()


def test_a_concentrated_start_may_spread():
    box = Box([[-1.0, 1.0]], 400)
    evolution = ExplicitFiniteVolume(Entropy().on_grid(box), np.eye(400)[200] * 200.0, limiter="van_leer")
    evolution.begin_interval(5e-5)
    while evolution.time < 5e-5:
        evolution.step()
    assert evolution.density.max() < 100.0


def test_what_the_grid_resolves_is_not_concentrated():
    """At rest a cell of the grid holds a third of the mass, and its neighbours nearly as much."""
    box = Box([[-3.0, 3.0]], 200)
    functional = Entropy(1e-3) + Potential(lambda x: 0.5 * x[:, 0] ** 2)
    trajectory = solve(functional, box, np.exp(-2.0 * box.axes[0] ** 2), 20.0, times=[20.0], stepper="tr_bdf2")
    gibbs = np.exp(-0.5 * box.axes[0] ** 2 / 1e-3)
    share = trajectory.density[-1] * box.volumes / trajectory.mass[-1]
    assert 0.3 < share.max() < 0.4
    np.testing.assert_allclose(
        share, gibbs / gibbs.sum(), atol=1.4e-14, rtol=3.3e-8
    )  # what decays still: steps have the tolerance 1e-6


class TestErrors:
    def test_numbers_must_be_positive(self):
        for make in (lambda: Entropy(0.0), lambda: PowerEnergy(-1.0), lambda: PowerEnergy(2.0, np.inf)):
            with pytest.raises(InputError, match="give a positive number"):
                make()
        with pytest.raises(InputError, match="Entropy"):
            PowerEnergy(1.0)

    def test_particles_have_no_density(self):
        with pytest.raises(InputError, match="PowerEnergy needs a density, which particles have not: use a grid"):
            PowerEnergy(2.0).at_particles(Particles(np.ones((2, 1)), np.ones(2), np.ones(2)))
