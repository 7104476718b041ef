"""What a stage and a run never break: mass, positivity, energy and symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import advance, largest_loss_rate
from wgflow.domains import Circle, Signed, total_mass
from wgflow.finite_volume import METHODS, ExplicitFiniteVolume
from wgflow.functionals import Features, Mass, Quadratic
from wgflow.networks import Population, Teacher
from wgflow.networks.relu import Relu
from wgflow.upwind import LIMITERS
from wgflow.upwind.discretisation import make_space_scheme

seeds = st.integers(0, 2**32 - 1)
orders = st.sampled_from([(1, "mc"), *((2, limiter) for limiter in LIMITERS)])
domains = st.one_of(st.builds(Circle, st.integers(4, 60)), st.builds(Signed, st.builds(Circle, st.integers(4, 60))))


def rough_density(shape, seed):
    """Random density with vacuum and spikes, nowhere else smooth."""
    generator = np.random.default_rng(seed)
    density = generator.exponential(size=shape) ** 3 * (generator.random(shape) < 0.6)
    density.flat[generator.integers(density.size)] = 50.0
    return density


def stage(domain, density, potential, step, order, *, transport=1.0, reaction=2.0):
    """One Euler stage, and the loss rate of the scheme."""
    scheme = make_space_scheme(domain, transport=transport, reaction=reaction, order=order[0], limiter=order[1])
    result = np.empty_like(density)
    scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result)
    return result


@given(domains, seeds, orders, st.floats(0.0, 4.0), st.floats(0.0, 3.0))
def test_a_stage_changes_mass_by_reaction_alone(domain, seed, order, reaction, transport):
    density, step = rough_density(domain.shape, seed), 1e-3
    potential = np.random.default_rng(seed).normal(size=domain.shape)
    result = stage(domain, density, potential, step, order, transport=transport, reaction=reaction)
    change = total_mass(domain, result) - total_mass(domain, density)
    expected = -step * reaction * total_mass(domain, potential * density)
    assert abs(change - expected) < 1e-14 * total_mass(domain, abs(density) + abs(result))


@given(domains, seeds, orders, st.floats(0.0, 4.0))
def test_a_stage_at_the_positivity_bound_keeps_the_density_nonnegative(domain, seed, order, reaction):
    density = rough_density(domain.shape, seed)
    potential = np.random.default_rng(seed).normal(size=domain.shape) ** 3
    scheme = make_space_scheme(domain, transport=1.0, reaction=reaction, order=order[0], limiter=order[1])
    spacing, factor = domain.base.spacing, 1.0 if order[0] == 1 else 2.0
    rate = scheme.loss_rate(potential)
    assert rate == pytest.approx(largest_loss_rate(potential, spacing, 1.0, reaction, factor), rel=1e-13)
    result = stage(domain, density, potential, 1.0 / rate, order, reaction=reaction)
    assert result.min() >= -1e-15 * density.max()


def test_the_positivity_bound_is_reached_by_first_order_upwind():
    # A spike on the top of the potential leaves its cell entirely at the bound, and not before.
    domain = Circle(8)
    density, potential = np.zeros(8), np.zeros(8)
    density[3] = potential[3] = 1.0
    rate = make_space_scheme(domain, transport=1.0, reaction=2.0, order=1, limiter="mc").loss_rate(potential)
    assert stage(domain, density, potential, 1.0 / rate, (1, "mc"))[3] == pytest.approx(0.0, abs=1e-15)
    assert stage(domain, density, potential, 0.5 / rate, (1, "mc"))[3] == pytest.approx(0.5, rel=1e-14)


def test_mass_moves_down_the_potential():
    domain = Circle(64)
    potential = np.cos(domain.angles)
    result = stage(domain, np.ones(64), potential, 1e-3, (2, "mc"), reaction=0.0)
    # d rho/dt = div(rho grad J) = -cos for a uniform density.
    assert abs((result - 1.0) / 1e-3 + np.cos(domain.angles)).max() < 1e-3


random_problems = st.sampled_from(["square", "logistic", "softmin", "population", "quadratic", "penalised"])


def make_problem(kind, seed):
    generator = np.random.default_rng(seed)
    inputs, labels = generator.normal(size=(7, 2)), generator.choice([-1.0, 1.0], size=7)
    teacher = Teacher(generator.normal(size=(3, 2)), generator.normal(size=3))
    matrix = generator.normal(size=(2, 2))
    choices = {
        "square": Features(Relu(inputs), generator.normal(size=7)),
        "logistic": Features(Relu(inputs), labels, "logistic"),
        "softmin": Features(Relu(3.0 * inputs), labels, "softmin"),
        "population": Population(teacher),
        "quadratic": Quadratic(matrix + matrix.T),
        "penalised": Features(Relu(inputs), labels, "logistic") + Mass(0.1),
    }
    return choices[kind]


@given(random_problems, domains, seeds, orders, st.sampled_from(list(METHODS)), st.sampled_from([0.0, 1.0, None]))
@settings(max_examples=100)
def test_runs_never_raise_the_energy_nor_lose_positivity(kind, domain, seed, order, stepper, reaction):
    functional = make_problem(kind, seed).on_grid(domain)
    density = rough_density(domain.shape, seed)
    options = {"order": order[0], "limiter": order[1], "stepper": stepper, "reaction": reaction}
    evolution = ExplicitFiniteVolume(functional, density, **options)
    mass, initial = total_mass(domain, density), evolution.energy
    for _ in range(25):
        before = evolution.energy
        evolution.step()
        snapshot = evolution.snapshot()
        assert evolution.energy <= before + 1e-13 * functional.scale(evolution.density)
        assert snapshot.fields["density"].min() >= 0.0
        assert evolution.energy == pytest.approx(functional.value(snapshot.fields["density"]), rel=1e-13, abs=1e-14)
        if reaction == 0.0:
            assert snapshot.mass == pytest.approx(mass, rel=1e-14)
    assert evolution.energy < initial


def run(functional, domain, density, time=0.3, **options):
    evolution = ExplicitFiniteVolume(functional.on_grid(domain), density, **options)
    return advance(evolution, [time])[0].fields["density"]


def smooth_density(domain, seed):
    """Positive density of a few random waves."""
    angles, generator = domain.base.angles, np.random.default_rng(seed)
    waves = [np.cos(k * angles + generator.uniform(0.0, 6.0)) / 4.0 for k in (1, 2, 3)]
    density = 1.0 + sum(waves)
    return 0.2 * np.stack([density, density[::-1] ** 2])[: domain.sheets].reshape(domain.shape)


ROUND_OFF = 1e-12
SYMMETRIES = settings(max_examples=10)


@given(st.sampled_from(list(LIMITERS)), st.integers(8, 40), st.integers(0, 40), seeds)
@SYMMETRIES
def test_a_turned_problem_has_the_turned_solution(limiter, cells, shift, seed):
    domain = Signed(Circle(cells))
    angle = shift * domain.base.spacing
    angles, weights = np.array([0.4, 2.0, 5.0]), np.array([1.0, -1.0, 0.5])
    density = smooth_density(domain, seed)
    solution = run(Population(Teacher.from_angles(angles, weights)), domain, density, limiter=limiter)
    turned_teacher = Population(Teacher.from_angles(angles + angle, weights))
    turned = run(turned_teacher, domain, np.roll(density, shift, axis=1), limiter=limiter)
    assert abs(turned - np.roll(solution, shift, axis=1)).max() < ROUND_OFF * solution.max()


@given(st.sampled_from(list(LIMITERS)), st.integers(8, 40), seeds)
@SYMMETRIES
def test_a_reflected_problem_has_the_reflected_solution(limiter, cells, seed):
    domain = Circle(cells)
    generator = np.random.default_rng(seed)
    inputs, targets = generator.normal(size=(6, 2)), generator.normal(size=6)
    density = smooth_density(domain, seed)
    solution = run(Features(Relu(inputs), targets), domain, density, limiter=limiter)
    mirrored = Features(Relu(inputs * [1.0, -1.0]), targets)
    reflected = run(mirrored, domain, density[::-1], limiter=limiter)
    assert abs(reflected - solution[::-1]).max() < ROUND_OFF * solution.max()


@given(st.sampled_from(["square", "logistic", "softmin"]), st.integers(8, 40), seeds)
@SYMMETRIES
def test_opposite_targets_exchange_the_sheets(loss, cells, seed):
    domain = Signed(Circle(cells))
    generator = np.random.default_rng(seed)
    inputs, labels = generator.normal(size=(6, 2)), generator.choice([-1.0, 1.0], size=6)
    density = smooth_density(domain, seed)
    solution = run(Features(Relu(inputs), labels, loss), domain, density)
    exchanged = run(Features(Relu(inputs), -labels, loss), domain, density[::-1])
    assert abs(exchanged - solution[::-1]).max() < ROUND_OFF * solution.max()


@given(st.integers(8, 40), seeds, st.floats(0.25, 4.0))
@SYMMETRIES
def test_both_factors_scale_time(cells, seed, speed):
    domain = Circle(cells)
    density = smooth_density(domain, seed)
    functional = Quadratic([[1.0, 0.3], [0.3, 0.5]])
    solution = run(functional, domain, density, time=0.2, transport=0.5, reaction=1.5)
    faster = run(functional, domain, density, time=0.2 / speed, transport=0.5 * speed, reaction=1.5 * speed)
    assert abs(faster - solution).max() < ROUND_OFF * solution.max()


def test_the_flow_of_an_even_density_stays_even():
    # Quadratic features do not tell a point from its antipode.
    domain = Circle(40)
    solution = run(Quadratic([[1.0, 0.3], [0.3, 0.5]]), domain, 1.0 + 0.5 * np.cos(2.0 * domain.angles))
    assert abs(solution - np.roll(solution, 20)).max() < ROUND_OFF * solution.max()
