"""Entropies in problem files: diffusion on grids, and noise for particles."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow import InputError

BOX = {
    "problem": {"kind": "quadratic", "target": [[1.0]], "temperature": 0.3, "regularization": 0.1},
    "domain": {"kind": "box", "bounds": [[-5.0, 5.0]], "shape": [64]},
    "initial": {"kind": "gaussian", "covariance": 0.2, "seed": 2},
    "solver": {"t_end": 0.5},
    "finite_volume": {"limiter": "van_leer"},
    "particles": {"count": 5_000, "method": "langevin", "step": 0.01},
    "output": {"times": [0.25, 0.5]},
}
NOISY = ["solver.kind=particles"]


def test_grid_and_particles_have_the_same_risk():
    grid, noisy = (wgflow.run(wgflow.open_problem(BOX, settings)) for settings in ([], NOISY))
    moment = (noisy.position[-1] ** 2).std() / np.sqrt(5_000)
    slope = abs(1.0 - (noisy.position[-1] ** 2).mean())
    assert abs(noisy.risk[-1] - grid.risk[-1]) < 4.0 * slope * moment + 2e-3 < 0.02
    assert grid.risk[0] - grid.risk[-1] > 0.2
    assert noisy.energy == pytest.approx(noisy.risk + 0.1, rel=1e-12)


def test_a_noisy_run_is_resumed_bit_by_bit(tmp_path):
    small = [*NOISY, "particles.count=50"]
    whole = wgflow.run(wgflow.open_problem(BOX, small))
    wgflow.run(wgflow.open_problem(BOX, [*small, "solver.t_end=0.25", "output.times=[0.25]"]), tmp_path / "a.h5")
    resumed = wgflow.run(wgflow.open_problem(BOX, small), tmp_path / "a.h5", resume=True)
    np.testing.assert_array_equal(resumed.position, whole.position)
    other = wgflow.run(wgflow.open_problem(BOX, [*small, "initial.seed=3"]))
    assert (other.position[-1] != whole.position[-1]).all()


def test_walls_hold_noisy_particles():
    walls = ["domain.bounds=[[-0.5, 0.5]]", "domain.wall_limit=1.0", "domain.wall_warning=1.0"]
    narrow = [*NOISY, *walls, "particles.count=1000"]
    sections = {**BOX, "initial": {"kind": "uniform"}}
    position = wgflow.run(wgflow.open_problem(sections, narrow)).position
    assert 0.49 < abs(position).max() <= 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["solver.kind=jko"], 'temperature = 0.3 has no solver "jko"'),
        ([*NOISY, "particles.method=euler"], 'method = "euler" does not give; choose "langevin" and a step'),
        ([*NOISY, "solver.reaction=1.0"], r'method = "langevin" does not change weights, .* \[solver\] reaction = 0'),
        ([*NOISY, "solver.stationarity=0.1"], "stationarity needs an F that falls"),
        (["problem.temperature=-1.0"], "temperature"),
    ],
)
def test_what_does_not_fit_is_named(settings, message):
    with pytest.raises(InputError, match=message):
        wgflow.open_problem(BOX, settings)
