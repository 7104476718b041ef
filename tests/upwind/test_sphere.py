"""Finite volumes on the sphere: against the exact solution, a readable numpy twin, and invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wgflow
from wgflow import Features, Quadratic, Relu, Signed, Sphere, solve
from wgflow.domains.sphere import tangent_coordinates
from wgflow.exact import AngularGaussian, quadratic_flow
from wgflow.problems import Problem
from wgflow.upwind.discretisation import make_space_scheme

TARGET = np.array([[1.0, 0.2, 0.1], [0.2, 0.5, 0.0], [0.1, 0.0, 0.25]])
START = np.array([[0.4, -0.1, 0.0], [-0.1, 0.3, 0.05], [0.0, 0.05, 0.2]])


def exact_errors(cells, **options):
    """Relative L1 and Linf errors at T = 0.5 of quadratic features with the full reaction."""
    sphere = Sphere(cells)
    start = sphere.averages(AngularGaussian(START))
    trajectory = solve(Quadratic(TARGET), sphere, start, 0.5, times=[0.5], **options)
    exact = sphere.averages(quadratic_flow(TARGET, START, 0.5))
    difference = np.abs(trajectory.density[-1] - exact)
    assert trajectory.density.min() >= 0.0
    assert (np.diff(trajectory.energy) < 0.0).all()
    return (difference * sphere.volumes).sum() / (exact * sphere.volumes).sum(), difference.max() / exact.max()


def test_order_two_on_the_exact_solution():
    errors = [exact_errors(cells)[0] for cells in (642, 2562, 10242)]
    assert errors[2] <= 2.2e-4
    assert (np.log2(np.array(errors[:-1]) / errors[1:]) > 1.9).all()


def test_order_one_on_the_exact_solution():
    errors = [exact_errors(cells, order=1)[0] for cells in (642, 2562)]
    assert 0.8 < np.log2(errors[0] / errors[1]) < 1.1


def test_midpoint_velocities_are_of_second_order_at_every_cell():
    """Two-point velocities are not: their largest error at 10242 cells is 9.0e-4 and falls with the order 1.6."""
    errors = np.array([exact_errors(cells, velocity="midpoint") for cells in (642, 2562, 10242)])
    orders = np.log2(errors[:-1] / errors[1:])
    assert errors[-1, 0] <= 4e-4
    assert errors[-1, 1] <= 6e-4
    assert (orders > 1.9).all()


def midpoint_velocities(potential, mesh):
    """Outward velocity at each face from a weighted quadratic fit of J to the cells around it; written for reading."""
    velocity = np.zeros(mesh.neighbours.shape)
    for cell, face in zip(*np.nonzero(mesh.lengths), strict=True):
        other = mesh.neighbours[cell, face]
        near = np.unique([*mesh.neighbours[cell], *mesh.neighbours[other], cell, other])
        middle = mesh.midpoints[cell, face]
        outward = mesh.points[other] - mesh.points[cell]
        outward /= np.linalg.norm(outward)
        cosines = mesh.points[near] @ middle
        logarithm = mesh.points[near] - cosines[:, None] * middle
        logarithm *= (np.arccos(cosines) / np.linalg.norm(logarithm, axis=1))[:, None]
        x, y = logarithm @ outward, logarithm @ np.cross(middle, outward)
        powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
        root = np.where(np.isin(near, (cell, other)), 2.0, 1.0)
        fit = np.linalg.lstsq(powers * root[:, None], potential[near] * root, rcond=None)[0]
        velocity[cell, face] = -fit[1]
    return velocity


def stage_twin(density, potential, step, transport, reaction, mesh, velocity):
    """Euler stage, face by face, written for reading."""
    near = mesh.neighbours
    displacement = tangent_coordinates(mesh.points, mesh.points[near])
    offset = tangent_coordinates(mesh.points, mesh.midpoints)
    difference = density[near] - density[:, None]
    face_values = np.empty(near.shape)
    for cell in range(len(density)):
        gradient = np.linalg.lstsq(displacement[cell], difference[cell], rcond=None)[0]
        low, high = difference[cell].min(initial=0.0), difference[cell].max(initial=0.0)
        face_values[cell] = density[cell] + np.clip(offset[cell] @ gradient, low, min(high, density[cell]))
    if velocity == "midpoint":
        velocity = transport * midpoint_velocities(potential, mesh)
    else:
        velocity = -transport * (potential[near] - potential[:, None]) / mesh.distances
    upwind = np.where(velocity > 0.0, face_values, face_values[near, mesh.opposite])
    outflow = (mesh.lengths * velocity * upwind).sum(axis=1) / mesh.volumes
    return density + step * (-outflow - reaction * potential * density)


@pytest.mark.parametrize(
    ("cells", "velocity"), [(162, "two_point"), (10242, "two_point"), (42, "midpoint"), (642, "midpoint")]
)
def test_stage_equals_the_numpy_twin(cells, velocity):
    sphere = Sphere(cells)
    generator = np.random.default_rng(1)
    density, potential = generator.random(cells), generator.normal(size=cells)
    scheme = make_space_scheme(sphere, transport=0.7, reaction=1.3, order=2, velocity=velocity)
    result = np.empty(cells)
    scheme.euler_stage(density, potential, density, (0.0, 1.0), 1e-3, result)
    twin = stage_twin(density, potential, 1e-3, 0.7, 1.3, sphere.mesh, velocity)
    np.testing.assert_allclose(result, twin, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("velocity", ["two_point", "midpoint"])
def test_loss_rate_equals_the_numpy_twin(velocity):
    sphere = Sphere(642)
    mesh = sphere.mesh
    potential = np.random.default_rng(2).normal(size=642)
    outwards = (potential[:, None] - potential[mesh.neighbours]) / mesh.distances
    if velocity == "midpoint":
        outwards = midpoint_velocities(potential, mesh)
    rate = 2.0 * 0.7 * (mesh.lengths * np.maximum(outwards, 0.0)).sum(axis=1) / mesh.volumes
    rate += 1.3 * np.maximum(potential, 0.0)
    scheme = make_space_scheme(sphere, transport=0.7, reaction=1.3, order=2, velocity=velocity)
    assert scheme.loss_rate(potential) == pytest.approx(rate.max(), rel=1e-13)


@pytest.mark.parametrize("cells", [12, 42, 10242])
def test_a_constant_potential_moves_nothing_at_midpoints(cells):
    scheme = make_space_scheme(Sphere(cells), transport=1.0, reaction=0.0, order=2, velocity="midpoint")
    assert scheme.loss_rate(np.full(cells, 7.3)) == 0.0


@pytest.mark.parametrize("velocity", ["two_point", "midpoint"])
def test_the_flux_through_a_face_is_opposite_to_the_last_bit(velocity):
    """Two cells of mass, one face between them: what one loses through it is what the other wins, in whole bits."""
    sphere = Sphere(10242)
    mesh = sphere.mesh
    generator = np.random.default_rng(3)
    scheme = make_space_scheme(sphere, transport=1.0, reaction=0.0, order=1, velocity=velocity)
    potential = generator.normal(size=10242)
    velocities, rates = scheme._velocities(potential[None])
    if velocity == "two_point":
        rates = velocities * (potential[:, None] - potential[mesh.neighbours])
    outwards = rates.reshape(-1, 6)
    cell, face = np.nonzero(mesh.lengths)
    np.testing.assert_array_equal(
        outwards[mesh.neighbours[cell, face], mesh.opposite[cell, face]], -outwards[cell, face]
    )
    assert (outwards[cell, face] != 0.0).all()


@pytest.mark.parametrize("velocity", ["two_point", "midpoint"])
def test_transport_alone_keeps_the_mass(velocity):
    sphere = Sphere(2562)
    density = sphere.averages(AngularGaussian(START))
    trajectory = solve(Quadratic(TARGET), sphere, density, 1.0, reaction=0.0, velocity=velocity, times=[1.0])
    assert abs(trajectory.mass / trajectory.mass[0] - 1.0).max() <= 1e-13
    assert trajectory.density.min() >= 0.0
    assert trajectory.energy[-1] < 0.95 * trajectory.energy[0]


def test_midpoint_velocities_are_for_spheres():
    with pytest.raises(wgflow.InputError, match="for spheres"):
        solve(Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), 1.0, velocity="midpoint")
    with pytest.raises(wgflow.InputError, match=r"unknown.*two_point, midpoint"):
        solve(Quadratic(np.eye(3)), Sphere(42), np.ones(42), 1.0, velocity="edge")


def test_a_problem_file_chooses_the_velocity():
    content = {
        "problem": {"kind": "quadratic", "target": TARGET.tolist()},
        "domain": {"kind": "sphere", "cells": 162},
        "solver": {"t_end": 0.3},
        "output": {"snapshots": 2},
    }
    flows = [wgflow.run({**content, "finite_volume": {"velocity": name}}) for name in ("two_point", "midpoint")]
    expected = solve(Quadratic(TARGET), Sphere(162), np.full(162, 0.25 / np.pi), 0.3, times=[0.3], velocity="midpoint")
    np.testing.assert_allclose(flows[1].density[-1], expected.density[-1], rtol=1e-12)
    assert abs(flows[0].density[-1] - flows[1].density[-1]).max() > 1e-4


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    signed=st.booleans(),
    limiter=st.sampled_from(["barth_jespersen", "positive"]),
    velocity=st.sampled_from(["two_point", "midpoint"]),
)
def test_stage_keeps_mass_and_sign_at_the_largest_step(seed, signed, limiter, velocity):
    sphere = Sphere(162)
    domain = Signed(sphere) if signed else sphere
    generator = np.random.default_rng(seed)
    density = generator.random(domain.shape) ** 8 * (generator.random(domain.shape) > 0.3)
    potential = generator.normal(size=domain.shape)
    scheme = make_space_scheme(domain, transport=1.0, reaction=0.0, order=2, limiter=limiter, velocity=velocity)
    result = np.empty(domain.shape)
    scheme.euler_stage(density, potential, density, (0.0, 1.0), 1.0 / scheme.loss_rate(potential), result)
    assert result.min() >= -1e-15
    assert (result * domain.volumes).sum() == pytest.approx((density * domain.volumes).sum(), rel=1e-13)


@pytest.mark.parametrize("loss", ["square", "logistic", "softmin"])
def test_classification_with_two_inputs_and_a_bias(loss):
    """Balanced networks with two inputs and a bias live on the signed 2-sphere; F falls and nothing turns negative."""
    generator = np.random.default_rng(5)
    inputs = np.column_stack([generator.normal(size=(30, 2)), np.ones(30)])
    labels = np.where(inputs[:, 0] * inputs[:, 1] > 0.0, 1.0, -1.0)
    domain = Signed(Sphere(642))
    density = np.full(domain.shape, 1.0 / (8.0 * np.pi))
    trajectory = solve(Features(Relu(inputs), labels, loss), domain, density, 3.0)
    assert (np.diff(trajectory.energy) < 0.0).all()
    assert trajectory.density.min() >= 0.0
    assert trajectory.risk[-1] < 0.95 * trajectory.risk[0]


def test_a_sphere_trajectory_is_read_back(tmp_path):
    sphere = Sphere(162)
    trajectory = solve(Quadratic(TARGET), sphere, np.ones(162), 0.1, times=[0.05], output=tmp_path / "sphere.h5")
    read = wgflow.load(tmp_path / "sphere.h5")
    assert read.domain == sphere
    np.testing.assert_array_equal(read.density, trajectory.density)


SMALL = {
    "problem": {"kind": "quadratic", "target": TARGET.tolist()},
    "domain": {"kind": "sphere", "cells": 42},
    "initial": {"kind": "angular_gaussian", "covariance": START.tolist()},
    "solver": {"t_end": 0.4},
    "output": {"times": [0.2, 0.4]},
}


class TestLimiters:
    @pytest.mark.parametrize("name", ["minmod", "mc", "van_leer"])
    def test_those_of_rows_of_cells_are_refused(self, name):
        named = f"limiter = '{name}' is not available on the domain 'sphere'; choose one of barth_jespersen, positive"
        for domain in (Sphere(42), Signed(Sphere(42))):
            with pytest.raises(wgflow.InputError, match=named):
                solve(Quadratic(TARGET), domain, np.ones(domain.shape), 0.1, limiter=name)
        for signed in (False, True):
            sections = {**SMALL, "domain": {**SMALL["domain"], "signed": signed}, "finite_volume": {"limiter": name}}
            with pytest.raises(wgflow.InputError, match=rf"\[finite_volume\] {named}"):
                wgflow.open_problem(sections)

    def test_that_of_a_sphere_is_refused_elsewhere(self):
        sections = {**SMALL, "domain": {"kind": "circle", "cells": 16}}
        sections["problem"] = {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]}
        sections |= {"initial": {"kind": "uniform"}, "finite_volume": {"limiter": "barth_jespersen"}}
        with pytest.raises(wgflow.InputError, match="'circle'; choose one of minmod, mc, van_leer, positive"):
            wgflow.open_problem(sections)

    def test_each_domain_has_a_default(self):
        assert wgflow.open_problem(SMALL).config.finite_volume.limiter == "barth_jespersen"
        assert wgflow.open_problem("quadratic").config.finite_volume.limiter == "mc"

    @pytest.mark.parametrize("name", ["minmod", "mc", "van_leer"])
    def test_former_names_in_files_are_read_with_a_warning_and_continued(self, tmp_path, monkeypatch, name):
        path, whole = tmp_path / "run.h5", wgflow.run(SMALL)
        with monkeypatch.context() as patch:
            present = Problem.text.fget
            patch.setattr(Problem, "text", property(lambda self: present(self).replace("barth_jespersen", name)))
            wgflow.run({**SMALL, "solver": {"t_end": 0.2}, "output": {"times": [0.2]}}, path)
        message = f"limiter of a sphere '{name}', as earlier versions did; it is 'barth_jespersen', with the same"
        with pytest.warns(wgflow.FlowWarning, match=message):
            assert wgflow.load_problem(path).config.finite_volume.limiter == "barth_jespersen"
        with pytest.warns(wgflow.FlowWarning, match=message):
            resumed = wgflow.run(SMALL, path, resume=True)
        np.testing.assert_array_equal(resumed.density, whole.density)
        wgflow.load(path)  # and it has the present name now
