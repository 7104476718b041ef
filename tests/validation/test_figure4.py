"""The direction of descent on separable data is predicted by the support vectors alone."""

from __future__ import annotations

import numpy as np

from wgflow.analysis.optimality.margins import linear_margin
from wgflow.app.validation import Setting
from wgflow.app.validation.finding import load_validation

figure4 = load_validation("figure4")


def test_the_direction_of_descent_converges_as_the_support_vectors_predict():
    """The error is predicted to 0.2 %; without the constant rho it would be 0, and with another factor far off."""
    inputs, labels = figure4.separable_points(figure4.SEED)
    best, times = linear_margin(inputs, labels), np.array([1e8, 1e9])
    iterates = figure4.descend(inputs, labels, times, step=None)
    errors = figure4.direction_errors(iterates, best)
    predicted = figure4.direction_errors(figure4.predicted_iterates(inputs, labels, best, times), best)
    assert abs(errors / predicted - 1.0).max() < 3e-3
    assert errors[1] < errors[0]


def test_growing_steps_follow_the_same_flow():
    inputs, labels = figure4.separable_points(figure4.SEED)
    times = np.array([1e2, 1e3])
    small, growing = (figure4.descend(inputs, labels, times, step=step) for step in (0.1, None))
    assert abs(growing - small).max() < 0.1 * abs(small[1] - small[0]).max()


def test_rate_and_constant(tmp_path):
    rows = list(figure4.validate(Setting("figure4", tmp_path, quick=True)))
    assert [row.passed for row in rows] == [True] * 3
    assert (tmp_path / "figure4.png").exists()
