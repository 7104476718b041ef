"""Distances between networks: closed forms of one and two neurons, kernels, quadrature and sampling."""

import numpy as np
import pytest

from wgflow.analysis.metrics import empirical_distance, population_distance, predictors, relu_predictions
from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles
from wgflow.networks import Population, Teacher, arc_cosine_kernel


def network(points, weights, signs=None):
    points, weights = np.asarray(points, dtype=float), np.asarray(weights, dtype=float)
    return Particles(points, weights, np.ones(len(weights)) if signs is None else np.asarray(signs, dtype=float))


def random_network(rng, count, dimension):
    points = rng.normal(size=(count, dimension))
    return network(points, rng.random(count) / count, rng.choice([1.0, -1.0], count))


def nothing(dimension):
    return network(np.zeros((0, dimension)), [])


def axis(dimension, index, factor=1.0):
    return factor * np.eye(dimension)[[index]]


def dense_twin(first, second):
    points = np.concatenate([first.points, second.points])
    charges = np.concatenate([first.weights * first.signs, -second.weights * second.signs])
    return np.sqrt(charges @ arc_cosine_kernel(points, points) @ charges)


def test_predictions_by_hand():
    measure = network([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]], [0.5, 3.0, 2.0], [1, 1, -1])
    inputs = np.array([[2.0, 1.0], [-1.0, 1.0], [1.0, -4.0], [0.0, 0.0]])
    np.testing.assert_array_equal(relu_predictions(measure, inputs), [1.0 + 6.0, 6.0 - 4.0, 0.5, 0.0])


def test_predictions_do_not_depend_on_the_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    measure, inputs = random_network(rng, 50, 3), rng.normal(size=(101, 3))
    reference = relu_predictions(measure, inputs)
    expected = np.maximum(inputs @ measure.points.T, 0.0) @ (measure.weights * measure.signs)
    np.testing.assert_allclose(reference, expected, rtol=0, atol=4e-16)
    monkeypatch.setattr(predictors, "_BLOCK", 350)
    np.testing.assert_allclose(relu_predictions(measure, inputs), reference, rtol=0, atol=4e-16)


def test_empirical_distance_by_hand():
    first, second = network([[1.0, 0.0]], [2.0]), network([[0.0, 1.0]], [1.0], [-1])
    inputs = np.array([[1.0, 1.0], [0.5, -1.0], [-1.0, 4.0]])
    # 2 + 1, 1, 4
    assert empirical_distance(first, second, inputs) == pytest.approx(np.sqrt(26 / 3), rel=1e-15, abs=0)


@pytest.mark.parametrize("dimension", [1, 2, 3, 7])
def test_one_and_two_neurons(dimension):
    neuron, opposite = network(axis(dimension, 0), [1.0]), network(axis(dimension, 0, -1.0), [1.0])
    long = network(axis(dimension, 0, 2.0), [3.0])
    negative = network(axis(dimension, 0), [1.0], [-1])
    # E relu(x)^2 = 1/2; relu(x) - relu(-x) = x.
    assert population_distance(neuron, nothing(dimension)) == pytest.approx(np.sqrt(0.5), rel=1e-15, abs=0)
    assert population_distance(neuron, opposite) == pytest.approx(1.0, rel=1e-15, abs=0)
    assert population_distance(neuron, long) == pytest.approx(5 * np.sqrt(0.5), rel=1e-15, abs=0)
    assert population_distance(neuron, negative) == pytest.approx(2 * np.sqrt(0.5), rel=1e-15, abs=0)
    assert population_distance(neuron, neuron) == 0.0
    if dimension > 1:
        across = network(axis(dimension, 1), [1.0])
        # E relu(x) relu(y) = 1/(2 pi)
        assert population_distance(neuron, across) == pytest.approx(np.sqrt(1 - 1 / np.pi), rel=1e-15, abs=0)


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
@pytest.mark.parametrize(("m", "n"), [(1, 2), (40, 25)])
def test_against_the_arc_cosine_kernel(dimension, m, n):
    rng = np.random.default_rng(1)
    for _ in range(5):
        first, second = random_network(rng, m, dimension), random_network(rng, n, dimension)
        distance = population_distance(first, second)
        assert distance == pytest.approx(dense_twin(first, second), rel=2e-15, abs=0)
        assert population_distance(second, first) == pytest.approx(distance, rel=1e-15, abs=0)


def test_planar_grids_whose_kinks_coincide():
    angles = np.arange(16) * np.pi / 8
    points = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    rng = np.random.default_rng(2)
    first, second = network(points, rng.random(16)), network(points[::2], rng.random(8))
    assert population_distance(first, second) == pytest.approx(dense_twin(first, second), rel=2e-15, abs=0)


def test_the_risk_is_half_the_squared_distance_to_the_teacher():
    rng = np.random.default_rng(4)
    for dimension in (2, 3):
        student, directions = random_network(rng, 12, dimension), rng.normal(size=(3, dimension))
        teacher = Teacher(directions, np.array([1.0, -2.0, 0.5]))
        as_measure = network(directions, [1.0, 2.0, 0.5], [1, -1, 1])
        risk = Population(teacher).at_particles(student).energy
        assert 0.5 * population_distance(student, as_measure) ** 2 == pytest.approx(risk, rel=2e-15, abs=0)


@pytest.mark.parametrize("dimension", [2, 3])
def test_against_sampling(dimension):
    rng = np.random.default_rng(8)
    first, second = random_network(rng, 20, dimension), random_network(rng, 30, dimension)
    inputs = rng.standard_normal((200_000, dimension))
    squares = (relu_predictions(first, inputs) - relu_predictions(second, inputs)) ** 2
    assert empirical_distance(first, second, inputs) ** 2 == pytest.approx(squares.mean(), rel=1e-15, abs=0)
    deviation = squares.std() / np.sqrt(len(squares))
    assert abs(squares.mean() - population_distance(first, second) ** 2) < 3 * deviation


def test_planar_distances_of_near_networks_keep_their_digits():
    # Turning a network by a small angle moves it in proportion to the angle, far below the root of round-off.
    angles = np.array([0.3, 1.0, 2.5, 4.0])
    weights, signs = [0.2, 0.3, 0.1, 0.4], [1, -1, 1, 1]

    def turned(angle):
        return network(np.stack([np.cos(angles + angle), np.sin(angles + angle)], axis=-1), weights, signs)

    rate = population_distance(turned(1e-3), turned(-1e-3)) / 2e-3
    for angle in (1e-5, 1e-8, 1e-10):
        assert population_distance(turned(angle), turned(0.0)) == pytest.approx(rate * angle, rel=6e-4, abs=1e-15)


def test_nearly_parallel_neurons_on_the_sphere():
    # E (relu(u.x) - relu(v.x))^2 = 1 - 2 k(p) = p^2/2 - p^3/(3 pi) + O(p^4)
    angle = 1e-4
    first, second = network([[0.6, 0.8, 0.0]], [1.0]), network([[0.6, 0.8, angle]], [1.0 / np.hypot(1.0, angle)])
    expected = np.sqrt(angle**2 / 2 - angle**3 / (3 * np.pi))
    assert population_distance(first, second) == pytest.approx(expected, rel=1.3e-8, abs=0)


def test_sphere_distance_of_what_is_shared():
    rng = np.random.default_rng(6)
    shared, extra = random_network(rng, 100, 3), network(axis(3, 2), [1e-9])
    joined = Particles(
        *(
            np.concatenate(pair)
            for pair in zip(
                (shared.points, shared.weights, shared.signs), (extra.points, extra.weights, extra.signs), strict=True
            )
        )
    )
    assert population_distance(joined, shared) == pytest.approx(1e-9 * np.sqrt(0.5), rel=1e-15, abs=0)


@pytest.mark.parametrize("dimension", [2, 3])
def test_neurons_without_input_weights_are_zero(dimension):
    rng = np.random.default_rng(9)
    neuron, zero = network(axis(dimension, 0), [1.0]), network(np.zeros((1, dimension)), [5.0])
    assert population_distance(neuron, zero) == pytest.approx(np.sqrt(0.5), rel=1e-15, abs=0)
    assert population_distance(zero, nothing(dimension)) == 0.0
    assert empirical_distance(zero, nothing(dimension), rng.normal(size=(3, dimension))) == 0.0


def test_what_is_not_allowed():
    good = network([[1.0, 0.0]], [1.0])
    with pytest.raises(ShapeError, match=r"\(5, 3\)"):
        relu_predictions(good, np.ones((5, 3)))
    with pytest.raises(ShapeError, match="dimensions 2 and 3"):
        population_distance(good, network(np.eye(3), np.ones(3)))
    with pytest.raises(InputError, match="at least one input"):
        empirical_distance(good, good, np.ones((0, 2)))
    with pytest.raises(InputError, match="weight -1"):
        relu_predictions(network([[1.0, 0.0]], [-1.0]), np.ones((1, 2)))
    with pytest.raises(InputError, match="not finite"):
        population_distance(good, network([[np.nan, 0.0]], [1.0]))
