"""Least values of potentials over continuous domains, between all cells."""

from __future__ import annotations

import numpy as np
import pytest

from tests.optimality.bumps import CENTRES, Bumps, on_circle
from wgflow import (
    Box,
    Circle,
    Features,
    Hypersphere,
    InputError,
    Neurons,
    Particles,
    Population,
    Quadratic,
    Relu,
    Signed,
    Space,
    Sphere,
    Teacher,
)
from wgflow.functionals.maps import central_differences
from wgflow.optimality.arcs import arc_minima
from wgflow.optimality.frozen import freeze, split_risk
from wgflow.optimality.minima import Minimum, Search, chart

ANGLES = np.arange(200_000) * 2.0 * np.pi / 200_000


@pytest.mark.parametrize("count", [1, 2, 15])
def test_arcs_hold_the_least_value_of_relu_sums(count):
    """No point of a dense grid is lower, and one is almost as low; values are those of the sum."""
    generator = np.random.default_rng(count)
    inputs, coefficients = generator.normal(size=(count, 2)), generator.normal(size=count)
    points, values = arc_minima(inputs, coefficients)
    direct = np.maximum(points @ inputs.T, 0.0) @ coefficients
    dense = (np.maximum(on_circle(ANGLES) @ inputs.T, 0.0) @ coefficients).min()
    assert abs(values - direct).max() < 1e-13
    assert -1e-13 < dense - values.min() < 1e-3 * abs(coefficients).sum()
    assert abs(np.linalg.norm(points, axis=1) - 1.0).max() < 1e-15


def test_arcs_of_repeated_and_vanishing_points():
    """The bias of a constant input, points at the origin, and no point at all."""
    inputs = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 0.0], [0.0, -2.0]])
    coefficients = np.array([1.0, -3.0, 5.0, 0.25])
    assert arc_minima(inputs, coefficients)[1].min() == pytest.approx(-2.0, abs=1e-15)
    assert arc_minima(np.zeros((2, 2)), np.ones(2))[1].tolist() == [0.0]


def least(functional, measure, domain, strength=0.0):
    return Search(domain).minima(freeze(functional, measure), strength)[0]


def nothing(domain):
    return Particles(domain.points.reshape(-1, domain.points.shape[-1])[:1], [0.0], [1.0])


@pytest.mark.parametrize("domain", [Circle(4), Sphere(12)])
def test_least_value_of_a_quadratic_form_is_its_least_eigenvalue(domain):
    matrix = np.diag([0.3, -0.7, 0.2])[: domain.points.shape[-1], : domain.points.shape[-1]]
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=matrix.shape))[0]
    found = least(Quadratic(-turn @ matrix @ turn.T), nothing(domain), domain, 0.25)
    assert found.value == pytest.approx(-0.45, abs=1e-13)
    assert abs(found.point @ turn[:, 1]) == pytest.approx(1.0, abs=1e-12)
    assert found.method == "search"
    assert not found.proven


def test_high_dimension_and_a_factor_two_in_the_gradient():
    """Rank one in nine dimensions: the least value is minus the largest eigenvalue, at its vector."""
    vector = np.arange(1.0, 10.0) / np.linalg.norm(np.arange(1.0, 10.0))
    domain = Hypersphere(9)
    measure = Particles(np.eye(9)[:1], [0.0], [1.0])
    found = least(Quadratic(2.0 * np.outer(vector, vector)), measure, domain)
    assert found.value == pytest.approx(-2.0, abs=1e-12)


def test_walls_hold_minima_and_periodic_axes_do_not():
    """cos(x - c) is least at c + pi, inside the periodic interval, and beyond the wall of the other."""
    wave = Features(lambda x: np.cos(x - 1.0), [-1.0])
    walls, closed = Box([(0.0, 3.0)], 8), Box([(-1.0, 2.0 * np.pi - 1.0)], 8, periodic=True)
    at_wall = least(wave, Particles([[0.5]], [0.0], [1.0]), walls)
    inside = least(wave, Particles([[0.5]], [0.0], [1.0]), closed)
    assert at_wall.point.tolist() == [3.0]
    assert at_wall.value == pytest.approx(np.cos(2.0), abs=1e-15)
    assert inside.value == pytest.approx(-1.0, abs=1e-14)
    assert inside.point[0] == pytest.approx(np.pi + 1.0, abs=1e-6)


def test_both_sheets_are_searched():
    """With more mass than the target asks for, J is positive on the positive sheet and least on the other."""
    bumps, domain = Bumps(CENTRES), Signed(Circle(4))
    measure = Particles(on_circle([[0.3]])[0], [1.0], [1.0])
    found = least(Features(bumps, np.zeros(12)), measure, domain)
    values = bumps(on_circle(ANGLES)) @ bumps(measure.points)[0] / 12.0
    assert found.sign == -1.0
    assert -1e-9 < found.value + values.max() < 1e-13


def test_the_curvature_of_the_kernel_bounds_population_potentials():
    """The bound lies below all values, and by less than 1e-11; a flat potential has it too."""
    teacher = Teacher.from_angles([0.5, 2.9], [1.0, -2.0])
    found = least(Population(teacher), nothing(Circle(4)), Signed(Circle(4)), 0.1)
    assert found.proven
    assert found.method == "curvature"
    assert 0.0 <= found.value - found.bound < 1e-11
    unsigned = least(Population(teacher), nothing(Circle(4)), Circle(4))
    assert 0.0 <= unsigned.value - unsigned.bound < 1e-11
    frozen = freeze(Population(teacher), nothing(Circle(4)))
    assert abs(found.sign * frozen.values(found.point[None])[0] + 0.1 - found.value) < 1e-14
    learned = Particles(teacher.directions, abs(teacher.weights), np.sign(teacher.weights))
    flat = least(Population(teacher), learned, Signed(Circle(4)))
    assert -3e-7 < flat.bound <= flat.value < 1e-14


@pytest.mark.parametrize(
    "risk, points, measure",
    [
        (
            Population(Teacher([[1.0, 0.5]], [1.5])),
            on_circle(np.arange(3.0) + 0.5),
            Particles(on_circle([[2.2]])[0], [0.7], [-1]),
        ),
        (
            Population(Teacher([[1.5]], [0.5])),
            on_circle(np.arange(3.0) + 0.5),
            Particles(on_circle([[2.2]])[0], [0.7], [1.0]),
        ),
        (Features(Neurons(Bumps(CENTRES)), np.ones(12)), np.eye(3) + 0.1, Particles(np.ones((1, 3)), [0.3], [1.0])),
    ],
    ids=["directions", "pairs of a population", "pairs of features"],
)
def test_frozen_potentials_are_those_of_the_functional(risk, points, measure):
    """At atoms without weight, and with slopes that are the derivatives of their values."""
    frozen = freeze(risk, measure)
    everything = Particles(
        np.concatenate([measure.points, points]),
        np.append(measure.weights, np.zeros(len(points))),
        np.append(measure.signs, np.ones(len(points))),
    )
    found = risk.at_particles(everything)
    assert abs(frozen.values(points) - found.potential[1:]).max() < 1e-14
    assert abs(frozen.slopes(points) - found.gradient[1:]).max() < 1e-12
    assert abs(frozen.slopes(points) - central_differences(frozen.values, points)).max() < 1e-6


def test_gradients_of_charts_are_those_of_their_free_variables():
    generator = np.random.default_rng(0)
    free = generator.normal(size=(3, 4))
    vector = generator.normal(size=4)
    pull = chart(Hypersphere(4), free)[1]
    expected = central_differences(lambda z: chart(Hypersphere(4), z)[0] @ vector, free)
    assert abs(pull(np.tile(vector, (3, 1))) - expected).max() < 1e-9


def test_what_has_no_certificate_is_refused():
    with pytest.raises(InputError, match="no least value on the domain 'space'"):
        Search(Space(2))
    with pytest.raises(InputError, match="no certificate is known for Population \\+ Population"):
        split_risk(Population(Teacher([[1.0, 0.0]], [1.0])) + Population(Teacher([[1.0, 0.0]], [1.0])))


def test_proofs_are_told_from_searches():
    assert Minimum(0.0, 0.0, np.zeros(2), 1.0, "arcs").proven
    assert not Minimum(0.0, 0.0, np.zeros(2), 1.0, "search").proven
    relu = Features(Relu([[1.0, 0.0], [0.3, 1.0]]), [1.0, -1.0])
    assert least(relu, nothing(Circle(4)), Circle(4)).method == "arcs"
    assert least(Features(Relu([[1.0, 0.0]], 0.1), [1.0]), nothing(Circle(4)), Circle(4)).method == "search"
