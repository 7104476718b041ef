"""Ascent of the soft-min margin, against plain loops and the largest margins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from tests.references import central_difference
from wgflow.analysis.metrics import relu_predictions
from wgflow.analysis.optimality.margins import feature_margin, kernel_margin, variation_margin
from wgflow.errors import ComputationError, InputError, ShapeError
from wgflow.networks.population import arc_cosine_kernel
from wgflow.networks.relu import Relu
from wgflow.networks.training import ascent
from wgflow.networks.training.classifiers import MarginAscent, Network, draw_network, error_rate, margin
from wgflow.networks.training.clusters import Clusters
from wgflow.networks.training.kernels import classifiers as kernels

CHECKERED = Clusters(np.array([[1.0, -1.0], [-1.0, 1.0]]), 3)


@pytest.fixture(scope="module")
def data():
    return CHECKERED.draw(13, np.random.default_rng(1))


@pytest.fixture(scope="module")
def start():
    return draw_network(30, 3, np.random.default_rng(2))


def values(outputs, weights, inputs):
    return np.maximum(inputs @ weights.T, 0.0) @ outputs / len(outputs)


def soft_margin(outputs, weights, inputs, labels):
    return np.log(len(labels)) - logsumexp(-labels * values(outputs, weights, inputs))


def plain_ascent(start, inputs, labels, iterations, step=0.5):
    """Both layers, neuron by neuron, as the formula says."""
    a, b = start.outputs.copy(), start.inputs.copy()
    for t in range(iterations):
        pull = softmax(-labels * values(a, b, inputs)) * labels
        slope_a, slope_b = np.zeros_like(a), np.zeros_like(b)
        for j in range(len(a)):
            for p, x in zip(pull, inputs, strict=True):
                slope_a[j] += p * max(b[j] @ x, 0.0)
                slope_b[j] += p * a[j] * (b[j] @ x > 0.0) * x
        a += step / np.sqrt(t + 1.0) * slope_a
        b += step / np.sqrt(t + 1.0) * slope_b
    return a, b


def plain_output_ascent(features, labels, iterations, step=0.5):
    """Output weights of m neurons with given features (m, n), from 0."""
    a, norms = np.zeros(len(features)), []
    for t in range(iterations):
        pull = softmax(-labels * (a @ features) / len(a)) * labels
        norms.append(np.linalg.norm(a) / np.sqrt(len(a)))
        a = a + step / np.sqrt(t + 1.0) * max(1.0, norms[-1]) * (features @ pull)
    return a, max(norms)


@pytest.mark.parametrize(("precision", "accuracy"), [("float64", 1e-12), ("float32", 2e-5)])
def test_training_both_layers_is_the_formula(data, start, precision, accuracy):
    trained = MarginAscent(25, precision=precision).train(start, *data)
    a, b = plain_ascent(start, *data, 25)
    factor = np.exp(0.5 * trained.log_scale)
    assert abs(factor * trained.outputs - a).max() < accuracy * abs(a).max()
    assert abs(factor * trained.inputs - b).max() < accuracy * abs(b).max()
    assert np.exp(trained.log_scale) * trained.predict(data[0]) == pytest.approx(values(a, b, data[0]), rel=2.3e-7)


def test_a_small_step_goes_up_the_gradient_in_mean_field_scaling(data, start):
    """By finite differences of the objective, m times for m neurons of weight 1/m."""
    step = 1e-7
    trained = MarginAscent(1, step=step).train(start, *data)
    factor = np.exp(0.5 * trained.log_scale)
    moved_a, moved_b = (
        (factor * trained.outputs - start.outputs) / step,
        (factor * trained.inputs - start.inputs) / step,
    )
    direction = np.random.default_rng(0).normal(size=(30, 4))
    slope = central_difference(
        lambda s: soft_margin(start.outputs + s * direction[:, 0], start.inputs + s * direction[:, 1:], *data), 1e-4
    )
    found = (np.sum(moved_a * direction[:, 0]) + np.sum(moved_b * direction[:, 1:])) / 30.0
    assert found == pytest.approx(slope, rel=6e-10)


@pytest.mark.parametrize("step", [0.5, 20.0])
def test_the_output_layer_by_its_kernel_has_the_iterates_of_the_direct_ascent(data, start, step):
    """Also where the norm exceeds 1 and multiplies the step, which it does with the larger one."""
    inputs, labels = data
    trained = MarginAscent(40, step=step).train_outputs(start.inputs, inputs, labels)
    expected, norm = plain_output_ascent(np.maximum(start.inputs @ inputs.T, 0.0), labels, 40, step)
    assert (norm > 1.5) == (step == 20.0)
    assert np.exp(trained.log_scale) * trained.outputs == pytest.approx(expected, rel=5.5e-14)
    assert np.array_equal(trained.inputs, start.inputs)


def test_the_infinite_output_layer_is_the_limit_of_wide_ones(data):
    """Of the same number of iterations: the function of 20000 random neurons, to a few of its m^(-1/2)."""
    inputs, labels = data
    ascent, wide = MarginAscent(300), draw_network(20_000, 3, np.random.default_rng(0))
    network, limit = ascent.train_outputs(wide.inputs, inputs, labels), ascent.train_infinite(inputs, labels)
    places = CHECKERED.draw(50, np.random.default_rng(5))[0]
    first, second = network.predict(places) / network.output_norm, limit.predict(places) / limit.norm
    assert abs(first - second).max() < 0.02 * abs(second).max()


def test_trained_networks_approach_the_largest_margins_from_below(data):
    inputs, labels = data
    start = draw_network(60, 3, np.random.default_rng(2))
    both = MarginAscent(5000).train(start, inputs, labels)
    share = margin(both, inputs, labels) / both.variation / variation_margin(inputs, labels).margin
    assert 0.95 < share <= 1.0 + 1e-6  # 0.975
    outputs = MarginAscent(100_000).train_outputs(start.inputs, inputs, labels)
    own = feature_margin(Relu(inputs)(start.inputs).T, labels).margin / np.sqrt(3.0)
    assert 0.99 < margin(outputs, inputs, labels) / outputs.output_norm / own <= 1.0 + 1e-9  # 0.996
    limit = MarginAscent(100_000).train_infinite(inputs, labels)
    assert 0.99 < margin(limit, inputs, labels) / limit.norm / kernel_margin(inputs, labels).margin <= 1.0 + 1e-9


def test_dividing_by_a_common_factor_changes_no_iterate(data, start, monkeypatch):
    plain = MarginAscent(200).train(start, *data)
    monkeypatch.setattr(ascent, "LARGEST", 0.0)
    divided = MarginAscent(200).train(start, *data)
    for name in ("outputs", "inputs", "log_scale"):
        assert getattr(divided, name) == pytest.approx(getattr(plain, name), rel=4.5e-13)


def test_a_training_goes_on_where_another_ended(data, start):
    """With steps that go on falling."""
    whole = MarginAscent(300).train(start, *data)
    part = MarginAscent(100).train(start, *data)
    continued = MarginAscent(200).train(part, *data, done=100)
    for name in ("outputs", "inputs", "log_scale"):
        assert getattr(continued, name) == pytest.approx(getattr(whole, name), rel=1.2e-13)


@pytest.fixture
def counts(monkeypatch):
    """Numbers of data in the steps of all blocks, as they are taken."""
    found, take_steps = [], ascent.BothLayers._take_steps

    def count(self, chosen, rates):
        found.append(int(chosen.sum()))
        return take_steps(self, chosen, rates)

    monkeypatch.setattr(ascent.BothLayers, "_take_steps", count)
    return found


@pytest.mark.parametrize(("log_scale", "step", "share"), [(6.0, 0.5, 0.95), (7.0, 0.005, 0.8), (800.0, 0.05, 0.9)])
def test_data_that_are_left_out_change_no_step(data, start, monkeypatch, counts, log_scale, step, share):
    """Against steps with all data, also where the smallest margin alone counts."""
    large, training = Network(start.outputs, start.inputs, log_scale), MarginAscent(2000, step)
    some = training.train(large, *data)
    assert len(counts) == 100
    assert np.mean(counts) < share * 13
    monkeypatch.setattr(ascent, "CAUTION", np.inf)
    every = training.train(large, *data)
    assert counts[100:] == [13] * 100
    for name in ("outputs", "inputs", "log_scale"):
        assert getattr(some, name) == pytest.approx(getattr(every, name), rel=1e-9, abs=1e-12)


def test_a_block_in_which_data_that_were_left_out_come_to_count_is_done_again(data, start, monkeypatch, counts):
    large = Network(start.outputs, start.inputs, 10.0)
    expected = MarginAscent(400).train(large, *data)
    assert len(counts) == 20
    monkeypatch.setattr(ascent, "CAUTION", 2.0)
    repeated = MarginAscent(400).train(large, *data)
    assert len(counts) == 20 + 22
    assert counts[20:].count(13) >= 2
    assert repeated.outputs == pytest.approx(expected.outputs, rel=1e-14)


def test_weights_that_no_number_holds_do_not_overflow(data, start):
    """Beyond e^800 the smallest margin alone counts, and is raised."""
    inputs, labels = data
    both = MarginAscent(3000).train(Network(start.outputs, start.inputs, 800.0), inputs, labels)
    assert both.log_scale > 802.0
    assert margin(both, inputs, labels) > 0.0


def test_the_smallest_margin_alone_counts_in_the_output_layer_beyond_numbers(data):
    """The kernel against a plain loop, from a factor e^800 on, and dividing where numbers are large."""
    inputs, labels = data
    matrix = arc_cosine_kernel(inputs, inputs) * np.outer(labels, labels)
    coefficients = 1e14 * np.random.default_rng(0).random(13)
    margins, expected = matrix @ coefficients, coefficients.copy()
    for t in range(50):
        found = matrix @ expected
        expected[found.argmin()] += 0.5 / np.sqrt(t + 1.0) * np.sqrt(expected @ found)
    work = np.empty(13 + kernels.ROWS), np.empty(13 + kernels.ROWS, np.int64)
    log_scale = kernels.ascend_outputs(matrix, coefficients, margins, *work, 800.0, 0.5, 0, 50)
    assert log_scale > 820.0
    assert np.exp(log_scale - 800.0) * coefficients == pytest.approx(expected, rel=1.9e-13)
    assert margins == pytest.approx(matrix @ coefficients, rel=1.1e-13)


def test_a_network_is_a_measure_of_its_neurons(start):
    places = CHECKERED.draw(20, np.random.default_rng(5))[0]
    assert start.predict(places) == pytest.approx(values(start.outputs, start.inputs, places), rel=1e-12)
    assert relu_predictions(start.measure, places) == pytest.approx(start.predict(places), rel=1e-12)
    variation = sum(abs(a) * np.linalg.norm(b) for a, b in zip(start.outputs, start.inputs, strict=True)) / 30.0
    assert start.variation == pytest.approx(variation, rel=1e-12)
    assert start.output_norm == pytest.approx(np.linalg.norm(start.outputs) * np.sqrt(3.0 / 30.0), rel=1e-12)


class Fixed:
    def __init__(self, found):
        self.found = np.array(found)

    def predict(self, inputs):
        return self.found[: len(inputs)]


def test_what_is_not_on_the_right_side_is_an_error():
    """A value of 0 and one that is not a number too."""
    labels = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    assert error_rate(Fixed([2.0, -1.0, -1.0, 0.0, np.nan]), np.ones((5, 3)), labels) == pytest.approx(0.6, rel=1e-14)
    assert margin(Fixed([2.0, -1.0, -3.0, 0.0, 1.0]), np.ones((5, 3)), labels) == -3.0


def test_progress_is_reported(data, start):
    for train in (
        lambda report: MarginAscent(2500).train(start, *data, report),
        lambda report: MarginAscent(2500).train_outputs(start.inputs, *data, report),
        lambda report: MarginAscent(2500).train_infinite(*data, report),
    ):
        done = []
        train(done.append)
        assert done == [1000, 2000, 2500]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "iterations = 0"),
        ({"iterations": 1, "step": np.inf}, "step = inf"),
        ({"iterations": 1, "precision": "half"}, "precision = 'half'"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(InputError, match=message):
        MarginAscent(**options)


def test_data_are_checked(data, start):
    (inputs, labels), ascent = data, MarginAscent(9)
    with pytest.raises(InputError, match="labels hold 2"):
        ascent.train(start, inputs, 2.0 * np.abs(labels))
    with pytest.raises(ShapeError, match="do not fit"):
        ascent.train_outputs(start.inputs, inputs, labels[1:])
    with pytest.raises(ShapeError, match="finite"):
        ascent.train_infinite(np.inf * inputs, labels)
    for train in (
        lambda: ascent.train(start, inputs[:, 1:], labels),
        lambda: ascent.train_outputs(start.inputs, inputs[:, 1:], labels),
    ):
        with pytest.raises(ShapeError, match="neurons of 3 inputs"):
            train()
    with pytest.raises(ShapeError, match="no network"):
        Network(start.outputs[1:], start.inputs)
    with pytest.raises(ComputationError, match="diverged"):
        MarginAscent(9, step=1e200).train(start, inputs, labels)
