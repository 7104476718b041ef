"""The kernel E relu(u.x) relu(v.x), and its fast sums on grids and in the plane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.references import planar_kernel, spatial_kernel
from wgflow.domains import Circle
from wgflow.networks import arc_cosine_kernel, arc_cosine_sums
from wgflow.networks.arc_cosine import PairSums
from wgflow.networks.circle_convolution import PARALLEL_THRESHOLD, SERIAL_CHUNK, ArcCosineConvolution

seeds = st.integers(0, 2**32 - 1)
coordinates = st.floats(-10.0, 10.0, allow_subnormal=False)


def unit_vectors(angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def dense_sums(points, sources, masses):
    """Sums and gradients from the closed form of the kernel in the angle of two vectors."""
    values, gradient = np.zeros(len(points)), np.zeros(points.shape)
    for source, mass in zip(sources, masses, strict=True):
        lengths, length = np.linalg.norm(points, axis=1), np.linalg.norm(source)
        unit = points / lengths[:, None]
        across = np.linalg.norm(unit - source / length, axis=1), np.linalg.norm(unit + source / length, axis=1)
        angle = 2.0 * np.arctan2(*across)
        values += mass * lengths * length * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2.0 * np.pi)
        gradient += mass * (length * np.sin(angle)[:, None] * unit + (np.pi - angle)[:, None] * source) / (2.0 * np.pi)
    return values, gradient


@pytest.mark.parametrize("seed", range(4))
def test_the_kernel_in_the_plane_is_the_gaussian_expectation(seed):
    first, second = np.random.default_rng(seed).normal(size=(2, 2))
    expected = planar_kernel(first, second)
    assert arc_cosine_kernel(first[None], second[None])[0, 0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_the_kernel_in_space_is_the_gaussian_expectation(seed):
    first, second = np.random.default_rng(seed).normal(size=(2, 3))
    expected = spatial_kernel(first, second)
    assert arc_cosine_kernel(first[None], second[None])[0, 0] == pytest.approx(expected, rel=1e-11)


def test_the_kernel_has_its_known_values():
    vectors = np.array([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [1.0, 1e-9]])
    kernel = arc_cosine_kernel(vectors, vectors)
    assert kernel[0, 0] == pytest.approx(2.0, rel=1e-15)  # half of |u|^2
    assert kernel[0, 1] == pytest.approx(6.0 / (2.0 * np.pi), rel=1e-15)  # a right angle
    assert kernel[0, 2] == pytest.approx(0.0, abs=1e-15)  # opposite
    assert kernel[0, 3] == pytest.approx(1.0, rel=1e-15)


@given(st.integers(4, 300), seeds)
def test_the_convolution_on_a_circle_equals_the_dense_sum(cells, seed):
    circle = Circle(cells)
    mass, values = np.random.default_rng(seed).normal(size=cells), np.empty(cells)
    ArcCosineConvolution(circle)(mass, values)
    expected = dense_sums(circle.points, circle.points, mass)[0]
    assert abs(values - expected).max() <= 1e-13 * abs(mass).sum()


@pytest.mark.parametrize(
    "cells",
    [
        SERIAL_CHUNK - 1,
        SERIAL_CHUNK,
        SERIAL_CHUNK + 1,
        3 * SERIAL_CHUNK + 5,
        PARALLEL_THRESHOLD,
        PARALLEL_THRESHOLD + 3,
    ],
)
def test_the_convolution_of_long_and_parallel_sums_equals_the_dense_sum(cells):
    circle = Circle(cells)
    generator = np.random.default_rng(cells)
    mass, values = generator.normal(size=cells), np.empty(cells)
    ArcCosineConvolution(circle)(mass, values)
    some = np.unique(np.r_[0, cells // 2, cells - 1, generator.integers(0, cells, 40)])
    expected = arc_cosine_kernel(circle.points[some], circle.points) @ mass
    assert abs(values[some] - expected).max() <= 1e-13 * abs(mass).sum()


@given(st.integers(1, 40), st.integers(1, 40), seeds)
def test_planar_sums_over_sorted_angles_equal_dense_sums(targets, count, seed):
    generator = np.random.default_rng(seed)
    points, sources = generator.normal(size=(targets, 2)), generator.normal(size=(count, 2))
    assert_planar_sums(points, sources, generator.normal(size=count))


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=12), st.lists(st.integers(-8, 8), min_size=1, max_size=12))
def test_planar_sums_bear_coinciding_and_opposite_points(targets, sources):
    points, sources = unit_vectors(np.array(targets) * np.pi / 4), unit_vectors(np.array(sources) * np.pi / 4)
    assert_planar_sums(points, sources, np.linspace(-1.0, 2.0, len(sources)))


def assert_planar_sums(points, sources, masses):
    values, gradient = arc_cosine_sums(points, sources, masses)
    expected, expected_gradient = dense_sums(points, sources, masses)
    size = (abs(masses) * np.linalg.norm(sources, axis=1)).sum()
    assert abs(values - expected).max() <= 1e-13 * size * np.linalg.norm(points, axis=1).max()
    assert abs(gradient - expected_gradient).max() <= 1e-13 * size


@given(seeds)
def test_spatial_sums_equal_the_closed_form(seed):
    generator = np.random.default_rng(seed)
    points, sources = generator.normal(size=(7, 3)), generator.normal(size=(5, 3))
    masses = generator.normal(size=5)
    values, gradient = arc_cosine_sums(points, sources, masses)
    expected, expected_gradient = dense_sums(points, sources, masses)
    assert abs(values - expected).max() <= 1e-13 * abs(sources).sum() * abs(points).max()
    assert abs(gradient - expected_gradient).max() <= 1e-13 * abs(sources).sum()


@pytest.mark.parametrize(("dimension", "count"), [(3, 40), (3, 700), (4, 1500), (7, 513)])
def test_sums_over_many_pairs_equal_the_closed_form(dimension, count):
    """Serial and on all cores, in one chunk and in several."""
    generator = np.random.default_rng(dimension)
    points, sources = generator.normal(size=(60, dimension)), generator.normal(size=(count, dimension))
    masses = generator.normal(size=count)
    values, gradient = arc_cosine_sums(points, sources, masses)
    expected, expected_gradient = dense_sums(points, sources, masses)
    size = (abs(masses) * np.linalg.norm(sources, axis=1)).sum()
    assert abs(values - expected).max() <= 1e-14 * size * np.linalg.norm(points, axis=1).max()
    assert abs(gradient - expected_gradient).max() <= 1e-14 * size
    alone = np.empty(60)
    PairSums(points, sources)(masses, alone)
    assert abs(alone - values).max() <= 1e-15 * size * np.linalg.norm(points, axis=1).max()


@pytest.mark.parametrize("gap", [0.0, 1e-15, 1e-9, 1e-5, 1e-2])
def test_pairs_near_the_angles_0_and_pi_are_accurate(gap):
    """k = 1/2 - gap^2 / 4 + ... near 0 and gap^3 / (6 pi) near pi; sin p is as small as the gap in the gradient."""
    source = np.array([[1.0, 0.0, 0.0]])
    points = np.array([[np.cos(gap), np.sin(gap), 0.0], [-np.cos(gap), np.sin(gap), 0.0]])
    values, gradient = arc_cosine_sums(points, source, np.ones(1))
    rest = np.pi - gap
    assert values[0] == pytest.approx((np.sin(gap) + rest * np.cos(gap)) / (2.0 * np.pi), rel=1e-15)
    assert values[1] == pytest.approx((np.sin(gap) - gap * np.cos(gap)) / (2.0 * np.pi), abs=1e-17 + 1e-16 * gap)
    expected = [
        [np.sin(gap) * np.cos(gap) + rest, np.sin(gap) ** 2],
        [gap - np.sin(gap) * np.cos(gap), np.sin(gap) ** 2],
    ]
    np.testing.assert_allclose(
        gradient[:, :2], np.array(expected) / (2.0 * np.pi), atol=1e-16 + 1e-15 * gap, rtol=1e-15
    )
    np.testing.assert_array_equal(gradient[:, 2], 0.0)


def test_the_origin_has_finite_sums_in_space():
    """Sources there count nothing; the gradient there is that along the first axis, as in the plane."""
    sources = np.array([[0.0, 0.0, 0.0], [0.3, -0.5, 0.9]])
    values, gradient = arc_cosine_sums(np.zeros((1, 3)), sources, np.array([5.0, 2.0]))
    along = dense_sums(np.array([[1.0, 0.0, 0.0]]), sources[1:], np.array([2.0]))[1]
    assert values[0] == 0.0
    np.testing.assert_allclose(gradient, along, rtol=1e-14)


@given(coordinates, coordinates, st.floats(0.0, 6.3), st.integers(2, 30))
def test_planar_sums_turn_with_the_points(x, y, angle, count):
    sources = unit_vectors(np.arange(count) ** 2 * 1.0)
    points = np.array([[x, y], [1.0, 0.5]]) if np.hypot(x, y) > 1e-3 else np.array([[1.0, 0.5]])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    masses = np.cos(np.arange(count))
    values, gradient = arc_cosine_sums(points, sources, masses)
    turned_values, turned_gradient = arc_cosine_sums(points @ turn, sources @ turn, masses)
    assert abs(turned_values - values).max() <= 1e-13 * count * abs(points).max()
    assert abs(turned_gradient - gradient @ turn).max() <= 1e-13 * count
