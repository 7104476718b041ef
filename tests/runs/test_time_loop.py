"""The time loop: output times, reasons to stop, interruption and resume."""

from __future__ import annotations

import os
import signal
import time

import h5py
import numpy as np
import pytest

import wgflow
from wgflow.errors import InputError
from wgflow.flows.growth import RunSetup
from wgflow.flows.loop import Limits, Observers
from wgflow.problems import problem as problem_module
from wgflow.runs.estimates.coarse_runs import CoarseRun, carry_out_coarse_run
from wgflow.runs.record import check_times

PROBLEM = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9, 4.9], "weights": [1.0, -1.0, 1.0]},
    },
    "domain": {"kind": "circle", "cells": 64, "signed": True},
    "solver": {"t_end": 2.0},
    "particles": {"count": 12},
    "output": {"snapshots": 9},
}
SOLVERS = ["finite_volume", "particles", "characteristics"]


def changed(**solver) -> dict:
    return {**PROBLEM, "solver": {**PROBLEM["solver"], **solver}}


@pytest.mark.parametrize("kind", SOLVERS)
def test_output_times_are_met_exactly(kind):
    times = [0.1, 1.0 / 3.0, np.pi / 2]
    trajectory = wgflow.run({**changed(kind=kind), "output": {"times": times}})
    np.testing.assert_array_equal(trajectory.time, [0.0, *times, 2.0])


def test_logarithmic_output_times():
    problem = {**PROBLEM, "output": {"snapshots": 5, "spacing": "log", "first": 0.002}}
    np.testing.assert_allclose(wgflow.run(problem).time, [0.0, 0.002, 0.02, 0.2, 2.0], rtol=1e-12)


def test_output_times_are_checked():
    np.testing.assert_array_equal(check_times([0.5, 0.2, 0.5], 1.0), [0.2, 0.5, 1.0])
    for times, t_end in (([2.0], 1.0), ([-0.1], 1.0), ([np.nan], 1.0), (None, 0.0), (None, np.inf)):
        with pytest.raises(InputError):
            check_times(times, t_end)


@pytest.mark.parametrize("kind", SOLVERS)
def test_stops_when_stationary(kind):
    trajectory = wgflow.run(changed(kind=kind, t_end=1e4, stationarity=1e-2))
    assert trajectory.attributes["stop_reason"] == "stationary"
    assert trajectory.status == "complete"
    assert 0.5 < trajectory.time[-1] < 100.0
    later = wgflow.run(changed(kind=kind, t_end=1e4, stationarity=1e-3))
    assert later.time[-1] > 1.2 * trajectory.time[-1]


def test_stops_at_the_wall_clock():
    trajectory = wgflow.run(changed(t_end=1e9, wall_time=0.2))
    assert trajectory.attributes["stop_reason"] == "wall_time"


@pytest.mark.parametrize("name", ["stationarity", "wall_time"])
def test_limits_are_checked(name):
    with pytest.raises(InputError, match=name):
        Limits(**{name: -1.0})


@pytest.mark.parametrize("kind", SOLVERS)
@pytest.mark.parametrize("number", [signal.SIGINT, getattr(signal, "SIGUSR1", signal.SIGTERM)])
def test_interrupted_run_resumes_to_the_same_bits(tmp_path, kind, number):
    problem = wgflow.open_problem(changed(kind=kind))
    whole = wgflow.run(problem, tmp_path / "whole.h5")

    def interrupt(evolution):
        if evolution.time > 0.8:
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        wgflow.run(problem, tmp_path / "part.h5", observers=Observers(step=[interrupt]))
    part = wgflow.load(tmp_path / "part.h5")
    assert part.status == "interrupted"
    assert 0.8 < part.time[-1] <= 1.0
    assert part.scheduled == np.count_nonzero(np.isin(part.time, whole.time))
    assert part.steps["time"][-1] == part.time[-1]
    resumed = wgflow.run(problem, tmp_path / "part.h5", resume=True)
    assert resumed.status == "complete"
    np.testing.assert_array_equal(resumed.time, whole.time)
    for name, values in {**whole.fields, **whole.scalars}.items():
        np.testing.assert_array_equal({**resumed.fields, **resumed.scalars}[name], values, err_msg=name)
    for name, values in whole.steps.items():
        np.testing.assert_array_equal(resumed.steps[name], values, err_msg=name)


def test_interruption_keeps_the_state_of_its_instant(tmp_path):
    """With a single interval, the snapshot of the interruption is all that there is behind the start."""
    problem = {**changed(), "output": {"snapshots": 2}}
    seen = []

    def interrupt(evolution):
        seen.append((evolution.time, evolution.density.copy()))
        if evolution.time > 0.3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        wgflow.run(problem, tmp_path / "run.h5", observers=Observers(step=[interrupt]))
    part = wgflow.load(tmp_path / "run.h5")
    assert (len(part.time), part.scheduled) == (2, 1)
    assert part.time[1] == seen[-1][0]
    np.testing.assert_array_equal(part.density[1], seen[-1][1])
    with pytest.raises(KeyboardInterrupt):  # again, at the first step of the second leg
        wgflow.run(
            problem,
            tmp_path / "run.h5",
            resume=True,
            observers=Observers(step=[lambda _: os.kill(os.getpid(), signal.SIGINT)]),
        )
    again = wgflow.load(tmp_path / "run.h5")
    assert again.time[1] > seen[-1][0]
    resumed = wgflow.run(problem, tmp_path / "run.h5", resume=True)
    np.testing.assert_array_equal(resumed.density, wgflow.run(problem).density)
    assert resumed.attributes["interrupted_at"] == -1


@pytest.mark.parametrize("kind", SOLVERS)
@pytest.mark.parametrize("stored", [False, True])
def test_steps_tell_the_run(tmp_path, kind, stored):
    """Times and energies as observers see them, and what snapshots hold."""
    seen = []
    observers = Observers(step=[lambda evolution: seen.append((evolution.time, evolution.step_size, evolution.energy))])
    problem = {**changed(kind=kind, t_end=4.0), "output": {"snapshots": 3}}
    trajectory = wgflow.run(problem, tmp_path / "run.h5" if stored else None, observers=observers)
    steps, (time, size, energy) = trajectory.steps, np.transpose(seen)
    np.testing.assert_array_equal(steps["time"], time)
    np.testing.assert_array_equal(steps["step_size"], size)
    np.testing.assert_array_equal(steps["energy"], energy)
    before = np.append(trajectory.energy[0], energy[:-1])
    np.testing.assert_allclose(steps["dissipation"], (before - energy) / size, rtol=1e-12)
    last = np.searchsorted(time, trajectory.time[1:])
    for name in ("risk", "mass", "min_potential"):
        np.testing.assert_array_equal(steps[name][last], trajectory.scalars[name][1:])
        assert np.isfinite(steps[name]).all()
    assert (np.diff(steps["risk"]) < 0.0).all()


def test_curves_pass_through_snapshots_and_steps():
    trajectory = wgflow.run({**changed(t_end=100.0), "output": {"snapshots": 2}})
    time, risk = trajectory.curve("risk")
    assert len(time) == 1 + len(trajectory.steps["time"]) > 100
    np.testing.assert_array_equal(time[[0, -1]], trajectory.time)
    np.testing.assert_array_equal(risk[[0, -1]], trajectory.risk)
    assert (np.diff(risk) < 0.0).all()
    noted = np.searchsorted(trajectory.steps["time"], time[1:])
    np.testing.assert_array_equal(risk[1:], trajectory.steps["risk"][noted])
    time, energy = trajectory.curve("energy")
    np.testing.assert_array_equal(time, [0.0, *trajectory.steps["time"]])
    np.testing.assert_array_equal(energy[1:], trajectory.steps["energy"])
    plain = wgflow.Trajectory(trajectory.time, trajectory.scalars, trajectory.fields, trajectory.domain)
    np.testing.assert_array_equal(plain.curve("risk"), [trajectory.time, trajectory.risk])


def test_many_steps_do_not_wait_in_memory(tmp_path, monkeypatch):
    """They go to the file in the middle of an interval; a run that is killed there resumes all the same."""
    monkeypatch.setattr("wgflow.trajectory.writer.BUFFERED", 16)
    problem = {**changed(), "output": {"snapshots": 2}}
    waiting = []

    def look(evolution):
        with h5py.File(tmp_path / "run.h5", "r") as file:
            waiting.append(evolution.time - (file["steps/time"][-1] if file["steps/time"].shape[0] else 0.0))

    trajectory = wgflow.run(problem, tmp_path / "run.h5", observers=Observers(step=[look]))
    assert max(waiting) <= 17 * trajectory.steps["step_size"].max()
    np.testing.assert_array_equal(trajectory.steps["time"], wgflow.run(problem).steps["time"])


def test_resume_to_a_later_time(tmp_path):
    short = {**changed(t_end=1.0), "output": {"times": [0.5, 1.0]}}
    long = {**changed(t_end=2.0), "output": {"times": [0.5, 1.0, 1.5]}}
    wgflow.run(short, tmp_path / "run.h5")
    extended = wgflow.run(long, tmp_path / "run.h5", resume=True)
    np.testing.assert_array_equal(extended.density, wgflow.run(long).density)


def test_resume_of_a_finished_run_changes_nothing(tmp_path):
    wgflow.run(PROBLEM, tmp_path / "run.h5")
    before = (tmp_path / "run.h5").read_bytes()
    wgflow.run(PROBLEM, tmp_path / "run.h5", resume=True)
    assert (tmp_path / "run.h5").read_bytes() == before


def test_handlers_of_signals_are_restored():
    before = signal.getsignal(signal.SIGINT)
    wgflow.run(PROBLEM)
    assert signal.getsignal(signal.SIGINT) is before


def test_observers_see_steps_and_snapshots():
    times, snapshots = [], []
    observers = Observers(step=[lambda evolution: times.append(evolution.time)], snapshot=[snapshots.append])
    trajectory = wgflow.run(PROBLEM, observers=observers)
    assert len(times) == trajectory.attributes["accepted_steps"]
    assert (np.diff(times) > 0.0).all()
    np.testing.assert_array_equal([snapshot.time for snapshot in snapshots], trajectory.time)


def test_solve_takes_a_callable_density():
    circle = wgflow.Circle(64)
    given = wgflow.solve(wgflow.Quadratic(np.eye(2)), circle, lambda x: 1.0 + x[..., 0] ** 2, 0.3)
    array = wgflow.solve(wgflow.Quadratic(np.eye(2)), circle, 1.0 + circle.points[:, 0] ** 2, 0.3)
    np.testing.assert_array_equal(given.density, array.density)


def test_regularised_risk_and_energy_differ_by_the_mass():
    trajectory = wgflow.run({**PROBLEM, "problem": {**PROBLEM["problem"], "regularization": 0.05}})
    np.testing.assert_allclose(trajectory.energy - trajectory.risk, 0.05 * trajectory.mass, rtol=1e-12)
    assert (np.diff(trajectory.energy) < 0.0).all()


def test_regularisation_alone_decays_at_rate_beta_lambda():
    """Without transport and with J = lambda the mass is exp(-beta lambda t)."""
    circle = wgflow.Circle(16)
    trajectory = wgflow.solve(wgflow.Mass(0.25), circle, np.ones(16), 1.0)
    np.testing.assert_allclose(trajectory.mass, 2.0 * np.pi * np.exp(-4.0 * 0.25 * trajectory.time), rtol=4.2e-8)


def test_simulate_chooses_beta_like_the_domains():
    teacher = wgflow.Population(wgflow.Teacher.from_angles([0.3], [1.0]))
    domain = wgflow.Signed(wgflow.Circle(16))
    start = wgflow.draw_particles(domain, np.ones(domain.shape), 20, seed=3)
    assert (start.signs < 0.0).any()
    named = wgflow.simulate(teacher, start, 0.5, domain=domain)
    alone = wgflow.simulate(teacher, start, 0.5)
    given = wgflow.simulate(teacher, start, 0.5, reaction=2.0)
    np.testing.assert_array_equal(named.weight, alone.weight)
    np.testing.assert_array_equal(named.weight, given.weight)


def test_the_wall_clock_counts_what_comes_before_the_first_step(monkeypatch):
    """The set-up here takes longer than the wall time, the steps to the end do not."""
    wgflow.run(changed(t_end=2.0))  # compiles
    plain = problem_module.Problem.make_evolution

    def slowly(self, state=None):
        time.sleep(0.6)
        return plain(self, state)

    monkeypatch.setattr(problem_module.Problem, "make_evolution", slowly)
    trajectory = wgflow.run(changed(t_end=2.0, wall_time=0.5))
    assert trajectory.attributes["stop_reason"] == "wall_time"
    assert trajectory.attributes["accepted_steps"] == 1
    assert wgflow.run(changed(t_end=2.0, wall_time=60.0)).attributes["stop_reason"] == "t_end"


def test_the_wall_clock_counts_from_the_call_of_solve_and_simulate():
    def slowly(points):
        time.sleep(0.3)
        return np.ones(points.shape[:-1])

    risk, circle = wgflow.Quadratic(np.eye(2)), wgflow.Circle(16)
    trajectory = wgflow.solve(risk, circle, slowly, 1.0, wall_time=0.2)
    assert (trajectory.attributes["stop_reason"], trajectory.attributes["accepted_steps"]) == ("wall_time", 1)
    start = wgflow.draw_particles(circle, np.ones(16), count=5, seed=0)
    slow = wgflow.Features(lambda x: (time.sleep(0.001), x[:, :1])[1], [1.0])
    assert wgflow.simulate(slow, start, 1.0, wall_time=0.01).attributes["stop_reason"] == "wall_time"


def test_coarse_runs_of_an_estimate_end_with_the_wall_clock():
    """They stop and their errors are not resolved; without a start the clock is that of the run itself."""
    times = np.array([0.5, 1.0])
    trial = CoarseRun("half", 0.5, lambda: (wgflow.open_problem(changed(t_end=1.0)).make_evolution(), RunSetup(None)))
    stopped = carry_out_coarse_run(trial, times, Limits(wall_time=1e-3, since=time.perf_counter() - 1.0))
    assert "wall_time" in stopped.failure
    assert stopped.at(times[1:]) == [None]
    assert carry_out_coarse_run(trial, times, Limits(wall_time=1e-3)).failure == ""
