"""Runs that need more memory than is free are refused before anything is built."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import wgflow
from wgflow import domains
from wgflow.app import cli
from wgflow.app.sweeps import api as sweeps
from wgflow.app.sweeps import make_plan
from wgflow.errors import ComputationError, FlowWarning, InputError
from wgflow.runs import memory
from wgflow.runs.memory import Item, MemoryEstimate, estimate

GIB = 2**30
SMALL = {
    "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
    "domain": {"kind": "circle", "cells": 16},
    "solver": {"t_end": 0.1},
    "output": {"snapshots": 3},
}


@pytest.fixture
def free(monkeypatch):
    """Set what is free, beside the program."""

    def set_free(size):
        monkeypatch.setattr(estimate, "free_memory", lambda: size)
        monkeypatch.setattr(estimate, "resident_memory", lambda: estimate.PROGRAM)

    return set_free


@pytest.mark.parametrize(
    ("problem", "settings", "dominant", "key"),
    [
        ("riccati", ["domain.shape=[20000, 20000]"], "the density and its steps", "domain.shape"),
        ("teacher_box", ["domain.shape=[1024, 1024, 1024]"], "the density and its steps", "domain.shape"),
        ("teacher", ["domain.cells=67108864"], "the density and its steps", "domain.cells"),
        ("network", ["particles.count=100000000"], "particles and their steps", "particles.count"),
        ("network", ["particles.batch=1000000000"], "samples of a batch", "particles.batch"),
        ("keller_segel", ["domain.shape=[3000, 3000]", "finite_volume.stepper=tr_bdf2"], "fill-in", "domain.shape"),
        ("aggregation", ["domain.shape=[4000, 4000]"], "Fourier transforms of the padded box", "domain.shape"),
        ("clusters", ["domain.cells=2621442"], "fill-in", "domain.cells"),
        ("teacher_jko", ["particles.count=10000000"], "features at all particles", "particles.count"),
        ("riccati_jko", ["particles.count=50000000"], "second derivatives", "particles.count"),
    ],
)
def test_large_problems_are_refused_with_what_dominates_and_what_to_lower(free, problem, settings, dominant, key):
    free(4 * GIB)
    with pytest.raises(InputError, match=r"needs about [\d.,]+ GiB of memory, and 4 GiB are free; most") as caught:
        wgflow.open_problem(problem, settings)
    assert dominant in str(caught.value)
    assert f"lower {key}" in str(caught.value)


def test_nothing_is_built_before_the_refusal(free, monkeypatch):
    def build(*_, **__):
        raise AssertionError("the domain was built")

    free(GIB)
    monkeypatch.setattr("wgflow.problems.problem.make_domain", build)
    with pytest.raises(InputError, match="--force"):
        wgflow.open_problem("riccati", ["domain.shape=[20000, 20000]"])


def test_force_runs_all_the_same_on_the_command_line_and_in_python(free, tmp_path):
    free(1)
    path = tmp_path / "run.h5"
    command = ["run", "teacher", "-o", str(path), "--quiet"]
    command += ["--set", "domain.cells=16", "--set", "solver.t_end=0.1", "--set", "output.snapshots=2"]
    refused = CliRunner().invoke(cli.app, command)
    assert isinstance(refused.exception, InputError)
    assert not path.exists()
    assert CliRunner().invoke(cli.app, [*command, "--force"]).exit_code == 0
    with pytest.raises(InputError, match="of memory"):
        wgflow.run(SMALL)
    assert wgflow.run(SMALL, force=True).status == "complete"


def test_a_problem_that_is_open_is_asked_again_for_what_a_run_adds(free):
    free(GIB)
    problem = wgflow.open_problem(SMALL, ["output.snapshots=1000000", "domain.cells=1024"])
    with pytest.raises(InputError, match=r"snapshots in memory, .* lower output.snapshots"):
        wgflow.run(problem)


def test_resuming_asks_too(free, tmp_path):
    path = tmp_path / "run.h5"
    wgflow.run(SMALL, path)
    free(1)
    later = wgflow.open_problem({**SMALL, "solver": {"t_end": 0.2}, "output": {"times": [0.05, 0.1]}}, force=True)
    later = replace(later, force=False)
    with pytest.raises(InputError, match="of memory"):
        wgflow.run(later, path, resume=True)
    assert wgflow.run(later, path, resume=True, force=True).time[-1] == 0.2


def test_data_are_not_read_that_do_not_fit(free, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + "1.0,2.0\n2.0,1.0\n" * 100, encoding="utf-8")
    free(1)
    with pytest.raises(InputError, match=r"reading .*data\.csv needs about .* number of its rows"):
        wgflow.open_problem({**SMALL, "problem": {"kind": "two_layer", "data": str(path)}})


def test_solve_and_simulate_refuse_before_they_allocate(free, monkeypatch):
    free(GIB)
    heat, large = wgflow.Entropy(), wgflow.Box([(0.0, 1.0)] * 2, (20000, 20000))
    with pytest.raises(InputError, match="lower the number of cells"):
        wgflow.solve(heat, large, lambda x: x[..., 0], 1.0, times=[])
    assert "points" not in vars(large)
    cloud = wgflow.draw_particles(wgflow.Circle(8), np.ones(8), count=1000, seed=0)
    features = wgflow.Features(lambda x: np.ones((len(x), 10**6)), np.ones(10**6))
    with pytest.raises(InputError, match=r"features at all particles, .* lower the number of particles"):
        wgflow.simulate(features, cloud, 1.0)
    monkeypatch.setattr(estimate, "free_memory", lambda: 0)
    density = np.ones(16)
    assert wgflow.solve(wgflow.Quadratic(np.eye(2)), domains.Circle(16), density, 0.1, force=True).status == "complete"


def test_a_box_that_would_grow_beyond_the_memory_stops_and_is_kept(tmp_path, monkeypatch):
    """The steepest of slopes drives the mass to a wall; the file can be continued once there is memory."""
    sections = {
        "problem": {"kind": "energy", "potential": {"kind": "linear", "slope": [-1.0]}},
        "domain": {"kind": "box", "bounds": [[-2.0, 2.0]], "shape": [32], "grow": True},
        "initial": {"kind": "gaussian", "covariance": 0.05},
        "solver": {"t_end": 3.0},
        "output": {"snapshots": 7},
    }
    problem, path = wgflow.open_problem(sections), tmp_path / "run.h5"
    asked = []

    def refuse(_, *, force, subject="the run", **others):  # noqa: ARG001
        asked.append(subject)
        if subject != "the run" and not force:
            raise InputError(f"{subject} needs about 9 GiB of memory")

    monkeypatch.setattr(estimate, "check_memory", refuse)
    with pytest.raises(ComputationError, match=r"box of 40 cells to which it grows needs .* can be resumed"):
        wgflow.run(problem, path)
    assert len(wgflow.load(path).time) >= 1
    trajectory = wgflow.run(problem, path, resume=True, force=True)
    assert trajectory.status == "complete"
    assert trajectory.density.shape[1] > 32


def test_sweeps_start_as_many_runs_as_fit_and_refuse_single_ones_that_do_not(free, monkeypatch):
    largest = MemoryEstimate((Item("cells", 2.0 * GIB - estimate.PROGRAM, "domain.cells"),))
    monkeypatch.setattr(sweeps, "free_memory", lambda: 5 * GIB)
    with pytest.warns(FlowWarning, match=r"4 runs at once need about 8 GiB .* 2 at once .*domain.cells"):
        assert sweeps.processes_that_fit(4, largest) == 2
    assert sweeps.processes_that_fit(2, largest) == 2
    free(GIB)
    plan = make_plan("riccati", {"domain.shape": [[64, 64], [20000, 20000]]})
    with pytest.raises(InputError, match=r"20000,\s+20000,?\s*\] is not allowed: .*GiB of memory"):
        plan.check()


def test_coarse_runs_count_in_the_estimate():
    problem = wgflow.open_problem(SMALL, ["domain.cells=100000", "output.snapshots=101"])
    plain, both = problem.memory(), problem.memory(estimate=True)
    assert both.total > plain.total + 100 * 100_000 * 8 * 0.7
    assert "snapshots of coarse runs" in {item.name for item in both.items}


def test_what_is_there_already_is_not_asked_for_twice():
    cells, making = Item("cells", 3.0, built=True), Item("making them", 5.0, brief=True)
    found = MemoryEstimate((cells, making, Item("steps", 2.0, late=True)))
    assert found.arrays == 8.0
    assert found.still_needed(0.0, built=False) == found.total
    assert found.still_needed(1e12, built=False) == 8.0
    assert found.still_needed(1e12, built=True) == 5.0
    assert found.largest.name == "making them"
    longer = MemoryEstimate((cells, making, Item("steps", 6.0, late=True)))
    assert (longer.arrays, longer.largest.name) == (9.0, "steps")


def test_where_nothing_is_known_nothing_is_refused(free):
    free(None)
    memory.check_memory(MemoryEstimate((Item("cells", 1e30),)))


def test_the_estimate_of_a_measured_run():
    """Arrays of a run, as numpy allocates them: compiled code and libraries left out."""
    problem = wgflow.open_problem("riccati", ["domain.shape=[150, 150]", "solver.t_end=1e-4", "output.snapshots=2"])
    wgflow.run(problem)  # compiles
    tracemalloc.start()
    try:
        wgflow.run(problem)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    built = 150 * 150 * 8 * 2  # points of the domain, which are there before
    assert 1.0 / 2.0 <= problem.memory(in_memory=True).arrays / (peak + built) <= 2.0
