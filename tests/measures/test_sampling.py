"""Particles drawn from a density: reproducible, and of the right law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, norm

from wgflow.domains import Box, Circle, Signed, Sphere, total_mass
from wgflow.errors import InputError
from wgflow.measures import START_METHODS, draw_gaussian, draw_particles

DOMAIN = Signed(Circle(12))
DENSITY = np.stack([1.0 + np.cos(DOMAIN.base.angles), 0.3 * np.ones(12)])
DENSITY[1, 4] = 0.0


def drawn(count=20_000, seed=7):
    return draw_particles(DOMAIN, DENSITY, count, seed)


def cells_of(particles):
    angles = np.mod(np.arctan2(particles.points[:, 1], particles.points[:, 0]), 2.0 * np.pi)
    return angles / DOMAIN.base.spacing


def test_a_seed_draws_the_same_particles_and_another_seed_others():
    assert (drawn(50).points == drawn(50).points).all()
    assert (drawn(50).signs == drawn(50).signs).all()
    assert (drawn(50, seed=8).points != drawn(50).points).any()


def test_particles_share_the_mass_evenly():
    particles = drawn(1000)
    assert particles.mass == pytest.approx(total_mass(DOMAIN, DENSITY), rel=1e-13)
    assert np.ptp(particles.weights) == 0.0
    assert abs(np.linalg.norm(particles.points, axis=1) - 1.0).max() < 3e-16


def test_cells_of_both_sheets_are_drawn_with_their_masses():
    particles = drawn()
    sheet = (particles.signs < 0.0).astype(int)
    counts = np.zeros(DOMAIN.shape)
    np.add.at(counts, (sheet, cells_of(particles).astype(int)), 1.0)
    assert counts[1, 4] == 0.0
    drawable = DENSITY > 0.0
    expected = (DENSITY * DOMAIN.volumes / total_mass(DOMAIN, DENSITY))[drawable] * 20_000
    assert chisquare(counts[drawable], expected).pvalue > 0.01


def test_particles_lie_uniformly_within_their_cells():
    assert kstest(np.mod(cells_of(drawn()), 1.0), "uniform").pvalue > 0.01


def test_an_unsigned_domain_has_positive_particles():
    particles = draw_particles(Circle(12), DENSITY[0], 100, 0)
    assert (particles.signs == 1.0).all()


@pytest.mark.parametrize("count", [0, -3])
def test_a_count_must_be_positive(count):
    with pytest.raises(InputError, match=f"count = {count} is not allowed"):
        draw_particles(DOMAIN, DENSITY, count, 0)


BOX = Box([[-1.0, 2.0], [0.0, 1.0], [-2.0, 0.0]], (4, 5, 6))
for_methods_with_chance = pytest.mark.parametrize("method", START_METHODS[:3])


def cells_of_box(points):
    return tuple(np.floor((points - [-1.0, 0.0, -2.0]) / BOX.spacing).astype(int).T)


@for_methods_with_chance
@pytest.mark.parametrize("domain", [BOX, Signed(BOX)], ids=["box", "signed box"])
def test_cells_of_a_box_are_drawn_with_their_masses(domain, method):
    density = np.random.default_rng(1).exponential(size=domain.shape)
    density[..., 2, :, 3] = 0.0
    particles = draw_particles(domain, density, 2**14, 3, method)
    counts, sheet = np.zeros((domain.sheets, *BOX.shape)), (particles.signs < 0.0).astype(int)
    np.add.at(counts, (sheet, *cells_of_box(particles.points)), 1.0)
    expected = (density * domain.volumes / total_mass(domain, density)).reshape(counts.shape) * 2**14
    assert counts[expected == 0.0].max() == 0.0
    drawable = expected > 0.0
    statistic = ((counts - expected)[drawable] ** 2 / expected[drawable]).sum() / drawable.sum()
    assert statistic < (1.3 if method == "random" else 0.4)
    if method == "random":
        assert statistic > 0.7
    inside = np.mod((particles.points[:, 2] + 2.0) / BOX.spacing[2], 1.0)
    assert kstest(inside, "uniform").statistic < 0.02


@for_methods_with_chance
def test_cells_of_a_sphere_are_drawn_with_their_masses(method):
    domain = Sphere(162)
    density = 1.0 + domain.points[:, 0]
    particles = draw_particles(domain, density, 2**14, 3, method)
    assert abs(np.linalg.norm(particles.points, axis=1) - 1.0).max() < 3e-16
    nearest = np.argmax(particles.points @ domain.points.T, axis=1)  # Voronoi cells are those of the nearest centre
    expected = density * domain.volumes / total_mass(domain, density) * 2**14
    drawable = expected > 5.0
    counts = np.bincount(nearest, minlength=162)
    assert counts[~drawable].max(initial=0) <= 12
    statistic = ((counts - expected)[drawable] ** 2 / expected[drawable]).sum() / drawable.sum()
    assert statistic < (1.3 if method == "random" else 0.5)
    # Moments of 1 + x_0 on the sphere: the mean of x_0 is 1/3.
    assert particles.points.mean(axis=0) == pytest.approx(
        [1.0 / 3.0, 0.0, 0.0], abs=0.015 if method == "random" else 3e-3
    )


def test_quasi_random_particles_on_a_circle_are_evenly_spread():
    domain = Circle(12)
    particles = draw_particles(domain, np.ones(12), 64, 0, "quasi_random")
    angles = np.sort(np.mod(np.arctan2(particles.points[:, 1], particles.points[:, 0]), 2.0 * np.pi))
    assert abs(np.diff(angles) - 2.0 * np.pi / 64).max() < 2.0 * np.pi / 64


@for_methods_with_chance
def test_a_gaussian_is_drawn_with_its_moments(method):
    covariance, mean = np.array([[0.5, 0.2], [0.2, 0.3]]), np.array([1.0, -0.5])
    particles = draw_gaussian(covariance, mean, 2.0, 2**14, 5, method)
    accuracy = 0.02 if method == "random" else 1e-3
    assert particles.mass == pytest.approx(2.0, rel=1e-12)
    assert abs(particles.points.mean(axis=0) - mean).max() < accuracy
    assert abs(np.cov(particles.points.T) - covariance).max() < accuracy


@pytest.mark.parametrize(
    ("covariance", "mean", "named"),
    [
        (0.5, [0.0], r"covariance of shape \(\) .* numpy.eye"),
        ([0.5], [0.0], r"covariance of shape \(1,\)"),
        ([[1.0, 2.0], [2.0, 1.0]], [0.0, 0.0], "positive definite"),
        ([[1.0, 0.5], [0.0, 1.0]], [0.0, 0.0], "symmetric"),
        (np.eye(2), [0.0], r"mean has shape \(1,\); a covariance of 2 rows needs \(2,\)"),
    ],
)
def test_a_covariance_must_be_one(covariance, mean, named):
    with pytest.raises(InputError, match=named):
        draw_gaussian(covariance, mean, 1.0, 4, seed=0)


def test_a_method_must_be_known():
    with pytest.raises(InputError, match="start = 'sobol' is unknown"):
        draw_particles(DOMAIN, DENSITY, 8, 0, "sobol")


# Strata, with the distribution functions written anew.


def circle_levels(particles, domain, density):
    """Value of the distribution function of sheet after sheet at each particle."""
    masses = (density * domain.volumes).reshape(domain.sheets, -1)
    cells = domain.base.cells
    places = np.mod(np.arctan2(particles.points[:, 1], particles.points[:, 0]), 2.0 * np.pi) / domain.base.spacing
    places += np.where(particles.signs < 0.0, cells, 0)
    return np.interp(places, np.arange(masses.size + 1), np.concatenate([[0.0], np.cumsum(masses)])) / masses.sum()


def box_levels(points, box, density):
    """Rosenblatt transform: distribution of the first component, then of the second given the cell of the first."""
    levels = np.empty_like(points)
    for j, (x, y) in enumerate((points - np.array(box.bounds)[:, 0]) / box.spacing):
        rows = density.sum(axis=1)
        levels[j, 0] = np.interp(x, np.arange(rows.size + 1), np.append(0.0, np.cumsum(rows))) / rows.sum()
        row = density[min(int(x), rows.size - 1)]
        levels[j, 1] = np.interp(y, np.arange(row.size + 1), np.append(0.0, np.cumsum(row))) / row.sum()
    return levels


SQUARE = Box([[-1.0, 2.0], [0.0, 1.0]], (7, 5))


@pytest.mark.parametrize("count", [1, 10, 37])
@pytest.mark.parametrize("domain", [DOMAIN.base, DOMAIN], ids=["circle", "signed circle"])
def test_each_arc_of_equal_mass_holds_one_particle(domain, count):
    density = DENSITY[: domain.sheets].reshape(domain.shape)
    levels = circle_levels(draw_particles(domain, density, count, 3, "stratified"), domain, density) * count
    assert np.sort(levels.astype(int)).tolist() == list(range(count))
    assert np.ptp(np.mod(levels, 1.0)) > (0.3 if count > 1 else -1.0)
    middles = circle_levels(draw_particles(domain, density, count, 3, "equispaced"), domain, density) * count
    assert abs(np.sort(middles) - np.arange(count) - 0.5).max() < 1.1e-13


def test_each_cell_of_equal_mass_of_a_box_holds_one_particle():
    density = np.random.default_rng(2).exponential(size=SQUARE.shape)
    particles = draw_particles(SQUARE, density, 8 * 16, 3, "stratified")
    levels = box_levels(particles.points, SQUARE, density) * [8, 16]
    assert len({tuple(cell) for cell in levels.astype(int)}) == 8 * 16
    lattice = draw_particles(SQUARE, density, 8 * 16, 0, "equispaced")
    places = np.mod(box_levels(lattice.points, SQUARE, density) * [8, 16], 1.0)
    assert abs(places - 0.5).max() < 5.4e-14


def test_sheets_hold_their_shares_and_each_its_own_strata():
    """Masses 2 to 1: of 24 particles 16 = 4 x 4 and 8 = 2 x 4; of 25 a third more or less."""
    domain = Signed(SQUARE)
    density = np.stack([np.full(SQUARE.shape, 2.0), np.ones(SQUARE.shape)])
    particles = draw_particles(domain, density, 24, 5, "stratified")
    for sign, shape in ((1.0, (4, 4)), (-1.0, (2, 4))):
        points = particles.points[particles.signs == sign]
        levels = (points - [-1.0, 0.0]) / [3.0, 1.0] * shape
        assert sorted(map(tuple, levels.astype(int).tolist())) == sorted(np.ndindex(shape))
    first = [(draw_particles(domain, density, 25, seed, "stratified").signs > 0.0).sum() for seed in range(100)]
    assert set(first) == {16, 17}
    assert np.mean(first) == pytest.approx(50.0 / 3.0, abs=0.047)


RATES = {"random": {1: -1.0, 2: -1.0}, "stratified": {1: -3.0, 2: -2.0}}


@pytest.mark.parametrize("method", RATES)
@pytest.mark.parametrize("dimension", [1, 2])
def test_integrals_of_a_wave_converge_at_the_rate_of_the_start(method, dimension):
    domain = Box([(0.0, 1.0)] * dimension, (256,) * dimension)
    density = 1.0 + 0.5 * np.cos(3.0 * domain.points).prod(axis=-1)

    def wave(points):
        return np.sin(points @ np.array([4.0, -3.0])[:dimension])

    exact = float((wave(domain.points) * density * domain.volumes).sum() / (density * domain.volumes).sum())
    counts, squares = [16, 64, 256], []
    for count in counts:
        means = [wave(draw_particles(domain, density, count, seed, method).points).mean() for seed in range(64)]
        squares.append(np.mean((np.array(means) - exact) ** 2))
    assert np.polyfit(np.log(counts), np.log(squares), 1)[0] == pytest.approx(RATES[method][dimension], abs=0.16)


def test_equispaced_particles_integrate_waves_exactly_up_to_their_number():
    """Of m middles on the uniform circle the mean of cos(k t) is 0 for 0 < k < m, and -1 for k = m."""
    particles = draw_particles(Circle(12), np.ones(12), 16, 0, "equispaced")
    angles = np.arctan2(particles.points[:, 1], particles.points[:, 0])
    assert max(abs(np.exp(1j * k * angles).mean()) for k in range(1, 16)) < 1e-14
    assert np.cos(16 * angles).mean() == pytest.approx(-1.0, abs=1e-13)


def test_an_equispaced_start_is_the_same_for_all_seeds_and_needs_a_lattice():
    drawn_twice = [draw_particles(SQUARE, np.ones(SQUARE.shape), 12, seed, "equispaced").points for seed in (0, 1)]
    assert (drawn_twice[0] == drawn_twice[1]).all()
    with pytest.raises(InputError, match=r"count = 13 is not allowed .* products of 2 factors"):
        draw_particles(SQUARE, np.ones(SQUARE.shape), 13, 0, "equispaced")
    with pytest.raises(InputError, match="not available on spheres"):
        draw_particles(Sphere(42), np.ones(42), 16, 0, "equispaced")


def test_each_run_of_cells_of_a_sphere_holds_one_particle():
    domain = Sphere(162)
    particles = draw_particles(domain, np.ones(162), 40, 1, "stratified")
    nearest = np.argmax(particles.points @ domain.points.T, axis=1)
    cumulative = np.append(0.0, np.cumsum(domain.volumes)) / domain.volumes.sum() * 40
    number = np.arange(40)  # in the order of their strata, each lies in a cell that its stratum meets
    assert (cumulative[nearest] < number + 1 + 1e-9).all()
    assert (cumulative[nearest + 1] > number - 1e-9).all()


@pytest.mark.parametrize("dimension", [1, 3])
def test_a_stratified_gaussian_has_one_particle_in_each_cell_of_equal_mass(dimension):
    factor = np.tril(np.random.default_rng(1).normal(size=(dimension, dimension))) + 2.0 * np.eye(dimension)
    particles = draw_gaussian(factor @ factor.T, np.ones(dimension), 1.0, 4**dimension, 2, "stratified")
    whitened = np.linalg.solve(np.linalg.cholesky(factor @ factor.T), (particles.points - 1.0).T).T
    cells = {tuple(cell) for cell in (4.0 * norm.cdf(whitened)).astype(int)}
    assert cells == set(np.ndindex((4,) * dimension))
