"""Transport by velocities from outside in problem files."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow import Sphere, StreamFunction, Velocity, solve_transport
from wgflow.problems.own_code import OwnCode
from wgflow.problems.velocities import VELOCITY_KINDS

AXIS = np.array([2.0, 0.0, 0.0])
OWN = """
import numpy as np

def psi(x, t):
    return np.cos(t) * x[:, 0] * x[:, 1]

def u(x, t):
    return np.cross([0.0, 0.0, 1.0 + t], x)

def wrong(x, t):
    return x
"""
VON_MISES = {"kind": "von_mises_fisher", "direction": [0.0, 1.0, 0.0], "concentration": 4.0}


def content(velocity, **options):
    return {
        "problem": {"kind": "transport", "velocity": velocity},
        "domain": {"kind": "sphere", "cells": 162},
        "initial": VON_MISES,
        "solver": {"kind": "transport", "t_end": 0.25},
        "transport": options,
        "output": {"snapshots": 2},
    }


def solved(velocity, **options):
    start = wgflow.open_problem(content({"kind": "rotation"})).initial_density()
    return solve_transport(velocity, Sphere(162), start, 0.25, times=[0.25], **options)


def test_a_rotation_goes_counter_clockwise_around_its_axis():
    """A quarter of a turn around x takes the middle from y to z."""
    options = {"limiter": "zalesak", "tolerance": 1e-3}
    flow = wgflow.run(content({"kind": "rotation", "axis": AXIS.tolist()}, **options))
    expected = solved(StreamFunction(lambda x, _: -np.pi * x @ AXIS, steady=True), **options)
    np.testing.assert_allclose(flow.density[-1], expected.density[-1], rtol=1e-12)
    middle = flow.density[-1] @ (flow.domain.volumes[:, None] * flow.domain.points)
    assert middle[2] > 0.999 * np.linalg.norm(middle)
    assert flow.labels.energy.long_name == "half the integral of the squared density"


def test_a_deformation_draws_out_and_back():
    """As in the test case of Nair and Lauritzen, whose density is that of the start again after a period."""
    velocity = VELOCITY_KINDS["deformation"](kind="deformation", period=2.0).build(Sphere(162), OwnCode())
    points = Sphere(42).points
    assert velocity.function(points, 1.0) == pytest.approx(-np.pi * points[:, 2])
    first, last = velocity.function(points, 0.0), velocity.function(points, 2.0)
    assert first == pytest.approx(5.0 * points[:, 1] ** 2 - np.pi * points[:, 2])
    assert first + last == pytest.approx(-2.0 * np.pi * points[:, 2])


@pytest.mark.parametrize(
    ("kind", "name", "made"), [("stream_function", "psi", StreamFunction), ("python", "u", Velocity)]
)
def test_functions_of_files(kind, name, made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    names: dict[str, object] = {}
    exec(OWN, names)
    given = content({"kind": kind, "function": f"own.py:{name}"}, order=2)
    with pytest.raises(wgflow.InputError, match="is Python code"):
        wgflow.open_problem(given)
    flow, expected = wgflow.run(given, allow_code=True), solved(made(names[name]), order=2)
    np.testing.assert_allclose(flow.density[-1], expected.density[-1], rtol=1e-12)
    with pytest.raises(wgflow.InputError, match=r"own.py:wrong"):
        wgflow.run(content({"kind": "stream_function", "function": "own.py:wrong"}), allow_code=True)


def test_a_run_goes_on(tmp_path):
    path, given = tmp_path / "flow.h5", content({"kind": "deformation"}, limiter="zalesak")
    whole = wgflow.run({**given, "output": {"times": [0.1, 0.25]}})
    given["solver"]["t_end"] = 0.1
    wgflow.run({**given, "output": {"times": [0.1]}}, path)
    given["solver"]["t_end"] = 0.25
    again = wgflow.run({**given, "output": {"times": [0.1, 0.25]}}, path, resume=True)
    np.testing.assert_array_equal(again.density, whole.density)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"solver": {"kind": "finite_volume", "t_end": 1.0}},
            r'needs \[solver\] kind = "transport"; found .finite_volume',
        ),
        ({"solver": {"kind": "transport", "t_end": 1.0, "reaction": 1.0}}, "factors of flows down an energy"),
        ({"domain": {"kind": "sphere", "cells": 42, "signed": True}}, "domain is 'sphere', with signs"),
        ({"problem": {"kind": "quadratic", "target": np.eye(3).tolist()}}, "with a velocity; found .quadratic"),
        ({"problem": {"kind": "transport", "velocity": {"kind": "rotation", "axis": [0.0, 0.0]}}}, "has 2 entries"),
        ({"problem": {"kind": "transport", "velocity": {"kind": "rotation", "axis": [0.0] * 3}}}, "give a direction"),
        ({"transport": {"order": 2, "limiter": "zalesak"}}, "'zalesak' corrects fluxes of order 3; found order = 2"),
        (
            {"solver": {"kind": "transport", "t_end": 1.0, "stationarity": 0.1}},
            "stationarity needs an energy that falls",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    with pytest.raises(wgflow.InputError, match=message):
        wgflow.run({**content({"kind": "rotation"}), **changed})


@pytest.mark.parametrize("options", [{"limiter": "minmod"}, {"order": 2, "limiter": "zalesak"}])
def test_limiters_are_refused_where_the_problem_is_opened(options):
    """So sweeps ask before their first run."""
    with pytest.raises(wgflow.InputError, match=f"limiter = '{options['limiter']}'"):
        wgflow.open_problem(content({"kind": "rotation"}, **options))


def test_estimates_are_refused():
    with pytest.raises(wgflow.InputError, match="compare numbers of cells"):
        wgflow.run(content({"kind": "rotation"}), estimate=True)
