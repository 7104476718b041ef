"""Smooth activations: values of the formulas, gradients, and networks of pairs (a, b) on data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.functionals.problems import INPUTS, VALUES, random_density
from tests.references import central_difference
from wgflow.domains import Box
from wgflow.errors import InputError, ShapeError
from wgflow.functionals import Features
from wgflow.measures import Particles
from wgflow.networks import SMOOTH_ACTIVATIONS, Neurons, SmoothLayer

for_every_activation = pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
FORMULAS = {
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "softplus": lambda z: np.log(1.0 + np.exp(z)),
    "squared_relu": lambda z: 0.5 * z * (z + np.abs(z)),
}


def problem(seed, activation):
    """A layer in a random dimension, points and coefficients, with no product near the kink of a squared ReLU."""
    generator = np.random.default_rng(seed)
    dimension = int(generator.integers(1, 9))
    inputs, points = generator.normal(size=(7, dimension)), generator.normal(size=(5, dimension))
    inputs *= np.where(abs(points @ inputs.T).min(axis=0) < 0.02, 0.0, 1.0)[:, None]
    return SmoothLayer(inputs, activation), points, generator.normal(size=7)


@for_every_activation
def test_features_are_those_of_the_formula(activation):
    points = np.random.default_rng(1).normal(size=(6, 2))
    assert abs(SmoothLayer(INPUTS, activation)(points) - FORMULAS[activation](points @ INPUTS.T)).max() < 1e-14


@pytest.mark.filterwarnings("error")
def test_large_arguments_do_not_overflow():
    far = np.array([[-1e4], [1e4]])
    assert SmoothLayer([[1.0]], "softplus")(far).ravel().tolist() == [0.0, 1e4]
    assert SmoothLayer([[1.0]], "softplus").gradient(far, np.ones(1)).ravel().tolist() == [0.0, 1.0]
    assert SmoothLayer([[1.0]], "tanh").gradient(far, np.ones(1)).ravel().tolist() == [0.0, 0.0]


@for_every_activation
@given(seed=st.integers(0, 2**32 - 1))
def test_gradients_are_derivatives(activation, seed):
    layer, points, coefficients = problem(seed, activation)
    pairs = np.column_stack([np.random.default_rng(seed).normal(size=5), points])
    for features, places in ((layer, points), (Neurons(layer), pairs)):
        gradient = features.gradient(places, coefficients)
        for axis, unit in enumerate(np.eye(places.shape[1])):

            def value(s, features=features, places=places, unit=unit):
                return features(places + s * unit) @ coefficients

            expected = central_difference(value, 1e-3)
            assert abs(gradient[:, axis] - expected).max() < 1e-8 * max(1.0, abs(expected).max())


@for_every_activation
def test_a_box_of_pairs_is_a_set_of_particles(activation):
    box = Box([[-1.0, 2.0], [-2.0, 1.0], [-1.5, 1.5]], (5, 7, 6))
    functional, density = Features(Neurons(SmoothLayer(INPUTS, activation)), VALUES), random_density(box, 1)
    masses = (density * box.volumes).ravel()
    expected = functional.at_particles(Particles(box.points.reshape(-1, 3), masses, np.ones(masses.size)))
    bound = functional.on_grid(box)
    assert bound.value(density) == pytest.approx(expected.energy, rel=1e-12)
    difference = bound.first_variation(density).ravel() - expected.potential
    assert abs(difference).max() < 1e-13 * max(abs(expected.potential).max(), 1.0)


def test_a_layer_restricted_to_some_data_gives_their_features():
    layer, rows = SmoothLayer(INPUTS, "softplus"), np.array([4, 0, 4])
    points = np.random.default_rng(2).normal(size=(3, 2))
    assert (layer.restricted(rows)(points) == layer(points)[:, rows]).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="activation = 'relu' is unknown; choose one of tanh, softplus"):
        SmoothLayer(INPUTS, "relu")
    with pytest.raises(ShapeError, match="inputs of shape"):
        SmoothLayer([1.0, 2.0])
    with pytest.raises(ShapeError, match="3 components do not fit data with 2 inputs"):
        SmoothLayer(INPUTS)(np.ones((4, 3)))
    with pytest.raises(ShapeError, match="one column for each target"):
        Features(Neurons(SmoothLayer(INPUTS)), [1.0]).at_particles(Particles(np.ones((1, 3)), np.ones(1), np.ones(1)))
