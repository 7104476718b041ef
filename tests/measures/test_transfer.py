"""Densities carried to other grids and to the sphere, and particles to grids: nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgflow.domains import Box, Circle, Signed, Sphere, total_mass
from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.errors import InputError
from wgflow.exact.quadratic import AngularGaussian
from wgflow.measures import Particles
from wgflow.measures.cone import cone_image
from wgflow.measures.deposit import deposit
from wgflow.measures.transfer import transfer

PAIRS = {
    "circle": (Circle(24), Circle(60)),
    "coarser circle": (Circle(60), Circle(24)),
    "signed circle": (Signed(Circle(24)), Signed(Circle(36))),
    "box": (Box([[-1.0, 2.0], [0.0, 1.0]], (8, 6)), Box([[-1.0, 2.0], [0.0, 1.0]], (24, 13))),
    "larger box": (Box([[0.0, 1.0]] * 3, (4, 5, 6)), Box([[-1.0, 2.0], [0.0, 1.5], [-0.5, 1.0]], (9, 8, 7))),
    "periodic box": (Box([[0.0, 1.0]], 10, periodic=True), Box([[0.0, 1.0]], 25, periodic=True)),
    "sphere": (Sphere(162), Sphere(642)),
    "coarser sphere": (Sphere(642), Sphere(162)),
}
for_every_pair = pytest.mark.parametrize("name", PAIRS)


@for_every_pair
def test_a_rough_density_keeps_its_mass_on_each_sheet_and_its_sign(name):
    source, target = PAIRS[name]
    density = np.random.default_rng(1).exponential(size=source.shape) ** 3
    density[..., :2] = 0.0
    carried = transfer(density, source, target)
    assert carried.min() >= 0.0
    before = (density * source.volumes).reshape(source.sheets, -1).sum(axis=1)
    after = (carried * target.volumes).reshape(source.sheets, -1).sum(axis=1)
    assert after == pytest.approx(before, rel=1e-12)


@for_every_pair
def test_a_constant_stays_constant(name):
    source, target = PAIRS[name]
    if name != "larger box":
        assert abs(transfer(np.full(source.shape, 0.7), source, target) - 0.7).max() < 1e-12


def test_a_grid_of_whole_cells_keeps_the_mass_of_each():
    source, target = Box([[0.0, 1.0], [0.0, 2.0]], (6, 5)), Box([[0.0, 1.0], [0.0, 2.0]], (18, 10))
    density = np.random.default_rng(2).exponential(size=source.shape)
    carried = transfer(density, source, target)
    assert abs(carried.reshape(6, 3, 5, 2).mean(axis=(1, 3)) - density).max() < 1e-12


def wave(points):
    return 1.0 + 0.5 * np.sin(2.0 * np.pi * points[..., 0])


@pytest.mark.parametrize(
    ("make", "density", "sizes", "order"),
    [
        (lambda n: Box([[0.0, 1.0]], n, periodic=True), wave, (32, 64, 128), 1.9),
        (Circle, lambda x: 1.0 + 0.5 * x[..., 0] * x[..., 1], (32, 64, 128), 1.9),
        (Sphere, lambda x: 1.0 + 0.5 * x[..., 0] * x[..., 1], (642, 2562), 1.8),
    ],
    ids=["box", "circle", "sphere"],
)
def test_smooth_densities_are_carried_to_second_order(make, density, sizes, order):
    errors = []
    for size in sizes:
        source = make(size)
        target = make(3 * size)
        carried = transfer(cell_averages(source, density), source, target)
        errors.append((abs(carried - cell_averages(target, density)) * target.volumes).sum())
    rates = np.log2(np.divide(errors[:-1], errors[1:]))
    assert rates.min() > order


def test_a_box_that_would_lose_mass_is_refused():
    with pytest.raises(InputError, match=r"holds only 0\.5"):
        transfer(np.ones(8), Box([[0.0, 1.0]], 8), Box([[0.0, 0.5]], 8))


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (Circle(8), Sphere(42), "on the circle cannot be carried to the sphere"),
        (Circle(8), Signed(Circle(8)), "cannot be carried to the signed circle"),
        (Box([[0.0, 1.0]], 8), Box([[0.0, 1.0]] * 2, (4, 4)), "a box with 1 axes"),
        (Box([[0.0, 1.0]], 8, periodic=True), Box([[0.0, 2.0]], 8, periodic=True), "a period cannot change"),
    ],
)
def test_domains_must_fit_together(source, target, message):
    with pytest.raises(InputError, match=message):
        transfer(np.ones(source.shape), source, target)


# The image on the sphere.


@pytest.mark.parametrize(("dimension", "sizes"), [(2, (40, 80, 160)), (3, (20, 40))], ids=["circle", "sphere"])
def test_the_image_of_a_gaussian_is_the_angular_gaussian(dimension, sizes):
    covariance = np.diag([0.5, 0.3, 0.4][:dimension])
    inverse, errors = np.linalg.inv(covariance), []

    def gaussian(points):
        scale = (2.0 * np.pi) ** (-dimension / 2) / np.sqrt(np.linalg.det(covariance))
        return scale * np.exp(-0.5 * np.einsum("...i,ij,...j->...", points, inverse, points))

    target = Circle(60) if dimension == 2 else Sphere(162)
    exact = cell_averages(target, AngularGaussian(covariance))
    for size in sizes:
        box = Box([[-4.0, 4.0]] * dimension, (size,) * dimension)
        image = cone_image(cell_averages(box, gaussian), box, target)
        errors.append((abs(image - exact) * target.volumes).sum() / np.trace(covariance))
    assert errors[-1] < 8e-3
    assert errors[-1] < errors[0] / 2.5


@given(st.integers(0, 2**32 - 1))
def test_the_image_of_a_rough_density_is_nonnegative_with_about_its_second_moment(seed):
    box = Box([[-1.0, 2.0], [-1.5, 1.0]], (5, 6))
    density = np.random.default_rng(seed).exponential(size=box.shape)
    density[2:4] = 0.0
    image = cone_image(density, box, Circle(16))
    spread = sum(width**2 for width in box.spacing) / 12.0
    second_moment = (density * box.volumes * ((box.points**2).sum(axis=-1) + spread)).sum()
    assert image.min() >= 0.0
    assert total_mass(Circle(16), image) == pytest.approx(second_moment, rel=0.25)


def test_the_mass_of_the_image_of_a_flat_density_is_its_exact_second_moment():
    box = Box([[0.0, 1.0], [0.0, 2.0]], (4, 4), periodic=True)
    image = cone_image(np.ones(box.shape), box, Circle(16))
    assert total_mass(Circle(16), image) == pytest.approx(2.0 / 3.0 + 8.0 / 3.0, rel=1e-13)
    assert image[4:].max() == 0.0  # the box lies in the first quadrant


def test_an_image_needs_the_dimension_of_its_sphere():
    with pytest.raises(InputError, match="3 axes has no image on the circle; it needs 2"):
        cone_image(np.ones((4, 4, 4)), Box([[0.0, 1.0]] * 3, (4, 4, 4)), Circle(8))


# Particles.

DOMAINS = [
    Circle(16),
    Signed(Circle(16)),
    Sphere(162),
    Box([[-2.0, 2.0], [-2.0, 2.0]], (8, 10)),
    Signed(Box([[-2.0, 2.0]], 8)),
    Box([[-1.0, 1.0]] * 3, (4, 5, 6), periodic=True),
]


@pytest.mark.parametrize("domain", DOMAINS)
@given(seed=st.integers(0, 2**32 - 1))
def test_deposited_particles_keep_their_mass(domain, seed):
    generator = np.random.default_rng(seed)
    points = generator.uniform(-2.0, 2.0, size=(20, domain.points.shape[-1]))
    signs = generator.choice([-1.0, 1.0], size=20) if domain.sheets == 2 else np.ones(20)
    particles = Particles(points, generator.exponential(size=20), signs)
    density = deposit(particles, domain)
    assert density.min() >= 0.0
    masses = (density * domain.volumes).reshape(domain.sheets, -1).sum(axis=1)
    for mass, sign in zip(masses, domain.signs, strict=True):
        assert mass == pytest.approx(particles.weights[signs == sign].sum(), rel=1e-12)


def test_deposited_particles_keep_their_centre():
    domain = Box([[-2.0, 2.0], [-2.0, 2.0]], (8, 10))
    points = np.random.default_rng(3).uniform(-1.7, 1.7, size=(50, 2))
    particles = Particles(points, np.ones(50), np.ones(50))
    density = deposit(particles, domain)
    centre = np.einsum("ij,ijk->k", density * domain.volumes, domain.points) / 50.0
    assert abs(centre - points.mean(axis=0)).max() < 1e-13


def test_a_particle_at_a_centre_stays_in_its_cell():
    for domain in (Circle(16), Box([[0.0, 1.0]], 5), Sphere(42)):
        density = deposit(Particles(domain.points[[2]], np.array([0.5]), np.ones(1)), domain)
        assert density[2] * domain.volumes[2] == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize(
    ("points", "signs", "domain", "message"),
    [
        ([[3.0]], [1.0], Box([[0.0, 1.0]], 4), "outside of axis 0"),
        ([[0.5]], [-1.0], Box([[0.0, 1.0]], 4), "no place on an unsigned box"),
        ([[0.5, 0.5]], [1.0], Sphere(42), "2 dimensions do not fit"),
    ],
)
def test_particles_must_fit_the_domain(points, signs, domain, message):
    with pytest.raises(InputError, match=message):
        deposit(Particles(np.array(points), np.ones(1), np.array(signs)), domain)


def test_point_values_are_those_at_the_centres():
    assert (point_values(Circle(8), lambda x: x[..., 0]) == Circle(8).points[:, 0]).all()
