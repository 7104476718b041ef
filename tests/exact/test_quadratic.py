"""The exact solution of quadratic features, at early and late times, against its equation."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tests.references import covariance
from wgflow.app.cli import _exit_code
from wgflow.errors import InputError
from wgflow.exact import AngularGaussian, quadratic_covariance, quadratic_flow

pytestmark = pytest.mark.usefixtures("without_layout")

TARGETS = {
    "positive": [[1.0, 0.3, 0.0], [0.3, 0.5, 0.1], [0.0, 0.1, 0.2]],
    "singular": [[1.0, 0.5, 0.0], [0.5, 0.25, 0.0], [0.0, 0.0, 0.0]],
    "indefinite": [[0.5, 0.6, 0.0], [0.6, -0.4, 0.2], [0.0, 0.2, 0.1]],
}
START = np.array([[0.5, -0.1, 0.05], [-0.1, 0.3, 0.0], [0.05, 0.0, 0.4]])


@pytest.mark.parametrize(("time", "largest"), [(0.5, 2e-15), (12.0, 3e-15), (50.0, 5e-13)])
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_the_covariance_solves_its_equation_at_all_times(target, time, largest):
    found = quadratic_covariance(np.array(target), START, time)
    assert abs(found - covariance(target, START, time)).max() < largest


@pytest.mark.parametrize("time", [0.0, 1e-9, 3.0, 200.0, 1e4])
@pytest.mark.parametrize("rate", [-1.0, 0.0, 1e-12, 0.7])
def test_one_dimension_follows_the_logistic_curve(rate, time):
    # s' = -4 s (s - c): 1 / s = (1 - e^(-4 c t)) / c + e^(-4 c t) / s_0, and 1 / s_0 + 4 t for c = 0.
    with np.errstate(over="ignore"):
        inverse = (-np.expm1(-4.0 * rate * time) / rate if rate else 4.0 * time) + np.exp(-4.0 * rate * time) / 0.3
    found = quadratic_covariance(np.array([[rate]]), np.array([[0.3]]), time)
    assert found[0, 0] == pytest.approx(1.0 / inverse, rel=2e-15 * (1.0 + 4.0 * abs(rate) * time), abs=1e-300)


def test_fast_and_slow_directions_do_not_disturb_each_other():
    target, start = np.diag([1.0, 0.01]), np.array([[2.0, 0.3], [0.3, 1.0]])
    assert abs(quadratic_covariance(target, start, 40.0) - covariance(target, start, 40.0)).max() < 4e-14


def test_a_start_on_a_subspace_stays_in_its_image():
    # The plane spanned by the second and third axis is invariant, however long and fast the first would grow.
    target, start = np.diag([2.0, 1.0, 0.25]), np.zeros((3, 3))
    start[1:, 1:] = [[0.5, 0.2], [0.2, 0.1]]
    for time in (0.0, 1.0, 30.0, 1e3):
        found = quadratic_covariance(target, start, time)
        assert abs(found[0]).max() == 0.0
        assert abs(found[1:, 1:] - quadratic_covariance(target[1:, 1:], start[1:, 1:], time)).max() < 1e-15
    along = np.outer([0.6, 0.0, 0.8], [0.6, 0.0, 0.8])  # one line, which turns to the first axis
    assert abs(quadratic_covariance(target, along, 1e3) - np.diag([2.0, 0.0, 0.0])).max() < 1e-14


def test_densities_of_small_covariances_are_those_of_large_ones():
    points = np.eye(3)
    expected = AngularGaussian(START)(points)
    for scale in (1e-150, 1e150):
        assert abs(AngularGaussian(scale * START)(points) / (scale * expected) - 1.0).max() < 2e-15


@pytest.mark.parametrize(
    ("target", "start", "time", "message"),
    [
        ([[1.0, 0.5], [0.0, 1.0]], np.eye(2), 1.0, "target = .* symmetric"),
        (np.eye(2), -np.eye(2), 1.0, "start = .* semidefinite"),
        (np.eye(2), np.eye(3), 1.0, "start = .* shape"),
        (np.eye(2), np.eye(2), -1.0, "time = -1.0"),
        (np.diag([1.0, -1.0]), np.eye(2), 50.0, "no density at time 50"),
    ],
)
def test_what_is_not_allowed_is_named(target, start, time, message):
    with pytest.raises(InputError, match=message):
        quadratic_flow(np.array(target), start, time)


@pytest.mark.parametrize("target", ["[[1.0, 0.3], [0.3, 0.5]]", "[[1.0, 0.0], [0.0, -1.0]]"])
def test_long_runs_are_drawn(tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    keys = ["solver.t_end=50", "domain.cells=16", "output.snapshots=3", f"problem.target={target}"]
    settings = [word for key in keys for word in ("--set", key)]
    monkeypatch.setattr(sys, "argv", ["wgflow", "run", "quadratic", *settings, "--plot", "q.png"])
    assert _exit_code() == 0
    assert (tmp_path / "q.png").read_bytes().startswith(b"\x89PNG")
