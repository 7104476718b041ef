"""Fixed steps, gradient descent and stochastic gradient descent of particles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import advance
from wgflow.domains import Hypersphere, Signed, Space
from wgflow.errors import ComputationError, InputError
from wgflow.functionals import Features, Mass, Quadratic
from wgflow.functionals.samples import sampled
from wgflow.measures import Particles
from wgflow.measures.directions import draw_balanced, draw_directions
from wgflow.networks import Neurons, Population, Teacher
from wgflow.networks.relu import Relu
from wgflow.particles import Adaptive, Descent, ParticleFlow, PolarFlow, RungeKutta4

GENERATOR = np.random.default_rng(11)
INPUTS, TARGETS = GENERATOR.normal(size=(12, 3)), GENERATOR.normal(size=12)
TEACHER = Teacher(np.array([[1.0, 0.0, 0.5], [0.0, -1.0, 1.0]]), np.array([1.0, -0.5]))
NETWORK = Features(Neurons(Relu(INPUTS)), TARGETS)
seeds = st.integers(0, 2**32 - 1)


def pairs(count=7, inputs=3, seed=2):
    points = np.random.default_rng(seed).normal(size=(count, inputs + 1))
    return Particles(points, np.full(count, 1.0 / count), np.ones(count))


def loss_by_weights(points):
    """Half mean square error of h = (1/m) sum a relu(b.x) on the data, written out."""
    prediction = sum(p[0] * np.maximum(INPUTS @ p[1:], 0.0) for p in points) / len(points)
    return 0.5 * np.mean((prediction - TARGETS) ** 2)


def test_a_step_of_descent_is_the_step_of_a_network_written_out():
    start, step = pairs(), 0.3
    evolution = ParticleFlow(NETWORK, start, method=Descent(step))
    moved = advance(evolution, [step])[0].fields["position"]
    count, expected = len(start.points), start.points.copy()
    prediction = sum(p[0] * np.maximum(INPUTS @ p[1:], 0.0) for p in start.points) / count
    for j, (a, *b) in enumerate(start.points):
        hidden = INPUTS @ b
        expected[j, 0] -= step * np.mean((prediction - TARGETS) * np.maximum(hidden, 0.0))
        expected[j, 1:] -= step * ((prediction - TARGETS) * a * (hidden > 0.0)) @ INPUTS / len(INPUTS)
    assert abs(moved - expected).max() < 1e-14


def test_the_layers_move_at_their_own_rates():
    start, step = pairs(), 0.01
    both = advance(ParticleFlow(NETWORK, start, method=Descent(step)), [step])[0].fields["position"]
    slow = ParticleFlow(NETWORK, start, method=Descent(step), input_rate=0.25)
    moved = advance(slow, [step])[0].fields["position"]
    assert moved[:, 0] == pytest.approx(both[:, 0], abs=1e-15)
    assert moved[:, 1:] - start.points[:, 1:] == pytest.approx(0.25 * (both - start.points)[:, 1:], abs=1e-15)


def errors_of(method, functional, flow, start, steps, **options):
    exact = advance(flow(functional, start, method=Adaptive(1e-12), **options), [0.5])[0]
    errors = []
    for step in steps:
        found = advance(flow(functional, start, method=method(step), **options), [0.5])[0]
        difference = found.fields["position"] - exact.fields["position"]
        errors.append(max(abs(difference).max(), abs(found.fields["weight"] - exact.fields["weight"]).max()))
    return np.array(errors)


SMOOTH = Quadratic(np.array([[1.0, 0.3, 0.0], [0.3, 0.5, 0.1], [0.0, 0.1, -0.2]]))


@pytest.mark.parametrize(
    ("flow", "method", "order", "options"),
    [
        (ParticleFlow, Descent, 1, {}),
        (ParticleFlow, RungeKutta4, 4, {}),
        (PolarFlow, Descent, 1, {"reaction": 4.0}),
        (PolarFlow, lambda step: Descent(step, multiplicative=True), 1, {"reaction": 1.5}),
        (PolarFlow, RungeKutta4, 4, {"reaction": 4.0}),
    ],
)
def test_fixed_steps_converge_to_the_flow_at_their_order(flow, method, order, options):
    start = draw_directions(Hypersphere(3), 1.0, 6, seed=1)
    steps = 0.5 / np.array([16, 32, 64]) if order == 4 else 0.5 / np.array([64, 128, 256])
    errors = errors_of(method, SMOOTH, flow, start, steps, **options)
    assert np.log2(errors[:-1] / errors[1:]) == pytest.approx(order, abs=0.058)
    assert errors[-1] < (1e-7 if order == 4 else 5e-2)


def test_polar_descent_is_descent_of_the_neurons_themselves():
    # w = sqrt(m) r eta moves by -grad F; quadratic features are 2-homogeneous.
    start, step = draw_directions(Hypersphere(3), 1.0, 6, seed=4), 0.05
    polar = advance(PolarFlow(SMOOTH, start, reaction=4.0, method=Descent(step)), [4 * step])[0]
    flat = ParticleFlow(SMOOTH, Particles(start.points, start.weights, start.signs), method=Descent(step))
    neurons = advance(flat, [4 * step])[0].fields["position"]
    lengths = np.linalg.norm(neurons, axis=1)
    assert polar.fields["position"] == pytest.approx(neurons / lengths[:, None], abs=1e-13)
    assert polar.fields["weight"] == pytest.approx(lengths**2 / 6.0, rel=1e-13)


def test_mirror_steps_multiply_weights_and_turn_directions():
    start, step = draw_directions(Signed(Hypersphere(3)), 2.0, 5, seed=4), 0.2
    functional = Population(TEACHER)
    flow = PolarFlow(functional, start, reaction=2.0, method=Descent(step, multiplicative=True))
    moved, found = advance(flow, [step])[0], functional.at_particles(start)
    assert moved.fields["weight"] == pytest.approx(start.weights * np.exp(-2.0 * step * found.potential), rel=1e-13)
    for j, eta in enumerate(start.points):
        turned = eta - step * (found.gradient[j] - (found.gradient[j] @ eta) * eta)
        assert moved.fields["position"][j] == pytest.approx(turned / np.linalg.norm(turned), abs=1e-14)


@pytest.mark.parametrize(
    "functional",
    [
        NETWORK,
        Features(Neurons(Relu(INPUTS)), np.sign(TARGETS), "logistic"),
        Population(TEACHER),
        Population(TEACHER) + Mass(0.1),
    ],
)
def test_batches_are_right_in_the_mean(functional):
    particles, descent = pairs(), Descent(0.1, batch=4, seed=3)
    exact = functional.at_particles(particles)
    draws = [sampled(functional, 4, descent.generator(k), 4).at_particles(particles) for k in range(4000)]
    for name in ("potential", "gradient"):
        found = np.array([getattr(draw, name) for draw in draws])
        deviation = (found.mean(axis=0) - getattr(exact, name)) / (found.std(axis=0) / np.sqrt(len(draws)) + 1e-12)
        assert abs(deviation).max() < 4.5
    energies = np.array([draw.energy for draw in draws])
    # The risk at one state is an average over samples, too.
    assert abs(energies.mean() - exact.energy) < 4.5 * energies.std() / np.sqrt(len(draws))


def test_batches_depend_on_seed_and_iteration_alone():
    first, again = Descent(0.1, 4, seed=7), Descent(0.1, 4, seed=7)
    assert (first.generator(3).random(5) == again.generator(3).random(5)).all()
    assert (first.generator(3).random(5) != first.generator(4).random(5)).all()
    assert (first.generator(3).random(5) != Descent(0.1, 4, seed=8).generator(3).random(5)).all()


def test_stochastic_descent_goes_on_from_a_state_bit_by_bit():
    start, descent = pairs(), Descent(0.01, batch=5, seed=3)
    whole = advance(ParticleFlow(NETWORK, start, method=descent), [0.1, 0.2])
    resumed = ParticleFlow(
        NETWORK, start, points=whole[0].fields["position"], growth=whole[0].fields["growth"], time=0.1, method=descent
    )
    assert (advance(resumed, [0.2])[0].fields["position"] == whole[1].fields["position"]).all()


def test_small_batches_in_many_steps_follow_the_flow():
    start = draw_balanced(3, 1.0, 20, seed=1)
    exact = advance(ParticleFlow(Population(TEACHER), start, method=Adaptive(1e-9)), [2.0])[0]
    descent = ParticleFlow(Population(TEACHER), start, method=Descent(0.002, batch=50))
    assert advance(descent, [2.0])[0].energy == pytest.approx(exact.energy, rel=0.035)


@settings(max_examples=25)
@given(seeds, st.integers(1, 6), st.sampled_from(["data", "population"]))
def test_the_difference_of_layers_is_conserved(seed, inputs, risk):
    # d/dt (a^2 - |b|^2) = -2 a dJ/da + 2 b . dJ/db = 0, because neurons are homogeneous in each layer.
    generator = np.random.default_rng(seed)
    if risk == "data":
        functional = Features(Neurons(Relu(generator.normal(size=(9, inputs)))), generator.normal(size=9))
    else:
        functional = Population(Teacher(generator.normal(size=(2, inputs)), generator.normal(size=2)))
    particles = pairs(8, inputs, seed)
    found = functional.at_particles(particles)
    a, b = particles.points[:, 0], particles.points[:, 1:]
    change = -a * found.gradient[:, 0] + (b * found.gradient[:, 1:]).sum(axis=1)
    assert abs(change).max() < 1e-13 * (1.0 + abs(found.gradient).max() * abs(particles.points).max() * inputs * 10.0)


def test_diverging_descent_stops_with_the_last_good_state():
    evolution = ParticleFlow(NETWORK, pairs(), method=Descent(1e200))
    evolution.begin_interval(1e202)
    with pytest.raises(ComputationError, match=r"diverged after t = .*smaller step"):
        for _ in range(20):
            evolution.step()
    assert np.isfinite(evolution.snapshot().fields["position"]).all()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Descent(0.0), "step = 0.0 is not allowed"),
        (lambda: Descent(0.1, batch=0), "batch = 0 is not allowed"),
        (lambda: RungeKutta4(float("nan")), "step = nan is not allowed"),
        (lambda: Adaptive(1.0), "tolerance = 1.0 is not allowed"),
        (lambda: Space(0), "dimension = 0 is not allowed"),
        (
            lambda: PolarFlow(SMOOTH, draw_directions(Hypersphere(3), 1.0, 5, 1), input_rate=2.0),
            "input_rate needs both layers",
        ),
        (
            lambda: advance(ParticleFlow(SMOOTH, pairs(5, 2), method=Descent(0.1, batch=3)), [1.0]),
            "leave out the batch",
        ),
        (
            lambda: advance(ParticleFlow(SMOOTH, pairs(5, 2), reaction=1.0, method=Descent(0.1)), [1.0]),
            "multiplicative",
        ),
        (
            lambda: advance(
                ParticleFlow(
                    Features(Neurons(Relu(INPUTS)), np.sign(TARGETS), "softmin"), pairs(), method=Descent(0.1, batch=3)
                ),
                [1.0],
            ),
            "'softmin' of Neurons features is no average",
        ),
    ],
)
def test_options_that_are_not_allowed_are_named(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_starts_are_balanced_and_uniform():
    neurons = draw_balanced(4, 2.0, 4000, seed=0)
    assert set(neurons.points[:, 0]) == {-1.0, 1.0}
    assert abs(neurons.points[:, 0].mean()) < 0.05
    assert np.linalg.norm(neurons.points[:, 1:], axis=1) == pytest.approx(1.0, rel=1e-14)
    assert neurons.mass == pytest.approx(2.0, rel=1e-14)
    directions = draw_directions(Signed(Hypersphere(3)), 1.0, 4000, seed=0)
    assert abs(directions.signs.mean()) < 0.021
    assert directions.points.T @ directions.points / 4000 == pytest.approx(np.eye(3) / 3.0, abs=0.013)
