"""Students of few, regular and infinitely many neurons, and what they end with."""

from __future__ import annotations

import numpy as np

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

figure2 = load_validation("figure2")


def test_neurons_with_another_rate_of_the_input_layer(tmp_path):
    """Five of them end with the same function, and another share of it for each of the two that are aligned."""
    times = np.geomspace(1e-2, 20.0, 20)
    equal = figure2.follow_width(5, times=np.array([0.01, 400.0]), input_rate=1.0, batch=None)
    other = figure2.follow_width(5, times=times, input_rate=100.0, batch=None)
    rows = list(figure2.split_rows(Setting("figure2", tmp_path), equal, other, 100.0))
    assert [row.passed for row in rows] == [True, True]
    ends = [figure2.Ends.of(network) for network in (equal, other)]
    order = np.argsort(ends[0].angles)
    assert (equal.measure(0).signs[order] > 0.0).tolist() == [True, True, False, False, True]
    sizes = np.array([end.sizes[order][:2] for end in ends])
    assert abs(sizes.sum(axis=1) - 5.0).max() < 0.05  # the teacher's neuron at 0.5, times m
    assert abs(sizes - [[4.10, 0.91], [2.95, 2.07]]).max() < 0.05
    limit = figure2.follow_density(figure2.TEACHER, 64, times[:10])
    figure2.draw({5: other}, limit, "title", tmp_path / "figure2.png")
    assert (tmp_path / "figure2.png").exists()


def test_regular_neurons_stand_for_infinitely_many():
    """Their risk is that of the equation on the signed circle: particles on a grid of directions against cells."""
    times = np.array([20.0])
    network = figure2.follow_network(figure2.TEACHER, figure2.regular_network(512), times)
    density = figure2.follow_density(figure2.TEACHER, 1024, times)
    assert abs(network.risk[-1] / density.risk[-1] - 1.0) < 1e-4


def test_the_time_to_learn_is_found():
    """Between outputs of the same flow, and none where the risk stays above."""
    start = figure2.start_network(5, np.random.default_rng(figure2.SEED))
    network = figure2.follow_network(figure2.TEACHER, start, np.linspace(1.0, 300.0, 300))
    learned = figure2.time_to_learn(figure2.TEACHER, start, 300.0)
    exact = np.interp(-np.log(1e-4), -np.log(network.risk), network.time)
    assert abs(learned / exact - 1.0) < 0.01
    assert figure2.time_to_learn(figure2.TEACHER, start, 0.5 * exact) == np.inf


def test_shares_of_runs_above_the_good_risk(tmp_path):
    """After a short time it is all of them."""
    rows = list(figure2.share_rows(Setting("figure2", tmp_path, quick=True), 2, 0.5))
    assert [row.value for row in rows] == [1.0, 1.0, 1.0, 1.0, 0.0]
    assert rows[3].what == "m = infinity: share of 2 runs above risk 0.0001 at t = 0.5"
