"""Single runs of sweeps: done once, continued, redone, and failing alone."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

import wgflow
from wgflow.app.sweeps import make_plan, runs
from wgflow.app.sweeps.runs import carry_out_run, carry_out_share, read_outcome


@pytest.fixture
def plan(problem):
    return make_plan(problem, {"initial.seed": [0, 1, 2]})


def stop_after(plan, index, path, snapshots):
    """Leave the file of a run that broke off after some of its four snapshots."""
    seen = []

    def stop(snapshot):
        seen.append(snapshot)
        if len(seen) == snapshots:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        wgflow.run(plan.problem(index), path, observers=wgflow.Observers(snapshot=[stop]))


@pytest.fixture
def resumed(monkeypatch):
    """Hear whether runs were continued, and what they were told to replace."""
    heard = []

    def listen(problem, path, **options):
        heard.append(options)
        return wgflow.run(problem, path, **options)

    monkeypatch.setattr(runs, "run", listen)
    return heard


def test_a_run_gives_the_scalars_of_its_trajectory(plan, tmp_path):
    outcome = carry_out_run(plan, tmp_path, 2)
    trajectory = wgflow.run(plan.problem(2))
    assert (outcome.index, outcome.status, outcome.message, outcome.reached_end) == (2, "complete", "", True)
    np.testing.assert_array_equal(outcome.time, trajectory.time)
    assert set(outcome.scalars) == set(trajectory.scalars)
    for name, values in trajectory.scalars.items():
        np.testing.assert_array_equal(outcome.scalars[name], values)


def test_complete_runs_are_not_repeated(plan, tmp_path, resumed):
    first = carry_out_run(plan, tmp_path, 0)
    path = plan.file(tmp_path, 0)
    before = path.stat().st_mtime_ns, path.read_bytes()
    again = carry_out_run(plan, tmp_path, 0)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    assert resumed == [{"overwrite": True}]
    np.testing.assert_array_equal(first.scalars["risk"], again.scalars["risk"])


@pytest.mark.parametrize("snapshots", [1, 3, 4])
def test_unfinished_runs_are_continued(plan, tmp_path, resumed, snapshots):
    """Also one that broke off between its last snapshot and the note that it was complete."""
    path = plan.file(tmp_path, 1)
    stop_after(plan, 1, path, snapshots)
    before = read_outcome(plan, tmp_path, 1)
    assert (before.status, before.time.size, before.reached_end) == ("failed", snapshots, False)
    outcome = carry_out_run(plan, tmp_path, 1)
    assert outcome.status == "complete"
    assert resumed[0] == {"resume": True}
    assert len(resumed) == 1 or snapshots == 4  # what cannot be made complete is done anew
    np.testing.assert_array_equal(wgflow.load(path).position, wgflow.run(plan.problem(1)).position)
    assert read_outcome(plan, tmp_path, 1).status == "complete"


@pytest.mark.parametrize("damage", ["half a file", "an empty file", "another problem"])
def test_files_that_cannot_be_continued_are_replaced(plan, problem, tmp_path, resumed, damage):
    path = plan.file(tmp_path, 1)
    if damage == "another problem":
        stop_after(make_plan({**problem, "particles": {"count": 3}}, {"initial.seed": [0, 1, 2]}), 1, path, 2)
    else:
        stop_after(plan, 1, path, 2)
        path.write_bytes(path.read_bytes()[: 3000 if damage == "half a file" else 0])
    outcome = carry_out_run(plan, tmp_path, 1)
    assert resumed == [{"resume": True}, {"overwrite": True}]
    assert outcome.status == "complete"
    np.testing.assert_array_equal(outcome.scalars["risk"], wgflow.run(plan.problem(1)).risk)


def test_foreign_files_are_kept_and_reported(plan, tmp_path):
    plan.file(tmp_path, 1).write_text("my notes")
    outcome = carry_out_run(plan, tmp_path, 1)
    assert outcome.status == "failed"
    assert "is not a trajectory" in outcome.message
    assert plan.file(tmp_path, 1).read_text() == "my notes"


BOX = {
    "problem": {"kind": "quadratic", "target": [[4.0]]},
    "domain": {"kind": "box", "bounds": [[-2.0, 2.0]], "shape": [32], "wall_warning": 1e-3},
    "initial": {"kind": "gaussian", "covariance": [[0.2]]},
    "solver": {"t_end": 0.3},
    "output": {"snapshots": 31},
}


def test_failures_and_warnings_become_messages(tmp_path):
    plan = make_plan(BOX, {"domain.wall_limit": [2e-3, 1.0]})
    failed, warned = (carry_out_run(plan, tmp_path, index) for index in (0, 1))
    assert (failed.status, failed.reached_end) == ("failed", False)
    assert "wall_limit = 0.002" in failed.message
    assert 0 < failed.time.size < 31
    assert (warned.status, warned.reached_end) == ("complete", True)
    assert "enlarge the box" in warned.message or "wall" in warned.message


def test_shares_end_when_their_time_is_over(plan, tmp_path):
    assert [outcome.index for outcome in carry_out_share(plan, tmp_path, [2, 0, 1], 0.0)] == [2]
    assert [outcome.index for outcome in carry_out_share(plan, tmp_path, [2, 0, 1], 60.0)] == [2, 0, 1]


def test_no_run_begins_after_the_time_of_a_share(plan, tmp_path, monkeypatch):
    """By a clock that moves on by a second whenever it is read."""
    monkeypatch.setattr(runs, "clock", SimpleNamespace(perf_counter=count().__next__))
    assert [outcome.index for outcome in carry_out_share(plan, tmp_path, [2, 0, 1], 1.5)] == [2, 0]
