"""Radial kernels and potentials in closed form: averages over cells, slopes, gradients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from tests.references import central_difference
from wgflow.errors import InputError
from wgflow.functionals import Interaction
from wgflow.functionals.energies.external_potentials import CircleWave, DoubleWell, PlaneWave, QuadraticWell, Slope
from wgflow.functionals.energies.radial_kernels import GaussianKernel, PowerKernel, SumKernel
from wgflow.measures import Particles


@pytest.mark.parametrize(("exponent", "strength"), [(0.0, 1.0), (-0.5, 2.0), (1.0, -1.0), (0.5, 1.0)])
def test_averages_over_cells_of_the_line(exponent, strength):
    width = 0.3
    averaged = PowerKernel(exponent, strength).on_cells((width,))

    def plain(z):
        return strength * (np.log(abs(z)) if exponent == 0.0 else abs(z) ** exponent / exponent)

    at_zero = 2.0 * quad(plain, 0.0, 0.5 * width, limit=200)[0] / width
    beside = quad(plain, 0.5 * width, 1.5 * width)[0] / width
    found = averaged(np.array([[0.0], [width], [-width]]))
    assert found[0] == pytest.approx(at_zero, rel=2.4e-13)
    assert found[1:] == pytest.approx(np.full(2, beside), rel=2.4e-4)


def test_average_of_the_logarithm_over_a_square_and_a_rectangle():
    square = PowerKernel(0.0).on_cells((0.2, 0.2))(np.zeros((1, 2)))[0]
    assert square == pytest.approx(np.log(0.2) - 0.5 * np.log(2.0) - 1.5 + 0.25 * np.pi, rel=4.6e-13)
    sides = (0.2, 0.5)
    found = PowerKernel(-1.0).on_cells(sides)(np.zeros((1, 2)))[0]
    # polar coordinates take the singularity away
    quarter = quad(
        lambda t: min(0.1 / max(np.cos(t), 1e-12), 0.25 / max(np.sin(t), 1e-12)), 0.0, 0.5 * np.pi, limit=200
    )[0]
    assert found == pytest.approx(-4.0 * quarter / (sides[0] * sides[1]), rel=8.6e-9)


def test_smooth_kernels_are_taken_at_points():
    points = np.random.default_rng(0).normal(size=(5, 2))
    for kernel in (GaussianKernel(2.0, 0.7), PowerKernel(2.0), PowerKernel(0.0, 1.0, 0.1)):
        assert kernel.on_cells((0.1, 0.1))(points) == pytest.approx(kernel(points), rel=1e-15)
    assert GaussianKernel(2.0, 0.5)(np.array([[0.5, 0.0]]))[0] == pytest.approx(2.0 * np.exp(-0.5), rel=1e-14)
    assert PowerKernel(0.0, 3.0, 0.4)(np.array([[0.3, 0.0]]))[0] == pytest.approx(3.0 * np.log(0.5), rel=1e-14)


def test_sums_of_kernels():
    both = SumKernel((PowerKernel(2.0), PowerKernel(0.0, -1.0)))
    z = np.array([[0.3, 0.4]])
    assert both(z)[0] == pytest.approx(0.125 - np.log(0.5), rel=1e-14)
    assert both.on_cells((0.1, 0.1))(z)[0] == pytest.approx(0.125 - np.log(0.5), rel=1.4e-5)


@pytest.mark.parametrize(
    "kernel", [GaussianKernel(2.0, 0.7), PowerKernel(3.0, 1.5), PowerKernel(0.0, 1.0, 0.2), PowerKernel(-1.0)]
)
def test_slopes_of_kernels(kernel):
    square = 0.8
    change = central_difference(lambda step: kernel.of_square(np.array([square + step]))[0], 1e-3)
    assert kernel.slope(np.array([square]))[0] == pytest.approx(change, rel=4.9e-11)
    zonal = kernel.zonal()
    cosine = 1.0 - 0.5 * square
    assert zonal.kernel(np.array([cosine]))[0] == pytest.approx(kernel.of_square(np.array([square]))[0], rel=1e-14)
    assert zonal.slope(np.array([cosine]))[0] == pytest.approx(-2.0 * change, rel=4.9e-11)


def test_singularities_that_are_too_strong():
    with pytest.raises(InputError, match="no integral in 1 dimensions"):
        PowerKernel(-1.0).on_cells((0.1,))


EXTERNAL_POTENTIALS = [
    (
        QuadraticWell(np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([0.3, -0.2])),
        lambda x, y: (x - 0.3) ** 2 + 0.5 * (y + 0.2) ** 2 + 0.5 * (x - 0.3) * (y + 0.2),
    ),
    (Slope(np.array([1.0, -2.0])), lambda x, y: x - 2.0 * y),
    (DoubleWell(2.0, 0.5, 1, 3.0), lambda x, y: 2.0 * (4.0 * y**2 - 1.0) ** 2 + 1.5 * x**2),
    (
        PlaneWave(1.5, 0.3, np.array([2.0, 1.0]), np.array([0.1, 0.2])),
        lambda x, y: 1.5 * np.cos(2.0 * (x - 0.1) + y - 0.2 - 0.3),
    ),
    (CircleWave(1.5, 0.3, 2), lambda x, y: 1.5 * np.cos(2.0 * np.arctan2(y, x) - 0.3)),
]


@pytest.mark.parametrize(("potential", "plain"), EXTERNAL_POTENTIALS, ids=lambda value: type(value).__name__)
def test_potentials_and_their_gradients(potential, plain):
    points = np.array([[0.6, 0.8], [-0.8, 0.6]])
    assert potential(points) == pytest.approx(plain(*points.T), rel=1e-13)
    for point, gradient in zip(points, potential.gradient(points), strict=True):
        for axis in range(2):
            change = central_difference(lambda step, p=point, e=axis: plain(*(p + step * np.eye(2)[e])), 1e-3)
            assert gradient[axis] == pytest.approx(change, abs=8.2e-11)
    assert potential.energy.values(points) == pytest.approx(potential(points), rel=1e-14)


KERNELS = [
    GaussianKernel(-0.7, 0.4),
    PowerKernel(0.0, 1.5, 0.2),
    SumKernel((PowerKernel(3.0), PowerKernel(1.0, -2.0))),
]


@pytest.mark.parametrize("kernel", KERNELS)
def test_particles_feel_the_gradient_of_the_kernel(kernel):
    """Exactly, and the short way round; as by differences."""
    points = np.array([[0.1, 0.2], [0.4, -0.3], [1.8, 0.9]])
    particles = Particles(points, np.array([0.5, 0.2, 0.3]), np.array([1.0, -1.0, 1.0]))
    exact = Interaction(kernel, (2.0, np.inf), kernel.gradient).at_particles(particles).gradient
    differenced = Interaction(kernel, (2.0, np.inf)).at_particles(particles).gradient
    assert abs(exact).max() > 0.1
    assert exact == pytest.approx(differenced, rel=7.8e-10, abs=7.8e-10)
