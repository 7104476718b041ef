"""Random batches in the place of all samples."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.errors import InputError
from wgflow.functionals import Entropy, Features, Mass, OuterProduct, Potential, Quadratic, SobolevDiscrepancy, Sum
from wgflow.functionals.samples import sampled
from wgflow.networks.relu import Relu

INPUTS = np.random.default_rng(0).normal(size=(7, 2))
RISK = Features(Relu(INPUTS), np.arange(7.0))


def drawn(functional):
    return sampled(functional, 3, np.random.default_rng(5), 2)


def test_a_batch_is_a_choice_of_the_data():
    rows = np.random.default_rng(5).integers(7, size=3)
    batch = drawn(RISK)
    np.testing.assert_array_equal(batch.fn.inputs, INPUTS[rows])
    np.testing.assert_array_equal(batch.targets, rows)


@pytest.mark.parametrize("exact", [Mass(0.1), Entropy(0.2), Potential(lambda points: points[:, 0])])
def test_without_samples_there_is_nothing_to_draw(exact):
    assert drawn(exact) is exact
    nested = drawn(Sum((exact, RISK + exact)))
    assert nested.terms[0] is exact
    assert len(nested.terms[1].terms[0].targets) == 3


@pytest.mark.parametrize(
    ("functional", "what"),
    [
        (Quadratic(np.eye(2)), "of OuterProduct features is no average over data points"),
        (Features(OuterProduct(), np.zeros(4)), "of OuterProduct features is no average over data points"),
        (Features(Relu(INPUTS), np.ones(7), "softmin"), "loss = 'softmin' of Relu features is no average"),
        (RISK + SobolevDiscrepancy(np.ones(4), 1.0), "SobolevDiscrepancy is no average over samples; leave out"),
    ],
)
def test_what_is_no_average_says_so(functional, what):
    with pytest.raises(InputError, match=what):
        drawn(functional)
