"""Prefix sums of ReLU features against the dense matrix of features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wgflow import Features, Relu, Signed
from wgflow.domains import Circle
from wgflow.networks.half_circles import LONGEST_ARC, HalfCircles

ROUND_OFF = 1e-13


def assert_equal_to_dense_sums(circle, inputs, seed):
    generator = np.random.default_rng(seed)
    mass, coefficients = generator.normal(size=circle.cells), generator.normal(size=len(inputs))
    features = np.maximum(circle.points @ inputs.T, 0.0)
    fast, potential = HalfCircles(circle, inputs), np.empty(circle.cells)
    lengths = np.linalg.norm(inputs, axis=1)
    moments = fast.moments(mass)
    assert (abs(moments - mass @ features) <= ROUND_OFF * lengths * abs(mass).sum()).all()
    fast.potential(coefficients, potential)
    assert abs(potential - features @ coefficients).max() <= ROUND_OFF * (lengths * abs(coefficients)).sum()


@given(st.integers(4, 200), st.integers(1, 30), st.integers(0, 2**32 - 1))
@example(4, 1, 0)
@example(5, 1, 1)
@example(2 * LONGEST_ARC + 1, 7, 2)
@example(4 * LONGEST_ARC, 3, 3)
def test_sums_over_half_circles_equal_dense_sums(cells, count, seed):
    inputs = np.random.default_rng(seed).normal(size=(count, 2)) * np.logspace(-3, 3, count)[:, None]
    assert_equal_to_dense_sums(Circle(cells), inputs, seed)


@given(st.integers(4, 100), st.integers(0, 2**32 - 1))
def test_points_at_the_origin_have_no_feature(cells, seed):
    inputs = np.random.default_rng(seed).normal(size=(6, 2))
    inputs[[0, 3]] = 0.0
    circle = Circle(cells)
    assert_equal_to_dense_sums(circle, inputs, seed)
    moments = HalfCircles(circle, inputs).moments(np.ones(cells))
    assert moments[0] == moments[3] == 0.0


@given(st.integers(4, 100), st.data())
def test_data_on_cell_centres_and_faces_equal_dense_sums(cells, data):
    circle = Circle(cells)
    halves = data.draw(st.lists(st.integers(-2 * cells, 2 * cells), min_size=1, max_size=8))
    angles = 0.5 * circle.spacing * np.array(halves)
    inputs = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    assert_equal_to_dense_sums(circle, inputs, data.draw(st.integers(0, 2**32 - 1)))


def test_the_moment_of_the_uniform_measure_is_twice_the_length_of_the_data_point():
    # int max(cos, 0) over the circle is 2; the midpoint rule errs by h^2/12.
    circle = Circle(1000)
    inputs = np.array([[3.0, 4.0], [-0.6, 0.8], [0.0, -2.0]])
    moments = HalfCircles(circle, inputs).moments(circle.volumes)
    assert abs(moments / np.array([10.0, 2.0, 4.0]) - 1.0).max() < 6.0e-6


@pytest.mark.parametrize("domain", [Circle(50), Signed(Circle(50))], ids=["circle", "signed"])
def test_square_risks_of_data_with_repeated_inputs_are_those_of_all_of_them(domain):
    generator = np.random.default_rng(5)
    inputs, targets = generator.normal(size=(4, 2))[[2, 0, 1, 2, 3, 0, 2]], generator.normal(size=7)
    density, rate = generator.random((2, *domain.shape))
    features = np.maximum(domain.base.points @ inputs.T, 0.0)
    bound = (3.0 * Features(Relu(inputs), targets)).on_grid(domain)

    def predicted(values):
        net = values if domain.sheets == 1 else values[0] - values[1]
        return (net * domain.base.volumes) @ features

    def potential_of(coefficients):
        values = features @ coefficients
        return values if domain.sheets == 1 else np.stack([values, -values])

    residual = predicted(density) - targets
    assert bound.value(density) == pytest.approx(1.5 * np.mean(residual**2), rel=4e-16)
    wanted = potential_of(3.0 / 7.0 * residual)
    assert abs(bound.first_variation(density) - wanted).max() < 1e-15 * abs(wanted).max()
    change = np.empty(domain.shape)
    bound.hessian(rate, change)
    wanted = potential_of(3.0 / 7.0 * predicted(rate))
    assert abs(change - wanted).max() < 1e-15 * abs(wanted).max()
    assert bound.coordinates().shape == (4,)
