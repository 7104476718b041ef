"""Deconvolution on grids and at particles against sums over the torus, exact flows and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functionals.problems import random_density
from tests.references import central_difference
from wgflow import Deconvolution, DirichletKernel, FourierKernel, PeriodicGaussian, SampledKernel
from wgflow.domains import Box, Circle, Signed, Sphere
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.differences import central_differences
from wgflow.measures import Particles, nodes_of_cells

TURN = 2.0 * np.pi
PLANE = Box([(0.0, TURN)] * 2, (9, 8), periodic=True)
LINE = Box([(-1.0, 3.0)], 16, periodic=True)
SPACE = Box([(0.0, 1.0), (1.0, 3.0), (-1.0, 1.0)], (5, 6, 7), periodic=True)
DOMAINS = {
    "plane": PLANE,
    "line": LINE,
    "signed line": Signed(LINE),
    "signed plane": Signed(PLANE),
    "circle": Circle(13),
    "signed circle": Signed(Circle(10)),
    "space": SPACE,
}
SKEW = FourierKernel([0.2 - 0.1j, 0.5 + 0.3j, 1.5, 0.5 - 0.3j, 0.2 + 0.1j])  # not even
for_every_domain = pytest.mark.parametrize("name", DOMAINS)


def random_particles(domain, count, seed=1):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(count, domain.points.shape[-1]))
    if domain.kind == "circle":
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    signs = generator.choice([-1.0, 1.0], count) if domain.sheets == 2 else np.ones(count)
    return Particles(points, generator.exponential(size=count), signs)


def risk_on(domain, **options):
    kernel = SKEW if domain.base in (LINE, Circle(13)) else DirichletKernel(2)
    return Deconvolution(kernel, random_particles(domain, 3, seed=5), domain, **options)


@for_every_domain
def test_a_grid_is_a_set_of_particles(name):
    domain = DOMAINS[name]
    functional, density = risk_on(domain, noise=0.1), random_density(domain, 2)
    found, bound = functional.at_particles(nodes_of_cells(domain, density)), functional.on_grid(domain)
    assert bound.value(density) == pytest.approx(found.energy, rel=1e-13)
    first = bound.first_variation(density).ravel()
    assert abs(first - found.potential).max() < 1e-13 * abs(first).max()
    change = np.empty(domain.shape)
    bound.hessian(density, change)
    expected = bound.first_variation(2.0 * density) - bound.first_variation(density)
    assert abs(change - expected).max() < 1e-12 * abs(change).max()


@for_every_domain
def test_potential_and_gradient_are_the_derivatives(name):
    domain = DOMAINS[name]
    functional, start = risk_on(domain), random_particles(domain, 4)
    found = functional.at_particles(start)
    for j in range(4):

        def energy(s, j=j, axis=None):
            points, weights = start.points.copy(), start.weights.copy()
            if axis is None:
                weights[j] += s
            else:
                points[j, axis] += s
            return functional.at_particles(Particles(points, weights, start.signs)).energy

        size = abs(found.potential).max()
        assert central_difference(energy, 1e-3) == pytest.approx(found.potential[j], rel=1.9e-11, abs=1.9e-12 * size)
        for axis in range(start.points.shape[1]):
            slope = central_difference(lambda s, j=j, axis=axis: energy(s, j, axis), 1e-4)
            assert slope == pytest.approx(start.weights[j] * found.gradient[j, axis], rel=3e-10, abs=3e-11 * size)


@pytest.mark.parametrize("name", ["plane", "circle"])
def test_second_derivatives_of_the_features(name):
    functional = risk_on(DOMAINS[name])
    fn, points = functional.fn, np.random.default_rng(4).normal(size=(5, 2))
    coefficients = np.linspace(-1.0, 1.5, functional.targets.size)
    assert fn.jacobian(points) == pytest.approx(central_differences(fn, points), abs=3.2e-9)
    hessian = central_differences(lambda x: fn.gradient(x, coefficients), points)
    assert fn.hessian(points, coefficients) == pytest.approx(hessian, abs=4.7e-8)
    values = np.empty(5)
    fn.values(points, coefficients, values)
    assert values == pytest.approx(fn(points) @ coefficients, rel=1e-12)


def signal_of(particles, kernel, points):
    """The readable twin: k * nu at points (N, d)."""
    return kernel(points[:, None, :] - particles.points) @ (particles.weights * particles.signs)


def low_pass(z):
    return np.prod(1.0 + 2.0 * np.cos(z) + 2.0 * np.cos(2.0 * z), axis=-1)


def test_f_is_half_the_mean_square_of_the_signal_that_is_left():
    target, state = random_particles(PLANE, 3, seed=5), random_particles(PLANE, 4)
    fine = Box(PLANE.bounds, (16, 16), periodic=True).points.reshape(-1, 2)
    left = signal_of(state, low_pass, fine) - signal_of(target, low_pass, fine)
    functional = Deconvolution(DirichletKernel(2), target, PLANE)
    assert functional.at_particles(state).energy == pytest.approx(0.5 * (left**2).mean(), rel=1e-12)
    assert functional.at_particles(target).energy < 1e-25


def test_a_kernel_that_is_not_even_moves_the_signal():
    def skew(z):  # with the period 4 of the line
        angle = TURN * z[..., 0] / 4.0
        return (
            1.5 + 2.0 * (0.5 * np.cos(angle) + 0.3 * np.sin(angle)) + 0.4 * np.cos(2 * angle) - 0.2 * np.sin(2 * angle)
        )

    target, state = random_particles(LINE, 3, seed=5), random_particles(LINE, 4)
    left = signal_of(state, skew, LINE.points) - signal_of(target, skew, LINE.points)
    assert Deconvolution(SKEW, target, LINE).at_particles(state).energy == pytest.approx(
        0.5 * (left**2).mean(), rel=1e-14
    )


def test_a_signal_may_be_given_by_its_values():
    target, state = random_particles(PLANE, 3, seed=5), random_particles(PLANE, 4)
    by_spikes = Deconvolution(DirichletKernel(2), target, PLANE)

    def values(points):
        return signal_of(target, low_pass, points.reshape(-1, 2)).reshape(points.shape[:-1])

    by_values = Deconvolution(DirichletKernel(2), values, PLANE)
    assert by_values.targets == pytest.approx(by_spikes.targets, abs=1e-12)
    signed = Deconvolution(DirichletKernel(2), values(PLANE.points), Signed(PLANE))
    assert signed.at_particles(state).energy == pytest.approx(by_spikes.at_particles(state).energy, rel=1e-12)
    high = values(PLANE.points) + np.cos(3.0 * PLANE.points[..., 0])  # a frequency that the kernel has not
    assert Deconvolution(DirichletKernel(2), high, PLANE).targets == pytest.approx(by_spikes.targets, abs=1e-12)


def test_noise_is_that_of_the_samples_that_determine_the_signal():
    target = random_particles(PLANE, 3, seed=5)
    noisy = Deconvolution(DirichletKernel(2), target, PLANE, noise=0.3, seed=8)
    values = 0.3 * np.random.default_rng(8).standard_normal((5, 5))
    assert noisy.at_particles(target).energy == pytest.approx(0.5 * (values**2).mean(), rel=1e-14)
    assert (noisy.targets == Deconvolution(DirichletKernel(2), target, PLANE, noise=0.3, seed=8).targets).all()


class TestKernels:
    def test_the_low_pass_filter(self):
        assert (DirichletKernel(2).coefficients((1.0, 3.0)) == np.ones((5, 5))).all()
        sampled = SampledKernel(low_pass, 2).coefficients((TURN, TURN))
        assert sampled == pytest.approx(np.ones((5, 5)), abs=1e-14)

    def test_gaussians_are_periodised_and_have_the_mean_1(self):
        periods, width = (1.0, 2.0), 0.4

        def bells(z):
            total = np.zeros(len(z))
            for shift in np.ndindex(9, 9):
                moved = z + (np.array(shift) - 4.0) * periods
                total += np.exp(-0.5 * (moved**2).sum(axis=-1) / width**2)
            return total * 2.0 / (TURN * width**2)

        found = PeriodicGaussian(width).coefficients(periods)
        assert found.shape == (7, 11)
        assert found[3, 5] == 1.0
        expected = SampledKernel(bells, 5).coefficients(periods)[2:9]
        assert found == pytest.approx(expected, abs=1e-12)
        assert abs(found).min(axis=1)[0] < 1e-14

    def test_their_errors(self):
        with pytest.raises(InputError, match="frequencies = 0"):
            DirichletKernel(0)
        with pytest.raises(InputError, match=r"frequencies = 1\.5"):
            SampledKernel(low_pass, 1.5)
        with pytest.raises(InputError, match="width = -1"):
            PeriodicGaussian(-1.0)
        with pytest.raises(InputError, match="width = 1e-07 gives a kernel of"):
            PeriodicGaussian(1e-7).coefficients((1.0,))
        with pytest.raises(ShapeError, match=r"\(2,\) have no middle"):
            FourierKernel([1.0, 1.0])
        with pytest.raises(InputError, match="is not real"):
            FourierKernel([1.0, 1.0, 2.0])
        with pytest.raises(InputError, match="not finite"):
            FourierKernel([1.0, np.nan, 1.0])
        with pytest.raises(ShapeError, match="along 1 axes do not fit a torus of 2"):
            FourierKernel([1.0, 1.0, 1.0]).coefficients((1.0, 1.0))
        with pytest.raises(ShapeError, match="the kernel of"):
            SampledKernel(lambda z: z, 1).coefficients((1.0, 1.0))
        with pytest.raises(InputError, match="not finite"):
            SampledKernel(lambda z: z[:, 0] * np.nan, 1).coefficients((1.0,))


class TestErrors:
    def test_of_the_domain(self):
        spikes = random_particles(PLANE, 2)
        with pytest.raises(InputError, match="the domain is 'box' with walls"):
            Deconvolution(DirichletKernel(1), spikes, Box([(0.0, 1.0)] * 2, (8, 8)))
        with pytest.raises(InputError, match="the domain is 'sphere'"):
            Deconvolution(DirichletKernel(1), spikes, Sphere(42))
        functional = Deconvolution(DirichletKernel(1), spikes, PLANE)
        with pytest.raises(InputError, match="live on a periodic box with the periods"):
            functional.on_grid(Box([(0.0, 1.0)] * 2, (8, 8), periodic=True))
        with pytest.raises(InputError, match="live on a periodic box"):
            functional.on_grid(Circle(8))
        with pytest.raises(InputError, match="live on the circle"):
            risk_on(Circle(13)).on_grid(PLANE)
        with pytest.raises(InputError, match="needs at least 9 cells along axis 1; found 8"):
            Deconvolution(DirichletKernel(4), spikes, PLANE).on_grid(PLANE)

    def test_of_the_target(self):
        with pytest.raises(ShapeError, match="spikes with 1 components"):
            Deconvolution(DirichletKernel(1), random_particles(LINE, 2), PLANE)
        with pytest.raises(InputError, match="not finite"):
            Deconvolution(DirichletKernel(1), Particles([[np.nan]], [1.0], [1.0]), LINE)
        with pytest.raises(ShapeError, match="target density has shape"):
            Deconvolution(DirichletKernel(1), np.ones(3), LINE)
        with pytest.raises(InputError, match="noise = -1"):
            Deconvolution(DirichletKernel(1), random_particles(LINE, 2), LINE, noise=-1.0)

    def test_of_points(self):
        with pytest.raises(ShapeError, match="do not fit a torus of 1 axes"):
            risk_on(LINE).at_particles(random_particles(PLANE, 2))
