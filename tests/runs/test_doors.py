"""The doors from Python give what `wgflow.run` gives for the same problem, bit by bit, and refuse what it refuses."""

from __future__ import annotations

import inspect
from dataclasses import fields

import numpy as np
import pytest

import wgflow
from wgflow import Box, Circle, Signed, Space
from wgflow.errors import InputError
from wgflow.runs.arguments import RunArguments, RunOptions

END, OUTPUT = 0.4, {"times": [0.2, 0.4]}
TEACHER = {"kind": "two_layer", "data": "gaussian_teacher", "teacher": {"angles": [0.5, 2.9], "weights": [1.0, -1.0]}}
QUADRATIC = {"kind": "quadratic", "target": [[1.0, 0.2], [0.2, 0.5]]}
CIRCLE = {"kind": "circle", "cells": 24, "signed": True}
POINTS, LABELS = np.array([[1.0, 0.5], [0.2, -1.0], [-0.7, 0.4]]), np.array([1.0, -1.0, 1.0])


def described(problem, domain, kind, **sections):
    solver = {"kind": kind, "t_end": END}
    return wgflow.open_problem({"problem": problem, "domain": domain, "solver": solver, "output": OUTPUT, **sections})


def expect_same(found, wanted):
    np.testing.assert_array_equal(found.time, wanted.time)
    assert found.fields.keys() == wanted.fields.keys()
    for of in ("scalars", "fields", "steps"):
        for name, values in getattr(wanted, of).items():
            np.testing.assert_array_equal(getattr(found, of)[name], values, err_msg=name)
    assert (found.domain, found.labels) == (wanted.domain, wanted.labels)
    np.testing.assert_array_equal(found.sign, wanted.sign)


def solve(problem, **options):
    options = {"stepper": problem.config.finite_volume.stepper, **options}
    return wgflow.solve(problem.functional, problem.domain, problem.initial_density(), END, times=[0.2], **options)


def simulate(problem, **options):
    method = wgflow.Adaptive(problem.config.particles.tolerance)
    return wgflow.simulate(problem.functional, problem.initial_particles(), END, times=[0.2], method=method, **options)


def solve_characteristics(problem, **options):
    density = problem.initial_density()
    return wgflow.solve_characteristics(problem.functional, problem.domain, density, END, times=[0.2], **options)


def solve_jko(problem, **options):
    jko = problem.config.jko
    start = problem.initial_density() if jko.on_grid else problem.initial_particles()
    chosen = {"tau": jko.tau, "order": jko.order, "scheme": jko.scheme, "times": [0.2], **options}
    return wgflow.solve_jko(problem.functional, problem.domain, start, END, **chosen)


def solve_normalised(problem, **options):
    density, tau = problem.initial_density(), problem.config.normalised.tau
    return wgflow.solve_normalised(problem.functional, problem.domain, density, END, tau=tau, times=[0.2], **options)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("doors") / "labels.csv"
    np.savetxt(path, np.column_stack([POINTS, LABELS]), delimiter=",", header="x0,x1,y", comments="")
    dataset = {"path": str(path), "inputs": ["x0", "x1"], "output": "y", "bias": False, "standardize": False}
    return {"kind": "two_layer", "loss": "softmin", "dataset": dataset}


RUNS = {
    "explicit": (solve, TEACHER, CIRCLE, "finite_volume", {}),
    "particles": (simulate, TEACHER, CIRCLE, "particles", {"particles": {"count": 12}}),
    "characteristics": (solve_characteristics, TEACHER, CIRCLE, "characteristics", {}),
    "jko": (solve_jko, TEACHER, CIRCLE, "jko", {"jko": {"tau": 0.15, "order": 2, "modes": 6}}),
    "jko on a grid": (
        solve_jko,
        TEACHER,
        CIRCLE,
        "jko",
        {"jko": {"tau": 0.15, "modes": 6, "representation": "grid"}},
    ),
    "linearised jko": (
        solve_jko,
        QUADRATIC,
        {**CIRCLE, "signed": False},
        "jko",
        {"jko": {"tau": 0.15, "scheme": "linearised"}},
    ),
    "normalised": (solve_normalised, None, CIRCLE, "normalised", {"normalised": {"tau": 0.15}}),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_door_gives_what_run_gives(name, data, tmp_path):
    door, section, domain, kind, options = RUNS[name]
    problem = described(section or data, domain, kind, **options)
    wanted, file = wgflow.run(problem), tmp_path / "flow.h5"
    expect_same(door(problem), wanted)
    written = door(problem, output=file)
    expect_same(written, wanted)
    expect_same(wgflow.load(file, problem.functional), wanted)
    with pytest.raises(InputError, match="exists"):
        door(problem, output=file)


@pytest.mark.parametrize("name", ["characteristics", "linearised jko"])
def test_doors_take_limits_and_observers(name, tmp_path):
    door, section, domain, kind, options = RUNS[name]
    problem, file, seen = described(section, domain, kind, **options), tmp_path / "flow.h5", []
    file.touch()
    door(problem, output=file, overwrite=True, observers=wgflow.Observers(snapshot=[seen.append]), stationarity=1e9)
    assert len(seen) == 2
    assert seen[-1].time < 0.2


def expect_handed_on(trajectory, file):
    """Compare a trajectory that was handed on with one that is read from the file."""
    read = wgflow.load(file, trajectory.functional)
    expect_same(trajectory, read)
    assert trajectory.attributes == read.attributes
    assert {name: type(value) for name, value in trajectory.attributes.items()} == {
        name: type(value) for name, value in read.attributes.items()
    }
    assert repr(trajectory.fields) == repr(read.fields)
    assert repr(trajectory[1:].fields) == repr(read[1:].fields)


def drift(x):
    return -4.0 * x[..., 0]


@pytest.mark.parametrize("options", [{"grow": True, "wall_warning": 0.01}, {"estimate": True}, {}])
def test_what_was_written_is_handed_on_without_reading_it(options, tmp_path, monkeypatch):
    line, file = Box([(-2.0, 2.0)], 24), tmp_path / "flow.h5"
    monkeypatch.setattr("wgflow.trajectory.reader._read", lambda *_: pytest.fail("the file was read"))
    trajectory = wgflow.solve(
        wgflow.Potential(drift), line, lambda x: np.exp(-(x[..., 0] ** 2)), 0.4, times=[0.2], output=file, **options
    )
    monkeypatch.undo()
    assert (trajectory.domain == line) != options.get("grow", False)
    expect_handed_on(trajectory, file)


def test_a_continued_run_is_handed_on(tmp_path):
    problem, file = described(TEACHER, CIRCLE, "finite_volume"), tmp_path / "flow.h5"

    def interrupt(evolution):
        if evolution.time > 0.25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wgflow.run(problem, file, observers=wgflow.Observers(step=[interrupt]))
    expect_handed_on(wgflow.run(problem, file, resume=True), file)
    expect_handed_on(wgflow.run(problem, file, resume=True), file)


CLOUD = wgflow.Particles(np.zeros((2, 2)), np.ones(2), np.ones(2))
RISK = wgflow.Quadratic(np.eye(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wgflow.solve_jko(RISK, Circle(8), np.ones(8), 1.0, tau=0.1, scheme="exact"), "scheme = 'exact'"),
        (lambda: wgflow.solve_jko(RISK, Space(2), CLOUD, 1.0, tau=0.1, scheme="linearised"), "found particles"),
        (lambda: wgflow.solve_jko(RISK, Circle(8), CLOUD, 1.0, tau=0.1), "unit"),
        (lambda: wgflow.solve_jko(RISK, Circle(8), np.ones(8), 1.0, tau=0.0), "tau = 0.0"),
        (lambda: wgflow.solve_jko(RISK, Circle(8), np.ones(8), 0.0, tau=0.1), "t_end = 0.0"),
        (lambda: wgflow.solve_characteristics(RISK, Space(2), np.ones(8), 1.0), "no cells to find moments"),
        (lambda: wgflow.solve_characteristics(RISK, Circle(8), np.full(8, "a"), 1.0), "real numbers"),
        (lambda: wgflow.solve_normalised(RISK, Circle(8), np.ones(8), 1.0), "softmin"),
    ],
)
def test_doors_refuse_what_is_not_allowed(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_memory_is_estimated_before_any_work():
    with pytest.raises(InputError, match="memory"):
        wgflow.solve_jko(RISK, Signed(Circle(10**12)), lambda x: x[..., 0], 1.0, tau=0.1, scheme="linearised")
    with pytest.raises(InputError, match="memory"):
        wgflow.solve_characteristics(RISK, Circle(10**12), lambda x: x[..., 0], 1.0)


DOORS = [wgflow.solve, wgflow.simulate, wgflow.solve_jko, wgflow.solve_normalised, wgflow.solve_characteristics]


@pytest.mark.parametrize("door", DOORS)
def test_the_signature_shows_the_arguments_that_all_doors_share(door):
    shown = inspect.signature(door).parameters
    assert [name for name in RunArguments.__annotations__ if name not in shown] == []
    assert (shown["resume"].default, shown["times"].default, shown["wall_limit"].default) == (False, None, 1.0)
    assert not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in shown.values())


def test_options_of_runs_are_the_arguments_that_type_checkers_know():
    assert [option.name for option in fields(RunOptions) if option.init] == list(RunArguments.__annotations__)


@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_argument_names_the_nearest_one(door):
    with pytest.raises(TypeError, match=rf"{door.__name__}\(\) got .* 'stationarty'; did you mean 'stationarity'"):
        door(stationarty=1e-3)
