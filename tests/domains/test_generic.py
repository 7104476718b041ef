"""What holds on every domain, those of the library and one of another package: geometry, cells, flows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.domains.torus import FlatTorus
from wgflow import (
    Adaptive,
    Box,
    Circle,
    Entropy,
    Features,
    Hypersphere,
    Langevin,
    Particles,
    Potential,
    Signed,
    Space,
    Sphere,
    deposit,
    draw_particles,
    simulate,
    solve,
)
from wgflow.domains import total_mass
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import distance
from wgflow.domains.quadrature import cell_averages

TORUS = FlatTorus((24, 16))
GRIDS = [
    Circle(32),
    Box([(0.0, 3.0)], 24),
    Box([(-1.0, 1.0), (0.0, 3.0)], (8, 12), (True, False)),
    Box([(0.0, 1.0)] * 3, (4, 5, 6), True),
    Sphere(162),
    TORUS,
]
DOMAINS = [*GRIDS, Space(3), Hypersphere(4)]
on_domains = pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.kind)
on_grids = pytest.mark.parametrize("domain", GRIDS, ids=lambda domain: f"{domain.kind}{len(domain.shape)}")


def some_points(domain, count=200):
    """Points of the set, spread over all of it."""
    generator = np.random.default_rng(3)
    if domain.has_cells:
        return draw_particles(domain, np.ones(domain.shape), count, seed=5).points
    return domain.geometry.project(generator.standard_normal((count, domain.geometry.components)))


@on_domains
def test_points_of_the_set_stay_where_they_are(domain):
    points = some_points(domain)
    assert all(requirement.fits.all() for requirement in domain.geometry.requirements(points))
    assert domain.geometry.project(points) == pytest.approx(points, abs=1e-15)
    assert domain.geometry.chart(points).shape == (len(points), domain.geometry.dimension)


@on_domains
def test_the_way_from_one_point_to_another_leads_there(domain):
    geometry, points = domain.geometry, some_points(domain)
    first, second = points[:100], points[100:]
    steps = geometry.displacement(first, second)
    assert geometry.tangential(first, steps) == pytest.approx(steps, abs=1e-14)
    reached = geometry.move(first, steps)
    assert distance(geometry, reached, second) == pytest.approx(np.zeros(100), abs=1e-13)
    assert distance(geometry, first, second) == pytest.approx(distance(geometry, second, first), rel=1e-13)


@on_domains
def test_tangential_parts_of_normal_vectors_fill_the_tangent_space(domain):
    geometry = domain.geometry
    point = np.repeat(some_points(domain)[:1], 4000, axis=0)
    directions = geometry.tangential(point, np.random.default_rng(0).standard_normal(point.shape))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(np.ones(4000), rel=1e-14)
    spread = np.linalg.eigvalsh(directions.T @ directions / 4000)
    expected = np.repeat(
        [0.0, 1.0 / geometry.dimension], [geometry.components - geometry.dimension, geometry.dimension]
    )
    assert spread == pytest.approx(expected, abs=0.03)


@on_grids
def test_cells_are_found_filled_and_emptied(domain):
    flat = domain.points.reshape(-1, domain.geometry.components)
    assert domain.cells_at(flat).tolist() == list(range(len(flat)))
    assert domain.averages(lambda x: np.ones(x.shape[:-1])) == pytest.approx(np.ones(domain.shape), rel=1e-14)
    drawn = draw_particles(domain, 1.0 + domain.points[..., 0] ** 2, 500, seed=2, method="stratified")
    density = deposit(drawn, domain)
    assert density.min() >= 0.0
    assert total_mass(domain, density) == pytest.approx(drawn.mass, rel=1e-14)


@on_grids
def test_faces_join_each_pair_of_neighbours_once(domain):
    faces = domain.faces
    pairs = {tuple(sorted(pair)) for pair in faces.cells.tolist()}
    assert len(pairs) == len(faces.cells)
    assert faces.conductance.min() > 0.0


def waves(x):
    """Features that no domain is symmetric under."""
    return np.stack([np.cos(x @ np.arange(1.0, x.shape[-1] + 1.0)), np.sin(x[..., 0])], axis=-1)


@on_grids
@pytest.mark.parametrize("signed", [False, True])
def test_grids_keep_mass_and_sign_and_lower_the_energy(domain, signed):
    place = Signed(domain) if signed else domain
    start = np.broadcast_to(1.0 + 0.5 * np.sin(domain.points[..., 0]), place.shape)
    trajectory = solve(Features(waves, [0.3, -0.2]) + Entropy(0.05), place, start, 0.2, reaction=0.0, times=[0.1, 0.2])
    assert trajectory.mass == pytest.approx(np.full(3, trajectory.mass[0]), rel=1e-13)
    assert trajectory.density.min() > 0.0
    assert (np.diff(trajectory.energy) < 0.0).all()


@on_domains
def test_particles_stay_on_the_set_and_lower_the_energy(domain):
    points = some_points(domain, 40)
    start = Particles(points, np.full(40, 0.05), np.ones(40), domain)
    trajectory = simulate(
        Features(waves, [0.3, -0.2]), start, 0.5, reaction=0.0, times=[0.25, 0.5], method=Adaptive(1e-9)
    )
    off = distance(
        Space(points.shape[1]).geometry, domain.geometry.project(trajectory.position[-1]), trajectory.position[-1]
    )
    assert off == pytest.approx(np.zeros(40), abs=1e-14)
    assert trajectory.mass == pytest.approx(np.full(3, start.mass), rel=1e-14)
    assert (np.diff(trajectory.energy) < 0.0).all()


def heat(time, temperature=0.1):
    """Density of the heat equation on the torus, by one mode of each circle."""
    (large, small), two = TORUS.radii, temperature * time

    def density(x):
        first, second = x[..., 0] / large, x[..., 2] / small
        return 1.0 + 0.5 * np.exp(-two / large**2) * first + 0.4 * np.exp(-two / small**2) * second

    return density


def test_heat_on_the_torus_is_exact_to_second_order():
    errors = []
    for cells in ((24, 16), (48, 32)):
        torus = FlatTorus(cells)
        trajectory = solve(
            Entropy(0.1), torus, cell_averages(torus, heat(0.0)), 1.0, times=[1.0], stepper="tr_bdf2", tolerance=1e-8
        )
        errors.append(abs(trajectory.density[-1] - cell_averages(torus, heat(1.0))).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.05)


def test_particles_on_the_torus_agree_with_its_grid():
    functional, end = Potential(lambda x: 0.5 * x[..., 0] + 0.2 * x[..., 3]), 0.5
    grid = FlatTorus((48, 32))
    on_grid = solve(functional, grid, cell_averages(grid, heat(0.0)), end, times=[end])
    fine = FlatTorus((96, 64))
    start = draw_particles(fine, cell_averages(fine, heat(0.0)), 2**12, seed=1, method="quasi_random")
    moved = simulate(functional, start, end, times=[end])
    assert moved.energy[-1] == pytest.approx(on_grid.energy[-1], rel=3e-3)
    assert moved.energy[-1] < moved.energy[0]


def test_noise_on_the_torus_has_the_law_of_the_heat_equation():
    start = draw_particles(TORUS, cell_averages(TORUS, heat(0.0)), 20_000, seed=3)
    trajectory = simulate(Entropy(0.1), start, 1.0, times=[1.0], method=Langevin(0.05))
    for component, radius in ((0, 1.0), (2, 0.5)):
        before, after = (trajectory.position[row][:, component].mean() / radius for row in (0, -1))
        assert after == pytest.approx(before * np.exp(-0.1 / radius**2), abs=0.02)


def test_a_domain_without_a_geometry_cannot_be_built():
    class Nowhere(UnsignedDomain):
        kind = "nowhere"

    with pytest.raises(TypeError, match="geometry"):
        Nowhere()


class Line(UnsignedDomain):
    """The real line, without more than it needs."""

    kind, shape, reaction, coordinates = "line", (0,), 0.0, ()
    points, volumes = np.empty((0, 1)), np.empty(0)
    geometry = Space(1).geometry

    def __init__(self, colour):
        self.parameters = {"colour": colour}


def test_domains_of_the_same_parameters_are_equal():
    assert Line("red") == Line("red")
    assert hash(Line("red")) == hash(Line("red"))
    assert Line("red") != Line("blue")
    assert Line("red") != Space(1)
    assert repr(Line("red")) == "Line(colour='red')"
