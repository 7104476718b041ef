"""Kernel discrepancies: closed forms, dense double sums, and sheets."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wgflow.analysis.metrics import kernel_discrepancy
from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles


def atoms(points, weights, signs=None):
    points, weights = np.asarray(points, dtype=float), np.asarray(weights, dtype=float)
    return Particles(points, weights, np.ones(len(weights)) if signs is None else np.asarray(signs, dtype=float))


def random_atoms(rng, count, dimension):
    return atoms(rng.normal(size=(count, dimension)), rng.random(count), rng.choice([1.0, -1.0], count))


def dense_twin(first, second, width):
    points = np.concatenate([first.points, second.points])
    charges = np.concatenate([first.weights, -second.weights])
    signs = np.concatenate([first.signs, second.signs])
    squares = ((points[:, None] - points[None, :]) ** 2).sum(axis=-1)
    gram = np.exp(-squares / (2 * width**2)) * (signs[:, None] == signs[None, :])
    return np.sqrt(charges @ gram @ charges)


@pytest.mark.parametrize("angle", [0.0, 0.1, 1.0, np.pi])
@pytest.mark.parametrize("width", [0.25, 1.0])
def test_two_diracs_on_the_circle(angle, width):
    first, second = atoms([[1.0, 0.0]], [2.0]), atoms([[np.cos(angle), np.sin(angle)]], [0.5])
    chord = 2 * np.sin(angle / 2)
    expected = np.sqrt(2.0**2 + 0.5**2 - 2 * 2.0 * 0.5 * np.exp(-(chord**2) / (2 * width**2)))
    assert kernel_discrepancy(first, second, width) == pytest.approx(expected, rel=1e-15, abs=0)


def test_the_width_is_a_quarter():
    # At the distance of one width the kernel is exp(-1/2).
    first, second = atoms([[0.0]], [1.0]), atoms([[0.25]], [1.0])
    assert kernel_discrepancy(first, second) == pytest.approx(np.sqrt(2 - 2 * np.exp(-0.5)), rel=1e-15, abs=0)


def test_masses_are_not_normalised():
    first, second, nothing = atoms([[1.0, 0.0]], [3.0]), atoms([[1.0, 0.0]], [1.0]), atoms(np.zeros((0, 2)), [])
    assert kernel_discrepancy(first, second) == 2.0
    assert kernel_discrepancy(first, nothing) == 3.0
    assert kernel_discrepancy(nothing, nothing) == 0.0


def test_sheets_do_not_interact():
    point = [[0.6, 0.8]]
    assert kernel_discrepancy(atoms(point, [3.0], [1]), atoms(point, [4.0], [-1])) == 5.0
    assert kernel_discrepancy(atoms(point, [3.0], [-1]), atoms(point, [4.0], [-1])) == 1.0


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 2), (40, 75)])
def test_against_the_dense_double_sum(m, n, dimension):
    rng = np.random.default_rng(3)
    first, second = random_atoms(rng, m, dimension), random_atoms(rng, n, dimension)
    for width in (0.25, 1.5):
        expected = dense_twin(first, second, width)
        assert kernel_discrepancy(first, second, width) == pytest.approx(expected, rel=1e-15, abs=0)


measures = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.floats(0.0, 1.0), st.sampled_from([1.0, -1.0])),
    min_size=1,
    max_size=6,
).map(lambda rows: atoms([[0.1 * x, 0.1 * y] for x, y, _, _ in rows], [w for *_, w, _ in rows], [e for *_, e in rows]))


@settings(max_examples=100, deadline=None)
@given(measures, measures, measures)
def test_it_is_a_metric(first, second, third):
    there = kernel_discrepancy(first, second)
    assert kernel_discrepancy(first, first) == 0.0
    assert there**2 == pytest.approx(kernel_discrepancy(second, first) ** 2, abs=2e-15)
    assert kernel_discrepancy(first, third) <= there + kernel_discrepancy(second, third) + 1e-7


def test_what_is_shared_cancels_exactly():
    rng = np.random.default_rng(5)
    points, change = rng.normal(size=(300, 2)), rng.normal(size=300)
    first, second = atoms(points, np.ones(300)), atoms(points[::-1], (1.0 + 1e-9 * change)[::-1])
    scaled = dense_twin(atoms(points, change), atoms(points[:1], [0.0]), 0.25)
    assert kernel_discrepancy(first, second) == pytest.approx(1e-9 * scaled, rel=4e-8, abs=0)


def test_the_number_of_threads_changes_nothing():
    rng = np.random.default_rng(11)
    first, second = random_atoms(rng, 701, 3), random_atoms(rng, 500, 3)
    reference = kernel_discrepancy(first, second)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert kernel_discrepancy(first, second) == reference
    finally:
        numba.set_num_threads(threads)


def test_what_is_not_allowed():
    good = atoms([[1.0, 0.0]], [1.0])
    for width in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="width"):
            kernel_discrepancy(good, good, width)
    with pytest.raises(ShapeError, match="dimensions 2 and 1"):
        kernel_discrepancy(good, atoms([[1.0]], [1.0]))
    with pytest.raises(InputError, match="weight -2"):
        kernel_discrepancy(good, atoms([[1.0, 0.0]], [-2.0]))
    with pytest.raises(InputError, match="not finite"):
        kernel_discrepancy(good, atoms([[1.0, 0.0]], [np.inf]))
