"""Runs with estimates: near the true errors, and otherwise the runs that they are without."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import wgflow
from wgflow import Box, Circle, Entropy, Potential, Quadratic, simulate, solve
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.errors import EstimateWarning, InputError
from wgflow.exact import quadratic_flow
from wgflow.measures import Particles
from wgflow.particles import Descent, Langevin
from wgflow.trajectory.checking import check_trajectory

TARGET, START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
QUADRATIC = {
    "problem": {"kind": "quadratic", "target": TARGET.tolist()},
    "domain": {"kind": "circle", "cells": 128},
    "initial": {"kind": "angular_gaussian", "covariance": START.tolist()},
    "solver": {"t_end": 0.5},
    "output": {"snapshots": 11},
}
ENERGY = {
    "problem": {
        "kind": "energy",
        "potential": {"kind": "quadratic"},
        "internal": {"kind": "entropy", "temperature": 0.2},
    },
    "domain": {"kind": "box", "bounds": [[-3.0, 3.0]], "shape": [64]},
    "initial": {"kind": "gaussian", "covariance": 0.3},
    "solver": {"t_end": 0.2},
    "output": {"snapshots": 6},
}


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """No warning of coarse runs that take long, which those on a busy machine may that compile."""
    monkeypatch.setattr("wgflow.runs.estimates.plan.LONG_RUN", np.inf)


def run(base=QUADRATIC, output=None, *, estimate=True, resume=False, **settings):
    chosen = [f"{key.replace('__', '.')}={value}" for key, value in settings.items()]
    return wgflow.run(wgflow.open_problem(base, chosen), output, resume, estimate=estimate)


def true_errors(trajectory, represent=cell_averages):
    """Of F, mass and density, at all outputs."""
    exact = [quadratic_flow(TARGET, START, time) for time in trajectory.time]
    errors = {
        "energy": [0.5 * ((law.covariance - TARGET) ** 2).sum() for law in exact] - trajectory.energy,
        "mass": [law.mass for law in exact] - trajectory.mass,
    }
    if "density" in trajectory.fields:
        there = np.array([represent(trajectory.domain, law) for law in exact])
        errors["density"] = np.abs(there - trajectory.density) @ trajectory.domain.volumes
    return {name: np.abs(values) for name, values in errors.items()}


def check(trajectory, true, names=("energy", "mass", "density"), factor=3.0):
    """The last estimates are within a factor of the true errors next to them."""
    for name in names:
        ratio = trajectory.errors[name][-1] / true[name][-3:].max()
        assert 1.0 / factor < ratio < factor, (name, ratio)


@pytest.mark.parametrize("cells", [128, 125])
def test_finite_volumes(cells):
    trajectory = run(domain__cells=cells)
    true = true_errors(trajectory)
    check(trajectory, true)
    assert trajectory.errors["density"][-1] == pytest.approx(true["density"][-1], rel=0.3)  # 2^p - 1 is 3
    assert trajectory.orders["density"][-1] == pytest.approx(2.0, abs=0.3)


def test_fifth_order_of_point_values():
    """With a tolerance that lets the order in space be seen."""
    trajectory = run(finite_volume__order=5, finite_volume__tolerance=1e-7, domain__cells=128, output__snapshots=9)
    check(trajectory, true_errors(trajectory, point_values), ["density", "mass"])
    assert trajectory.orders["density"][-1] > 3.5  # 2^p - 1 is 15 or more


def test_function_and_array_as_start_on_both_sheets():
    times, domain = [0.1, 0.2], wgflow.Signed(Circle(64))
    exact = quadratic_flow(TARGET, START, 0.0)
    functional = wgflow.Population(wgflow.Teacher(np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([1.0, -1.0])))
    for start in (exact, exact(domain.points)):
        trajectory = solve(functional, domain, start, 0.2, times=times, estimate=True)
        assert trajectory.orders["density"][-1] == pytest.approx(2.0, abs=0.5)
        assert np.isfinite(trajectory.errors["transport"]).all()


@pytest.mark.parametrize("settings", [{}, {"initial__seed": 3}])
def test_random_particles(settings):
    """Batches tell the statistical error; it is of one standard deviation, which a single draw may miss."""
    trajectory = run(solver__kind="particles", particles__count=512, particles__tolerance=1e-4, **settings)
    deviation = {"energy": 2.6e-3, "mass": 6.5e-3}  # root mean squares over 32 seeds
    for name, value in deviation.items():
        assert 0.5 < trajectory.errors[name][-1] / value < 2.0
    assert trajectory.orders["mass"][-1] == 0.5


def test_descent_shows_the_error_of_its_steps():
    options = {"particles__start": "equispaced", "particles__method": "euler", "particles__step": 0.01}
    trajectory = run(solver__kind="particles", particles__count=128, **options)
    check(trajectory, true_errors(trajectory), ["energy", "mass"])
    assert trajectory.orders["mass"][-1] == pytest.approx(1.0, abs=0.2)


def test_spectrally_accurate_particles_err_by_their_tolerance():
    trajectory = run(solver__kind="particles", particles__count=128, particles__start="equispaced")
    assert trajectory.errors["mass"][-1] < 1e-5
    assert np.isnan(trajectory.orders["mass"][-1])


def test_variational_steps_double_with_the_cells():
    trajectory = run(ENERGY, solver__kind="jko", jko__scheme="linearised", jko__tau=0.01)
    finer = run(ENERGY, estimate=False, domain__shape="[256]")
    apart = (
        np.abs(trajectory.density[-1] - finer.density[-1].reshape(64, 4).mean(axis=1)).sum()
        * trajectory.domain.spacing[0]
    )
    assert 1.0 / 3.0 < trajectory.errors["density"][-1] / apart < 3.0


@pytest.mark.parametrize("output", [None, "run.h5"])
def test_a_run_is_the_same_with_and_without(tmp_path, output):
    with_it, without = (
        run(output=None if output is None else tmp_path / f"{estimate}.h5", estimate=estimate, domain__cells=32)
        for estimate in (True, False)
    )
    assert np.array_equal(with_it.density, without.density)
    for name, values in with_it.scalars.items():
        assert np.array_equal(values, without.scalars[name])
    assert with_it.attributes["problem"] == without.attributes["problem"]
    assert without.errors == without.orders == {}


def test_resumed_runs_repeat_their_coarse_runs(tmp_path):
    whole, part = tmp_path / "whole.h5", tmp_path / "part.h5"
    times = {"output__times": "[0.1, 0.2, 0.3, 0.4, 0.5]", "domain__cells": 32}
    expected = run(output=whole, **times)
    run(output=part, **{**times, "solver__t_end": 0.3, "output__times": "[0.1, 0.2, 0.3]"})
    found = run(output=part, estimate=False, resume=True, **times)
    for name, errors in expected.errors.items():
        assert np.array_equal(found.errors[name], errors, equal_nan=True)
    assert all(entry.passed for entry in check_trajectory(part))


def test_estimates_do_not_begin_in_the_middle(tmp_path):
    path = tmp_path / "run.h5"
    run(output=path, estimate=False, domain__cells=32)
    with pytest.raises(InputError, match="without estimates"):
        run(output=path, resume=True, domain__cells=32)


def test_grids_that_are_too_coarse_are_not_resolved(tmp_path):
    with pytest.warns(EstimateWarning, match="at least 4 cells"):
        trajectory = run(output=tmp_path / "run.h5", domain__cells=12)
    assert trajectory.status == "complete"
    assert all(np.isnan(errors).all() for errors in trajectory.errors.values())
    assert all(entry.passed for entry in check_trajectory(tmp_path / "run.h5"))


def test_functional_of_one_grid_is_not_resolved():
    functional = wgflow.SobolevDiscrepancy(np.ones(32), 1.0)
    with pytest.warns(EstimateWarning, match="not resolved"):
        trajectory = solve(
            functional, Box([(0.0, 1.0)], 32, periodic=True), np.ones(32), 0.1, times=[0.1], estimate=True
        )
    assert np.isnan(trajectory.errors["energy"]).all()


def test_given_particles():
    angles = (np.arange(64) + 0.5) * 2.0 * np.pi / 64
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    even = Particles(points, np.full(64, 1.0 / 64), np.ones(64))
    options = {"times": [0.2], "estimate": True, "domain": Circle(16)}
    assert simulate(Quadratic(TARGET), even, 0.2, method=Descent(0.01), **options).orders["mass"][-1] > 0.8
    mixed = Particles(points, np.random.default_rng(0).random(64), np.ones(64))
    shuffled = Particles(mixed.points[::-1] * [1.0, -1.0], mixed.weights, mixed.signs)
    assert simulate(Quadratic(TARGET), shuffled, 0.2, **options).errors["mass"][-1] > 0.0
    draw = {
        **options,
        "estimate": lambda count: Particles(points[:: 64 // count], np.full(count, 1 / count), np.ones(count)),
    }
    assert np.isfinite(simulate(Quadratic(TARGET), even, 0.2, method=Descent(0.01), **draw).errors["mass"]).all()


def test_noise_of_langevin_steps_falls_with_the_particles():
    start = Particles(np.linspace(-1.0, 1.0, 256)[:, None], np.full(256, 1.0 / 256), np.ones(256))
    functional = Entropy(0.3) + Potential(lambda points: 0.5 * (points**2).sum(axis=1))
    options = {"times": [0.5], "domain": Box([(-4.0, 4.0)], 16), "method": Langevin(0.05), "reaction": 0.0}
    trajectory = simulate(functional, start, 0.5, estimate=True, **options)
    assert 2e-3 < trajectory.errors["energy"][-1] < 3e-2


@pytest.mark.parametrize(
    ("base", "settings", "message"),
    [
        (ENERGY, {"domain__grow": "true"}, "grow"),
        (
            QUADRATIC,
            {"solver__kind": "particles", "particles__method": "mirror", "particles__step": 0.1, "particles__batch": 2},
            "samples",
        ),
        ("clusters", {}, "normalised"),
    ],
)
def test_refusals_come_before_anything_is_computed(base, settings, message):
    with pytest.raises(InputError, match=message):
        run(base, **settings)


def test_no_warning_otherwise():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(domain__cells=32)
