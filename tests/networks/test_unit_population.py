"""Population risks of tanh, softplus and squared ReLU on half circles and half spheres, against quadrature."""

import math
from collections.abc import Callable

import numpy as np
import pytest

import wgflow
from wgflow import Circle, HalfCircle, HalfSphere, Hypersphere, Link, Particles, Signed, Teacher, UnitPopulation
from wgflow.errors import InputError, ShapeError
from wgflow.networks.activations import SMOOTH_ACTIVATIONS
from wgflow.networks.unit_neurons import UNIT_NEURONS
from wgflow.networks.unit_population import UnitKernel
from wgflow.particles import RungeKutta4
from wgflow.typing import FloatArray

NAMES = sorted(UNIT_NEURONS)
NODES = 0.015 * np.arange(-600.0, 601.0)  # of the trapezoidal rule, below round-off for analytic functions
MASSES = 0.015 * np.exp(-0.5 * NODES**2) / math.sqrt(2.0 * math.pi)
GAUSS, SHARES = np.polynomial.legendre.leggauss(80)
RADIAL = {3: 3.0 * math.sqrt(0.5 * math.pi), 4: 8.0, 2: 2.0}  # moments of the length of a Gaussian in the plane


def mean_in_plane(function: Callable[[FloatArray, FloatArray], FloatArray]) -> float:
    """Mean of an analytic function of two standard normal variables."""
    return float(MASSES @ function(NODES[:, None], NODES) @ MASSES)


def mean_of_powers(angle: float, first: int, second: int) -> float:
    """Mean of (u.x)_+^first (v.x)_+^second at an angle of u and v, in polar coordinates."""
    middle, half = 0.5 * angle, 0.5 * (math.pi - angle)  # of the arc where both are positive
    arc = middle + half * GAUSS
    integral = half * SHARES @ (np.cos(arc) ** first * np.cos(arc - angle) ** second)
    return float(RADIAL[first + second] * integral / (2.0 * math.pi))


@pytest.mark.parametrize("cosine", [-0.9, 0.35, 1.0])
def test_kernels_are_means_of_products(cosine: float) -> None:
    sine, angle, at = math.sqrt(1.0 - cosine**2), math.acos(cosine), np.array(cosine)
    for name in ("tanh", "softplus"):
        neuron, activation = UNIT_NEURONS[name], SMOOTH_ACTIVATIONS[name]
        for found, of in ((neuron.kernel, activation.value), (neuron.kernel_slope, activation.slope)):
            wanted = mean_in_plane(lambda z, w, of=of: of(z) * of(cosine * z + sine * w))
            assert float(found(at)) == pytest.approx(wanted, abs=4e-14)
    squared = UNIT_NEURONS["squared_relu"]
    assert float(squared.kernel(at)) == pytest.approx(mean_of_powers(angle, 2, 2), abs=2.2e-16)
    assert float(squared.kernel_slope(at)) == pytest.approx(4.0 * mean_of_powers(angle, 1, 1), abs=2.2e-16)


def half_points(count: int, kept: int, seed: int = 0) -> FloatArray:
    """Random unit vectors with a positive last component."""
    points = np.random.default_rng(seed).standard_normal((count, kept + 1))
    points[:, -1] = np.abs(points[:, -1])
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("name", NAMES)
def test_potentials_of_links(name: str) -> None:
    points, direction, value = half_points(3, 1), np.eye(1, 5), SMOOTH_ACTIVATIONS[name].value
    if name == "squared_relu":
        relu = [mean_of_powers(math.acos(p), 1, 2) for p, _ in points]
    else:
        places, weights = 4.5 * (GAUSS + 1.0), 4.5 * SHARES
        weights = weights * places * np.exp(-0.5 * places**2) / math.sqrt(2.0 * math.pi)
        relu = [weights @ value(p * places[:, None] + r * NODES) @ MASSES for p, r in points]
    against = UNIT_NEURONS[name].against(Link("relu", direction))
    np.testing.assert_allclose(against(points)[0], relu, rtol=0.0, atol=2.1e-14)
    if name != "squared_relu":
        wanted = [mean_in_plane(lambda z, w, p=p, r=r: np.tanh(z) * value(p * z + r * w)) for p, r in points]
        found = UNIT_NEURONS[name].against(Link("tanh", direction))(points)[0]
        np.testing.assert_allclose(found, wanted, rtol=0.0, atol=1.3e-14)


@pytest.mark.parametrize("name", NAMES)
def test_potentials_of_two_directions(name: str) -> None:
    """A link of two arguments that is a sum is the teacher that it writes out; slopes are those of the values."""
    directions, points = np.array([[1.0, 0.0, 0.0, 0.0], [0.6, 1.6, 0.0, 0.0]]), half_points(4, 2)
    cloud = Particles(points, np.ones(4), np.ones(4), Signed(HalfSphere(12, 4)))
    link = Link(lambda a, b: np.maximum(a, 0.0) - 0.5 * np.maximum(b, 0.0), directions, kinks=[0.0])
    risk, teacher = UnitPopulation(link, name), Teacher(directions, [1.0, -0.5])
    found, wanted = (other.at_particles(cloud) for other in (risk, UnitPopulation(teacher, name)))
    assert found.energy == pytest.approx(wanted.energy, abs=1.2e-14)
    np.testing.assert_allclose(found.potential, wanted.potential, rtol=0.0, atol=6.2e-15)
    tangent = np.cross(points, np.roll(points, 1, axis=1))
    steps = []
    for side in (1e-5, -1e-5):
        moved = points + side * tangent
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        steps.append(risk.at_particles(Particles(moved, np.ones(4), np.ones(4), cloud.domain)))
    slope = (steps[0].energy - steps[1].energy) / 2e-5
    assert float((found.gradient * tangent).sum()) == pytest.approx(slope, abs=3.6e-10)


@pytest.mark.parametrize("name", NAMES)
def test_orbits_are_the_mean_of_rotated_copies(name: str) -> None:
    """In three inputs 32 rotated copies of each particle have the F of the reduced ones, and predict the same."""
    target, reduced = Teacher(np.eye(1, 3), [1.0]), half_points(5, 1, seed=3)
    weights, signs = np.full(5, 0.2), np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    risk, turns = UnitPopulation(target, name), 2.0 * np.pi * np.arange(64) / 64
    found = risk.at_particles(Particles(reduced, weights, signs, Signed(HalfCircle(8, 3))))
    ring = np.stack([np.ones(64), np.cos(turns), np.sin(turns)], axis=1)
    points = (reduced[:, [0, 1, 1]][:, None, :] * ring).reshape(-1, 3)
    orbits = Particles(points, np.repeat(weights, 64) / 64, np.repeat(signs, 64), Signed(Hypersphere(3)))
    other = risk.at_particles(orbits)
    assert other.energy == pytest.approx(found.energy, abs=2.4e-12 if name == "squared_relu" else 2.2e-16)
    inputs = np.array([[0.5, 1.0, -2.0], [-0.3, 0.2, 0.4]])
    many = (orbits.weights * orbits.signs) @ risk.neurons_at(inputs, 3)(points)
    mean = (weights * signs) @ risk.orbits_at(inputs, HalfCircle(8, 3))(reduced)
    np.testing.assert_allclose(mean, many, rtol=0.0, atol=8.6e-7 if name == "squared_relu" else 7.2e-16)


def test_squared_relu_over_orbits() -> None:
    """Averages over directions in R^6, by quadrature over the angle."""
    angles, level, width = 0.5 * math.pi * (GAUSS + 1.0), np.array([[0.7, -0.3]]), np.array([[0.5, 1.1]])
    density = SHARES * np.sin(angles) ** 4 / (SHARES @ np.sin(angles) ** 4)
    found = UNIT_NEURONS["squared_relu"].averaged(level, width, 6)
    wanted = [density @ np.maximum(a + b * np.cos(angles), 0.0) ** 2 for a, b in zip(level[0], width[0], strict=True)]
    np.testing.assert_allclose(found[0], wanted, rtol=0.0, atol=1.3e-6)


@pytest.mark.parametrize("name", NAMES)
def test_flows_on_cells_and_of_particles(name: str) -> None:
    """The flow of cells and that of a particle for each cell, and the kernel's factor."""
    domain = Signed(HalfCircle(32, 12))
    risk = UnitPopulation(Link("tanh", np.eye(1, 12)), name)
    start = np.stack([0.5 * domain.base.uniform] * 2)
    flow = wgflow.solve(risk, domain, start, 1.0, times=[1.0])
    masses = (start * domain.base.volumes).ravel()
    points, signs = np.tile(domain.base.points, (2, 1)), np.repeat([1.0, -1.0], 32)
    cloud = wgflow.simulate(risk, Particles(points, masses, signs, domain), 1.0, times=[1.0], method=RungeKutta4(0.5))
    assert cloud.risk[0] == pytest.approx(flow.risk[0], rel=4.4e-16)
    assert cloud.risk[1] == pytest.approx(flow.risk[1], rel=1.2e-3)
    low_rank = risk.kernel_on(domain)
    assert flow.attributes["kernel_rank"] == low_rank.rank
    whole = UnitKernel(UNIT_NEURONS[name], 11)
    column = whole.pairs(domain.base.points, domain.base.points[7:8])
    np.testing.assert_allclose(low_rank.factor @ low_rank.factor[7], column, rtol=0.0, atol=1.4e-15)
    assert float((2.0 * risk).on_grid(domain).value(start)) == pytest.approx(2.0 * flow.risk[0], rel=4.4e-16)


def test_samples_are_right_in_the_mean() -> None:
    risk = UnitPopulation(Link("tanh", np.eye(1, 4)), "tanh")
    cloud = Particles(np.eye(2, 4), np.array([0.5, 0.7]), np.array([1.0, -1.0]), Signed(Hypersphere(4)))
    sampled = risk.sampled(20_000, np.random.default_rng(0), 4).at_particles(cloud)
    assert sampled.energy == pytest.approx(risk.at_particles(cloud).energy, rel=3.2e-3)


def test_what_has_no_meaning_is_refused() -> None:
    link = Link("tanh", np.eye(1, 4))
    with pytest.raises(InputError, match="choose one of tanh, softplus, squared_relu"):
        UnitPopulation(link, "relu")
    with pytest.raises(InputError, match="half circles and half spheres"):
        UnitPopulation(link, "tanh").on_grid(Signed(Circle(8)))
    with pytest.raises(InputError, match="have any length"):
        UnitPopulation(link, "tanh").at_particles(Particles(np.eye(2, 4), np.ones(2), domain=wgflow.Space(4)))
    with pytest.raises(ShapeError, match="fit 4 inputs"):
        UnitPopulation(link, "tanh").at_particles(Particles(np.eye(2, 5), np.ones(2)))
