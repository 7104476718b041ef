"""Runs of objects from Python: they go on in their files, stop where one wants, and show how far they are."""

from __future__ import annotations

import io
import os
import re
import signal
import sys

import numpy as np
import pytest

import wgflow
from wgflow import InputError

COUNTS = ("accepted_steps", "rejected_steps", "evaluations", "status", "stop_reason")
CIRCLE = wgflow.Circle(32)
RISK = wgflow.Quadratic(np.diag([1.0, 0.3]))
SEPARABLE = wgflow.Features(wgflow.Relu(np.array([[1.0, 0.5], [0.2, -1.0]])), [1.0, -1.0], loss="softmin")


def bump(x):
    return 1.0 + 0.5 * x[..., 0] * x[..., 1]


def cloud(**domain):
    points = np.array([[0.6, 0.8], [1.0, 0.0], [0.0, -1.0]])
    return wgflow.Particles(points, np.full(3, 1.0 / 3.0), np.ones(3), **domain)


def solve(**options):
    return wgflow.solve(RISK, CIRCLE, bump, 1.0, times=[0.6], **options)


def implicit(**options):
    line = wgflow.Box([(-3.0, 3.0)], 24)
    energy = wgflow.Entropy(0.5) + wgflow.Potential(lambda x: 0.5 * x[..., 0] ** 2)
    return wgflow.solve(
        energy, line, lambda x: np.exp(-((x[..., 0] - 1.0) ** 2)), 1.0, stepper="tr_bdf2", times=[0.6], **options
    )


def growing(**options):
    line, spread = wgflow.Box([(-2.0, 2.0)], 24), wgflow.Potential(lambda x: -4.0 * x[..., 0])
    options |= {"grow": True, "wall_warning": 0.01, "times": [0.2]}
    return wgflow.solve(spread, line, lambda x: np.exp(-(x[..., 0] ** 2)), 0.4, **options)


def estimated(**options):
    return wgflow.solve(RISK, CIRCLE, bump, 1.0, times=[0.6], estimate=True, **options)


def simulate(**options):
    return wgflow.simulate(RISK, cloud(domain=CIRCLE), 1.0, times=[0.6], **options)


def descend(**options):
    teacher = wgflow.Population(wgflow.Teacher(np.eye(2), np.array([1.0, -1.0])))
    start, space = wgflow.draw_balanced(inputs=2, mass=1.0, count=4, seed=0), wgflow.Space(3)
    method = wgflow.Descent(0.1, batch=3, seed=2)
    return wgflow.simulate(teacher, start, 1.0, domain=space, method=method, times=[0.55], **options)


def characteristics(**options):
    return wgflow.solve_characteristics(RISK, CIRCLE, bump, 1.0, times=[0.6], **options)


def jko(**options):
    start = cloud(domain=CIRCLE)
    return wgflow.solve_jko(RISK, CIRCLE, start, 1.0, tau=0.15, order=2, times=[0.6], **options)


def linearised(**options):
    return wgflow.solve_jko(RISK, CIRCLE, bump, 1.0, tau=0.15, scheme="linearised", times=[0.6], **options)


def normalised(**options):
    return wgflow.solve_normalised(
        SEPARABLE, wgflow.Signed(CIRCLE), lambda x: np.ones(x.shape[:-1]), 4.0, times=[2.0], **options
    )


DOORS = [solve, implicit, growing, estimated, simulate, descend, characteristics, jko, linearised, normalised]


def stop_after(count):
    """A stop condition by the number of calls."""
    calls = iter(range(1, 10**6))
    return lambda _: next(calls) == count


@pytest.mark.parametrize("door", DOORS)
def test_a_run_goes_on_in_its_file(door, tmp_path):
    """Bit by bit like one that was not interrupted, from within an interval and from a state behind an output."""
    whole, path = door(), tmp_path / "run.h5"
    steps = len(whole.steps["time"])
    part = door(output=path, until=stop_after(max(steps // 3, 1)))
    assert (part.status, part.attributes["stop_reason"]) == ("complete", "until")
    door(output=path, resume=True, until=stop_after(max(steps // 3, 1)))
    found = door(output=path, resume=True)
    for of in ("fields", "scalars", "steps"):
        for name, values in getattr(whole, of).items():
            np.testing.assert_array_equal(getattr(found, of)[name], values, err_msg=f"{of} {name}")
    assert [found.attributes[name] for name in COUNTS] == [whole.attributes[name] for name in COUNTS]
    assert found.functional is not None
    assert door(output=path, resume=True).attributes == found.attributes


def test_a_run_in_memory_goes_on_once_it_is_saved(tmp_path):
    whole, path = solve(), tmp_path / "run.h5"
    solve(until=stop_after(5)).save(path)
    found = solve(output=path, resume=True)
    np.testing.assert_array_equal(found.density, whole.density)
    np.testing.assert_array_equal(found.steps["time"], whole.steps["time"])


def test_other_runs_are_not_continued(tmp_path):
    path = tmp_path / "run.h5"
    with pytest.raises(InputError, match="resume needs output"):
        solve(resume=True)
    with pytest.raises(InputError, match="does not exist"):
        solve(output=path, resume=True)
    solve(output=path, until=stop_after(3))
    for change, message in [
        ({"order": 1}, "order = 2 there, 1 here"),
        ({"transport": 0.5}, "transport = 1.0 there, 0.5 here"),
        ({"estimate": True}, "without estimates"),
    ]:
        with pytest.raises(InputError, match=message):
            solve(output=path, resume=True, **change)
    for functional, domain, density in [
        (2.0, CIRCLE, bump),
        (1.0, wgflow.Circle(16), bump),
        (1.0, CIRCLE, np.ones(32)),
    ]:
        with pytest.raises(InputError, match="holds another run: its start"):
            other = wgflow.Quadratic(functional * np.diag([1.0, 0.3]))
            wgflow.solve(other, domain, density, 1.0, output=path, resume=True)


def test_a_trajectory_is_no_problem_file(tmp_path):
    path = tmp_path / "i.h5"
    solve(output=path)
    with pytest.raises(InputError, match=r"i.h5 is a trajectory, not a problem file: .*output=.*resume=True"):
        wgflow.run(str(path), resume=True)


def test_a_run_stops_where_a_state_says_so(tmp_path):
    seen = []

    def until(state):
        seen.append((state.time, state.step_size, state.energy, state.risk, state.mass, state.min_potential))
        return state.mass < 5.0

    stopped, path = solve(until=until), tmp_path / "run.h5"
    assert stopped.mass[-1] < 5.0 <= stopped.steps["mass"][-2]
    names = ("time", "step_size", "energy", "risk", "mass", "min_potential")
    np.testing.assert_array_equal(np.array(seen).T, [stopped.steps[name] for name in names])
    assert solve(until=lambda state: bool(state.measure[0] < 0.9), output=path).attributes["stop_reason"] == "until"
    assert wgflow.load(path, RISK).attributes["stop_reason"] == "until"
    problem = wgflow.open_problem("quadratic", ["domain.cells=16", "output.snapshots=3"])
    assert wgflow.run(problem, until=lambda state: state.time > 0.01).attributes["stop_reason"] == "until"


@pytest.mark.parametrize(
    ("until", "message"),
    [("risk < 1", "until = 'risk < 1' is not allowed"), (lambda state: state.measure < 1.0, "must give True or False")],
)
def test_wrong_stop_conditions(until, message):
    with pytest.raises(InputError, match=message):
        solve(until=until)


def test_a_script_ends_at_ctrl_c(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        solve(
            output=tmp_path / "run.h5", observers=wgflow.Observers(step=[lambda _: os.kill(os.getpid(), signal.SIGINT)])
        )
    assert wgflow.load(tmp_path / "run.h5", RISK).status == "interrupted"


def test_progress_in_a_log(capsys):
    shown = solve(progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(shown) == 3
    assert lines[0].startswith("  0%  t = 0")
    assert lines[-1].startswith("100%  t = 1")
    problem = wgflow.open_problem("quadratic", ["domain.cells=16", "output.snapshots=3", "solver.t_end=0.1"])
    wgflow.run(problem, progress=True)
    assert len(capsys.readouterr().out.splitlines()) == 3


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal(monkeypatch, capsys):
    """A bar, which is gone at the end, and no line."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr("wgflow.runs.progress.REFRESH_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    solve(progress=True)
    shown = sys.stderr.getvalue()
    assert "preparing" in shown
    assert re.search(r"t = .* F = .* \d+ steps", shown)
    assert "\x1b[?25h" in shown  # the cursor is back
    assert capsys.readouterr().out == ""


def test_steps_that_lead_nowhere_are_told():
    circle = wgflow.Circle(16)
    steep = wgflow.Potential(lambda x: 1e12 * x[:, 0])
    with pytest.warns(wgflow.FlowWarning, match=r"after 1000 steps the flow is at t = .*e\+.* more lead to the output"):
        wgflow.solve(steep, circle, np.ones(16), 1.0, reaction=0.0, until=stop_after(1001))
