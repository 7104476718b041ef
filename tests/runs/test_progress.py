"""What is said of how far a run is: the same on a terminal, in a log and in a notebook; clocks are made up."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import numba
import numpy as np
import pytest

import wgflow
from wgflow.runs import progress
from wgflow.runs.progress import Follower, Outlook, _Moving, duration, shown_progress
from wgflow.system.stages import tell_stage

RISK, CIRCLE = wgflow.Quadratic(np.eye(2)), wgflow.Circle(16)


def state(time):
    return SimpleNamespace(time=time, energy=0.125)


def followed(outlook, steps, seconds=2.0, compiled=0.0):
    """A follower after steps to t = 1, 2, ..., each of some seconds, on the way to t = 40."""
    now = itertools.chain([100.0], itertools.count(100.0, seconds))
    follower = Follower(outlook, lambda: compiled, lambda: next(now))
    for number in range(1, steps + 1):
        follower(state(float(number)))
    follower._now = lambda: 100.0 + seconds * steps
    return follower


def test_where_a_run_is_and_what_is_left():
    follower = followed(Outlook(40.0, 4), 10)
    assert follower.pace.share == pytest.approx(0.25)
    assert " ".join(follower.reached(state(10.0)).split()) == "t = 10 F = 1.2500e-01 10 steps 60 s left"


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (wgflow.Limits(), "60 s left"),
        (wgflow.Limits(stationarity=1e-3), "at most 60 s left"),
        (wgflow.Limits(until=lambda state: state.risk < 0.1), "at most 60 s left"),
        (wgflow.Limits(wall_time=50.0, since=95.0), "25 s left"),
        (wgflow.Limits(wall_time=10.0, since=95.0), "0 s left"),
    ],
)
def test_what_ends_a_run_before_its_last_time(limits, said):
    """The clock reads 120 s then: of 50 s from 95 s on, 25 s are left."""
    assert followed(Outlook(40.0, 4, limits=limits), 10).left() == said


def test_at_the_end_nothing_is_left():
    follower = followed(Outlook(10.0, 4), 10)
    assert (follower.left(), follower.pace.share) == ("", 1.0)
    assert followed(Outlook(10.0, 4), 0).left() == ""


def test_seconds_of_compilation_are_left_out():
    """The third step compiles for 500 s."""
    clock, compiled = iter([0.0, 0.0, 2.0, 4.0, 506.0, 508.0]), iter([0.0, 0.0, 0.0, 500.0, 500.0])
    follower = Follower(Outlook(40.0, 4), lambda: next(compiled), lambda: next(clock))
    for time in (1.0, 2.0, 3.0, 4.0):
        follower(state(time))
    assert follower.pace.seconds_left == pytest.approx(72.0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119.0, "119 s"), (180.0, "3 min"), (9000.0, "2.5 h"), (259200.0, "3.0 days")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


class Shown(_Moving):
    """A display that keeps what it shows."""

    def __init__(self):
        super().__init__()
        self.texts = []

    def _show(self, share, text):
        assert 0.0 <= share <= 1.0
        self.texts.append(text)


def test_preparing_says_what_it_does(monkeypatch):
    display = Shown()
    monkeypatch.setattr(progress, "_make_display", lambda: display)
    with shown_progress(True) as outer, shown_progress(True) as inner:
        assert outer is inner is display
        tell_stage("mesh of the sphere, 40962 cells")
        tell_stage("mesh of the sphere, 40962 cells")
        observers = inner.watch(Outlook(2.0, 1))
        observers.step[0](state(1.0))
        tell_stage("after the first step it is not told")
    tell_stage("nor when nobody listens")
    assert display.texts == ["preparing: mesh of the sphere, 40962 cells"] * 2  # again when the run begins


def test_features_and_compilation_are_told(monkeypatch):
    display = Shown()
    monkeypatch.setattr(progress, "_make_display", lambda: display)
    data = np.array([[1.0, 0.5], [-0.5, 1.0]])
    risk = wgflow.Features(lambda points: np.tanh(points @ data.T), np.ones(2))
    wgflow.solve(risk, CIRCLE, np.ones(16), 0.1, times=[], estimate=True, progress=True)
    told = dict.fromkeys(display.texts)
    wanted = [
        "preparing: features of 2 points at 16 cells",
        "preparing: coarse run with 4 cells",
        "preparing: features of 2 points at 4 cells",
        "preparing: coarse run with 8 cells",
    ]
    assert [text for text in told if text in wanted] == wanted
    compiling = []
    with wgflow.compilation.watch_compilation(lambda: compiling.append(1)) as seconds:
        assert seconds() == 0.0
        numba.njit(lambda x: x + 1.0)(1.0)  # which is kept nowhere
        assert seconds() > 0.0
    assert compiling


@pytest.mark.parametrize("solver", ["grid", "particles", "steps", "characteristics", "implicit"])
def test_every_solver_is_followed(solver, capsys):
    """The first line is 0 %, the last one 100 %, and between them the part of the steps."""
    ones, start = np.ones(16), wgflow.Particles(np.eye(2), np.full(2, 0.5), np.ones(2))
    line = wgflow.Box([(-2.0, 2.0)], 16)
    known = {"times": [0.5], "progress": True}
    if solver == "particles":
        trajectory = wgflow.simulate(RISK, start, 1.0, domain=wgflow.Space(2), **known)
    elif solver == "steps":
        trajectory = wgflow.solve_jko(RISK, CIRCLE, ones, 1.0, tau=0.125, scheme="linearised", **known)
    elif solver == "characteristics":
        trajectory = wgflow.solve_characteristics(RISK, CIRCLE, ones, 1.0, **known)
    elif solver == "implicit":
        energy = wgflow.Entropy(0.5) + wgflow.Potential(lambda x: 0.5 * x[..., 0] ** 2)
        trajectory = wgflow.solve(energy, line, ones, 1.0, stepper="tr_bdf2", **known)
    else:
        trajectory = wgflow.solve(RISK, CIRCLE, ones, 1.0, **known)
    first, middle, last = capsys.readouterr().out.splitlines()
    done, left = (int((trajectory.steps["time"] <= 0.5).sum()), int((trajectory.steps["time"] > 0.5).sum()))
    assert first.startswith("  0%  t = 0 ")
    assert last.startswith("100%  t = 1 ")
    assert last.endswith(f" {done + left} steps")
    assert re.search(rf" t = 0.5 .* {done} steps   .* left", middle)
    assert int(middle[:3]) / 100 == pytest.approx(done / (done + left), abs=0.2)


def test_a_run_that_goes_on_counts_from_its_start(tmp_path, capsys):
    def solve(t_end, **options):
        return wgflow.solve(RISK, CIRCLE, np.ones(16), t_end, times=[0.25, 0.5], output=tmp_path / "run.h5", **options)

    earlier = len(solve(0.5).steps["time"])
    trajectory = solve(1.0, resume=True, progress=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("100%  t = 1 ")
    assert line.endswith(f" {len(trajectory.steps['time'])} steps")
    assert len(trajectory.steps["time"]) > earlier
