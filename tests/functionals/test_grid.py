"""Functionals on grids: J is the derivative of F, the Hessian that of J, and cells are atoms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functionals.problems import DOMAINS, PLANAR, VALUES, WITH_EXACT_HESSIAN, random_density
from tests.references import central_difference
from wgflow.domains import Circle, Signed
from wgflow.errors import InputError, ShapeError
from wgflow.functionals import Features, Mass, Quadratic
from wgflow.measures import Particles, nodes_of_cells
from wgflow.networks import Population, Teacher
from wgflow.networks.relu import Relu

on_both_domains = pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
for_every_functional = pytest.mark.parametrize("functional", PLANAR.values(), ids=PLANAR)


@on_both_domains
@for_every_functional
def test_the_first_variation_is_the_derivative_by_the_mass_of_a_cell(functional, domain):
    bound, density = functional.on_grid(domain), random_density(domain, 1)
    potential = bound.first_variation(density)
    for cell in [(0,) * density.ndim, (-1,) * density.ndim, tuple(np.array(domain.shape) // 2)]:
        unit = np.zeros(domain.shape)
        unit[cell] = 1.0 / domain.volumes[cell]
        slope = central_difference(lambda s, unit=unit: bound.value(density + s * unit), 1e-2)
        assert slope == pytest.approx(potential[cell], rel=3.2e-10, abs=3.2e-10)


@on_both_domains
@pytest.mark.parametrize("functional", WITH_EXACT_HESSIAN.values(), ids=WITH_EXACT_HESSIAN)
def test_the_hessian_is_the_derivative_of_the_first_variation(functional, domain):
    bound, density = functional.on_grid(domain), random_density(domain, 2)
    rate, change = random_density(domain, 3) - 0.5, np.empty(domain.shape)
    expected = central_difference(lambda s: bound.first_variation(density + s * rate), 1e-2)
    bound.first_variation(density)
    bound.hessian(rate, change)
    assert abs(change - expected).max() < 1.8e-10


@on_both_domains
@pytest.mark.parametrize("name", ["relu square", "rounded relu", "quadratic", "plain function", "population"])
def test_the_first_variation_of_a_square_risk_changes_by_its_hessian(name, domain):
    bound, density = PLANAR[name].on_grid(domain), random_density(domain, 4)
    rate, change = random_density(domain, 5) - 0.5, np.empty(domain.shape)
    bound.hessian(rate, change)
    difference = bound.first_variation(density + rate) - bound.first_variation(density)
    assert abs(change - difference).max() < 1e-13 * abs(bound.first_variation(density)).max()


@on_both_domains
def test_the_hessian_of_softmin_is_an_upper_bound(domain):
    bound, density = PLANAR["relu softmin"].on_grid(domain), random_density(domain, 6)
    rate, change = random_density(domain, 7) - 0.5, np.empty(domain.shape)
    derivative = central_difference(lambda s: bound.first_variation(density + s * rate), 1e-2)
    bound.first_variation(density)
    bound.hessian(rate, change)
    assert (rate * change * domain.volumes).sum() >= (rate * derivative * domain.volumes).sum() > 0.0


@on_both_domains
@for_every_functional
def test_a_grid_measure_is_a_measure_of_particles_at_the_cell_centres(functional, domain):
    density = random_density(domain, 8)
    bound = functional.on_grid(domain)
    found = functional.at_particles(nodes_of_cells(domain, density))
    assert found.energy == pytest.approx(bound.value(density), rel=1e-13)
    potential = bound.first_variation(density).ravel()
    assert abs(found.potential - potential).max() < 1e-13 * max(1.0, abs(potential).max())


def test_nodes_of_cells_keep_mass_and_sign():
    domain = Signed(Circle(6))
    nodes = nodes_of_cells(domain, random_density(domain, 9))
    assert nodes.signs.tolist() == [1.0] * 6 + [-1.0] * 6
    assert nodes.weights == pytest.approx(random_density(domain, 9).ravel() * 2.0 * np.pi / 6.0, rel=1e-15)


@for_every_functional
def test_a_particle_may_be_split_without_changing_anything(functional):
    points = np.array([[0.6, 0.8], [-0.28, 0.96]])
    whole = functional.at_particles(Particles(points, np.array([1.0, 0.5]), np.array([1.0, -1.0])))
    parts = Particles(points[[0, 1, 0]], np.array([0.3, 0.5, 0.7]), np.array([1.0, -1.0, 1.0]))
    split = functional.at_particles(parts)
    assert split.energy == pytest.approx(whole.energy, rel=1e-14)
    assert split.potential == pytest.approx(whole.potential[[0, 1, 0]], rel=1e-13, abs=1e-14)


@given(st.integers(4, 60), st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_the_population_risk_is_never_negative_and_zero_at_the_teacher(cells, seed):
    domain = Signed(Circle(cells))
    density = random_density(domain, seed)
    masses, angles = density * domain.volumes, domain.base.angles
    assert Population(Teacher.from_angles([1.0], [2.0])).on_grid(domain).value(density) >= 0.0
    teacher = Teacher.from_angles(np.r_[angles, angles], np.r_[masses[0], -masses[1]])
    bound = Population(teacher).on_grid(domain)
    assert abs(bound.value(density)) < 1e-13 * masses.sum() ** 2
    assert abs(bound.first_variation(density)).max() < 1e-13 * masses.sum()


def test_the_population_risk_of_no_student_is_half_the_second_moment_of_the_teacher():
    # One unit neuron: E relu^2 / 2 = 1/4. Two opposite neurons of weights 1 and -1 do not interact: 1/2.
    domain = Signed(Circle(8))
    for angles, weights, expected in [([0.3], [1.0], 0.25), ([0.3, 0.3 + np.pi], [1.0, -1.0], 0.5)]:
        bound = Population(Teacher.from_angles(angles, weights)).on_grid(domain)
        assert bound.value(np.zeros(domain.shape)) == pytest.approx(expected, rel=1e-14)


def test_the_population_risk_is_the_limit_of_many_gaussian_data():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(200_000, 2))
    teacher = Teacher.from_angles([0.5, 2.9], [1.0, -1.0])
    targets = np.maximum(inputs @ teacher.directions.T, 0.0) @ teacher.weights
    domain = Signed(Circle(16))
    density = random_density(domain, 10)
    empirical = Features(Relu(inputs), targets).on_grid(domain)
    population = Population(teacher).on_grid(domain)
    assert empirical.value(density) == pytest.approx(population.value(density), rel=1e-2)
    difference = empirical.first_variation(density) - population.first_variation(density)
    assert abs(difference).max() < 1e-2 * abs(population.first_variation(density)).max()


def test_only_regularisation_is_penalty():
    functional = PLANAR["population"] + Mass(0.25) + Mass(0.5)
    density = np.full(8, 1.0 / np.pi)  # of mass 2
    assert functional.penalty(2.0) == 1.5
    assert functional.on_grid(Circle(8)).penalty(density) == pytest.approx(1.5, rel=1e-14)
    assert PLANAR["population"].penalty(2.0) == PLANAR["relu square"].on_grid(Circle(8)).penalty(density) == 0.0


def test_the_rounded_relu_differs_by_a_third_of_its_squared_width():
    # The rounded kink adds w^2/6 at each of the two kinks of a data point, w = s |x|, in units of |x| on the arc.
    circle = Circle(20_000)
    inputs = np.array([[0.6, 0.8], [3.0, -1.0]])
    uniform = np.ones(circle.cells)

    def prediction_error(smoothing):
        sharp, smooth = Relu(inputs)(circle.points), Relu(inputs, smoothing)(circle.points)
        return (uniform * circle.volumes) @ (smooth - sharp) / np.linalg.norm(inputs, axis=1)

    assert prediction_error(0.1) / 0.1**2 == pytest.approx(1.0 / 3.0, rel=0.0011)
    assert prediction_error(0.05) / 0.05**2 == pytest.approx(1.0 / 3.0, rel=2.6e-4)


@given(st.floats(0.01, 0.9), st.floats(-2.0, 2.0))
def test_the_rounded_relu_lies_above_the_relu_within_a_quarter_of_its_width(smoothing, position):
    point = np.array([[position, 0.3]])
    inputs = np.array([[2.0, 0.0], [0.0, 0.0]])
    gap = (Relu(inputs, smoothing)(point) - Relu(inputs)(point))[0]
    assert -1e-15 <= gap[0] <= 2.0 * smoothing / 4.0 + 1e-15
    assert gap[0] == pytest.approx(0.0, abs=1e-15) or abs(position) < smoothing


class TestErrors:
    def test_labels_must_be_plus_or_minus_one(self):
        with pytest.raises(InputError, match=r"targets hold 0.5, but loss = 'softmin' allows only the labels"):
            Features(Relu(np.eye(2)), [1.0, 0.5], "softmin")

    def test_targets_must_be_finite_and_flat(self):
        for targets in ([np.nan, 1.0], [[1.0, 2.0]]):
            with pytest.raises(InputError, match="one-dimensional array of finite numbers"):
                Features(Relu(np.eye(2)), targets)

    def test_features_must_have_one_column_for_each_target(self):
        with pytest.raises(ShapeError, match=r"have shape \(8, 2\); allowed is \(8, 3\)"):
            Features(lambda points: points, [1.0, 2.0, 3.0]).on_grid(Circle(8))

    def test_features_must_be_finite(self):
        with pytest.raises(InputError, match="not finite"):
            Features(lambda points: points * np.inf, [1.0, 2.0]).on_grid(Circle(8))

    @pytest.mark.parametrize("smoothing", [0.0, 0.1])
    def test_data_must_have_the_dimension_of_the_domain(self, smoothing):
        functional = Features(Relu(np.ones((9, 3)), smoothing), VALUES)
        with pytest.raises(ShapeError, match="data with 3 inputs"):
            functional.on_grid(Circle(8))

    def test_a_density_must_fit_the_domain(self):
        with pytest.raises(ShapeError, match=r"\(7,\) does not fit the domain of shape \(8,\)"):
            PLANAR["population"].on_grid(Circle(8)).value(np.ones(7))

    def test_a_quadratic_target_must_be_symmetric_and_finite(self):
        for target in ([[1.0, 0.1], [0.0, 1.0]], [[1.0, np.nan], [np.nan, 1.0]], [1.0, 2.0], [[1.0, 2.0]]):
            with pytest.raises(InputError, match="target"):
                Quadratic(target)

    def test_a_teacher_needs_finite_nonzero_directions_with_one_weight_each(self):
        for directions, weights in [([[0.0, 0.0]], [1.0]), ([[1.0, np.inf]], [1.0]), ([[1.0, 0.0]], [1.0, 2.0])]:
            with pytest.raises(InputError, match="teacher"):
                Teacher(directions, weights)

    def test_a_teacher_must_have_the_dimension_of_the_circle(self):
        with pytest.raises(ShapeError, match="teacher of 3 inputs is not available on the domain 'circle'"):
            Population(Teacher([[1.0, 0.0, 0.0]], [1.0])).on_grid(Circle(8))

    def test_particles_need_one_weight_and_sign_each(self):
        with pytest.raises(ShapeError, match="do not fit together"):
            Particles(np.ones((3, 2)), np.ones(2), np.ones(2))
        with pytest.raises(ShapeError, match="do not fit together"):
            Particles(np.ones((3, 2)), np.ones(3), np.ones(2))
