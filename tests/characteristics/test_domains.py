"""Characteristics on spheres, hyperspheres, boxes and in space, against exact solutions and finite volumes."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow import (
    Box,
    Features,
    HalfCircle,
    Hypersphere,
    Link,
    Population,
    Potential,
    Quadratic,
    Relu,
    Signed,
    Space,
    Sphere,
    Teacher,
)
from wgflow.characteristics import GaussHermiteNodes
from wgflow.characteristics.surface_transport import spread_out
from wgflow.errors import InputError
from wgflow.exact.quadratic import AngularGaussian, quadratic_covariance, quadratic_flow
from wgflow.exact.symmetric import SymmetricQuadratic
from wgflow.functionals.losses import HALF_SQUARED_NORM

TARGET = np.diag([1.0, 0.5, 0.25])
TURNED = np.array([[0.6375, 0.28145825], [0.28145825, 0.3125]])  # diag(.8, .15) turned by 30 degrees
UNIT_PAIR = Population(Teacher([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [1.0, -1.0]))


def test_nodes_that_crowd_are_left_out():
    """On a line of usual distance 0.75, the one that is closer to one before it than 0.7 of that."""
    points = np.array([[0.0], [1.0], [2.0], [2.5], [3.0], [4.0]])
    np.testing.assert_array_equal(spread_out(points), [0, 1, 2, 4, 5])


def gaussian(covariance):
    inverse, scale = np.linalg.inv(covariance), np.sqrt(np.linalg.det(2.0 * np.pi * covariance))
    return lambda x: np.exp(-0.5 * np.einsum("...i,ij,...j->...", x, inverse, x)) / scale


def relative_error(trajectory, exact):
    """Largest relative error of the density at a node in the end."""
    return abs(trajectory.fields["node_density"][-1] / exact(trajectory.position[-1]) - 1.0).max()


@pytest.mark.parametrize(
    ("nodes", "measured", "on_cells"), [("product", 2.4e-12, 9.6e-4), ("fibonacci", 1.71e-4, 6.8e-4)]
)
def test_densities_of_quadratic_features_on_the_sphere(nodes, measured, on_cells):
    start = 0.25 * np.eye(3)
    run = {"times": [1.0], "nodes": nodes, "node_count": 1000, "tolerance": 1e-11}
    trajectory = wgflow.solve_characteristics(Quadratic(TARGET), Sphere(162), AngularGaussian(start), 1.0, **run)
    exact = quadratic_flow(TARGET, start, 1.0)
    assert relative_error(trajectory, exact) < 2.0 * measured
    assert trajectory.fields["least_density"][-1] == trajectory.fields["node_density"][-1].min() > 0.0
    assert (trajectory.density[-1] * trajectory.domain.volumes).sum() == pytest.approx(trajectory.mass[-1], rel=9e-4)
    # Between the nodes, polynomials of degree 3; also at the poles, where nodes of the product rule crowd.
    error = abs(trajectory.density[-1] / exact(trajectory.domain.points) - 1.0).max()
    assert on_cells / 2.0 < error < 2.0 * on_cells


@pytest.mark.parametrize(("components", "measured"), [(5, 1.9e-10), (10, 3.3e-10)])
def test_densities_of_quadratic_features_on_hyperspheres(components, measured):
    target, start = np.diag(np.linspace(1.0, 0.2, components)), 0.3 * np.eye(components)
    run = {"times": [1.0], "tolerance": 1e-10}
    trajectory = wgflow.solve_characteristics(
        Quadratic(target), Hypersphere(components), AngularGaussian(start), 1.0, **run
    )
    assert relative_error(trajectory, quadratic_flow(target, start, 1.0)) < 2.0 * measured
    assert "density" not in trajectory.fields


@pytest.mark.parametrize("domain", [Box([(-4.5, 4.5)] * 2, (32, 32)), Space(2)])
def test_densities_of_quadratic_features_in_a_box_and_in_space(domain):
    start = 0.3 * np.eye(2)
    nodes = GaussHermiteNodes(64, covariance=start)
    run = {"times": [1.0], "nodes": nodes, "tolerance": 1e-12}
    trajectory = wgflow.solve_characteristics(Quadratic(TURNED), domain, gaussian(start), 1.0, **run)
    exact = gaussian(quadratic_covariance(TURNED, start, 1.0))
    assert relative_error(trajectory, exact) < 8e-11  # measured: 4e-11
    if domain.base.has_cells:  # its logarithm is a polynomial of degree 2
        assert abs(trajectory.density[-1] - exact(domain.points)).max() < 1e-8


def test_a_signed_teacher_on_the_sphere_has_the_risk_of_finite_volumes():
    """Finite volumes on 642, 2562, 10242 cells: .01095534, .01071719, .01065906, extrapolated .01063968."""
    domain = Signed(Sphere(42))
    run = {"times": [6.0], "nodes": "product", "node_count": 500, "tolerance": 1e-6}
    trajectory = wgflow.solve_characteristics(
        UNIT_PAIR, domain, lambda x: np.full(x.shape[:-1], 0.125 / np.pi), 6.0, **run
    )
    assert trajectory.risk[-1] == pytest.approx(0.01063968, abs=5.3e-7)
    assert trajectory.density.shape == (2, 2, 42)


def test_resumed_runs_are_those_that_were_not_interrupted(tmp_path):
    path = tmp_path / "run.h5"
    run = {"nodes": "fibonacci", "node_count": 60}

    def follow(**more):
        return wgflow.solve_characteristics(
            Quadratic(TARGET), Sphere(42), AngularGaussian(0.25 * np.eye(3)), 1.0, times=[0.5], **run, **more
        )

    whole = follow()
    part = follow(output=path, until=lambda evolution: evolution.time >= 0.5)
    assert part.time[-1] < 1.0
    resumed = follow(output=path, resume=True)
    for name, values in whole.fields.items():
        np.testing.assert_array_equal(np.asarray(resumed.fields[name]), values)


def test_problem_files_have_nodes_on_hyperspheres_and_spheres():
    network = {"kind": "two_layer", "data": "gaussian_teacher"}
    teacher = {"directions": np.eye(4)[:2].tolist(), "weights": [1.0, -1.0]}
    sections = {
        "problem": {**network, "teacher": teacher},
        "domain": {"kind": "hypersphere", "dimension": 4, "signed": True},
        "solver": {"kind": "characteristics", "t_end": 1.0},
        "characteristics": {"count": 40},
        "output": {"snapshots": 2},
    }
    trajectory = wgflow.run(sections)
    assert trajectory.position.shape == (2, 80, 4)
    assert trajectory.mass[0] == pytest.approx(1.0, rel=1e-13)
    settings = ["solver.kind=characteristics", "domain.cells=42", "characteristics.nodes=product", "output.snapshots=2"]
    problem = wgflow.open_problem("quadratic_sphere", [*settings, "characteristics.count=60", "solver.t_end=1.0"])
    assert wgflow.run(problem).fields["node_density"].shape == (2, 55)


def test_nodes_other_than_cells_have_no_coarser_runs_to_estimate_errors_from():
    settings = ["solver.kind=characteristics", "domain.cells=42", "characteristics.nodes=product"]
    with pytest.raises(InputError, match='estimate needs nodes = "cells"'):
        wgflow.run(wgflow.open_problem("quadratic_sphere", settings), estimate=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: (Quadratic(TARGET), Sphere(42), np.ones(42), {"nodes": "product"}), "an array, for nodes"),
        (lambda: (Quadratic(TARGET), Sphere(42), np.ones(42), {"nodes": "sobol"}), "nodes 'sobol' is unknown"),
        (lambda: (Quadratic(TARGET), Sphere(42), np.ones(42), {"node_count": 9}), "node_count has no meaning"),
        (lambda: (Quadratic(TARGET), Sphere(42), lambda x: x[..., 0], {}), "at least 0"),
        (lambda: (Quadratic(TARGET), Space(3), gaussian(np.eye(3)), {"nodes": "frames"}), "live on unit spheres"),
        (lambda: (Quadratic(TARGET), Hypersphere(3), gaussian(np.eye(3)), {"nodes": "cells"}), "need a grid"),
        (lambda: (Features(Relu(np.eye(3)), np.ones(3)), Sphere(42), np.ones(42), {}), "have kinks"),
        (lambda: (wgflow.PowerEnergy(2.0), Sphere(42), np.ones(42), {}), "PowerEnergy spreads mass"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    functional, domain, density, options = call()
    with pytest.raises(InputError, match=message):
        wgflow.solve_characteristics(functional, domain, density, 1.0, **options)


def test_masses_of_nodes_that_gather_are_shared_out():
    """A well that all nodes fall into: no density on the grid, but all of the mass, and none below 0."""
    box = Box([(-1.0, 1.0)] * 2, (8, 8))
    well = Potential(lambda x: 4.0 * (x**2).sum(axis=-1), gradient=lambda x: 8.0 * x)
    trajectory = wgflow.solve_characteristics(well, box, np.ones(box.shape), 2.0, times=[2.0])
    density = trajectory.density[-1]
    assert density.min() >= 0.0
    assert (density * box.volumes).sum() == pytest.approx(4.0, rel=1e-13)
    assert density[3:5, 3:5].sum() == pytest.approx(density.sum(), rel=1e-12)
    np.testing.assert_allclose(trajectory.density[0], 1.0, rtol=1e-12)


class Squares:
    """Features p^2 and r^2 / sqrt(d - 1) of points (p, r), whose moments are those of w w^T in R^d."""

    def __init__(self, inputs):
        self.scale = np.array([1.0, 1.0 / np.sqrt(inputs - 1.0)])

    def __call__(self, points):
        return points**2 * self.scale

    def gradient(self, points, coefficients):
        return 2.0 * points * self.scale * coefficients

    def hessian(self, points, coefficients):
        return np.broadcast_to(np.diag(2.0 * self.scale * coefficients), (len(points), 2, 2))


def test_densities_of_quadratic_features_on_a_half_circle_of_100_inputs():
    inputs, across = 100, 0.005
    domain, features = HalfCircle(128, inputs), Squares(inputs)
    target = np.array([1.0, across]) / np.array([1.0, features.scale[1]])
    risk = Features(features, target, HALF_SQUARED_NORM)
    run = {"times": [1.0], "tolerance": 1e-11}
    trajectory = wgflow.solve_characteristics(risk, domain, lambda x: 0.5 * domain.uniform_density(x), 1.0, **run)
    exact = SymmetricQuadratic(inputs, 1.0, across, 0.5)
    found, wanted = trajectory.fields["node_density"][-1], exact.density(trajectory.position[-1], 1.0)
    held = wanted > 1e-12 * wanted.max()  # sin^98 is 0 to round-off near the poles
    assert abs(found[held] / wanted[held] - 1.0).max() < 7.8e-10  # measured: 3.9e-10
    on_cells = exact.density(domain.points, 1.0)
    assert abs(trajectory.density[-1] - on_cells).sum() < 2.2e-3 * on_cells.sum()  # monotone cubics: 1.1e-3


def test_neurons_on_a_half_circle_have_the_risk_of_finite_volumes():
    domain = Signed(HalfCircle(64, 20))
    risk = Population(Link(lambda z: (z**2 - 1.0) / np.sqrt(2.0), np.eye(1, 20)))
    start = 0.5 * domain.base.uniform_density(domain.points)
    characteristics = wgflow.solve_characteristics(risk, domain, start, 3.0, times=[3.0])
    grid = wgflow.solve(risk, domain, start, 3.0, times=[3.0])
    assert characteristics.risk[-1] == pytest.approx(grid.risk[-1], rel=1.1e-3)
    masses = (characteristics.density[-1] * domain.volumes).sum()
    assert masses == pytest.approx(characteristics.mass[-1], rel=2.9e-4)
