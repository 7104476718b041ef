"""Compiled sums over pairs of particles against dense ones of NumPy."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from tests.references import central_difference
from wgflow import CompiledKernel, ExponentialKernel, GaussianKernel, PowerKernel
from wgflow.errors import InputError
from wgflow.functionals import Interaction, KernelDiscrepancy, ZonalInteraction
from wgflow.functionals.energies.batches import all_pairs
from wgflow.functionals.energies.pair_sums import compiled_sums
from wgflow.functionals.energies.radial_kernels import SumKernel
from wgflow.measures import Particles

EPS = np.finfo(np.float64).eps


def ring(square):
    """A well at the distance 1."""
    value = math.exp(-square)
    return -square * value, (square - 1.0) * value


KERNELS = {
    "gaussian": GaussianKernel(2.0, 0.7),
    "energy distance": PowerKernel(1.0, -1.0),
    "square": PowerKernel(2.0, 0.5),
    "cube": PowerKernel(3.0),
    "fourth": PowerKernel(4.0, 2.0, 0.2),
    "inverse": PowerKernel(-1.0, 1.0, 0.3),
    "inverse square": PowerKernel(-2.0, 1.0, 0.3),
    "root": PowerKernel(0.5, 3.0),
    "rounded root": PowerKernel(-0.5, 3.0, 0.4),
    "high power": PowerKernel(6.5, 0.1),
    "log": PowerKernel(0.0, 1.5, 0.1),
    "powers": SumKernel((PowerKernel(2.0), PowerKernel(1.0, -1.0))),
    "own": CompiledKernel(ring),
}


def cloud(count, dimension, seed=0):
    """Charges of both signs."""
    generator = np.random.default_rng(seed)
    signs = np.where(generator.normal(size=count) > 0.0, 1.0, -1.0)
    return Particles(generator.normal(size=(count, dimension)), generator.uniform(size=count), signs)


def dense_sums(kernel, points, charges):
    """The readable twin: values and gradients over all pairs, each with the largest sum of sizes."""
    steps = points[:, None, :] - points
    squares = (steps**2).sum(axis=-1)
    terms = kernel.of_square(squares) * charges
    pulls = 2.0 * (kernel.slope(squares) * charges)[..., None] * steps
    return [(terms.sum(axis=1), abs(terms).sum(axis=1).max()), (pulls.sum(axis=1), abs(pulls).sum(axis=1).max())]


def assert_agree(found, expected, tolerance=4.0 * EPS):
    """Sums agree up to the round-off of their terms."""
    for ours, (theirs, size) in zip(found, expected, strict=True):
        assert abs(ours - theirs).max() <= tolerance * size


@pytest.mark.parametrize("name", KERNELS)
def test_compiled_sums_equal_dense_ones(name):
    kernel = KERNELS[name]
    for count, dimension in [(1, 2), (2, 1), (37, 5), (600, 2)]:  # 600 are two tiles
        particles = cloud(count, dimension)
        charges = particles.weights * particles.signs
        found = compiled_sums(kernel, kernel.gradient, particles.points, charges, all_pairs(count))
        expected = dense_sums(kernel, particles.points, charges)
        assert_agree(found, expected)
        whole, size = (-2.5 * Interaction(kernel)).at_particles(particles), float(abs(charges).sum()) * expected[0][1]
        assert abs(whole.energy + 1.25 * float(charges @ expected[0][0])) <= 4.0 * EPS * 1.25 * size
        by_sign = particles.signs * whole.potential, particles.signs[:, None] * whole.gradient
        assert_agree(by_sign, [(-2.5 * sums, 2.5 * largest) for sums, largest in expected])


@pytest.mark.parametrize("name", KERNELS)
def test_gradients_are_those_of_the_energy(name):
    particles, way = cloud(40, 2, 1), np.random.default_rng(2).normal(size=(40, 2))
    energy = Interaction(KERNELS[name])

    def moved(step):
        return energy.at_particles(Particles(particles.points + step * way, particles.weights, particles.signs)).energy

    found = energy.at_particles(particles).gradient
    expected = central_difference(moved, 1e-3)
    assert (particles.weights[:, None] * found * way).sum() == pytest.approx(expected, rel=3.6e-7)


@pytest.mark.parametrize("name", KERNELS)
def test_no_kernel_moves_the_centre_of_mass(name):
    particles = cloud(600, 2, 3)
    found = Interaction(KERNELS[name]).at_particles(particles)
    forces = particles.weights[:, None] * found.gradient
    assert abs(forces.sum(axis=0)).max() < 0.22 * EPS * abs(forces).sum()


def test_exponentials_of_products_equal_dense_ones():
    for count, dimension in [(1, 3), (2, 2), (600, 3)]:
        particles, kernel = cloud(count, dimension), ExponentialKernel(-3.0, 1.5)
        points = particles.points / np.linalg.norm(particles.points, axis=1)[:, None]
        particles = Particles(points, particles.weights, particles.signs)
        charges = particles.weights * particles.signs
        values = 1.5 * np.exp(-3.0 * points @ points.T)
        found, size = ZonalInteraction(kernel).at_particles(particles), (values @ abs(charges)).max()
        by_sign = particles.signs * found.potential, particles.signs[:, None] * found.gradient
        assert_agree(by_sign, [(values @ charges, size), (-3.0 * (values * charges) @ points, 3.0 * size)])


def on_threads(functional, particles):
    """What acts on particles by one thread, and by all."""
    most, found = numba.get_num_threads(), []
    try:
        for threads in (1, most):
            numba.set_num_threads(threads)
            found.append(functional.at_particles(particles))
    finally:
        numba.set_num_threads(most)
    return found


@pytest.mark.parametrize("name", ["gaussian", "energy distance", "root", "log", "own"])
def test_sums_do_not_depend_on_the_number_of_threads(name):
    for count, periods in [(300, None), (600, [2.0, np.inf, np.inf])]:
        one, all_of_them = on_threads(Interaction(KERNELS[name], periods), cloud(count, 3))
        assert np.array_equal(one.gradient, all_of_them.gradient)
        assert np.array_equal(one.potential, all_of_them.potential)


@pytest.mark.parametrize("name", ["gaussian", "energy distance", "root", "log", "own"])
def test_compiled_sums_go_the_short_way_round(name):
    """Against dense sums, each distance the least over the images; the third axis is not periodic."""
    particles, kernel = cloud(600, 3, 9), KERNELS[name]
    charges, periods = particles.weights * particles.signs, np.array([1.3, 2.1, np.inf])
    steps = particles.points[:, None, :] - particles.points
    for axis in range(2):
        images = steps[..., axis] + periods[axis] * np.arange(-8, 9)[:, None, None]
        steps[..., axis] = np.take_along_axis(images, abs(images).argmin(axis=0)[None], axis=0)[0]
    squares = (steps**2).sum(axis=-1)
    terms, pulls = kernel.of_square(squares) * charges, 2.0 * (kernel.slope(squares) * charges)[..., None] * steps
    found = Interaction(kernel, periods).at_particles(particles)
    by_sign = particles.signs * found.potential, particles.signs[:, None] * found.gradient
    sizes = abs(terms).sum(axis=1).max(), abs(pulls).sum(axis=1).max()
    assert_agree(by_sign, [(terms.sum(axis=1), sizes[0]), (pulls.sum(axis=1), sizes[1])], 6.0 * EPS)


@pytest.mark.parametrize("name", ["gaussian", "energy distance", "own"])
def test_compiled_sums_by_chords_equal_those_of_cosines(name):
    """The same potential and, along the sphere, the same gradient as of functions of the cosine."""
    particles, kernel = cloud(60, 3, 10), KERNELS[name].zonal().kernel
    points = particles.points / np.linalg.norm(particles.points, axis=1)[:, None]
    particles = Particles(points, particles.weights, particles.signs)
    found = KERNELS[name].zonal().at_particles(particles)
    expected = ZonalInteraction(lambda c: kernel(c), lambda c: kernel.gradient(c)).at_particles(particles)
    size = abs(expected.potential).max()
    tolerance = 1e-13 if name != "energy distance" else 2e-8  # of cosines: short chords lose digits
    assert found.potential == pytest.approx(expected.potential, abs=tolerance * size)
    along = found.gradient - expected.gradient
    along -= (along * points).sum(axis=1)[:, None] * points
    assert abs(along).max() < 1e-11 * abs(expected.gradient).max()


def worst(found, expected):
    """Largest relative error, the expected ones in long doubles."""
    return float((abs(found - expected) / abs(expected)).max())


def test_elementary_functions_are_exact_to_round_off():
    generator = np.random.default_rng(4)

    def at(kernel, places):
        return kernel.profiles[0].at(places)

    exponents = np.concatenate([generator.uniform(-708.0, 709.0, 20001), np.linspace(-1.0, 1.0, 20001)])
    exact = exponents.astype(np.longdouble)
    assert worst(at(ExponentialKernel(1.0), exponents)[0], np.exp(exact)) < 4e-16
    at_zero, far = at(GaussianKernel(1.0, math.sqrt(0.5)), np.array([0.0, 1e5]))[0]
    assert at_zero == 1.0
    assert 0.0 < far < 1e-300
    squares = np.concatenate([10.0 ** generator.uniform(-280.0, 290.0, 20001), np.linspace(0.3, 3.0, 20001)])
    exact = squares.astype(np.longdouble)
    logs, halves = at(PowerKernel(0.0, 1.0, 1e-200), squares)
    assert worst(logs, 0.5 * np.log(exact)) < 1e-15
    assert worst(halves, 0.5 / exact) < 5e-16
    roots, inverses = at(PowerKernel(1.0), squares)
    assert worst(roots, np.sqrt(exact)) < 4e-16
    assert worst(inverses, 0.5 / np.sqrt(exact)) < 3.2e-16


@pytest.mark.parametrize("exponent", [0.1, 0.7, 1.5, 2.3, 3.5, 3.7, 5.9])
def test_fitted_powers_are_exact_to_round_off(exponent):
    generator = np.random.default_rng(5)
    squares = np.concatenate([10.0 ** generator.uniform(-60.0, 30.0, 20001), np.linspace(0.3, 3.0, 20001)])
    values, slopes = PowerKernel(exponent).profiles[0].at(squares)
    exact, power = squares.astype(np.longdouble), 0.5 * np.longdouble(exponent)
    assert worst(values, exact**power / exponent) < 2e-15
    assert worst(slopes, 0.5 * exact ** (power - 1.0)) < 2e-15
    at_zero = PowerKernel(exponent).profiles[0].at(np.zeros(1))
    assert at_zero[0] < 1e-12
    assert np.isfinite(at_zero[1])


def test_discrepancies_to_samples_are_those_of_functions():
    kernel, samples, particles = GaussianKernel(1.0, 0.6), cloud(30, 2, 5), cloud(20, 2, 6)
    plain = Interaction(lambda z: kernel(z), gradient=lambda z: kernel.gradient(z))
    found = KernelDiscrepancy(Interaction(kernel), samples).at_particles(particles)
    expected = KernelDiscrepancy(plain, samples).at_particles(particles)
    assert found.energy == pytest.approx(expected.energy, rel=1e-14)
    assert_agree((found.potential, found.gradient), [(expected.potential, 8.0), (expected.gradient, 8.0)])


def test_numpy_functions_take_each_pair_once():
    """Tiles beside and on the diagonal, with an odd part that must not act, periods, and differences."""
    particles = cloud(300, 2, 7)
    charges = particles.weights * particles.signs
    periods = np.array([3.0, np.inf])
    steps = particles.points[:, None, :] - particles.points
    steps[..., 0] -= 3.0 * np.round(steps[..., 0] / 3.0)
    values = np.exp(-(steps**2).sum(axis=-1))
    gradient, size = np.einsum("ij,ijk,j->ik", -2.0 * values, steps, charges), (values @ abs(charges)).max()

    def kernel(z):
        return np.exp(-(z**2).sum(axis=-1)) + 0.3 * np.sin(z[:, 0])

    def slope(z):
        return -2.0 * z * np.exp(-(z**2).sum(axis=-1))[:, None] + 0.3 * np.cos(z[:, :1]) * np.array([1.0, 0.0])

    for given, tolerance in [(slope, 4.0 * EPS), (None, 1.5e-12)]:
        found = Interaction(kernel, periods, given).at_particles(particles)
        by_sign = particles.signs * found.potential, particles.signs[:, None] * found.gradient
        assert_agree(by_sign, [(values @ charges, size), (gradient, size)], tolerance)
    named = Interaction(GaussianKernel(1.0, math.sqrt(0.5)), periods).at_particles(particles)
    assert_agree((particles.signs * named.potential,), [(values @ charges, size)])


def test_kernels_without_a_gradient_are_differenced():
    """Of the distance, along one line; else along each axis. At the distance 0 an even kernel has no slope."""
    particles = cloud(200, 2, 11)
    for kernel, slope in [
        (lambda z: np.exp(-0.5 * (z**2).sum(axis=-1)), lambda z: -z * np.exp(-0.5 * (z**2).sum(axis=-1))[:, None]),
        (lambda z: np.exp(-0.5 * z[:, 0] ** 2 - z[:, 1] ** 2), None),
    ]:
        if slope is None:
            slope = lambda z: -z * np.array([1.0, 2.0]) * np.exp(-0.5 * z[:, 0] ** 2 - z[:, 1] ** 2)[:, None]  # noqa: E731
        found = Interaction(kernel).at_particles(particles)
        expected = Interaction(kernel, gradient=slope).at_particles(particles)
        assert np.array_equal(found.potential, expected.potential)
        assert abs(found.gradient - expected.gradient).max() < 1e-11 * abs(expected.gradient).max()


def test_other_gradients_and_singular_kernels_are_not_compiled():
    points, charges = np.random.default_rng(8).normal(size=(5, 2)), np.ones(5)
    kernel = KERNELS["gaussian"]
    assert compiled_sums(kernel, lambda z: z, points, charges, all_pairs(5)) is None
    assert compiled_sums(np.exp, np.exp, points, charges, all_pairs(5)) is None
    found = Interaction(kernel, gradient=lambda z: z).at_particles(Particles(points, charges))
    assert found.gradient == pytest.approx(5.0 * points - points.sum(axis=0), rel=1e-13)
    for singular in (PowerKernel(0.0), SumKernel((PowerKernel(2.0), PowerKernel(-1.0)))):
        with pytest.raises(InputError, match="round its singularity"):
            Interaction(singular).at_particles(Particles(points, charges))


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_own_kernels_must_compile():
    with pytest.raises(InputError, match="cannot be compiled"):
        CompiledKernel(lambda square: square.no_such_thing)


def test_own_kernels_are_checked():
    with pytest.raises(InputError, match="is no function"):
        CompiledKernel(3.0)
    infinite = CompiledKernel(numba.njit(lambda square: (1.0 / square, -1.0 / square**2)))
    with pytest.raises(InputError, match="not finite"):
        Interaction(infinite).at_particles(cloud(3, 2))
    with pytest.raises(InputError, match="from -700 to 700"):
        ExponentialKernel(1e3)
