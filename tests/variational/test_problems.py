"""Problem files with variational steps."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow

SMALL = ["solver.t_end=1.0", "output.snapshots=2", "output.spacing=linear", "particles.count=256", "jko.tau=0.05"]


def test_the_shipped_teacher_has_the_risk_of_the_population():
    trajectory = wgflow.run(wgflow.open_problem("teacher_jko", [*SMALL, "domain.cells=128"]))
    # Characteristics: 0.3013984 at t = 1.
    assert trajectory.risk[-1] == pytest.approx(0.3013984, rel=2e-4)
    assert trajectory.position.shape == (2, 256, 2)
    assert trajectory.sign.sum() == 0.0


def test_the_shipped_quadratic_problem_lowers_f_with_any_step():
    settings = ["solver.t_end=1000.0", "output.snapshots=3", "jko.tau=500.0", "particles.count=64"]
    trajectory = wgflow.run(wgflow.open_problem("riccati_jko", settings))
    assert trajectory.risk[1] < 1.9e-6 * trajectory.risk[0]
    assert (trajectory.mass == trajectory.mass[0]).all()


def test_a_grid_runs_from_a_file_and_is_resumed(tmp_path):
    problem = wgflow.open_problem(
        "teacher_jko", [*SMALL[:-1], "domain.cells=64", "jko.representation=grid", "output.times=[0.5, 1.0]"]
    )
    whole = wgflow.run(problem)
    half = wgflow.open_problem(
        "teacher_jko",
        [*SMALL[:-1], "domain.cells=64", "jko.representation=grid", "solver.t_end=0.5", "output.times=[0.5]"],
    )
    wgflow.run(half, tmp_path / "a.h5")
    resumed = wgflow.run(problem, tmp_path / "a.h5", resume=True)
    np.testing.assert_array_equal(resumed.density, whole.density)
    assert resumed.risk[-1] == pytest.approx(0.3013984, rel=4e-3)


def test_relu_on_data_agrees_with_finite_volumes():
    settings = ["solver.t_end=0.5", "output.snapshots=2", "problem.dataset.standardize=true"]
    reference = wgflow.run(wgflow.open_problem("el_nino", [*settings, "domain.cells=256"]))
    variational = ["solver.kind=jko", "particles.count=100", "particles.start=equispaced", "jko.tau=0.1", "jko.order=2"]
    trajectory = wgflow.run(wgflow.open_problem("el_nino", [*settings, *variational, "domain.cells=128"]))
    assert trajectory.risk[-1] == pytest.approx(reference.risk[-1], rel=1.5e-4)
    assert reference.risk[-1] < 0.8 * reference.risk[0]


def test_what_is_not_available():
    problem = {
        "problem": {
            "kind": "two_layer",
            "data": "gaussian_teacher",
            "teacher": {"angles": [0.5, 2.0], "weights": [1.0, -1.0]},
        },
        "domain": {"kind": "space", "dimension": 3},
        "initial": {"kind": "balanced"},
        "solver": {"kind": "jko", "t_end": 1.0},
    }
    with pytest.raises(wgflow.InputError, match="for 2 inputs on the circle; found 2 inputs on the domain 'space'"):
        wgflow.open_problem(problem)
    grid = {
        **problem,
        "problem": {"kind": "quadratic", "target": np.eye(3).tolist()},
        "jko": {"representation": "grid"},
    }
    with pytest.raises(wgflow.InputError, match="needs a grid, which the domain 'space' has not"):
        wgflow.open_problem(grid)
