"""The guard of the walls of a box."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow import Box, Circle, Quadratic, Signed, solve
from wgflow.errors import ComputationError, InputError
from wgflow.walls import WallGuard, wall_shares


def test_shares_of_the_walls():
    box = Box([(0.0, 1.0), (0.0, 1.0)], (4, 5), periodic=[False, True])
    density = np.zeros((4, 5))
    density[0, 2], density[-1, 0], density[1, 1] = 1.0, 2.0, 5.0
    expected = {"lower end of axis 0": 0.125, "upper end of axis 0": 0.25}
    assert wall_shares(box, density) == expected
    assert wall_shares(Signed(box), np.stack([density, density])) == expected
    assert wall_shares(Circle(8), np.ones(8)) == {}


def test_a_flow_that_reaches_a_wall_stops_and_keeps_what_was_written(tmp_path):
    """The target (4, 0.3) in the first direction drives the Gaussian through x = +-2."""
    problem = {
        "problem": {"kind": "quadratic", "target": [[4.0, 0.0], [0.0, 0.3]]},
        "domain": {"kind": "box", "bounds": [[-2.0, 2.0], [-3.0, 3.0]], "shape": [32, 32]},
        "initial": {"kind": "gaussian", "covariance": [[0.2, 0.0], [0.0, 0.2]]},
        "solver": {"t_end": 2.0},
        "output": {"snapshots": 21},
    }
    with pytest.raises(ComputationError, match=r"end of axis 0 hold .* wall_limit = 0.01; enlarge the box"):
        wgflow.run(problem, tmp_path / "run.h5")
    kept = wgflow.load(tmp_path / "run.h5")
    assert kept.status == "failed"
    assert 1 < len(kept.time) < 21
    allowed = {**problem, "domain": {**problem["domain"], "wall_limit": 1.0}}
    resumed = wgflow.run(allowed, tmp_path / "run.h5", resume=True)
    assert resumed.status == "complete"
    np.testing.assert_array_equal(resumed.density, wgflow.run(allowed).density)


def test_solve_watches_walls_on_demand():
    box = Box([(-1.0, 1.0)], 16)
    assert solve(Quadratic(np.eye(1)), box, np.ones(16), 0.1).status == "complete"
    with pytest.raises(ComputationError, match="lower end of axis 0"):
        solve(Quadratic(np.eye(1)), box, np.ones(16), 0.1, wall_limit=0.01)


@pytest.mark.parametrize("limit", [0.0, -0.1, 1.5, float("nan")])
def test_limits_are_checked(limit):
    with pytest.raises(InputError, match="wall_limit"):
        WallGuard(Box([(-1.0, 1.0)], 16), limit)
