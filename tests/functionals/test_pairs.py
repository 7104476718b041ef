"""Neurons (a, b) with both layers free, on boxes, circles and spheres, against dense sums."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functionals.problems import INPUTS, LABELS, SPATIAL_TEACHER, TEACHER, VALUES, random_density, waves
from tests.references import central_difference, planar_kernel
from wgflow.domains import Box, Circle, Signed, Sphere
from wgflow.errors import ShapeError
from wgflow.functionals import Features
from wgflow.functionals.moments import RecomputedMoments, SummedMoments, make_moments
from wgflow.measures import Particles
from wgflow.networks import Neurons, Population, Teacher
from wgflow.networks.product_moments import ProductMoments
from wgflow.networks.relu import Relu

PAIRS_BOX = Box([[-1.0, 2.0], [-2.0, 1.0], [-1.5, 1.5]], (5, 7, 6))
LINE_BOX = Box([[-1.0, 2.0], [-2.0, 1.5]], (6, 9))
SCALAR_TEACHER = Teacher([[1.0], [-2.0]], [1.0, 0.5])
CASES = {
    "data on a box": (Features(Neurons(Relu(INPUTS)), VALUES), PAIRS_BOX),
    "labels on a box": (Features(Neurons(Relu(INPUTS, 0.2)), LABELS, "logistic"), PAIRS_BOX),
    "labels on a sphere": (Features(Neurons(Relu(INPUTS)), LABELS, "logistic"), Sphere(42)),
    "plain features on a signed box": (Features(Neurons(waves), [0.5, -1.0, 0.2]), Signed(PAIRS_BOX)),
    "teacher on a box": (Population(TEACHER), PAIRS_BOX),
    "teacher on a sphere": (Population(TEACHER), Sphere(42)),
    "one input on a box": (Population(SCALAR_TEACHER), LINE_BOX),
    "one input on a circle": (Population(SCALAR_TEACHER), Circle(12)),
}
for_every_case = pytest.mark.parametrize("name", CASES)


def atoms(domain, density):
    """The cells as particles."""
    points = domain.points.reshape(-1, domain.points.shape[-1])
    masses = (density * domain.volumes).ravel()
    return Particles(points, masses, np.repeat(domain.signs, masses.size // domain.sheets))


@for_every_case
def test_a_grid_is_a_set_of_particles(name):
    functional, domain = CASES[name]
    density, bound = random_density(domain, 1), functional.on_grid(domain)
    expected = functional.at_particles(atoms(domain, density))
    assert bound.value(density) == pytest.approx(expected.energy, rel=1e-12)
    difference = bound.first_variation(density).ravel() - expected.potential
    assert abs(difference).max() < 1e-13 * max(abs(expected.potential).max(), bound.scale(density))


@for_every_case
def test_the_hessian_is_the_derivative_of_the_first_variation(name):
    functional, domain = CASES[name]
    bound, density = functional.on_grid(domain), random_density(domain, 2)
    rate, change = random_density(domain, 3) - 0.5, np.empty(domain.shape)
    expected = central_difference(lambda s: bound.first_variation(density + s * rate), 1e-3)
    bound.first_variation(density)
    bound.hessian(rate, change)
    assert abs(change - expected).max() < 1.1e-11 * max(abs(expected).max(), bound.scale(density))


@for_every_case
def test_gradients_at_particles_are_derivatives_of_the_energy(name):
    functional, domain = CASES[name]
    generator = np.random.default_rng(4)
    points, weights = generator.normal(size=(4, domain.points.shape[-1])), generator.exponential(size=4)
    gradient = functional.at_particles(Particles(points, weights, np.ones(4))).gradient
    for j, axis in np.ndindex(points.shape):

        def energy(s, j=j, axis=axis):
            moved = points.copy()
            moved[j, axis] += s
            return functional.at_particles(Particles(moved, weights, np.ones(4))).energy

        assert central_difference(energy, 1e-4) == pytest.approx(
            weights[j] * gradient[j, axis], rel=3.1e-10, abs=3.1e-10
        )


def test_the_risk_of_one_pair_is_that_of_its_neuron():
    # One pair (a, b) of weight w is the network w a relu(b.x), by a quadrature that knows nothing of prefix sums.
    a, b, w = -0.7, np.array([0.4, -1.1]), 1.3
    teacher = Teacher([[1.0, 0.5]], [2.0])
    expected = 0.5 * (
        (w * a) ** 2 * planar_kernel(b, b)
        + 4.0 * planar_kernel(teacher.directions[0], teacher.directions[0])
        - 4.0 * w * a * planar_kernel(b, teacher.directions[0])
    )
    particles = Particles(np.array([[a, *b]]), np.array([w]), np.ones(1))
    assert Population(teacher).at_particles(particles).energy == pytest.approx(expected, rel=1e-12)


def test_a_neuron_at_the_origin_of_the_inputs_has_no_effect():
    teacher = Population(TEACHER)
    one = teacher.at_particles(Particles(np.array([[0.5, 0.0, 0.0]]), np.ones(1), np.ones(1)))
    assert one.energy == pytest.approx(teacher.risk_at_zero, rel=1e-13)
    assert np.isfinite(one.gradient).all()
    assert one.gradient[0, 0] == 0.0


def test_the_evaluation_suits_the_domain_and_the_memory():
    def chosen(fn, domain, limit):
        return type(make_moments(fn, fn, domain, len(VALUES), limit))

    relu = Relu(INPUTS)
    assert chosen(Neurons(relu), PAIRS_BOX, 0.0) is ProductMoments
    assert chosen(Neurons(relu), Sphere(42), 0.0) is SummedMoments
    assert chosen(Neurons(lambda b: relu(b)), Sphere(42), 0.0) is RecomputedMoments


@pytest.mark.parametrize("hidden", [Relu(INPUTS), lambda b: Relu(INPUTS)(b)], ids=["summed", "recomputed"])
@pytest.mark.parametrize("domain", [Sphere(162), Box([[-1.0, 1.0]] * 3, (6, 20, 20))], ids=["sphere", "box"])
def test_features_beyond_the_memory_limit_give_the_same_numbers(hidden, domain, monkeypatch):
    monkeypatch.setattr("wgflow.functionals.moments.CHUNK_ENTRIES", 500)
    fn, density = Neurons(hidden), random_density(domain, 5)
    stored = Features(fn, VALUES).on_grid(domain)
    computed = Features(fn, VALUES, memory_limit=1000.0).on_grid(domain)
    assert computed.value(density) == pytest.approx(stored.value(density), rel=1e-12)
    expected = stored.first_variation(density)
    assert abs(computed.first_variation(density) - expected).max() < 1e-13 * abs(expected).max()


def test_a_large_box_gives_the_numbers_of_the_dense_sum():
    # Enough cells for the kernels of several cores.
    domain = Box([[-1.0, 1.0], [-1.0, 2.0], [-2.0, 1.0]], (40, 31, 30))
    density = random_density(domain, 6)
    points, masses = domain.points.reshape(-1, 3), (density * domain.volumes).ravel()
    psi = points[:, :1] * np.maximum(points[:, 1:] @ INPUTS.T, 0.0)
    residual = masses @ psi - VALUES
    bound = Features(Neurons(Relu(INPUTS)), VALUES).on_grid(domain)
    assert bound.value(density) == pytest.approx(0.5 * (residual**2).mean(), rel=1e-12)
    expected = (psi @ residual / len(VALUES)).reshape(domain.shape)
    assert abs(bound.first_variation(density) - expected).max() < 1e-13 * abs(expected).max()


@pytest.mark.parametrize("domain", [Box([[0.0, 1.0]], 8), Signed(PAIRS_BOX), Box([[0.0, 1.0]] * 2, (8, 8))])
def test_a_teacher_needs_a_domain_of_pairs(domain):
    with pytest.raises(ShapeError, match="teacher of 2 inputs"):
        Population(TEACHER).on_grid(domain)


def test_data_must_fit_the_input_weights():
    with pytest.raises(ShapeError, match="2 inputs"):
        Features(Neurons(Relu(INPUTS)), VALUES).on_grid(LINE_BOX)
    with pytest.raises(ShapeError, match="dimensions"):
        Population(SPATIAL_TEACHER).at_particles(Particles(np.ones((1, 2)), np.ones(1), np.ones(1)))
