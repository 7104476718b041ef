"""The functions of validation/figure4.py: the direction of descent is predicted by the support vectors alone."""

import runpy
from pathlib import Path

import numpy as np

SCRIPT = runpy.run_path(str(Path(__file__).resolve().parents[3] / "validation/figure4.py"))


def test_the_direction_of_descent_converges_as_the_support_vectors_predict():
    """The error is predicted to 0.2 %; without the constant rho it would be 0, and with another factor far off."""
    inputs, labels = SCRIPT["separable_points"](SCRIPT["SEED"])
    best, times = SCRIPT["linear_margin"](inputs, labels), np.array([1e8, 1e9])
    iterates = SCRIPT["descend"](inputs, labels, times, step=None)
    errors = SCRIPT["direction_errors"](iterates, best)
    predicted = SCRIPT["direction_errors"](SCRIPT["predicted_iterates"](inputs, labels, best, times), best)
    assert abs(errors / predicted - 1.0).max() < 3e-3
    assert errors[1] < errors[0]


def test_growing_steps_follow_the_same_flow():
    inputs, labels = SCRIPT["separable_points"](SCRIPT["SEED"])
    times = np.array([1e2, 1e3])
    small, growing = (SCRIPT["descend"](inputs, labels, times, step=step) for step in (0.1, None))
    assert abs(growing - small).max() < 0.1 * abs(small[1] - small[0]).max()
