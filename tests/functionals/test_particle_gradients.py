"""Functionals at particles: potentials and gradients are derivatives of the energy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.functionals.problems import PLANAR, SPATIAL
from tests.references import central_difference
from wgflow.functionals import Features, Quadratic
from wgflow.measures import Particles
from wgflow.networks import Neurons, Population, Teacher, relu_sums
from wgflow.networks.relu import Relu

EVERY = {**PLANAR, **SPATIAL}
for_every_functional = pytest.mark.parametrize("name", EVERY)


def particles_for(name, seed=3):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(5, 3 if name in SPATIAL else 2))
    return Particles(points, generator.exponential(size=5), np.array([1.0, -1.0, 1.0, 1.0, -1.0]))


@for_every_functional
def test_the_potential_is_the_derivative_of_the_energy_by_a_weight(name):
    functional, particles = EVERY[name], particles_for(name)
    potential = functional.at_particles(particles).potential
    for j, unit in enumerate(np.eye(5)):

        def energy(s, unit=unit):
            moved = Particles(particles.points, particles.weights + s * unit, particles.signs)
            return functional.at_particles(moved).energy

        assert central_difference(energy, 2e-3) == pytest.approx(potential[j], rel=2e-9, abs=2e-9)


@for_every_functional
def test_the_gradient_times_the_weight_is_the_derivative_of_the_energy_by_a_position(name):
    functional, particles = EVERY[name], particles_for(name)
    gradient = functional.at_particles(particles).gradient
    for j, axis in np.ndindex(particles.points.shape):

        def energy(s, j=j, axis=axis):
            points = particles.points.copy()
            points[j, axis] += s
            return functional.at_particles(Particles(points, particles.weights, particles.signs)).energy

        expected = particles.weights[j] * gradient[j, axis]
        assert central_difference(energy, 1e-4) == pytest.approx(expected, rel=6e-9, abs=6e-9)


@given(seed=st.integers(0, 2**32 - 1), inputs=st.integers(1, 8))
def test_pairs_of_relu_neurons_stay_balanced(seed, inputs):
    """By homogeneity a dJ/da = b . dJ/db, so that the flow keeps a^2 - |b|^2."""
    generator = np.random.default_rng(seed)
    points, data = generator.normal(size=(6, inputs + 1)), generator.normal(size=(11, inputs))
    teacher = Teacher(generator.normal(size=(3, inputs)), generator.normal(size=3))
    particles = Particles(points, generator.exponential(size=6), np.ones(6))
    for functional in (Features(Neurons(Relu(data)), generator.normal(size=11)), Population(teacher)):
        gradient = functional.at_particles(particles).gradient
        output, hidden = points[:, 0] * gradient[:, 0], (points[:, 1:] * gradient[:, 1:]).sum(axis=1)
        size = (abs(points) * abs(gradient)).sum(axis=1).max()
        assert size > 1e-3
        assert abs(output - hidden).max() < 1e-13 * max(size, 1.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("dimension", [2, 3, 5])
def test_compiled_relu_sums_equal_the_formula(smoothing, dimension):
    generator = np.random.default_rng(dimension)
    inputs, points = generator.normal(size=(23, dimension)), generator.normal(size=(11, dimension))
    charges, coefficients = generator.normal(size=11), generator.normal(size=23)
    activation, width = points @ inputs.T, smoothing * np.linalg.norm(inputs, axis=1)
    rounded = abs(activation) < width
    safe = np.where(width > 0.0, width, 1.0)
    feature = np.where(rounded, (activation + width) ** 2 / (4.0 * safe), np.maximum(activation, 0.0))
    slope = np.where(rounded, (activation + width) / (2.0 * safe), activation > 0.0)
    relu = Relu(inputs, smoothing)
    assert abs(relu(points) - feature).max() < 1e-14
    predictions, activations = relu.sums.forward(points, charges)
    assert abs(predictions - charges @ feature).max() < 1e-13
    values, gradient = relu.sums.backward(activations, coefficients)
    assert abs(values - feature @ coefficients).max() < 1e-13
    assert abs(gradient - (coefficients * slope) @ inputs).max() < 1e-13
    assert abs(relu.gradient(points, coefficients) - gradient).max() == 0.0


@pytest.mark.parametrize("most", [relu_sums.STORED, 64])
def test_activations_stay_what_they_are_while_others_are_computed(monkeypatch, most):
    monkeypatch.setattr(relu_sums, "STORED", most)
    generator = np.random.default_rng(3)
    inputs, coefficients = generator.normal(size=(12, 3)), generator.normal(size=12)
    first, second = generator.normal(size=(21, 3)), generator.normal(size=(33, 3))
    sums = Relu(inputs, 0.0).sums
    _, kept = sums.forward(first, np.ones(21))
    sums.forward(second, np.ones(33))
    sums.values(second, coefficients, np.empty(33))
    _, others = sums.forward(second, np.ones(33))
    for activations, points in ((kept, first), (others, second), (kept, first)):
        activation = points @ inputs.T
        values, gradient = sums.backward(activations, coefficients)
        assert abs(values - np.maximum(activation, 0.0) @ coefficients).max() < 1.5e-14
        assert abs(gradient - (coefficients * (activation > 0.0)) @ inputs).max() < 1.5e-14


def test_points_that_are_not_finite_leave_no_trace_in_later_sums():
    inputs, points = np.eye(2), np.random.default_rng(4).normal(size=(3, 2))
    sums = Relu(inputs, 0.0).sums
    sums.forward(np.full((4, 2), np.inf), np.ones(4))
    assert abs(sums.forward(points, np.ones(3))[0] - np.maximum(points, 0.0).sum(axis=0)).max() < 1e-15


def test_a_data_point_at_the_origin_pulls_nothing():
    functional = Features(Relu(np.array([[0.0, 0.0]]), smoothing=0.1), [1.0])
    found = functional.at_particles(Particles(np.array([[0.6, 0.8]]), np.ones(1), np.ones(1)))
    assert abs(found.gradient).max() == 0.0


def test_a_mirrored_measure_has_the_mirrored_potential():
    # Both the signs of the particles and the targets change: nothing else may.
    particles = particles_for("relu square")
    mirrored = Particles(particles.points, particles.weights, -particles.signs)
    for name in ("relu square", "relu logistic", "relu softmin"):
        functional = EVERY[name]
        opposite = Features(functional.fn, -functional.targets, functional.loss)
        found, expected = opposite.at_particles(mirrored), functional.at_particles(particles)
        assert found.energy == pytest.approx(expected.energy, rel=1e-15)
        assert abs(found.potential - expected.potential).max() < 1e-15
        assert abs(found.gradient - expected.gradient).max() < 1e-15


def test_repeated_data_points_are_counted_as_often_as_they_occur():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(3, 2))[[0, 1, 0, 2, 1, 0]]
    relu, points = Relu(inputs, 0.05), generator.normal(size=(5, 2))
    charges, coefficients = generator.normal(size=5), generator.normal(size=6)
    predictions, activations = relu.sums.forward(points, charges)
    np.testing.assert_allclose(predictions, charges @ relu(points), rtol=1e-13)
    np.testing.assert_allclose(
        relu.sums.backward(activations, coefficients)[0], relu(points) @ coefficients, rtol=1e-12
    )


@settings(max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.sampled_from(["data", "teacher", "signed directions", "quadratic"]),
)
def test_gradients_are_derivatives_in_any_dimension(seed, inputs, kind):
    generator = np.random.default_rng(seed)
    teacher = Teacher(generator.normal(size=(2, inputs)), generator.normal(size=2))
    data = generator.normal(size=(7, inputs))
    functional = {
        "data": Features(Neurons(Relu(data)), generator.normal(size=7)),
        "teacher": Population(teacher),
        "signed directions": Population(teacher),
        "quadratic": Quadratic(np.diag(generator.normal(size=inputs))),
    }[kind]
    components = inputs + (kind in ("data", "teacher"))
    signs = generator.choice([-1.0, 1.0], size=4) if kind == "signed directions" else np.ones(4)
    particles = Particles(generator.normal(size=(4, components)), generator.exponential(size=4), signs)
    if kind == "data":  # differences must not cross a kink
        assume(abs(particles.points[:, 1:] @ data.T).min() > 0.01)
    gradient = functional.at_particles(particles).gradient
    along = generator.normal(size=particles.points.shape)

    def energy(s):
        return functional.at_particles(Particles(particles.points + s * along, particles.weights, signs)).energy

    slope = (particles.weights[:, None] * gradient * along).sum()
    assert central_difference(energy, 1e-4) == pytest.approx(slope, rel=1e-8, abs=1e-8 * (1.0 + abs(slope)))
