"""Losses: values, gradients and curvatures, for ordinary and for huge margins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.references import central_difference
from wgflow.errors import InputError
from wgflow.functionals import LOSSES, find_loss
from wgflow.functionals.losses import HALF_SQUARED_NORM

EVERY_LOSS = [*LOSSES.values(), HALF_SQUARED_NORM]
H, Y = np.array([0.3, -1.2, 2.0]), np.array([1.0, 1.0, -1.0])


def data(loss, seed, count=5):
    generator = np.random.default_rng(seed)
    labels = generator.choice([-1.0, 1.0], size=count)
    return 2.0 * generator.normal(size=count), labels if loss.labels else generator.normal(size=count)


def test_values_are_those_of_the_formulas():
    margins = Y * H
    assert find_loss("square").evaluate(H, Y)[0] == pytest.approx((0.7**2 + 2.2**2 + 3.0**2) / 6.0, rel=1e-15)
    assert find_loss("logistic").evaluate(H, Y)[0] == pytest.approx(np.log(1 + np.exp(-margins)).mean(), rel=1e-15)
    assert find_loss("softmin").evaluate(H, Y)[0] == pytest.approx(np.log(np.exp(-margins).mean()), rel=1e-14)
    assert HALF_SQUARED_NORM.evaluate(H, Y)[0] == pytest.approx((0.7**2 + 2.2**2 + 3.0**2) / 2.0, rel=1e-15)


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=lambda loss: loss.name)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_gradient_is_the_derivative_of_the_value(loss, seed):
    prediction, target = data(loss, seed)
    direction = np.random.default_rng(seed + 1).normal(size=prediction.size)
    slope = central_difference(lambda s: loss.evaluate(prediction + s * direction, target)[0], 2e-3)
    assert slope == pytest.approx(loss.evaluate(prediction, target)[1] @ direction, abs=1e-9)


def hessian_of(loss, prediction, target):
    def gradient_along(axis):
        unit = np.eye(prediction.size)[axis]
        return central_difference(lambda s: loss.evaluate(prediction + s * unit, target)[1], 2e-3)

    return np.array([gradient_along(axis) for axis in range(prediction.size)])


@pytest.mark.parametrize("name", ["square", "logistic"])
@given(seed=st.integers(0, 2**32 - 1))
def test_the_curvature_of_separable_losses_is_their_hessian(name, seed):
    loss = find_loss(name)
    prediction, target = data(loss, seed)
    expected = hessian_of(loss, prediction, target)
    assert abs(np.diag(loss.curvature(prediction, target)) - expected).max() < 1e-9


@given(seed=st.integers(0, 2**32 - 1))
def test_the_curvature_of_softmin_lies_above_its_hessian(seed):
    loss = find_loss("softmin")
    prediction, target = data(loss, seed)
    gap = np.diag(loss.curvature(prediction, target)) - hessian_of(loss, prediction, target)
    assert np.linalg.eigvalsh(gap).min() > -1e-9
    gradient = loss.evaluate(prediction, target)[1]
    assert abs(gap - np.outer(gradient, gradient)).max() < 1e-9


@pytest.mark.parametrize("size", [750.0, 1e6, 1e300])
def test_huge_margins_neither_overflow_nor_vanish(size):
    target, prediction = np.array([1.0, -1.0]), np.array([-size, 0.0])
    logistic, slope = find_loss("logistic").evaluate(prediction, target)
    assert logistic == pytest.approx(0.5 * (size + np.log(2.0)), rel=1e-15)
    assert slope == pytest.approx([-0.5, 0.25], rel=1e-15)
    softmin, slope = find_loss("softmin").evaluate(prediction, target)
    assert softmin == pytest.approx(size - np.log(2.0), rel=1e-15)
    assert slope == pytest.approx([-1.0, 0.0], abs=1e-15)
    for loss in (find_loss("logistic"), find_loss("softmin")):
        assert np.isfinite(loss.curvature(prediction, target)).all()


def test_large_positive_margins_leave_their_exponentially_small_risk():
    prediction, target = np.array([40.0, -40.0]), np.array([1.0, -1.0])
    risk, slope = find_loss("logistic").evaluate(prediction, target)
    assert risk == pytest.approx(np.exp(-40.0), rel=1e-14)
    assert slope == pytest.approx([-0.5 * np.exp(-40.0), 0.5 * np.exp(-40.0)], rel=1e-13)


def test_an_unknown_loss_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match=r"'hinge' is unknown; choose one of square, logistic, softmin"):
        find_loss("hinge")
