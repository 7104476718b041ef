"""Population risks on half circles and half spheres: averaged kernel, links, and two and three inputs."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

import wgflow
from wgflow.domains import Circle, HalfCircle, HalfSphere, Hypersphere, Signed, Sphere
from wgflow.domains.geometry import UnitSphere
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.laplacians import divergence
from wgflow.measures import Particles
from wgflow.networks import Link, Population, Teacher, arc_cosine_kernel
from wgflow.networks.low_rank import factorise
from wgflow.networks.orbit_kernel import OrbitKernel, orbit_nodes
from wgflow.networks.symmetric_population import OrbitRelu


def kappa(cosine: np.ndarray) -> np.ndarray:
    return (np.sqrt(np.maximum(1.0 - cosine**2, 0.0)) + (np.pi - np.arccos(cosine)) * cosine) / (2.0 * np.pi)


def half_points(count: int, kept: int, seed: int = 0) -> np.ndarray:
    points = np.random.default_rng(seed).standard_normal((count, kept + 1))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points[:, -1] = abs(points[:, -1])
    return points


def uniform_halves(domain: Signed) -> np.ndarray:
    return np.stack([0.5 * domain.base.uniform] * 2)


@pytest.mark.parametrize("dimension", [1, 2, 3, 4, 9, 99, 999])
def test_moments_of_a_coordinate_of_a_uniform_direction(dimension: int) -> None:
    nodes, weights = orbit_nodes(dimension)
    assert weights.sum() == pytest.approx(1.0, abs=1e-13)
    assert weights @ nodes**2 == pytest.approx(1.0 / dimension, rel=1e-12)
    assert weights @ nodes**4 == pytest.approx(3.0 / (dimension * (dimension + 2.0)), rel=1e-12)


@pytest.mark.parametrize(("inputs", "kept"), [(2, 1), (3, 1), (5, 1), (20, 1), (4, 2), (12, 2)])
def test_averaged_kernel_is_the_mean_over_rotations(inputs: int, kept: int) -> None:
    points, rest = half_points(4, kept), inputs - kept
    found = OrbitKernel(inputs, kept).matrix(points, points)
    if rest == 1:
        flipped = points * np.append(np.ones(kept), -1.0)
        np.testing.assert_allclose(
            found, 0.5 * (kappa(np.clip(points @ points.T, -1, 1)) + kappa(flipped @ points.T)), atol=1e-14
        )
        return
    weight = quad(lambda a: math.sin(a) ** (rest - 2), 0.0, math.pi)[0]
    for i, j in ((0, 1), (2, 3), (1, 1)):
        along, across = points[i, :-1] @ points[j, :-1], points[i, -1] * points[j, -1]
        mean = quad(
            lambda a: float(kappa(min(along + across * math.cos(a), 1.0))) * math.sin(a) ** (rest - 2), 0.0, math.pi,  # noqa: B023
            epsabs=1e-13, epsrel=1e-13, limit=200,
        )[0] / weight  # fmt: skip
        assert found[i, j] == pytest.approx(mean, abs=2e-12)


@pytest.mark.parametrize("kept", [1, 2])
def test_laplacians_of_the_averaged_kernel_are_those_of_its_gradient(kept: int) -> None:
    """Of 12 inputs, where the kernel is smooth, by differences across a step along a frame of each point."""
    kernel, points, sources = OrbitKernel(12, kept), half_points(6, kept), half_points(5, kept, seed=1)
    masses = np.array([1.0, -0.5, 0.3, 2.0, -1.0])
    wanted = divergence(
        UnitSphere(kept + 1), points, lambda moved: kernel.sums(moved, sources, masses)[1], "the averaged kernel"
    )
    np.testing.assert_allclose(kernel.bends(points, sources, masses), wanted, atol=1e-9)


@pytest.mark.parametrize("dimension", [1, 2, 19])
def test_laplacians_of_potentials_of_links(dimension: int) -> None:
    """Of He_2 / sqrt 2 the potential is cos^2 / (2 sqrt pi), and of |z| that of two neurons."""
    angles = np.linspace(0.0, np.pi, 9)  # with both ends, where the rest is 0
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    hermite, both = Link("hermite2", np.eye(1, 20)), Teacher(np.array([[1.0], [-1.0]]) * np.eye(1, 20), np.ones(2))
    wanted = (1.0 - (dimension + 1.0) * np.cos(angles) ** 2) / np.sqrt(np.pi)
    np.testing.assert_allclose(hermite.potential_laplacian(points, dimension), wanted, atol=2e-14 * dimension)
    found = Link("abs", np.eye(1, 20)).potential_laplacian(points, dimension)
    np.testing.assert_allclose(found, both.potential_laplacian(points, dimension), atol=6.4e-9 * dimension)


def test_laplacians_at_neurons_on_half_spheres_have_a_closed_form() -> None:
    """A product of two projections has a potential that is a harmonic of degree 2, also at the rim."""
    points, inputs = np.concatenate([half_points(5, 2), [[0.6, 0.8, 0.0]]]), 12
    link = Link(lambda a, b: a * b, np.eye(2, inputs))
    values, _ = link.potential(points)
    domain = Signed(HalfSphere(12, inputs))
    signs = np.array([1.0, 1.0, -1.0, 1.0, -1.0, -1.0])
    found = Population(link, 2.0).laplacian_at_particles(Particles(points, np.zeros(6), signs, domain), domain.geometry)
    np.testing.assert_allclose(found, 12.0 * signs * values, atol=1e-13)
    whole = np.column_stack([points[:, :2], np.zeros((6, inputs - 3)), points[:, 2]])
    found = Population(link).laplacian_at_particles(Particles(whole, np.zeros(6), signs), UnitSphere(inputs))
    np.testing.assert_allclose(found, 2.0 * inputs * signs * values, atol=2e-12)


def test_gradient_of_the_averaged_kernel() -> None:
    kernel, points, sources = OrbitKernel(6, 2), half_points(3, 2), half_points(4, 2, seed=1)
    masses, step = np.array([0.3, -0.2, 0.5, 0.1]), 1e-6
    _, slopes = kernel.sums(points, sources, masses)
    tangent = np.cross(points, np.roll(points, 1, axis=1))
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    moved = [math.cos(step) * points + side * math.sin(step) * tangent for side in (1.0, -1.0)]
    ahead, behind = (kernel.matrix(places, sources) @ masses for places in moved)
    np.testing.assert_allclose((slopes * tangent).sum(axis=1), (ahead - behind) / (2.0 * step), atol=1e-9)


def test_rank_of_the_kernel_and_its_limit() -> None:
    domain = HalfCircle(512, 100)
    kernel = OrbitKernel(100, 1)
    low_rank = factorise(kernel, domain.points, 1e-12, 2.0**30)
    whole = kernel.matrix(domain.points, domain.points[::16])
    assert low_rank.rank <= 26 and low_rank.error <= 1e-12
    np.testing.assert_allclose(low_rank.factor @ low_rank.factor[::16].T, whole, atol=5e-13)
    with pytest.raises(InputError, match=r"tolerance = \d\.\de-\d+ fits"):
        Population(Teacher(np.eye(1, 100), [1.0]), memory_limit=512 * 8 * 10).on_grid(domain)


def test_potentials_of_links() -> None:
    points = half_points(6, 1)
    p = points[:, 0]
    for name, wanted in (
        ("hermite2", p**2 / (2.0 * math.sqrt(math.pi))),
        ("hermite3", 0.0 * p),
        ("hermite4", -(p**4) / math.sqrt(48.0 * math.pi)),
        ("relu", kappa(p)),
        ("abs", kappa(p) + kappa(-p)),
    ):
        link = Link(name, np.eye(1, 30))
        values, slopes = link.potential(points)
        np.testing.assert_allclose(values, wanted, atol=2e-14)
        assert link.second_moment == pytest.approx(0.5 if name == "relu" else 1.0, abs=1e-13)
        ahead, behind = (link.potential(points + np.array([side, 0.0]))[0] for side in (1e-5, -1e-5))
        np.testing.assert_allclose(slopes[:, 0], (ahead - behind) / 2e-5, atol=1e-8)


def test_link_of_two_directions_is_the_teacher_that_it_writes_out() -> None:
    directions, points = np.array([[1.0, 0.0, 0.0], [0.6, 1.6, 0.0]]), half_points(3, 2)
    link = Link(lambda a, b: np.maximum(a, 0.0) - 0.5 * np.maximum(b, 0.0), directions, kinks=[0.0])
    teacher = Teacher(directions, [1.0, -0.5])
    assert link.second_moment == pytest.approx(teacher.second_moment, abs=1e-13)
    for found, wanted in zip(link.potential(points), teacher.potential(points), strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-13)


def test_two_inputs_are_the_circle() -> None:
    half, circle = Signed(HalfCircle(64, 2)), Signed(Circle(128))
    risk = Population(Teacher([[1.0, 0.0]], [1.0]))
    folded = wgflow.solve(risk, half, uniform_halves(half), 3.0, times=[1.0, 3.0])
    whole = wgflow.solve(risk, circle, np.full((2, 128), 0.25 / np.pi), 3.0, times=[1.0, 3.0])
    np.testing.assert_allclose(folded.risk, whole.risk, atol=1e-12)


def test_three_inputs_are_the_sphere() -> None:
    teacher = Teacher([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]], [1.0, -0.5])
    half, sphere = Signed(HalfSphere(642, 3)), Signed(Sphere(642))
    folded = wgflow.solve(Population(teacher, tolerance=1e-9), half, uniform_halves(half), 2.0, times=[2.0])
    whole = wgflow.solve(Population(teacher), sphere, np.full((2, 642), 0.125 / np.pi), 2.0, times=[2.0])
    np.testing.assert_allclose(folded.risk, whole.risk, atol=1e-6)


def test_orbits_are_the_mean_of_rotated_copies() -> None:
    """In three inputs 64 rotated copies of each particle have the F of the reduced ones."""
    teacher, reduced = Teacher(np.eye(1, 3), [1.0]), half_points(5, 1, seed=3)
    weights, signs = np.full(5, 0.2), np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    particles = wgflow.Particles(reduced, weights, signs, Signed(HalfCircle(8, 3)))
    found = Population(teacher).at_particles(particles)
    errors = []
    for copies in (8, 32):
        turns = 2.0 * np.pi * np.arange(copies) / copies
        ring = np.stack([np.ones(copies), np.cos(turns), np.sin(turns)], axis=1)
        points = (reduced[:, [0, 1, 1]][:, None, :] * ring).reshape(-1, 3)
        space = wgflow.Particles(points, np.repeat(weights, copies) / copies, np.repeat(signs, copies))
        other = Population(teacher).at_particles(space)
        errors.append(abs(other.energy - found.energy))
        slope = other.gradient[::copies]
    assert errors[0] < 1e-4 and errors[1] < 1e-6
    tangential = lambda x, g: g - (x * g).sum(axis=1, keepdims=True) * x  # noqa: E731
    np.testing.assert_allclose(tangential(reduced, found.gradient), tangential(reduced, slope[:, :2]), atol=3e-4)


def test_fifty_inputs_and_the_second_hermite_polynomial() -> None:
    domain = Signed(HalfCircle(512, 50))
    flow = wgflow.solve(
        Population(Link("hermite2", np.eye(1, 50))), domain, uniform_halves(domain), 10.0, times=[5.0, 10.0]
    )
    np.testing.assert_allclose(flow.risk[1:], [0.3505, 0.1688], atol=2e-4)


@pytest.mark.parametrize("rest", [1, 2, 3, 40])
def test_neurons_are_means_over_orbits(rest: int) -> None:
    points, inputs = half_points(3, 1), np.array([[0.7, 1.3], [-0.5, 0.4], [2.0, 0.1]])
    found = OrbitRelu(inputs, rest)(points)
    for i, j in np.ndindex(3, 3):
        along, across = points[i, 0] * inputs[j, 0], points[i, 1] * inputs[j, 1]
        if rest == 1:
            mean = 0.5 * (max(along + across, 0.0) + max(along - across, 0.0))
        else:
            kink = [math.acos(-along / across)] if abs(along) < across else []
            weight = lambda a: math.sin(a) ** (rest - 2)  # noqa: E731
            value = quad(lambda a: max(along + across * math.cos(a), 0.0) * weight(a), 0.0, math.pi, points=kink)[0]  # noqa: B023
            mean = value / quad(weight, 0.0, math.pi)[0]
        assert found[i, j] == pytest.approx(mean, abs=1e-9)


def test_predictions_and_particles_from_a_half_circle() -> None:
    direction = np.ones((1, 4)) / 2.0
    domain = Signed(HalfCircle(64, 4))
    flow = wgflow.solve(Population(Teacher(direction, [1.0])), domain, uniform_halves(domain), 0.3, times=[0.3])
    cloud = wgflow.draw_particles(domain, flow.density[-1], 2**12, seed=0, method="quasi_random", frame=direction)
    assert cloud.domain == Signed(Hypersphere(4))
    inputs = direction * [[2.0], [-1.0]]  # rests do not count there
    many = (cloud.weights * cloud.signs) @ np.maximum(cloud.points @ inputs.T, 0.0)
    np.testing.assert_allclose(flow.predict(inputs), many, atol=4e-4)
    back = wgflow.deposit(cloud, domain, frame=direction)
    assert (back * domain.volumes).sum() == pytest.approx(flow.mass[-1], rel=1e-12)
    means = [(density[0] * domain.volumes[0]) @ domain.base.points[:, 0] for density in (back, flow.density[-1])]
    assert means[0] == pytest.approx(means[1], abs=1e-3)
    with pytest.raises(InputError, match="half circles"):
        wgflow.draw_particles(Circle(8), np.ones(8), 4, frame=direction)


def test_link_in_space() -> None:
    direction = np.array([[0.0, 0.6, 0.8]])
    points = np.random.default_rng(0).standard_normal((4, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    cloud = wgflow.Particles(points, np.full(4, 0.25), np.array([1.0, 1.0, -1.0, 1.0]), Signed(Hypersphere(3)))
    by_link, by_teacher = (
        Population(target).at_particles(cloud) for target in (Link("relu", direction), Teacher(direction, [1.0]))
    )
    assert by_link.energy == pytest.approx(by_teacher.energy, abs=1e-13)
    np.testing.assert_allclose(by_link.potential, by_teacher.potential, atol=1e-13)
    np.testing.assert_allclose(by_link.gradient, by_teacher.gradient, atol=1e-12)
    kernel = arc_cosine_kernel(points, direction)[:, 0]
    np.testing.assert_allclose(Link("relu", direction).potential(points @ np.eye(3, 2))[0].shape, kernel.shape)


def test_what_does_not_fit_is_refused() -> None:
    teacher = Teacher(np.eye(3, 9), [1.0, 1.0, 1.0])
    for risk, domain, found in (
        (Population(teacher), HalfSphere(42, 9), "depends on 3 directions"),
        (Population(Teacher(np.eye(2, 9), [1.0, 1.0])), HalfCircle(8, 9), 'a half sphere, "half_sphere"'),
        (Population(Teacher(np.eye(1, 9), [1.0])), HalfCircle(8, 10), "give inputs = 9"),
    ):
        with pytest.raises(ShapeError, match=found):
            risk.on_grid(domain)
    with pytest.raises(InputError, match="link"):
        Link("hermite5", np.eye(1, 4))
    with pytest.raises(InputError, match="depend on each other"):
        Link(np.multiply, [[1.0, 0.0], [2.0, 0.0]])
    with pytest.raises(InputError, match=r"the link does not take arrays of shape \(2, 4\).*2 were given"):
        Link(lambda z: z, np.eye(2, 4))
    with pytest.raises(ShapeError, match=r"the link of .* has shape \(\); allowed is \(4,\)"):
        Link(lambda z: 1.0, np.eye(1, 4))  # noqa: ARG005
    with pytest.raises(InputError, match="tolerance"):
        Population(teacher, tolerance=1.0)
