"""Runs that are stopped or killed within an interval go on from there, to the bits of a run that was not."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import cache

import numpy as np
import pytest

import wgflow
from wgflow.errors import ComputationError
from wgflow.finite_volume import ImplicitFiniteVolume
from wgflow.flows import FlowState
from wgflow.flows.loop import Observers
from wgflow.trajectory.checkpoint import CheckpointStore, read_checkpoint

TEACHER = {
    "problem": {
        "kind": "two_layer",
        "data": "gaussian_teacher",
        "teacher": {"angles": [0.5, 2.9, 4.9], "weights": [1.0, -1.0, 1.0]},
    },
    "domain": {"kind": "circle", "cells": 32, "signed": True},
    "solver": {"t_end": 5.0},
    "particles": {"count": 12},
    "output": {"times": [4.0, 5.0]},
}
PARTICLES = {"solver.kind": "particles"}
SOLVERS = {
    "finite_volume": {},
    "order 5": {"finite_volume.order": 5, "finite_volume.stepper": "ssprk3"},
    "adaptive": {**PARTICLES, "particles.tolerance": 1e-7},
    "rk4": {**PARTICLES, "particles.method": "rk4", "particles.step": 0.5},
    "descent": {**PARTICLES, "particles.method": "euler", "particles.step": 0.5},
    "sgd": {**PARTICLES, "particles.method": "mirror", "particles.step": 0.5, "particles.batch": 3},
    "characteristics": {"solver.kind": "characteristics", "characteristics.tolerance": 1e-7},
    "jko": {"solver.kind": "jko", "jko.tau": 0.8, "jko.modes": 6},
    "jko on a grid": {"solver.kind": "jko", "jko.tau": 0.8, "jko.modes": 6, "jko.representation": "grid"},
}
COUNTS = ("accepted_steps", "rejected_steps", "evaluations")


def problem(name: str = "finite_volume", **settings) -> wgflow.problems.Problem:
    return wgflow.open_problem(TEACHER, [f"{key}={value}" for key, value in {**SOLVERS[name], **settings}.items()])


@cache
def whole_run(name: str = "finite_volume", t_end: float = 5.0, times: str = "[4.0, 5.0]") -> wgflow.Trajectory:
    """Give the run that is never stopped, which is done once for all that are compared with it."""
    return wgflow.run(problem(name, **{"solver.t_end": t_end, "output.times": times}))


class StopError(Exception):
    """Ends a run without a chance to keep anything, like a kill."""


class After:
    """An observer that ends a leg after some steps: by a signal, or as a kill would."""

    def __init__(self, steps: int, number: int | None = signal.SIGINT) -> None:
        self.left, self.number, self.times = steps, number, []

    def __call__(self, evolution) -> None:
        self.times.append(evolution.time)
        self.left -= 1
        if self.left == 0 and self.number is None:
            raise StopError
        if self.left == 0:
            os.kill(os.getpid(), self.number)


def carry_on(source, path, legs) -> list[list[float]]:
    """Run leg after leg, each ended by an observer, then to the end; gives the times of the steps of each."""
    done = []
    for leg in [*legs, After(10**9)]:
        with suppress(KeyboardInterrupt, StopError):
            wgflow.run(source, path, resume=path.exists(), observers=Observers(step=[leg]))
        done.append(leg.times)
    return done


def expect_same(path, whole: wgflow.Trajectory) -> None:
    """Compare a finished file with an uninterrupted run, in all but times of day."""
    found = wgflow.load(path)
    np.testing.assert_array_equal(found.time, whole.time)
    for name, values in {**whole.fields, **whole.scalars}.items():
        np.testing.assert_array_equal({**found.fields, **found.scalars}[name], values, err_msg=name)
    for name, values in whole.steps.items():
        np.testing.assert_array_equal(found.steps[name], values, err_msg=name)
    for name in (*COUNTS, "status", "stop_reason", "interrupted_at"):
        assert found.attributes[name] == whole.attributes.get(name, -1), name
    assert float(read_checkpoint(path)["time"]) == whole.time[-1]  # what a run to a later end goes on from


@pytest.mark.parametrize("name", SOLVERS)
def test_no_step_is_done_twice(tmp_path, name):
    """Each leg is interrupted, by both signals in turn, after a few steps: within the first of two intervals."""
    source, whole = problem(name), whole_run(name)
    legs = [After(1), After(2, signal.SIGTERM), After(1)]
    done = carry_on(source, tmp_path / "run.h5", legs)
    assert [len(times) for times in done[:3]] == [1, 2, 1]
    np.testing.assert_array_equal(np.concatenate(done), whole.steps["time"])
    assert done[2][-1] < whole.time[1]
    expect_same(tmp_path / "run.h5", whole)


def test_steps_that_are_estimated_again_now_and_then(tmp_path):
    """Beyond the step at which the largest decay rate is estimated once more, and after one that was rejected."""
    times = {"output.times": "[0.005, 0.01]", "solver.t_end": 0.01}
    source = problem(**times, **{"domain.cells": 256, "finite_volume.stepper": "euler"})
    whole = wgflow.run(source)
    assert whole.attributes["accepted_steps"] > 60
    assert whole.steps["time"][33] < whole.time[1]
    carry_on(source, tmp_path / "run.h5", [After(7), After(10), After(16)])
    expect_same(tmp_path / "run.h5", whole)


def test_a_run_that_ran_out_of_time_goes_on(tmp_path):
    """Leg after leg, none of which reaches an output."""
    source, path = problem(**{"domain.cells": 128, "solver.wall_time": 1e-9}), tmp_path / "run.h5"
    whole = wgflow.run(problem(**{"domain.cells": 128}))
    part = wgflow.run(source, path)
    assert part.attributes["stop_reason"] == "wall_time"
    for steps in range(2, 6):
        part = wgflow.run(source, path, resume=True)
        assert len(part.steps["time"]) == steps
        assert part.scheduled == len(part.time) - 1 == 1
        assert part.time[1] == part.steps["time"][-1]
    assert part.steps["time"][-1] < whole.time[1]
    wgflow.run(problem(**{"domain.cells": 128}), path, resume=True)
    expect_same(path, whole)


def test_a_stationary_run_goes_on_to_a_smaller_tolerance(tmp_path):
    """Where it became stationary is no output time, so that the snapshot there goes."""
    times = {"output.times": "[2.0, 50.0]", "solver.t_end": 50.0}
    early, late = ({**times, "solver.stationarity": level} for level in (1e-3, 1e-4))
    stopped = wgflow.run(problem(**early), tmp_path / "run.h5")
    assert stopped.attributes["stop_reason"] == "stationary"
    assert stopped.scheduled == len(stopped.time) - 1
    before = (tmp_path / "run.h5").read_bytes()
    wgflow.run(problem(**early), tmp_path / "run.h5", resume=True)
    assert (tmp_path / "run.h5").read_bytes() == before
    wgflow.run(problem(**late), tmp_path / "run.h5", resume=True)
    whole, found = wgflow.run(problem(**late)), wgflow.load(tmp_path / "run.h5")
    np.testing.assert_array_equal(found.time, whole.time)
    np.testing.assert_array_equal(found.density, whole.density)
    np.testing.assert_array_equal(found.steps["time"], whole.steps["time"])


@pytest.mark.parametrize("name", ["finite_volume", "adaptive"])
def test_a_run_that_is_killed_in_every_leg_advances(tmp_path, name):
    """Each is killed long before the next output; the checkpoint of the step before the last is there."""
    source, whole = problem(name, **{"output.checkpoint": 1e-9}), whole_run(name)
    done = carry_on(source, tmp_path / "run.h5", [After(2, None) for _ in range(3)])
    np.testing.assert_array_equal([times[0] for times in done], whole.steps["time"][:4])
    expect_same(tmp_path / "run.h5", whole)


def test_the_file_does_not_grow_with_checkpoints(tmp_path):
    """The second goes to a place of its own, each later one to that of the one before the last."""
    sizes = []

    def look(_):
        sizes.append((tmp_path / "run.h5").stat().st_size)

    source = problem(**{"domain.cells": 2048, "output.checkpoint": 1e-9})
    with pytest.raises(KeyboardInterrupt):
        wgflow.run(source, tmp_path / "run.h5", observers=Observers(step=[look, After(30)]))
    state = 2 * 2 * 2048 * 8
    assert sizes[2] - sizes[0] > 2 * state
    assert sizes[-1] - sizes[2] < state


def test_another_next_output_gives_the_checkpoint_up(tmp_path):
    """An uninterrupted run has other steps on the way to it."""
    changed = problem(**{"output.times": "[3.0, 4.0, 5.0]"})
    with pytest.raises(KeyboardInterrupt):
        wgflow.run(problem(), tmp_path / "run.h5", observers=Observers(step=[After(3)]))
    assert float(read_checkpoint(tmp_path / "run.h5")["time"]) > 0.0
    with pytest.raises(StopError):
        wgflow.run(changed, tmp_path / "run.h5", resume=True, observers=Observers(step=[After(1, None)]))
    assert read_checkpoint(tmp_path / "run.h5") is None  # the steps that lead to it are given up too
    resumed, whole = wgflow.run(changed, tmp_path / "run.h5", resume=True), whole_run(times="[3.0, 4.0, 5.0]")
    np.testing.assert_array_equal(resumed.density, whole.density)
    np.testing.assert_array_equal(resumed.steps["time"], whole.steps["time"])


@pytest.mark.parametrize("name", SOLVERS)
def test_a_finished_run_goes_on_to_a_later_end_and_other_outputs(tmp_path, name):
    """Bit by bit like the run that had these outputs from the start: step control goes on across the end."""
    later = {"solver.t_end": 7.0, "output.times": "[4.0, 5.0, 6.5, 7.0]"}
    wgflow.run(problem(name), tmp_path / "run.h5")
    wgflow.run(problem(name, **later), tmp_path / "run.h5", resume=True)
    expect_same(tmp_path / "run.h5", whole_run(name, *later.values()))


@pytest.mark.parametrize("door", ["problem", "objects"])
def test_an_end_that_has_passed_is_not_overlooked(tmp_path, door):
    def go(t_end, **again):
        run = {"output": tmp_path / "run.h5", **again}
        if door == "problem":
            return wgflow.run(problem(**{"solver.t_end": t_end, "output.times": [t_end]}), **run)
        return wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), t_end, times=[t_end], **run)

    go(0.2)
    before = (tmp_path / "run.h5").read_bytes()
    with pytest.warns(
        wgflow.FlowWarning, match=r"run.h5 has reached t = 0\.2, beyond t_end = 0\.1; a later t_end goes on"
    ):
        assert go(0.1, resume=True).time[-1] == 0.2
    go(0.2, resume=True)  # as often as one likes: warnings are errors here
    assert (tmp_path / "run.h5").read_bytes() == before


def test_other_outputs_than_those_of_an_interrupted_run(tmp_path):
    """Behind an output: the run goes back to it, and to the step control that it had there."""
    changed = problem(**{"output.times": "[4.0, 4.5, 5.0]"})
    beyond = next(number for number, time in enumerate(whole_run().steps["time"], 1) if time > 4.0)
    with pytest.raises(KeyboardInterrupt):
        wgflow.run(problem(), tmp_path / "run.h5", observers=Observers(step=[After(beyond)]))
    assert 4.0 < float(read_checkpoint(tmp_path / "run.h5")["time"]) < 5.0
    wgflow.run(changed, tmp_path / "run.h5", resume=True)
    expect_same(tmp_path / "run.h5", whole_run(times="[4.0, 4.5, 5.0]"))


@pytest.mark.parametrize(
    ("killed", "t_end", "times"),
    [(4.0, 5.0, "[4.0, 5.0]"), (4.0, 5.0, "[4.0, 4.5, 5.0]"), (5.0, 6.0, "[4.0, 5.0, 6.0]")],
)
@pytest.mark.parametrize("checkpoint", [600.0, 1e-9])
@pytest.mark.parametrize("name", ["finite_volume", "adaptive", "jko"])
def test_a_kill_between_a_snapshot_and_its_step_control(tmp_path, monkeypatch, name, checkpoint, killed, t_end, times):
    """The steps to the snapshot are found again, from the output before or a state behind it."""
    plain, path = CheckpointStore.put, tmp_path / "run.h5"

    def put(store, kept):
        if float(kept["time"]) == killed:
            raise StopError
        plain(store, kept)

    source = problem(name, **{"output.checkpoint": checkpoint})
    monkeypatch.setattr(CheckpointStore, "put", put)
    with pytest.raises(StopError):
        wgflow.run(source, path)
    monkeypatch.undo()
    assert wgflow.load(path).time[-1] == killed
    wgflow.run(problem(name, **{"solver.t_end": t_end, "output.times": times}), path, resume=True)
    expect_same(path, whole_run(name, t_end, times))


def test_a_later_end_keeps_it(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        wgflow.run(problem(), tmp_path / "run.h5", observers=Observers(step=[After(3)]))
    later = problem(**{"solver.t_end": 6.0, "output.times": "[4.0, 5.0]"})
    after = After(10**9)
    wgflow.run(later, tmp_path / "run.h5", resume=True, observers=Observers(step=[after]))
    whole = whole_run(t_end=6.0)
    assert len(after.times) == whole.attributes["accepted_steps"] - 3
    expect_same(tmp_path / "run.h5", whole)


def test_a_step_after_one_that_was_refused():
    """It is bounded by the one before."""
    start = problem()
    whole, part = start.make_evolution(), start.make_evolution()
    whole.begin_interval(4.0)
    whole.step()
    whole._control.refuse(2e-3)
    part = start.make_evolution(FlowState(whole.time, whole.checkpoint()))
    part.restore(whole.checkpoint())
    for evolution in (whole, part):
        evolution.step()
        evolution.step()
    assert part.step_size == whole.step_size == pytest.approx(1.25e-3, rel=1e-13)
    np.testing.assert_array_equal(part.density, whole.density)


def implicit_flow(density=None, time: float = 0.0) -> ImplicitFiniteVolume:
    box = wgflow.Box([(-1.0, 1.0)], 40)
    functional = wgflow.Entropy(0.1) + wgflow.Potential(lambda x: x[..., 0] ** 2)
    start = 1.0 + 0.5 * np.cos(3.0 * box.points[:, 0]) if density is None else density
    return ImplicitFiniteVolume(functional, box, start, time=time, tolerance=1e-5, reaction=0.5)


def test_implicit_steps_go_on():
    """Also after an output, where the mass is another one."""
    whole, part = implicit_flow(), implicit_flow()
    for end in (0.2, 0.5):
        whole.begin_interval(end)
        part.begin_interval(end)
        while whole.time < end:
            whole.step()
            part.step()
            kept = part.checkpoint()
            part = implicit_flow(kept["density"], float(kept["time"]))
            part.restore(kept)
            assert (part.time, part.energy, part.step_size) == (whole.time, whole.energy, whole.step_size)
            assert part.scalars() == whole.scalars()
            np.testing.assert_array_equal(part.density, whole.density)
    for evolution in (part, whole):
        evolution.begin_interval(0.7)
        evolution.step()
    np.testing.assert_array_equal(part.density, whole.density)


def test_a_full_disk_names_the_state(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wgflow.trajectory.checkpoint.CheckpointStore.put", refuse)
    with pytest.raises(KeyboardInterrupt, match=r"the state at t = .* cannot be written to .*No space left"):
        wgflow.run(problem(), tmp_path / "run.h5", observers=Observers(step=[After(3)]))
    assert len(wgflow.load(tmp_path / "run.h5").time) == 1


def test_a_signal_at_the_last_step_ends_the_script_that_runs_it_and_not_the_run(tmp_path):
    path, whole = tmp_path / "flow.h5", whole_run()
    with pytest.raises(KeyboardInterrupt):
        wgflow.run(problem(), path, observers=Observers(step=[After(len(whole.steps["time"]))]))
    assert wgflow.load(path).status == "complete"
    expect_same(path, whole)


def test_a_signal_before_a_step_that_fails_ends_the_script(tmp_path):
    """Whoever catches the errors of runs must not go on with the next one."""

    def fail(_):
        os.kill(os.getpid(), signal.SIGINT)
        raise ComputationError("a step failed")

    with pytest.raises(KeyboardInterrupt, match="a step failed"):
        wgflow.run(problem(), tmp_path / "run.h5", observers=Observers(step=[fail]))
    assert wgflow.load(tmp_path / "run.h5").status == "interrupted"


GROWING = {
    "problem": {"kind": "quadratic", "target": [[3.0]]},
    "domain": {"kind": "box", "bounds": [[-1.0, 1.0]], "shape": [20], "wall_warning": 1e-6, "grow": True},
    "initial": {"kind": "gaussian", "covariance": [[0.025]]},
    "solver": {"t_end": 0.5},
    "output": {"times": [0.25, 0.5]},
}


@pytest.mark.parametrize("number", [signal.SIGTERM, None])
def test_steps_and_evaluations_are_counted_once_where_a_box_grows(tmp_path, number):
    """Also those that a growing box, or a kill before the first output, makes the run do anew."""
    source = {**GROWING, "solver": {"t_end": 0.3}, "output": {"times": [0.1, 0.3]}}
    counted, sizes = After(10**9), []
    observers = Observers(step=[counted, lambda evolution: sizes.append(evolution.density.size)])
    whole, grown = wgflow.run(source, observers=observers), np.flatnonzero(np.diff(sizes))
    assert grown.size > 0
    for steps in (1, grown[0] + 2):  # before the first output, and a step into the larger box
        path = tmp_path / f"{steps}.h5"
        carry_on(source, path, [After(int(steps), number)])
        found = wgflow.load(path)
        np.testing.assert_array_equal(found.density, whole.density)
        for name in COUNTS:
            assert found.attributes[name] == whole.attributes[name], (steps, name)


def test_a_signal_in_the_step_after_which_a_box_grows_ends_it(tmp_path):
    whole, path, sizes = wgflow.run(GROWING), tmp_path / "run.h5", []

    def signal_where_it_grows(evolution):
        walls = evolution.density[[0, -1]].sum() / evolution.density.sum()
        if not sizes and evolution.steps_done % 8 == 0 and walls > 1e-6:
            sizes.append(evolution.density.size)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        wgflow.run(GROWING, path, observers=Observers(step=[signal_where_it_grows]))
    assert sizes == [20]
    assert wgflow.load(path).status == "interrupted"
    resumed = wgflow.run(GROWING, path, resume=True)
    assert resumed.domain == whole.domain
    np.testing.assert_array_equal(resumed.density, whole.density)
    for name in COUNTS:
        assert resumed.attributes[name] == whole.attributes[name], name


def test_a_run_killed_between_its_last_snapshot_and_its_end_is_complete_once_resumed(tmp_path):
    path = tmp_path / "flow.h5"

    def stop(snapshot):
        if snapshot.time == 5.0:
            raise StopError

    with suppress(StopError):
        wgflow.run(problem(), path, observers=Observers(snapshot=[stop]))
    assert wgflow.load(path).status == "failed"
    assert wgflow.run(problem(), path, resume=True).status == "complete"
    expect_same(path, whole_run())
