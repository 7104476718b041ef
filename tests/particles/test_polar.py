"""The particle system against exact solutions, and what it keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import advance
from wgflow.domains.icosphere import unit
from wgflow.errors import ComputationError, InputError
from wgflow.functionals import Features, Mass, Quadratic
from wgflow.measures import Particles
from wgflow.networks import Population, Teacher
from wgflow.networks.relu import Relu
from wgflow.particles import PolarFlow

INPUTS = np.random.default_rng(5).normal(size=(9, 2))
TARGETS = np.linspace(-1.0, 2.0, 9)
seeds = st.integers(0, 2**32 - 1)


def random_particles(seed, count=6, dimension=2):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(count, dimension))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return Particles(points, generator.exponential(size=count), generator.choice([-1.0, 1.0], size=count))


def one_particle(angle, weight):
    return Particles(np.array([[np.cos(angle), np.sin(angle)]]), np.array([weight]), np.ones(1))


@pytest.mark.parametrize("reaction", [0.5, 2.0, 4.0])
def test_the_weight_of_one_particle_on_its_target_grows_logistically(reaction):
    # F = (w - c)^2/2, so that w' = -beta (w - c) w.
    c, start, end, angle = 1.5, 0.2, 1.0, 0.7
    direction = np.array([np.cos(angle), np.sin(angle)])
    flow = PolarFlow(
        Quadratic(c * np.outer(direction, direction)), one_particle(angle, start), reaction=reaction, tolerance=1e-11
    )
    snapshot = advance(flow, [end])[0]
    exact = c * start / (start + (c - start) * np.exp(-reaction * c * end))
    assert snapshot.mass == pytest.approx(exact, rel=6.2e-12)
    assert snapshot.energy == pytest.approx(0.5 * (exact - c) ** 2, rel=3.8e-10)
    assert snapshot.fields["growth"][0] == pytest.approx(np.log(exact / start), rel=3.6e-12)
    assert abs(snapshot.fields["position"][0] - direction).max() < 1e-14


@pytest.mark.parametrize("transport", [0.5, 1.0, 3.0])
def test_one_particle_turns_to_the_larger_eigenvalue_at_the_exact_pace(transport):
    # With beta = 0 the angle obeys theta' = -alpha (a - b) sin 2 theta: tan theta decays like exp(-2 alpha (a - b) t).
    a, b, angle, end = 1.0, 0.2, 1.2, 0.5
    flow = PolarFlow(
        Quadratic(np.diag([a, b])), one_particle(angle, 0.7), transport=transport, reaction=0.0, tolerance=1e-10
    )
    snapshot = advance(flow, [end])[0]
    x, y = snapshot.fields["position"][0]
    assert y / x == pytest.approx(np.tan(angle) * np.exp(-2.0 * transport * (a - b) * end), rel=1.4e-10)
    assert snapshot.mass == 0.7


def test_the_polar_form_is_the_gradient_flow_of_neurons():
    # w' = -grad_w J(w) for the features relu(w.x) |w| has weight r^2 and direction eta of the polar form, beta = 4.
    target, steps, time = np.array([[1.0, 0.3], [0.3, 0.5]]), 4000, 0.5
    start = np.random.default_rng(2).normal(size=(5, 2))
    neurons = start.copy()

    def velocity(w):
        return -2.0 * w @ (w.T @ w / len(w) - target)

    h = time / steps
    for _ in range(steps):
        k1 = velocity(neurons)
        k2 = velocity(neurons + 0.5 * h * k1)
        k3 = velocity(neurons + 0.5 * h * k2)
        k4 = velocity(neurons + h * k3)
        neurons = neurons + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    squared_lengths = (start**2).sum(axis=1)
    particles = Particles(unit(start), squared_lengths / 5.0, np.ones(5))
    snapshot = advance(PolarFlow(Quadratic(target), particles, tolerance=1e-10), [time])[0]
    assert snapshot.fields["weight"] == pytest.approx((neurons**2).sum(axis=1) / 5.0, rel=9.5e-12)
    directions = neurons / np.linalg.norm(neurons, axis=1, keepdims=True)
    assert abs(snapshot.fields["position"] - directions).max() < 2.9e-12


def test_balanced_relu_neurons_move_in_polar_form_with_half_the_reaction():
    # a' = -m grad_a, b' = -m grad_b for h = (1/m) sum a relu(b.x), with |a| = |b|: weight |a||b|/m, beta = 2.
    generator = np.random.default_rng(4)
    b, signs = generator.normal(size=(5, 2)), np.array([1.0, -1.0, 1.0, -1.0, 1.0])
    a = signs * np.linalg.norm(b, axis=1)
    teacher = Teacher.from_angles([0.5, 2.9], [1.0, -1.0])
    functional = Population(teacher)

    def velocity(a, b):
        found = functional.at_particles(Particles(b, abs(a) / 5.0, np.sign(a)))
        return -np.sign(a) * found.potential, -abs(a)[:, None] * found.gradient

    weights = a**2 / 5.0
    particles, h = Particles(unit(b), weights, signs), 0.3 / 600
    for _ in range(600):
        k1 = velocity(a, b)
        k2 = velocity(a + 0.5 * h * k1[0], b + 0.5 * h * k1[1])
        k3 = velocity(a + 0.5 * h * k2[0], b + 0.5 * h * k2[1])
        k4 = velocity(a + h * k3[0], b + h * k3[1])
        a = a + h / 6.0 * (k1[0] + 2.0 * k2[0] + 2.0 * k3[0] + k4[0])
        b = b + h / 6.0 * (k1[1] + 2.0 * k2[1] + 2.0 * k3[1] + k4[1])
    snapshot = advance(PolarFlow(functional, particles, reaction=2.0, tolerance=1e-10), [0.3])[0]
    assert abs(a**2 - (b**2).sum(axis=1)).max() < 8.9e-14
    assert snapshot.fields["weight"] == pytest.approx(a**2 / 5.0, rel=1.6e-11)
    assert abs(snapshot.fields["position"] - b / np.linalg.norm(b, axis=1, keepdims=True)).max() < 2.6e-10


FUNCTIONALS = {
    "population": Population(Teacher.from_angles([0.5, 2.9, 4.9], [1.0, -1.0, 0.5])),
    "rounded relu": Features(Relu(INPUTS, smoothing=0.2), TARGETS) + Mass(0.05),
    "logistic": Features(Relu(INPUTS, smoothing=0.2), np.sign(INPUTS[:, 0]), "logistic"),
}


@pytest.mark.parametrize("functional", FUNCTIONALS.values(), ids=FUNCTIONALS)
@given(seed=seeds)
@settings(max_examples=5)
def test_particles_stay_unit_vectors_of_positive_weight_and_the_energy_falls(functional, seed):
    flow = PolarFlow(functional, random_particles(seed), reaction=2.0, tolerance=1e-5)
    energies = [flow.energy]
    for snapshot in advance(flow, np.linspace(0.1, 0.5, 5)):
        energies.append(snapshot.energy)
        lengths = np.linalg.norm(snapshot.fields["position"], axis=1)
        assert abs(lengths - 1.0).max() < 3e-16
        assert snapshot.fields["weight"].min() > 0.0
    assert np.diff(energies).max() < 0.0


@given(st.floats(0.0, 6.3), seeds)
def test_turned_particles_and_data_have_the_turned_velocity(angle, seed):
    particles = random_particles(seed)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = Particles(particles.points @ turn, particles.weights, particles.signs)
    found = Features(Relu(INPUTS, smoothing=0.3), TARGETS).at_particles(particles)
    elsewhere = Features(Relu(INPUTS @ turn, smoothing=0.3), TARGETS).at_particles(turned)
    assert elsewhere.energy == pytest.approx(found.energy, rel=1e-13)
    assert abs(elsewhere.potential - found.potential).max() < 1e-13
    assert abs(elsewhere.gradient - found.gradient @ turn).max() < 1e-13


# A fixed start: from others the two runs differ by up to 200 times the tolerance (2e-8), as their steps part.
@pytest.mark.parametrize("angle", [0.3, 1.0, 2.5, 6.0])
def test_a_turned_system_has_the_turned_solution(angle):
    particles, directions = random_particles(1), np.array([[1.0, 0.2], [0.0, -2.0], [-0.7, 0.7]])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    snapshots = []
    for rotation in (np.eye(2), turn):
        start = Particles(particles.points @ rotation, particles.weights, particles.signs)
        functional = Population(Teacher(directions @ rotation, np.array([1.0, -0.7, 0.5])))
        snapshots.append(advance(PolarFlow(functional, start, tolerance=1e-10), [0.5])[0])
    assert abs(snapshots[0].fields["position"] @ turn - snapshots[1].fields["position"]).max() < 1e-12
    assert snapshots[1].energy == pytest.approx(snapshots[0].energy, rel=1.1e-13)


def test_a_system_turned_in_space_has_the_turned_solution():
    particles = random_particles(1, dimension=3)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    directions = np.array([[1.0, 0.2, -0.3], [0.0, -2.0, 1.0]])
    snapshots = []
    for rotation in (np.eye(3), turn):
        start = Particles(particles.points @ rotation, particles.weights, particles.signs)
        functional = Population(Teacher(directions @ rotation, np.array([1.0, -0.7])))
        snapshots.append(advance(PolarFlow(functional, start, tolerance=1e-10), [0.5])[0])
    assert abs(snapshots[0].fields["position"] @ turn - snapshots[1].fields["position"]).max() < 1.6e-13


def test_a_starting_point_is_a_unit_vector():
    particles = random_particles(3)
    longer = replace(particles, points=particles.points * np.arange(1.0, 7.0)[:, None])
    with pytest.raises(InputError, match=r"the length of the initial particle 1 is 2\.0.*; allowed are unit vectors"):
        PolarFlow(FUNCTIONALS["population"], longer)


def test_steps_land_exactly_on_each_end():
    flow = PolarFlow(FUNCTIONALS["population"], random_particles(5))
    ends = [0.1, 0.1 + 1e-9, 1.0 / 3.0]
    assert [snapshot.time for snapshot in advance(flow, ends)] == ends


class TestErrors:
    @pytest.mark.parametrize(
        ("particles", "message"),
        [
            (
                Particles(np.array([[np.nan, 1.0]]), np.ones(1), np.ones(1)),
                r"the point .* 0 is \[nan, 1\.0\]; allowed are finite",
            ),
            (Particles(np.ones((1, 2)), np.array([np.inf]), np.ones(1)), "the weight .* 0 is inf; allowed are finite"),
            (
                Particles(np.ones((1, 2)), -np.ones(1), np.ones(1)),
                "the weight .* 0 is -1.0; allowed are finite weights >= 0",
            ),
            (Particles(np.ones((1, 2)), np.zeros(1), np.ones(1)), "have no mass"),
            (Particles(np.ones((0, 2)), np.ones(0), np.ones(0)), "have no mass"),
            (Particles(np.zeros((1, 2)), np.ones(1), np.ones(1)), "the length .* 0 is 0.0; allowed are unit vectors"),
            (Particles(np.ones((1, 2)), np.ones(1), np.array([0.5])), r"the sign .* 0 is 0\.5; allowed are \+1 and -1"),
        ],
    )
    def test_particles_that_are_no_measure_are_refused(self, particles, message):
        with pytest.raises(InputError, match=message):
            PolarFlow(FUNCTIONALS["population"], particles)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"transport": -1.0}, "transport = -1.0"),
            ({"reaction": np.inf}, "reaction = inf"),
            ({"tolerance": 0.0}, "tolerance = 0.0"),
            ({"tolerance": 0.5}, "tolerance = 0.5"),
        ],
    )
    def test_options_out_of_range_are_named(self, options, message):
        with pytest.raises(InputError, match=message):
            PolarFlow(FUNCTIONALS["population"], random_particles(0), **options)

    def test_a_step_needs_an_interval(self):
        with pytest.raises(ComputationError, match="begin_interval"):
            PolarFlow(FUNCTIONALS["population"], random_particles(0)).step()
