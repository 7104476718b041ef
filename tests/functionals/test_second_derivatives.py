"""Jacobians and Hessians of feature maps against differences, and against each other."""

from __future__ import annotations

import numpy as np
import pytest

from tests.references import central_difference
from wgflow.functionals import OuterProduct
from wgflow.functionals.feature_maps import hessian_of, jacobian_of, with_gradient
from wgflow.networks import Neurons, SmoothLayer
from wgflow.networks.relu import Relu

GENERATOR = np.random.default_rng(3)
INPUTS = GENERATOR.normal(size=(5, 2))
POINTS = GENERATOR.normal(size=(7, 3))


def plain(points):
    """Features that know no derivative."""
    return np.stack([np.sin(points[:, 0] * points[:, 1]), np.cos(points).sum(axis=1)], axis=1)


MAPS = {
    "tanh": (SmoothLayer(INPUTS), 2, 5),
    "softplus": (SmoothLayer(INPUTS, "softplus"), 2, 5),
    "rounded relu": (Relu(INPUTS, 0.9), 2, 5),
    "outer product": (OuterProduct(), 3, 9),
    "neurons": (Neurons(SmoothLayer(INPUTS)), 3, 5),
    "rounded neurons": (Neurons(Relu(INPUTS, 0.9)), 3, 5),
    "plain": (plain, 3, 2),
    "plain neurons": (Neurons(plain), 3, 2),
}


@pytest.mark.parametrize("name", MAPS)
def test_jacobians_and_hessians_are_the_derivatives(name):
    fn, p, count = MAPS[name]
    points, coefficients = POINTS[:, :p], np.linspace(-1.0, 1.5, count)
    jacobian, hessian = jacobian_of(fn, points), hessian_of(fn, points, coefficients)
    assert jacobian.shape == (7, count, p)
    assert hessian.shape == (7, p, p)
    gradient = with_gradient(fn).gradient
    np.testing.assert_allclose(
        np.einsum("nip,i->np", jacobian, coefficients), gradient(points, coefficients), atol=1e-9
    )
    for axis, step in enumerate(np.eye(p)):
        slopes = central_difference(lambda t, step=step: fn(points + t * step), 1e-3)
        np.testing.assert_allclose(jacobian[:, :, axis], slopes, atol=4.9e-11, rtol=4.9e-10)
        bends = central_difference(lambda t, step=step: gradient(points + t * step, coefficients), 1e-3)
        np.testing.assert_allclose(hessian[:, :, axis], bends, atol=1.1e-8, rtol=1.1e-8)


def test_squared_relu_is_a_parabola_on_one_side():
    layer = SmoothLayer(np.array([[1.0, 2.0]]), "squared_relu")
    hessian = layer.hessian(np.array([[1.0, 1.0], [-1.0, -1.0]]), np.array([3.0]))
    np.testing.assert_array_equal(hessian, [[[6.0, 12.0], [12.0, 24.0]], np.zeros((2, 2))])


def test_exact_relu_has_slopes_and_no_curvature():
    relu = Relu(INPUTS)
    points = POINTS[:, :2]
    assert (relu.hessian(points, np.ones(5)) == 0.0).all()
    np.testing.assert_array_equal(relu.jacobian(points), (points @ INPUTS.T > 0.0)[:, :, None] * INPUTS)
