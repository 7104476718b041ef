"""Least values of potentials over continuous domains, between all cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.optimality.bumps import CENTRES, Bumps, on_circle
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
from wgflow.analysis.optimality.arrangement import Arrangement, combination
from wgflow.analysis.optimality.frozen import freeze, split_risk
from wgflow.analysis.optimality.minima import Minimum, Search
from wgflow.analysis.optimality.searches import chart
from wgflow.functionals.differences import central_differences

ANGLES = np.arange(200_000) * 2.0 * np.pi / 200_000


GRIDS = {2: on_circle(ANGLES[::20]), 3: Sphere(2562).points}


@given(st.integers(1, 7), st.sampled_from([2, 3]), st.booleans(), st.sampled_from([-1.0, 0.0, 1.0]), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_arrangements_hold_the_largest_value_of_one_sign(count, components, lattice, shift, seed):
    """No point of a grid is higher, with parallel, opposite and repeated points, and coefficients of one sign, too."""
    generator = np.random.default_rng(seed)
    inputs, charges = generator.normal(size=(count, components)), generator.normal(size=count)
    if lattice:
        inputs = np.where(np.arange(components) == 0, 0.5, 0.0) + np.round(inputs)
    charges = charges if shift == 0.0 else shift * abs(charges)
    points, values = Arrangement(inputs).highest(charges, 5)
    assert values == pytest.approx(combination(points, inputs, charges), abs=1e-13)
    assert np.all(np.diff(values) <= 0.0)
    assert abs(np.linalg.norm(points, axis=1) - 1.0).max() < 1e-14
    dense = combination(GRIDS[components], inputs, charges).max()
    width = 2e-3 if components == 2 else 0.1  # beyond which no point is from the grid; g is Lipschitz
    assert -1e-12 < values[0] - dense < width * (abs(charges) @ np.linalg.norm(inputs, axis=1))


@pytest.mark.parametrize("components", [2, 3])
def test_negative_sums_are_largest_at_vertices(components):
    """-sum |eta_k| is -1 at its largest, at the axes; with one point it is 0 where that is not active."""
    axes = np.eye(components)
    points, values = Arrangement(np.concatenate([axes, -axes])).highest(-np.ones(2 * components), 1)
    assert values.tolist() == pytest.approx([-1.0], abs=1e-15)
    assert np.sort(abs(points[0])) == pytest.approx([0.0] * (components - 1) + [1.0], abs=1e-15)
    assert Arrangement(axes[:1]).highest(np.array([-2.0]), 1)[1].tolist() == pytest.approx([0.0], abs=1e-15)
    assert Arrangement(axes[:1]).highest(np.array([2.0]), 1)[1].tolist() == pytest.approx([2.0], abs=1e-15)


def test_minima_with_points_at_the_origin():
    """The bias of a constant input, and data that never are active: V = -3 (eta_y)_+ / 4 is least at the pole."""
    inputs = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 0.0], [0.0, -2.0]])
    found = least(Features(Relu(inputs), [1.0, 2.0, 5.0, -0.25]), nothing(Circle(4)), Circle(4), 0.1)
    assert found.value == pytest.approx(0.1 - 0.75, abs=1e-15)
    assert found.point == pytest.approx([0.0, 1.0], abs=1e-15)
    none = least(Features(Relu(np.zeros((2, 3))), np.ones(2)), nothing(Sphere(12)), Sphere(12), 0.1)
    assert none.value == 0.1
    assert none.proven


def test_both_sheets_of_the_sphere_are_searched_exactly():
    """One datum and the target -2: V = 2 (eta.x)_+ is least at -2 |x| on the negative sheet, at x."""
    found = least(Features(Relu([[0.0, 3.0, 4.0]]), [-2.0]), nothing(Sphere(12)), Signed(Sphere(12)))
    assert (found.value, found.sign) == (pytest.approx(-10.0, abs=1e-14), -1.0)
    assert found.point == pytest.approx([0.0, 0.6, 0.8], abs=1e-15)


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
    assert inside.point[0] == pytest.approx(np.pi + 1.0, abs=1e-12)


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
    assert 1e-14 < found.value - found.bound < 1e-11  # on a grid V is not as low as it can be between
    unsigned = least(Population(teacher), nothing(Circle(4)), Circle(4))
    assert 0.0 <= unsigned.value - unsigned.bound < 1e-11
    frozen = freeze(Population(teacher), nothing(Circle(4)))
    assert abs(found.sign * frozen.values(found.point[None])[0] + 0.1 - found.value) < 1e-14
    learned = Particles(teacher.directions, abs(teacher.weights), np.sign(teacher.weights))
    flat = least(Population(teacher), learned, Signed(Circle(4)))
    assert -3e-7 < flat.bound < -2e-7  # 1/2 * 6 h^2 / 8
    assert abs(flat.value) < 1e-14


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
    assert abs(frozen.slopes(points) - central_differences(frozen.values, points)).max() < 5.1e-11


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
    assert Minimum(0.0, 0.0, np.zeros(2), 1.0, "arrangement").proven
    assert not Minimum(0.0, 0.0, np.zeros(2), 1.0, "search").proven
    relu = Features(Relu([[1.0, 0.0], [0.3, 1.0]]), [1.0, -1.0])
    assert least(relu, nothing(Circle(4)), Circle(4)).method == "arrangement"
    assert least(Features(Relu(np.eye(3)), np.ones(3)), nothing(Sphere(12)), Sphere(12)).method == "arrangement"
    assert least(Features(Relu([[1.0, 0.0]], 0.1), [1.0]), nothing(Circle(4)), Circle(4)).method == "search"
