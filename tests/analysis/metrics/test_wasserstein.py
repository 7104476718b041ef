"""Wasserstein distances on the circle: by hand, against linear programming, and as metrics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wgflow.analysis.metrics import circle_wasserstein, line_wasserstein, sheet_wasserstein
from wgflow.domains import Circle, Signed
from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles, nodes_of_cells

ORDERS = [1, 2]


def on_circle(angles, weights, signs=None):
    angles = np.asarray(angles, dtype=float)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    signs = np.ones(angles.size) if signs is None else np.asarray(signs, dtype=float)
    return Particles(points, np.asarray(weights, dtype=float), signs)


def grid_measure(cells, density):
    circle = Circle(cells)
    return nodes_of_cells(circle, density(circle.angles))


@pytest.mark.parametrize("order", [1, 1.5, 2, 3])
@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        (0.1, 0.7, 0.6),
        (0.1, -0.2, 0.3),
        (6.2, 0.1, 2 * np.pi - 6.1),
        (1.0, 1.0 + np.pi, np.pi),
        (3.0, -3.0, 2 * np.pi - 6),
    ],
)
def test_two_diracs(first, second, distance, order):
    computed = circle_wasserstein(on_circle([first], [3.0]), on_circle([second], [0.2]), order)
    assert computed == pytest.approx(distance, abs=1.5e-15)


@pytest.mark.parametrize(("order", "distance"), [(1, 1.5), (2, np.sqrt(2.5)), (3, 4.5 ** (1 / 3))])
def test_a_dirac_that_splits(order, distance):
    computed = circle_wasserstein(on_circle([0.0], [5.0]), on_circle([1.0, -2.0], [1.0, 1.0]), order)
    assert computed == pytest.approx(distance, abs=1e-15)


def test_mass_that_goes_around():
    # From 0, 2, 4 to 1, 3, 5 each atom moves by 1; from 0, 2, 4 to 5.9, 1.9, 3.9 by 0.1, across the origin once.
    start = on_circle([0.0, 2.0, 4.0], np.ones(3))
    assert circle_wasserstein(start, on_circle([1.0, 3.0, 5.0], np.ones(3)), 2) == pytest.approx(1.0, abs=1e-15)
    across = on_circle([-0.1, 1.9, 3.9], np.ones(3))
    assert circle_wasserstein(start, across, 2) == pytest.approx(0.1, abs=2e-15)


def test_a_dirac_against_the_uniform_measure():
    cells = 4096
    uniform, dirac = grid_measure(cells, np.ones_like), on_circle([0.0], [1.0])
    assert circle_wasserstein(uniform, dirac, 1) == pytest.approx(np.pi / 2, rel=1e-15, abs=0)
    spacing = 2 * np.pi / cells
    square = np.pi**2 / 3 - spacing**2 / 12  # the midpoint rule for the square of the angle
    assert circle_wasserstein(uniform, dirac, 2) ** 2 == pytest.approx(square, rel=1e-15, abs=0)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("angle", [2.0, 1e-2, -1e-2, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("centre", [0.0, 3.0])
def test_rotating_a_short_arc_costs_the_angle(order, angle, centre):
    offset = np.linspace(-0.4, 0.4, 2001)
    weights = np.exp(-((offset / 0.1) ** 2))
    first, second = on_circle(centre + offset, weights), on_circle(centre + offset + angle, weights)
    assert circle_wasserstein(first, second, order) == pytest.approx(abs(angle), abs=1e-15)


def brute_force(first, second, order):
    """Optimal cost by linear programming."""
    ot = pytest.importorskip("ot")
    cosine = np.clip(first.points @ second.points.T, -1, 1)
    sine = first.points[:, None, 0] * second.points[None, :, 1] - first.points[:, None, 1] * second.points[None, :, 0]
    arcs = np.abs(np.arctan2(sine, cosine))
    return ot.emd2(first.weights / first.mass, second.weights / second.mass, arcs**order, numItermax=10**7)


@pytest.mark.parametrize("order", [1, 1.7, 2, 3])
@pytest.mark.parametrize(("m", "n"), [(2, 3), (7, 5), (60, 90)])
@pytest.mark.parametrize("spread", [6.3, 0.3])
def test_against_linear_programming(order, m, n, spread):
    rng = np.random.default_rng(7)
    for _ in range(10):
        shift = 6.0 * rng.random()
        first = on_circle(spread * rng.random(m), rng.random(m) ** 4)
        second = on_circle(shift + spread * rng.random(n), rng.random(n) ** 4)
        computed = circle_wasserstein(first, second, order) ** order
        assert computed == pytest.approx(brute_force(first, second, order), rel=6e-15, abs=0)


measures = st.lists(
    st.tuples(st.integers(0, 23).map(lambda k: k * np.pi / 12) | st.floats(0.0, 6.28), st.floats(0.01, 1.0)),
    min_size=1,
    max_size=8,
).map(lambda atoms: on_circle(*zip(*atoms, strict=True)))


@settings(max_examples=150, deadline=None)
@given(measures, measures, measures, st.sampled_from([1, 2, 3]))
def test_it_is_a_metric(first, second, third, order):
    there, back = circle_wasserstein(first, second, order), circle_wasserstein(second, first, order)
    assert 0.0 <= there <= np.pi * (1 + 1e-15)
    assert there**order == pytest.approx(back**order, rel=1e-14, abs=2e-14)
    direct = circle_wasserstein(first, third, order)
    detour = there + circle_wasserstein(second, third, order)
    assert direct <= detour + 3e-14 ** (1 / order)  # round-off in the power of the distance


@settings(max_examples=50, deadline=None)
@given(measures, st.randoms(use_true_random=False), st.sampled_from([1, 2]))
def test_the_order_of_the_atoms_does_not_matter(measure, random, order):
    shuffled = random.sample(range(len(measure.weights)), len(measure.weights))
    other = Particles(measure.points[shuffled], measure.weights[shuffled], measure.signs)
    assert circle_wasserstein(measure, other, order) == 0.0


@settings(max_examples=50, deadline=None)
@given(measures, measures, st.floats(-7.0, 7.0), st.sampled_from([1, 2]))
def test_turning_both_changes_nothing(first, second, angle, order):
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    turned = [Particles(p.points @ turn, p.weights, p.signs) for p in (first, second)]
    before = circle_wasserstein(first, second, order)
    assert circle_wasserstein(*turned, order) ** order == pytest.approx(before**order, abs=2e-14)


@pytest.mark.parametrize("order", ORDERS)
def test_total_mass_empty_atoms_and_lengths_do_not_matter(order):
    first, second = on_circle([0.3, 1.0, 5.0], [1.0, 2.0, 3.0]), on_circle([2.0, 4.0], [1.0, 1.0])
    reference = circle_wasserstein(first, second, order)
    heavy = on_circle([0.3, 1.0, 2.2, 5.0, 6.28], [1e300, 2e300, 0.0, 3e300, 0.0])
    long = Particles(7.0 * second.points, second.weights, -second.signs)
    assert circle_wasserstein(heavy, long, order) == pytest.approx(reference, rel=1e-15, abs=0)


@pytest.mark.parametrize("order", ORDERS)
def test_small_changes_of_mass_are_resolved(order):
    # Moving the mass e over the arc a costs e a^p, and (1 + e) normalises.
    excess = 2.0**-33
    first, second = on_circle([1.0, 3.0], [1.0, 1.0]), on_circle([1.0, 3.0], [1.0 + excess, 1.0])
    moved = 0.5 * excess / (2.0 + excess)  # (1 + e)/(2 + e) - 1/2
    assert circle_wasserstein(first, second, order) ** order == pytest.approx(moved * 2.0**order, rel=2e-10, abs=0)


def test_convergence_of_grid_measures():
    # Cells of width h against half as wide: each half cell is h/4 from the centre.
    coarse, fine = grid_measure(64, np.ones_like), grid_measure(128, np.ones_like)
    for order in ORDERS:
        assert circle_wasserstein(coarse, fine, order) == pytest.approx(2 * np.pi / 64 / 4, rel=1e-15, abs=0)


def test_each_sheet_is_normalised_on_its_own():
    first = on_circle([1.0, 1.0, 4.0], [2.0, 5.0, 1.0], [1, -1, -1])
    second = on_circle([1.5, 1.0, 0.9], [1.0, 0.4, 0.1], [1, -1, -1])
    distances = sheet_wasserstein(first, second, 1)
    # Negative sheet: 5/6 at 1 and 1/6 at 4 against 4/5 at 1 and 1/5 at 0.9; 1/6 goes back by 3 and 1/5 on by 0.1.
    np.testing.assert_allclose(distances, [0.5, 3.0 / 6.0 + 0.1 / 5.0], rtol=1e-14)
    np.testing.assert_allclose(sheet_wasserstein(first, second, 2)[0], 0.5, rtol=1e-15)


def test_a_sheet_without_mass_gives_nan():
    both = on_circle([1.0, 2.0], [1.0, 1.0], [1, -1])
    positive = on_circle([1.25, 2.0], [1.0, 0.0], [1, -1])
    for distances in (sheet_wasserstein(both, positive), sheet_wasserstein(positive, both)):
        assert distances[0] == pytest.approx(0.25, abs=1e-15)
        assert np.isnan(distances[1])


def test_sheets_of_a_signed_grid():
    domain = Signed(Circle(16))
    first, second = np.zeros((2, 16)), np.zeros((2, 16))
    first[0, 0], second[0, 15], first[1, 3], second[1, 7] = 1.0, 2.0, 3.0, 4.0
    distances = sheet_wasserstein(nodes_of_cells(domain, first), nodes_of_cells(domain, second), 2)
    np.testing.assert_allclose(distances, np.array([1, 4]) * np.pi / 8, rtol=2e-15)


def test_what_is_not_allowed():
    good = on_circle([1.0], [1.0])
    with pytest.raises(InputError, match="without mass"):
        circle_wasserstein(good, on_circle([1.0], [0.0]))
    with pytest.raises(InputError, match="without mass"):
        circle_wasserstein(on_circle([], []), good)
    with pytest.raises(InputError, match="weight -1"):
        circle_wasserstein(good, on_circle([1.0, 2.0], [2.0, -1.0]))
    with pytest.raises(InputError, match="not finite"):
        circle_wasserstein(good, on_circle([np.nan], [1.0]))
    with pytest.raises(InputError, match="sign"):
        sheet_wasserstein(good, on_circle([1.0], [1.0], [0.5]))
    for order in (0.5, np.inf, np.nan):
        with pytest.raises(InputError, match="order"):
            circle_wasserstein(good, good, order)
    with pytest.raises(ShapeError, match="components"):
        circle_wasserstein(*[Particles(np.eye(3), np.ones(3), np.ones(3))] * 2)
    with pytest.raises(ShapeError, match="dimensions"):
        sheet_wasserstein(good, Particles(np.eye(3), np.ones(3), np.ones(3)))


class TestLines:
    @pytest.mark.parametrize("order", ORDERS)
    def test_quantiles_are_matched(self, order):
        generator = np.random.default_rng(3)
        first, second = generator.normal(size=(9, 1)), generator.normal(2.0, 3.0, (9, 1))
        expected = (np.abs(np.sort(first[:, 0]) - np.sort(second[:, 0])) ** order).mean() ** (1.0 / order)
        found = line_wasserstein(*(Particles(x, np.full(9, 0.4), np.ones(9)) for x in (first, second)), order)
        assert found[0] == pytest.approx(expected, rel=1e-12)
        assert np.isnan(found[1])

    def test_closed_lines_are_circles(self):
        atoms = [Particles(np.array([[x]]), np.ones(1), -np.ones(1)) for x in (-0.9, 2.0)]
        assert line_wasserstein(*atoms, 1, period=3.0)[1] == pytest.approx(0.1, rel=1e-14)
        assert line_wasserstein(*atoms, 2)[1] == pytest.approx(2.9, rel=1e-12)
        assert line_wasserstein(atoms[0], atoms[0])[1] == 0.0

    def test_other_points_and_periods_are_refused(self):
        atom = Particles(np.zeros((1, 1)), np.ones(1), np.ones(1))
        with pytest.raises(ShapeError, match="points of a line have 1"):
            line_wasserstein(on_circle([0.0], [1.0]), on_circle([0.0], [1.0]))
        with pytest.raises(InputError, match="period = 0"):
            line_wasserstein(atom, atom, 1, period=0.0)
