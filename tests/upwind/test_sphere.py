"""Finite volumes on the sphere: against the exact solution, a readable numpy twin, and invariants."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wgflow
from wgflow import Features, Quadratic, Relu, Signed, Sphere, solve
from wgflow.domains.diamonds import side_of
from wgflow.domains.sphere import tangent_coordinates
from wgflow.exact import AngularGaussian, quadratic_flow
from wgflow.upwind.diamond_faces import DiamondFaces
from wgflow.upwind.diamond_slopes import line_weights, middles_of
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.kernels import diamonds
from wgflow.upwind.scheme import Stage

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


def around(mesh, cell):
    """Places of the faces of a cell, counter-clockwise."""
    (places,) = np.nonzero(mesh.lengths[cell])
    seen = tangent_coordinates(mesh.points[cell, None], mesh.points[mesh.neighbours[cell, places]][None])[0]
    return places[np.argsort(np.arctan2(seen[:, 1], seen[:, 0]))]


def rises(density, mesh, cell, limiter):
    """Rise of the density to the faces of a cell, before it is clipped, by their places."""
    places = around(mesh, cell)
    near = mesh.neighbours[cell, places]
    centre = mesh.points[cell, None]
    places_near = tangent_coordinates(centre, mesh.points[near][None])[0]
    middles = tangent_coordinates(centre, mesh.midpoints[cell, places][None])[0]
    found = {}
    for number, place in enumerate(places):
        if len(places) == 5:
            gradient = np.linalg.lstsq(places_near, density[near] - density[cell], rcond=None)[0]
            found[place] = gradient @ middles[number]
            continue

        def line(values, turn, number=number):
            return values[(number + turn) % 6] - values[(number + turn + 3) % 6]

        vectors = np.stack([line(places_near, 0), line(places_near, 1) + line(places_near, 2)], axis=1)
        along, across = np.linalg.solve(vectors, middles[number])
        values = density[near]
        rise = along * line(values, 0) + across * (line(values, 1) + line(values, 2))
        if limiter == "mc":
            forward, backward = values[number] - density[cell], density[cell] - values[(number + 3) % 6]
            slopes = np.array([2.0 * forward, 2.0 * backward, 0.5 * (forward + backward)])
            limited = 0.0 if forward * backward <= 0.0 else slopes[np.abs(slopes).argmin()]
            rise += 0.5 * limited - 0.25 * line(values, 0)
        found[place] = rise
    return found


def stage_twin(density, potential, step, transport, reaction, mesh, velocity, limiter="barth_jespersen"):
    """Euler stage, face by face, written for reading."""
    near = mesh.neighbours
    face_values = np.zeros(near.shape)
    for cell in range(len(density)):
        around_cell = density[near[cell, mesh.lengths[cell] > 0.0]]
        low, high = min(around_cell.min(), density[cell]), max(around_cell.max(), density[cell])
        low, high = (
            (low, min(high, 2.0 * density[cell])) if limiter == "barth_jespersen" else (0.0, 2.0 * density[cell])
        )
        for place, rise in rises(density, mesh, cell, limiter).items():
            face_values[cell, place] = np.clip(density[cell] + rise, low, high)
    if velocity == "midpoint":
        velocity = transport * midpoint_velocities(potential, mesh)
    else:
        velocity = -transport * (potential[near] - potential[:, None]) / mesh.distances
    upwind = np.where(velocity > 0.0, face_values, face_values[near, mesh.opposite])
    outflow = (mesh.lengths * velocity * upwind).sum(axis=1) / mesh.volumes
    return density + step * (-outflow - reaction * potential * density)


@pytest.mark.parametrize(
    ("cells", "velocity"), [(12, "two_point"), (162, "two_point"), (42, "midpoint"), (642, "midpoint")]
)
def test_stage_equals_the_numpy_twin(cells, velocity):
    sphere = Sphere(cells)
    generator = np.random.default_rng(1)
    density, potential = generator.random(cells), generator.normal(size=cells)
    scheme = make_space_scheme(sphere, transport=0.7, reaction=1.3, order=2, velocity=velocity)
    result = np.empty(cells)
    scheme.euler_stage(density, potential, density, (0.0, 1.0), 1e-3, result)
    twin = stage_twin(density, potential, 1e-3, 0.7, 1.3, sphere.mesh, velocity)
    np.testing.assert_allclose(result, twin, rtol=0.0, atol=1e-9)  # weights of slopes are of single precision


@pytest.mark.parametrize("order", [1, 2, 3])
def test_densities_that_floating_point_does_not_hold_in_full_become_zero(order):
    least = np.finfo(np.float64).tiny
    density, result = np.ones(42), np.empty(42)
    density[[7, -1]], density[[8, -2]] = 0.75 * least, least  # the last two are the poles
    scheme = make_space_scheme(Sphere(42), transport=1.0, reaction=0.0, order=order)
    scheme.euler_stage(density, np.zeros(42), density, (0.0, 1.0), 1.0, result)
    np.testing.assert_array_equal(result, np.where(density < least, 0.0, density))


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
@pytest.mark.parametrize("cells", [12, 42, 162])
def test_what_leaves_a_cell_arrives_beside_it(cells, velocity):
    """The mass of each cell alone, across seams and at corners: a face that is missed or taken twice would show."""
    sphere = Sphere(cells)
    potential = np.random.default_rng(3).normal(size=cells)
    scheme = make_space_scheme(sphere, transport=1.0, reaction=0.0, order=2, velocity=velocity)
    result = np.empty(cells)
    step = 1.0 / scheme.loss_rate(potential)
    for density in np.eye(cells):
        scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result)
        assert (result * sphere.volumes).sum() == pytest.approx((density * sphere.volumes).sum(), rel=4e-16)


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch):
    sphere = Signed(Sphere(10242))
    generator = np.random.default_rng(4)
    density, potential = generator.random(sphere.shape), generator.normal(size=sphere.shape)
    found, threads = [], numba.get_num_threads()
    for smallest, count in ((diamonds.PARALLEL_THRESHOLD, 1), (diamonds.PARALLEL_THRESHOLD, threads), (10**6, 1)):
        numba.set_num_threads(count)
        monkeypatch.setattr(diamonds, "PARALLEL_THRESHOLD", smallest)
        scheme = make_space_scheme(sphere, transport=1.0, reaction=2.0, order=2, velocity="midpoint")
        stage = Stage(density, potential, density, (0.0, 1.0), 1e-4, result := np.empty(sphere.shape))
        watch = scheme.watched_stage(stage, (0.5, -1.0, 0.5, 0.0, 1.0), steady=False)
        found.append((watch, scheme.extremes(potential), scheme.state_sums(result, potential), result))
    assert found[0][0].loss_rate == found[0][1][0]
    assert found[0][0].mass_after == found[0][2][0]
    for *numbers, result in found[1:]:
        assert numbers == list(found[0][:-1])
        np.testing.assert_array_equal(result, found[0][-1])


def test_results_do_not_depend_on_bands_of_rows(monkeypatch):
    """Rows of large spheres are passed in bands of fewer, here 2 instead of 16."""
    sphere, found = Sphere(2562), []
    density, potential = np.random.default_rng(5).random((2, *sphere.shape))
    for cells, bands in ((diamonds.CELLS_AT_ONCE, 1), (32, 8)):
        monkeypatch.setattr(diamonds, "CELLS_AT_ONCE", cells)
        assert diamonds.bands_of(16) == bands
        scheme = make_space_scheme(sphere, transport=1.0, reaction=0.0, order=2)
        scheme.euler_stage(density, potential, density, (0.0, 1.0), 1e-3, result := np.empty(sphere.shape))
        found.append((*scheme.extremes(potential), *result))
    assert found[0] == found[1]


def test_linear_functions_rise_to_faces_exactly():
    """But for the curvature of the sphere, of second order: slopes see where faces are, near pentagons too."""
    errors = []
    for cells in (642, 2562):
        faces = DiamondFaces(Sphere(cells).mesh, side_of(Sphere(cells).level))
        weights, around = line_weights(faces), faces.around()
        mesh = faces.mesh
        values = mesh.points @ [0.48, 0.6, 0.64]
        ahead = values[faces.neighbours] - np.roll(values[faces.neighbours], -3, axis=1)
        rise = weights[..., 0] * ahead + weights[..., 1] * (np.roll(ahead, -1, axis=1) + np.roll(ahead, -2, axis=1))
        wrong = values[:, None] + rise - middles_of(mesh, around) @ [0.48, 0.6, 0.64]
        wrong[faces.corners] = 0.0
        errors.append(np.abs(wrong).max() * cells)
    assert errors[0] < 2.1
    assert errors[1] < 2.1


def test_diamonds_share_what_both_sides_of_a_seam_have():
    """To the last bit: an edge has one number at both of its places, and a cell those of the first diamonds alone."""
    faces = DiamondFaces(Sphere(642).mesh, side_of(Sphere(642).level))
    of_edges = faces.in_rows(np.arange(1.0, len(faces.mesh.edges) + 1.0))[np.arange(10) // 5]
    places = faces.places[0]
    twice = places[:, 1] != faces.n * faces.width
    assert np.count_nonzero(twice) > 10 * faces.n
    np.testing.assert_array_equal(*of_edges.ravel()[places[twice]].T)
    values = np.random.default_rng(3).normal(size=(642, 6))
    others = values.copy()
    others[np.arange(642) // faces.n**2 % 5 > 0] = 0.0  # the poles are the diamond 10, and stay
    np.testing.assert_array_equal(faces.turned(values), faces.turned(others))


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
    limiter=st.sampled_from(["barth_jespersen", "positive", "mc"]),
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
    @pytest.mark.parametrize(("name", "most"), [("mc", 1.2e-3), ("positive", 9e-4)])
    def test_others_are_of_second_order(self, name, most):
        errors = [exact_errors(cells, limiter=name)[0] for cells in (642, 2562)]
        assert errors[1] <= most
        assert np.log2(errors[0] / errors[1]) > 1.9

    def test_lines_are_limited_as_in_the_numpy_twin(self):
        mesh = Sphere(642).mesh
        generator = np.random.default_rng(1)
        density, potential = generator.random(642), generator.normal(size=642)
        scheme = make_space_scheme(Sphere(642), transport=0.7, reaction=1.3, order=2, limiter="mc")
        result = np.empty(642)
        scheme.euler_stage(density, potential, density, (0.0, 1.0), 1e-3, result)
        twin = stage_twin(density, potential, 1e-3, 0.7, 1.3, mesh, "two_point", "mc")
        pentagons = np.flatnonzero((mesh.lengths > 0.0).sum(axis=1) == 5)
        away = np.setdiff1d(np.arange(642), np.append(mesh.neighbours[pentagons], pentagons))
        np.testing.assert_allclose(result[away], twin[away], rtol=1e-8, atol=1e-8)

    def test_that_of_a_sphere_is_refused_elsewhere(self):
        sections = {**SMALL, "domain": {"kind": "circle", "cells": 16}}
        sections["problem"] = {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]}
        sections |= {"initial": {"kind": "uniform"}, "finite_volume": {"limiter": "barth_jespersen"}}
        with pytest.raises(wgflow.InputError, match="'circle'; choose one of minmod, mc, van_leer, positive"):
            wgflow.open_problem(sections)

    def test_each_domain_has_a_default(self):
        assert wgflow.open_problem(SMALL).config.finite_volume.limiter == "barth_jespersen"
        assert wgflow.open_problem("quadratic").config.finite_volume.limiter == "mc"

    def test_names_of_today_are_meant(self, tmp_path):
        sections = {**SMALL, "solver": {"t_end": 0.1}, "output": {"times": [0.1]}, "finite_volume": {"limiter": "mc"}}
        wgflow.run(sections, tmp_path / "run.h5")
        assert wgflow.load_problem(tmp_path / "run.h5").config.finite_volume.limiter == "mc"
