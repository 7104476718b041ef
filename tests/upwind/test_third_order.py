"""Third order on the sphere: a readable numpy twin, orders against exact solutions, and invariants."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wgflow
from wgflow import Box, Circle, HalfSphere, Quadratic, Signed, Sphere, solve
from wgflow.domains.sphere import tangent_coordinates
from wgflow.exact import AngularGaussian, quadratic_flow
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.kernels import diamonds

TARGET = np.array([[1.0, 0.2, 0.1], [0.2, 0.5, 0.0], [0.1, 0.0, 0.25]])
START = np.array([[0.4, -0.1, 0.0], [-0.1, 0.3, 0.05], [0.0, 0.05, 0.2]])
LIMITERS = ["positive", "barth_jespersen"]


def third_order(domain, **options):
    return make_space_scheme(domain, transport=0.7, order=3, **{"reaction": 0.0, **options})


def stage_of(scheme, density, potential, step):
    result = np.empty_like(density)
    scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result)
    return result


def counter_clockwise(mesh, cell):
    """Places of the faces of a cell, and coordinates of the centres behind them."""
    (places,) = np.nonzero(mesh.lengths[cell])
    seen = tangent_coordinates(mesh.points[cell, None], mesh.points[mesh.neighbours[cell, places]][None])[0]
    order = np.argsort(np.arctan2(seen[:, 1], seen[:, 0]))
    return places[order], seen[order]


def values_in_hexagon(here, near, seen, middles):
    """Gradient to the middle of each face, and a twelfth of the second difference of the density less its gradient."""
    found = np.empty(6)
    for face in range(6):
        ahead, behind, others = face, (face + 3) % 6, [((face + k) % 6, (face + k + 3) % 6) for k in (1, 2)]
        vectors = np.array([seen[ahead] - seen[behind], sum(seen[a] - seen[b] for a, b in others)])
        gradient = np.linalg.solve(vectors, [near[ahead] - near[behind], sum(near[a] - near[b] for a, b in others)])
        second = near[ahead] - 2.0 * here + near[behind] - gradient @ (seen[ahead] + seen[behind])
        found[face] = here + gradient @ middles[face] + second / 12.0
    return found


def values_in_pentagon(here, near, seen, middles):
    """Mean of both cells less a sixth of the second derivative of the quadratic polynomial, at the middle of a face."""
    x, y = seen.T
    powers = np.stack([x, y, 0.5 * x * x, x * y, 0.5 * y * y], axis=1)
    gx, gy, hxx, hxy, hyy = np.linalg.solve(powers, near - here)
    second = hxx * x * x + 2.0 * hxy * x * y + hyy * y * y
    off = middles - 0.5 * seen
    return 0.5 * (here + near) - second / 6.0 + off @ [gx, gy]


def stage_twin(density, potential, step, mesh, limiter):
    """Euler stage with two-point velocities, face by face, written for reading."""
    near = mesh.neighbours
    values, bounds = np.zeros(near.shape), np.zeros((2, *near.shape))
    for cell, here in enumerate(density):
        places, seen = counter_clockwise(mesh, cell)
        around, middles = density[near[cell, places]], mesh.midpoints[cell, places]
        middles = tangent_coordinates(mesh.points[cell, None], middles[None])[0]
        inside = values_in_hexagon if len(places) == 6 else values_in_pentagon
        values[cell, places] = inside(here, around, seen, middles)
        bounds[:, cell] = np.array([0.0, 2.0 * here])[:, None]
        if limiter == "barth_jespersen":
            bounds[:, cell] = np.array([min(here, *around), min(max(here, *around), 2.0 * here)])[:, None]
    rate = 0.7 * mesh.lengths / mesh.distances * (potential[:, None] - potential[near])
    beyond = values[near, mesh.opposite]
    leaving = np.clip(0.5 * (values + beyond) + 0.05 * (values - beyond), *bounds)
    upwind = np.where(rate > 0.0, leaving, leaving[near, mesh.opposite])
    return density - step * (rate * upwind).sum(axis=1) / mesh.volumes


@pytest.mark.parametrize(("cells", "limiter"), [(12, "positive"), (42, "barth_jespersen"), (642, "positive")])
def test_stage_equals_the_numpy_twin(cells, limiter):
    sphere = Sphere(cells)
    generator = np.random.default_rng(1)
    density, potential = generator.random(cells), generator.normal(size=cells)
    result = stage_of(third_order(sphere, limiter=limiter), density, potential, 1e-3)
    twin = stage_twin(density, potential, 1e-3, sphere.mesh, limiter)
    np.testing.assert_allclose(result, twin, rtol=0.0, atol=1e-9)  # weights are of single precision


@pytest.mark.parametrize("cells", [12, 42, 162])
def test_what_leaves_a_cell_arrives_beside_it(cells):
    """The mass of each cell alone, across seams and at corners: a face that is missed or taken twice would show."""
    sphere = Sphere(cells)
    potential = np.random.default_rng(3).normal(size=cells)
    scheme = third_order(sphere)
    step = 1.0 / scheme.loss_rate(potential)
    for density in np.eye(cells):
        result = stage_of(scheme, density, potential, step)
        assert (result * sphere.volumes).sum() == pytest.approx((density * sphere.volumes).sum(), rel=4e-16)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), signed=st.booleans(), limiter=st.sampled_from(LIMITERS))
def test_stage_keeps_mass_and_sign_at_the_largest_step(seed, signed, limiter):
    domain = Signed(Sphere(162)) if signed else Sphere(162)
    generator = np.random.default_rng(seed)
    density = generator.random(domain.shape) ** 8 * (generator.random(domain.shape) > 0.3)
    potential = generator.normal(size=domain.shape)
    scheme = third_order(domain, limiter=limiter)
    result = stage_of(scheme, density, potential, 1.0 / scheme.loss_rate(potential))
    assert result.min() >= -1e-15
    assert (result * domain.volumes).sum() == pytest.approx((density * domain.volumes).sum(), rel=1e-13)


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch):
    domain = Signed(Sphere(642))
    generator = np.random.default_rng(4)
    density, potential = generator.random(domain.shape), generator.normal(size=domain.shape)
    alone = stage_of(third_order(domain), density, potential, 1e-4)
    monkeypatch.setattr(diamonds, "PARALLEL_THRESHOLD", 1)
    threads = numba.get_num_threads()
    for count in (1, threads):
        numba.set_num_threads(count)
        np.testing.assert_array_equal(stage_of(third_order(domain), density, potential, 1e-4), alone)


def exact_error(cells):
    """Relative L1 error at T = 0.5 of quadratic features with the full reaction."""
    sphere = Sphere(cells)
    start = sphere.averages(AngularGaussian(START))
    trajectory = solve(Quadratic(TARGET), sphere, start, 0.5, order=3, velocity="midpoint", times=[0.5])
    exact = sphere.averages(quadratic_flow(TARGET, START, 0.5))
    assert trajectory.density.min() >= 0.0
    assert (np.diff(trajectory.energy) < 0.0).all()
    return (np.abs(trajectory.density[-1] - exact) * sphere.volumes).sum() / (exact * sphere.volumes).sum()


def test_errors_of_features_fall_with_the_second_order_of_velocities():
    """With 642 cells that of order 2 is 6.1e-3."""
    errors = [exact_error(cells) for cells in (642, 2562)]
    assert errors[0] <= 5.5e-3
    assert 1.9 < np.log2(errors[0] / errors[1]) < 2.1


@pytest.mark.parametrize(
    ("domain", "allowed"),
    [
        (Circle(16), "'circle' choose 1, 2 or 5"),
        (Box([(0.0, 1.0)] * 2, (8, 8)), "'box' choose 1, 2 or 5"),
        (HalfSphere(42, 5), "'half_sphere' choose 1 or 2"),
    ],
)
def test_other_domains_name_what_they_have(domain, allowed):
    with pytest.raises(wgflow.InputError, match=f"order = 3 is for whole spheres; on the domain {allowed}"):
        third_order(domain)


def test_limiters_of_rows_are_refused():
    message = r"'mc' is not available on the domain 'sphere' with order = 3; choose one of barth_jespersen, positive"
    with pytest.raises(wgflow.InputError, match=message):
        third_order(Sphere(42), limiter="mc")


def test_the_limiter_of_velocities_from_outside_is_told_from_unknown_ones():
    with pytest.raises(wgflow.InputError, match="'zalesak' corrects fluxes of a velocity from outside"):
        third_order(Sphere(42), limiter="zalesak")


CONTENT = {
    "problem": {"kind": "quadratic", "target": TARGET.tolist()},
    "domain": {"kind": "sphere", "cells": 162},
    "solver": {"t_end": 0.3},
    "output": {"snapshots": 2},
    "finite_volume": {"order": 3},
}


def test_problem_files_choose_the_order():
    flow = wgflow.run(CONTENT)
    expected = solve(Quadratic(TARGET), Sphere(162), np.full(162, 0.25 / np.pi), 0.3, times=[0.3], order=3)
    np.testing.assert_allclose(flow.density[-1], expected.density[-1], rtol=1e-12)
    assert wgflow.open_problem(CONTENT).config.finite_volume.limiter == "positive"


def test_problem_files_with_other_domains_are_refused():
    content = {**CONTENT, "domain": {"kind": "circle", "cells": 16}}
    content["problem"] = {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]}
    with pytest.raises(wgflow.InputError, match=r"\[finite_volume\] order = 3 is for whole spheres"):
        wgflow.open_problem(content)
