"""Finite volumes on boxes: against a readable numpy twin, exact solutions, walls and invariants."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wgflow
from wgflow import Box, Circle, Features, Potential, Quadratic, Signed, solve
from wgflow.exact import quadratic_flow
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.kernels.limiters import LIMITERS


def shifted(values, offset, axis, periodic):
    """Neighbour values along an axis: around it, or repeated at the walls."""
    if periodic:
        return np.roll(values, -offset, axis)
    index = np.clip(np.arange(values.shape[axis]) + offset, 0, values.shape[axis] - 1)
    return np.take(values, index, axis)


def minmod(a, b):
    return np.where(a * b > 0.0, np.sign(a) * np.minimum(abs(a), abs(b)), 0.0)


def monotonised_central(a, b):
    return minmod(minmod(2.0 * a, 2.0 * b), 0.5 * (a + b))


def rate_of_change(density, potential, box, transport, reaction, limited):
    """Right-hand side on a box, one axis after the other, by the flux through the upper face of each cell."""
    rate = -reaction * potential * density
    for axis, (width, periodic) in enumerate(zip(box.spacing, box.periodic, strict=True)):
        backward = density - shifted(density, -1, axis, periodic)
        forward = shifted(density, 1, axis, periodic) - density
        slope = limited(backward, forward)
        velocity = -transport * (shifted(potential, 1, axis, periodic) - potential) / width
        lower, upper = density + 0.5 * slope, shifted(density - 0.5 * slope, 1, axis, periodic)
        flux = np.maximum(velocity, 0.0) * lower + np.minimum(velocity, 0.0) * upper
        if not periodic:
            flux[(slice(None),) * axis + (-1,)] = 0.0
        before = np.roll(flux, 1, axis)
        rate -= (flux - before) / width
    return rate


BOXES = [
    Box([(0.0, 1.3)], 9),
    Box([(0.0, 1.3)], 9, periodic=True),
    Box([(0.0, 1.0), (-1.0, 2.0)], (5, 7)),
    Box([(0.0, 1.0), (-1.0, 2.0)], (6, 4), periodic=[True, False]),
    Box([(0.0, 1.0), (-1.0, 2.0), (0.0, 0.7)], (4, 5, 6)),
    Box([(0.0, 1.0), (-1.0, 2.0), (0.0, 0.7)], (5, 4, 6), periodic=[False, True, True]),
    Box([(0.0, 1.0), (-1.0, 2.0)], (130, 260)),  # large enough for both cores
    Box([(0.0, 1.0), (-1.0, 2.0), (0.0, 0.7)], (33, 32, 34), periodic=True),
]


@pytest.mark.parametrize(
    ("box", "limiter", "limited"),
    [*((box, "mc", monotonised_central) for box in BOXES), *((box, "minmod", minmod) for box in BOXES[:-2])],
    ids=lambda value: f"{value.shape}{value.periodic}" if isinstance(value, Box) else None,
)
def test_stage_equals_the_numpy_twin(box, limiter, limited):
    generator = np.random.default_rng(1)
    density, potential, start = generator.random((3, *box.shape))
    scheme = make_space_scheme(box, transport=0.7, reaction=1.3, order=2, limiter=limiter)
    result = np.empty(box.shape)
    scheme.euler_stage(density, potential, start, (0.25, 0.75), 0.01, result)
    rate = rate_of_change(density, potential, box, 0.7, 1.3, limited)
    np.testing.assert_allclose(result, 0.25 * start + 0.75 * (density + 0.01 * rate), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("box", BOXES, ids=lambda box: f"{box.shape}{box.periodic}")
def test_loss_rate_equals_the_numpy_twin(box):
    potential = np.random.default_rng(2).normal(size=box.shape)
    expected = 1.3 * np.maximum(potential, 0.0)
    for axis, (width, periodic) in enumerate(zip(box.spacing, box.periodic, strict=True)):
        out = np.maximum(-0.7 * (shifted(potential, 1, axis, periodic) - potential), 0.0)
        out += np.maximum(-0.7 * (shifted(potential, -1, axis, periodic) - potential), 0.0)
        expected += 2.0 * out / width**2
    scheme = make_space_scheme(box, transport=0.7, reaction=1.3, order=2, limiter="mc")
    assert scheme.loss_rate(potential) == pytest.approx(expected.max(), rel=1e-13)


def test_periodic_box_and_circle_are_one():
    generator = np.random.default_rng(3)
    density, potential = generator.random((2, 2, 50))
    circle, box = Signed(Circle(50)), Signed(Box([(0.0, 2.0 * np.pi)], 50, periodic=True))
    for limiter in LIMITERS:
        results = []
        for domain in (circle, box):
            scheme = make_space_scheme(domain, transport=1.0, reaction=2.0, order=2, limiter=limiter)
            result = np.empty((2, 50))
            scheme.euler_stage(density, potential, density, (0.0, 1.0), 1e-3, result)
            results.append(result)
        np.testing.assert_allclose(*results, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), index=st.integers(0, 5), limiter=st.sampled_from(sorted(LIMITERS)))
def test_stage_keeps_mass_and_sign_at_the_largest_step(seed, index, limiter):
    """At step * loss_rate = 1, rough states with empty cells stay nonnegative; mass only moves."""
    box = BOXES[index]
    generator = np.random.default_rng(seed)
    density = generator.random(box.shape) ** 8 * (generator.random(box.shape) > 0.3)
    potential = generator.normal(size=box.shape) * 10.0 ** generator.integers(-3, 4)
    scheme = make_space_scheme(box, transport=1.0, reaction=0.0, order=2, limiter=limiter)
    result = np.empty(box.shape)
    scheme.euler_stage(density, potential, density, (0.0, 1.0), 1.0 / scheme.loss_rate(potential), result)
    assert result.min() >= -1e-15
    assert result.sum() == pytest.approx(density.sum(), rel=1e-13, abs=1e-13)


def gaussian_averages(covariance, box, order=3):
    """Cell averages of the density of N(0, covariance), by Gauss quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    inverse = np.linalg.inv(covariance)
    total = np.zeros(box.shape)
    for chosen in itertools.product(range(order), repeat=len(box.shape)):
        offset = [0.5 * width * nodes[i] for i, width in zip(chosen, box.spacing, strict=True)]
        points = box.points + np.array(offset)
        form = np.einsum("...i,ij,...j->...", points, inverse, points)
        total += np.prod(0.5 * weights[list(chosen)]) * np.exp(-0.5 * form)
    return total / np.sqrt(np.linalg.det(2.0 * np.pi * covariance))


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def riccati_error(target, start, bounds, cells, **options):
    """L1 error at t = 1 of the flow of quadratic features from a Gaussian."""
    dimension = len(target)
    box = Box([bounds] * dimension, (cells,) * dimension)
    trajectory = solve(Quadratic(target), box, gaussian_averages(start, box), 1.0, times=[1.0], **options)
    exact = gaussian_averages(quadratic_flow(target, start, 1.0).covariance, box)
    assert trajectory.density.min() >= 0.0
    assert trajectory.mass[-1] == pytest.approx(trajectory.mass[0], rel=1e-13)
    return float((np.abs(trajectory.density[-1] - exact) * box.volumes).sum())


def test_order_two_on_the_matrix_riccati_flow_in_the_plane():
    target = rotation(np.pi / 6) @ np.diag([0.8, 0.15]) @ rotation(np.pi / 6).T
    errors = [riccati_error(target, 0.3 * np.eye(2), (-4.5, 4.5), cells) for cells in (64, 128, 256)]
    assert errors[2] <= 4.0e-4
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 1.9).all()
    assert (orders < 2.2).all()


def test_order_one_on_the_matrix_riccati_flow_in_the_plane():
    target = rotation(np.pi / 6) @ np.diag([0.8, 0.15]) @ rotation(np.pi / 6).T
    errors = [riccati_error(target, 0.3 * np.eye(2), (-4.5, 4.5), cells, order=1) for cells in (90, 180)]
    assert 0.8 < np.log2(errors[0] / errors[1]) < 1.05


def test_matrix_riccati_flow_in_space():
    target = np.diag([0.6, 0.3, 0.15])
    errors = [riccati_error(target, 0.3 * np.eye(3), (-4.0, 4.0), cells) for cells in (24, 48)]
    assert errors[1] <= 8.5e-3
    assert np.log2(errors[0] / errors[1]) > 1.9


def dilation_error(dimension, cells):
    """L1 error at t = 1 of F = (int |x|^2 - a)^2 / 2, which dilates any density by a logistic law."""
    box = Box([(-5.0, 5.0)] * dimension, (cells,) * dimension)
    start, wanted = 0.09, float(dimension)
    trajectory = solve(
        Features(lambda x: (x**2).sum(axis=1, keepdims=True), targets=[wanted]),
        box,
        gaussian_averages(start * np.eye(dimension), box),
        1.0 / dimension,
        times=[1.0 / dimension],
    )
    first = start * dimension
    moment = wanted * first / (first + (wanted - first) * np.exp(-4.0 * wanted / dimension))
    exact = gaussian_averages(moment / dimension * np.eye(dimension), box)
    return (np.abs(trajectory.density[-1] - exact) * box.volumes).sum()


@pytest.mark.parametrize(("dimension", "sizes", "largest"), [(1, (256, 512), 2.0e-3), (2, (64, 128), 7.0e-2)])
def test_logistic_dilation(dimension, sizes, largest):
    errors = [dilation_error(dimension, cells) for cells in sizes]
    assert errors[0] <= largest
    assert np.log(errors[0] / errors[1]) / np.log(sizes[1] / sizes[0]) > 1.8


def contraction_error(dimension, cells):
    """L1 error at t = 0.5 of V = |x|^2 / 2: a Gaussian contracts like exp(-t)."""
    box = Box([(-3.5, 3.5)] * dimension, (cells,) * dimension)
    start = np.diag([0.5, 0.3, 0.4][:dimension])
    bowl = Potential(lambda x: 0.5 * (x**2).sum(axis=-1))
    trajectory = solve(bowl, box, gaussian_averages(start, box), 0.5, times=[0.5])
    assert trajectory.density.min() >= 0.0
    exact = gaussian_averages(start * np.exp(-1.0), box)
    return (np.abs(trajectory.density[-1] - exact) * box.volumes).sum()


@pytest.mark.parametrize(
    ("dimension", "sizes", "largest"), [(1, (128, 256), 8.0e-4), (2, (64, 128), 6.0e-3), (3, (24, 48), 3.8e-2)]
)
def test_a_quadratic_potential_contracts_a_gaussian(dimension, sizes, largest):
    errors = [contraction_error(dimension, cells) for cells in sizes]
    assert errors[0] <= largest
    assert np.log2(errors[0] / errors[1]) > (1.85, 1.7, 1.6)[dimension - 1]


def test_no_mass_passes_a_wall():
    """A potential that falls towards a corner presses all mass against two walls, for thousands of steps."""
    box = Box([(0.0, 1.0), (0.0, 1.0)], (16, 16))
    pull = Features(lambda x: x[:, :1] + x[:, 1:], targets=[10.0])
    trajectory = solve(pull, box, np.ones(box.shape), 3.0, times=[3.0])
    assert trajectory.mass[-1] == pytest.approx(1.0, rel=1e-13)
    assert trajectory.density[-1, -1, -1] * box.volumes[-1, -1] > 0.95
    assert (np.diff(trajectory.energy) < 0.0).all()


def test_a_box_trajectory_is_read_back(tmp_path):
    box = Box([(-2.0, 2.0), (-1.0, 1.0)], (8, 6), periodic=[False, True])
    trajectory = solve(Quadratic(np.eye(2)), box, np.ones(box.shape), 0.2, times=[0.1], output=tmp_path / "box.h5")
    read = wgflow.load(tmp_path / "box.h5")
    assert read.domain == box
    np.testing.assert_array_equal(read.density, trajectory.density)
    assert read.to_xarray()["density"].dims == ("time", "x", "y")
