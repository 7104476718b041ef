"""Initial measures of problem files: their mass, their shape, and starts from files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import vonmises_fisher

import wgflow
from wgflow.domains import Box, Circle, Signed, Sphere, total_mass
from wgflow.domains.quadrature import point_values
from wgflow.errors import InputError
from wgflow.measures import Particles
from wgflow.measures.deposit import deposit
from wgflow.problems.initial import initial_averages, initial_particles
from wgflow.problems.models import GaussianInitial, MixtureInitial, UniformInitial, VonMisesFisherInitial

BOX = Box([(-3.0, 3.0), (-2.0, 4.0)], (24, 30))
GAUSSIAN = GaussianInitial(kind="gaussian", covariance=[[0.3, 0.1], [0.1, 0.2]], mean=[0.3, 0.5], mass=0.7)


@pytest.mark.parametrize("concentration", [0.0, 0.5, 8.0, 900.0])
@pytest.mark.parametrize(
    "domain", [Circle(256), Signed(Circle(256)), Sphere(10242)], ids=lambda d: f"{d.kind}{d.sheets}"
)
def test_von_mises_fisher_measures_have_their_density(domain, concentration):
    direction = [3.0, 4.0] if domain.base.kind == "circle" else [2.0, -1.0, 2.0]
    section = VonMisesFisherInitial(kind="von_mises_fisher", direction=direction, concentration=concentration, mass=1.5)
    density = initial_averages(section, domain)
    assert total_mass(domain, density) == pytest.approx(1.5, rel=5.4e-11 if concentration < 100.0 else 2e-3)
    if concentration > 0.0:
        unit = np.array(direction) / np.linalg.norm(direction)
        exact = 1.5 * vonmises_fisher(unit, concentration).pdf(domain.base.points) / domain.sheets
        values = initial_averages(section, domain, point_values).reshape(domain.sheets, -1)
        np.testing.assert_allclose(values, np.broadcast_to(exact, values.shape), rtol=4.4e-13, atol=1e-200)


def test_a_mixture_is_the_sum_of_its_components():
    other = UniformInitial(mass=0.4)
    mixture = MixtureInitial(kind="mixture", components=[GAUSSIAN, other])
    expected = initial_averages(GAUSSIAN, BOX) + initial_averages(other, BOX)
    np.testing.assert_allclose(initial_averages(mixture, BOX), expected, rtol=1e-15)
    assert total_mass(BOX, expected) == pytest.approx(1.1, rel=1e-12)


def test_point_values_of_a_gaussian_are_those_of_its_formula():
    values = initial_averages(GAUSSIAN, BOX, point_values)
    shifted = BOX.points - [0.3, 0.5]
    form = np.exp(-0.5 * np.einsum("...i,ij,...j->...", shifted, np.linalg.inv([[0.3, 0.1], [0.1, 0.2]]), shifted))
    np.testing.assert_allclose(values / values.max(), form / form.max(), rtol=1e-12)
    assert total_mass(BOX, values) == pytest.approx(0.7, rel=1e-12)


def test_particles_of_a_gaussian_are_drawn_from_the_gaussian_itself():
    coarse = Box([(-3.0, 3.0), (-2.0, 4.0)], (4, 4))
    particles = initial_particles(GAUSSIAN, coarse, 2**12, "quasi_random")
    assert particles.mass == pytest.approx(0.7, rel=1e-12)
    np.testing.assert_allclose(np.cov(particles.points.T), [[0.3, 0.1], [0.1, 0.2]], atol=1.4e-4, rtol=6.6e-9)


# Starts from files.

RUN = {
    "problem": {"kind": "quadratic", "target": [[1.0, 0.2], [0.2, 0.5]]},
    "domain": {"kind": "box", "bounds": [[-3.0, 3.0], [-3.0, 3.0]], "shape": [20, 20], "wall_warning": 1.0},
    "initial": {"kind": "gaussian", "covariance": [[0.3, 0.0], [0.0, 0.2]]},
    "solver": {"t_end": 0.2},
    "output": {"snapshots": 3},
}


def start_from(path, **sections):
    return {**RUN, "initial": {"kind": "file", "path": str(path)}, **sections}


def test_a_run_goes_on_from_a_trajectory(tmp_path):
    first = wgflow.run(RUN, tmp_path / "first.h5")
    second = wgflow.run(start_from(tmp_path / "first.h5"))
    np.testing.assert_array_equal(second.density[0], first.density[-1])
    whole = wgflow.run({**RUN, "solver": {"t_end": 0.4}, "output": {"times": [0.1, 0.2, 0.3, 0.4]}})
    difference = abs(second.density[-1] - whole.density[-1]).sum() / whole.density[-1].sum()
    assert difference < 2e-6  # step control begins anew


def test_a_run_goes_on_on_a_finer_grid(tmp_path):
    first = wgflow.run(RUN, tmp_path / "first.h5")
    finer = {**RUN["domain"], "shape": [40, 60]}
    start = wgflow.open_problem(start_from(tmp_path / "first.h5", domain=finer)).initial_density()
    means = start.reshape(20, 2, 20, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(means, first.density[-1], atol=1e-13, rtol=3.9e-11)


def test_a_snapshot_can_be_chosen(tmp_path):
    first = wgflow.run(RUN, tmp_path / "first.h5")
    initial = {"kind": "file", "path": str(tmp_path / "first.h5"), "snapshot": 1}
    np.testing.assert_array_equal(wgflow.open_problem({**RUN, "initial": initial}).initial_density(), first.density[1])


def test_a_box_becomes_a_circle(tmp_path):
    first = wgflow.run(RUN, tmp_path / "first.h5")
    circle = wgflow.open_problem(start_from(tmp_path / "first.h5", domain={"kind": "circle", "cells": 32}))
    moment = np.einsum("ij,ijk->", first.density[-1] * first.domain.volumes, first.domain.points**2)
    assert total_mass(circle.domain, circle.initial_density()) == pytest.approx(moment, rel=0.05)


def test_arrays_of_a_density_and_of_particles(tmp_path):
    density = np.random.default_rng(0).exponential(size=(20, 20))
    np.savez(tmp_path / "density.npz", density=density)
    problem = wgflow.open_problem(start_from(tmp_path / "density.npz"))
    np.testing.assert_array_equal(problem.initial_density(), density)
    points, weights = np.random.default_rng(1).normal(size=(50, 2)) * 0.5, np.full(50, 0.02)
    np.savez(tmp_path / "particles.npz", position=points, weight=weights)
    problem = wgflow.open_problem(start_from(tmp_path / "particles.npz"))
    expected = deposit(Particles(points, weights, np.ones(50)), problem.domain)
    np.testing.assert_array_equal(problem.initial_density(), expected)
    moving = wgflow.run(start_from(tmp_path / "particles.npz", solver={"kind": "particles", "t_end": 0.1}))
    np.testing.assert_array_equal(moving.position[0], points)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"other": np.ones(3)}, "holds other; it needs density, or position and weight"),
        ({"density": np.ones((3, 3))}, r"density of shape \(3, 3\) does not fit the domain"),
        ({"density": np.full((20, 20), np.nan)}, "density holds values that are not finite"),
        (
            {"position": np.ones((5, 3)), "weight": np.ones(5)},
            "start.npz': particles with points of 3 components do not fit Box",
        ),
        ({"position": np.ones((5, 2)), "weight": np.ones(4)}, "do not fit together"),
    ],
)
def test_arrays_must_be_a_measure_on_the_domain(tmp_path, arrays, message):
    np.savez(tmp_path / "start.npz", **arrays)
    with pytest.raises(InputError, match=message):
        wgflow.open_problem(start_from(tmp_path / "start.npz"))


def test_files_must_exist_and_hold_the_snapshot(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.npz' does not exist"):
        wgflow.open_problem(start_from(tmp_path / "nowhere.npz"))
    with pytest.raises(InputError, match=r"nowhere.h5 does not exist"):
        wgflow.open_problem(start_from(tmp_path / "nowhere.h5"))
    wgflow.run(RUN, tmp_path / "first.h5")
    initial = {"kind": "file", "path": str(tmp_path / "first.h5"), "snapshot": 7}
    with pytest.raises(InputError, match=r"snapshot = 7 is not allowed; .* the snapshots 0 to 2"):
        wgflow.open_problem({**RUN, "initial": initial})
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(InputError, match="cannot be read"):
        wgflow.open_problem(start_from(tmp_path / "text.npz"))


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        (
            {"kind": "von_mises_fisher", "direction": [1.0, 0.0], "concentration": 1.0},
            "not available on the domain 'box'",
        ),
        ({"kind": "gaussian", "covariance": [[1.0, 2.0], [2.0, 1.0]]}, "positive definite"),
        ({"kind": "gaussian", "covariance": [[1.0]]}, "covariance has 1 rows"),
        ({"kind": "gaussian", "covariance": [[0.01, 0.0], [0.0, 0.01]], "mean": [90.0, 0.0]}, "outside the box"),
        ({"kind": "mixture", "components": []}, "components"),
        ({"kind": "mixture", "components": [{"kind": "mixture", "components": []}]}, "components"),
    ],
)
def test_measures_must_live_on_the_domain(initial, message):
    with pytest.raises(InputError, match=message):
        wgflow.open_problem({**RUN, "initial": initial})


def test_a_direction_must_fit_the_circle():
    initial = {"kind": "von_mises_fisher", "direction": [0.0, 0.0], "concentration": 1.0}
    with pytest.raises(InputError, match="give 2 numbers that are not all zero"):
        wgflow.open_problem({**RUN, "domain": {"kind": "circle"}, "initial": initial})
