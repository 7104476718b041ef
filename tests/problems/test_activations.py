"""Networks with smooth activations from problem files."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow.app.run_comparison import compare

X = np.linspace(-1.5, 1.5, 9)


@pytest.fixture
def problem(tmp_path):
    np.savez(tmp_path / "data.npz", x=X, y=np.sin(2.0 * X))
    return {
        "problem": {
            "kind": "two_layer",
            "activation": "tanh",
            "dataset": {"path": str(tmp_path / "data.npz"), "output": "y", "bias": False, "standardize": False},
        },
        "domain": {"kind": "box", "bounds": [[-5.0, 5.0], [-5.0, 5.0]], "shape": [96, 96]},
        "initial": {"kind": "gaussian", "covariance": [[0.5, 0.2], [0.2, 0.4]]},
        "solver": {"t_end": 2.0},
        "particles": {"count": 2**12, "start": "stratified"},
        "output": {"snapshots": 3},
    }


@pytest.mark.parametrize("activation", ["tanh", "softplus", "squared_relu"])
def test_box_and_particles_learn_the_same(problem, activation):
    problem["problem"]["activation"] = activation
    problem["solver"]["t_end"] = 0.5
    box = wgflow.run(problem)
    space = {"kind": "space", "dimension": 2}
    network = wgflow.run({**problem, "domain": space, "solver": {"t_end": 0.5, "kind": "particles"}})
    assert box.risk[-1] < 0.98 * box.risk[0]
    assert network.risk == pytest.approx(box.risk, rel=0.01)


def test_the_risk_at_the_start_is_that_of_the_formula(problem):
    trajectory = wgflow.run(
        {**problem, "domain": {"kind": "space", "dimension": 2}, "solver": {"t_end": 0.1, "kind": "particles"}}
    )
    a, b = trajectory.position[0].T
    outputs = np.tanh(np.outer(X, b)) @ a / len(a)
    assert trajectory.risk[0] == pytest.approx(0.5 * ((outputs - np.sin(2.0 * X)) ** 2).mean(), rel=1e-13)


def test_predictors_are_compared_with_their_activation(problem):
    opened = wgflow.open_problem(problem)
    trajectory = wgflow.run(problem)
    assert compare(trajectory, trajectory, opened).columns["predictors"].max() == 0.0
    problem["initial"]["covariance"] = [[0.5, 0.0], [0.0, 0.4]]  # symmetric, so that h = 0 at the start
    other = wgflow.run(problem)
    found = compare(trajectory, other, opened).columns["predictors"][0]
    measure = trajectory.measure(0)
    outputs = np.tanh(np.outer(X, measure.points[:, 1])) @ (measure.weights * measure.points[:, 0])
    assert abs(outputs).max() > 0.05
    assert found == pytest.approx(np.sqrt((outputs**2).mean()), rel=1e-13)


def test_batches_take_some_of_the_data(problem):
    problem["domain"] = {"kind": "space", "dimension": 2}
    problem["solver"] = {"t_end": 4.0, "kind": "particles"}
    problem["particles"] = {"count": 200, "method": "euler", "step": 0.02, "batch": 3}
    trajectory = wgflow.run(problem)
    assert trajectory.risk[-1] < 0.7 * trajectory.risk[0]
