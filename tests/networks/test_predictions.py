"""Predictions of the networks in functionals."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.errors import InputError, ShapeError
from wgflow.functionals import Entropy, Features, Mass, Potential, Quadratic, Sum
from wgflow.measures import Particles
from wgflow.networks import Neurons, Population, SmoothLayer, Teacher
from wgflow.networks.predictions import predictions
from wgflow.networks.relu import Relu

RANDOM = np.random.default_rng(3)
DIRECTIONS, PAIRS = (Particles(RANDOM.normal(size=(5, p)), np.ones(5) / 5, np.array([1, -1, 1, 1, -1])) for p in (2, 3))
INPUTS, DATA = RANDOM.normal(size=(4, 2)), RANDOM.normal(size=(6, 2))
POPULATION = Population(Teacher([[1.0, 0.0]], [1.0]))


def network(particles):
    inner, outer = particles.points[:, -2:], particles.points[:, 0] if particles.points.shape[1] == 3 else 1.0
    return (particles.weights * particles.signs * outer) @ np.maximum(inner @ INPUTS.T, 0.0)


@pytest.mark.parametrize(
    "functional",
    [
        POPULATION,
        POPULATION + Mass(0.1),
        Entropy(0.1) + POPULATION,
        Sum((Mass(0.1), Mass(0.1) + (Potential(lambda points: points[:, 0]) + POPULATION))),
    ],
)
@pytest.mark.parametrize("particles", [DIRECTIONS, PAIRS])
def test_the_network_is_found_among_the_terms(functional, particles):
    assert predictions(functional, particles, INPUTS) == pytest.approx(network(particles), abs=1e-15)


def test_features_of_data_predict_at_other_inputs():
    assert predictions(Features(Relu(DATA), np.ones(6)), DIRECTIONS, INPUTS) == pytest.approx(network(DIRECTIONS))
    assert predictions(Features(Neurons(Relu(DATA)), np.ones(6)), PAIRS, INPUTS) == pytest.approx(network(PAIRS))
    smooth = predictions(Features(SmoothLayer(DATA), np.ones(6)), DIRECTIONS, INPUTS)
    charges = DIRECTIONS.weights * DIRECTIONS.signs
    assert smooth == pytest.approx(charges @ np.tanh(DIRECTIONS.points @ INPUTS.T))


def test_what_is_no_network_says_so():
    with pytest.raises(InputError, match="OuterProduct features are no neurons, whose inputs may be changed"):
        predictions(Quadratic(np.eye(2)) + Mass(0.1), DIRECTIONS, INPUTS)
    with pytest.raises(InputError, match="Mass is no network that predicts"):
        predictions(Mass(0.1), DIRECTIONS, INPUTS)
    with pytest.raises(ShapeError, match="data with 5 inputs do not fit points"):
        predictions(POPULATION, DIRECTIONS, np.ones((1, 5)))
