"""Orders of convergence in space and time against exact solutions."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.references import advance, cell_averages, covariance, gaussian_on_circle, without_error_control
from wgflow.domains import Circle
from wgflow.exact.quadratic import AngularGaussian, quadratic_flow
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.functionals import Features, Quadratic

# Target and start do not commute, so the density turns while it sharpens.
TURNING = (((1.0, 0.3), (0.3, 0.5)), ((0.5, -0.1), (-0.1, 0.3)))
# The target has rank one, so the density concentrates at two opposite points like t^(-1/2).
CONCENTRATING = (((1.0, 0.0), (0.0, 0.0)), ((0.25, 0.0), (0.0, 0.25)))
CELLS = (128, 256, 512, 1024)


@cache
def exact_averages(problem, time, cells):
    target, start = problem
    matrix = covariance(target, start, time) if time > 0.0 else np.asarray(start)
    return cell_averages(lambda angles: gaussian_on_circle(matrix, angles), cells)


def relative_error(problem, time, cells, **options):
    functional = Quadratic(np.array(problem[0])).on_grid(Circle(cells))
    evolution = ExplicitFiniteVolume(functional, exact_averages(problem, 0.0, cells), **options)
    density = advance(evolution, [time])[0].fields["density"]
    exact = exact_averages(problem, time, cells)
    return abs(density - exact).sum() / exact.sum()


def errors_of(problem, time, **options):
    return np.array([relative_error(problem, time, cells, **options) for cells in CELLS])


def fitted_order(errors, sizes=CELLS):
    return -np.polyfit(np.log(sizes), np.log(errors), 1)[0]


# Measured at N = 512: 2.34e-5, 2.44e-5, 6.16e-5, 2.32e-5.
@pytest.mark.parametrize(
    ("limiter", "largest", "order"),
    [("mc", 4.0e-5, 2.03), ("van_leer", 4.0e-5, 2.04), ("minmod", 1.0e-4, 1.95), ("positive", 4.0e-5, 1.96)],
)
def test_linear_reconstruction_is_of_second_order_with_every_limiter(limiter, largest, order):
    errors = errors_of(TURNING, 0.5, limiter=limiter)
    assert errors[2] <= largest
    assert fitted_order(errors) == pytest.approx(order, abs=0.05)


def test_upwind_without_reconstruction_is_of_first_order():
    errors = errors_of(TURNING, 0.5, order=1)
    assert errors[2] == pytest.approx(2.93e-3, rel=2e-3)
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(1.0, abs=0.03)


# Measured: 1.40e-3, 5.01e-4, 1.48e-4, 4.03e-5, with the order rising to 2 as cells resolve the peak.
def test_a_density_that_concentrates_is_resolved_at_second_order():
    assert exact_averages(CONCENTRATING, 2.0, 1024).max() > 10.0 * exact_averages(CONCENTRATING, 0.0, 1024).max()
    errors = errors_of(CONCENTRATING, 2.0)
    assert errors[2] <= 2.5e-4
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(1.88, abs=0.021)


# Mass that grows alone: F = (m - 1)^2/2 with the constant feature 1, so that m' = -beta (m - 1) m.


def constant_feature(points):
    return np.ones((len(points), 1))


def logistic_growth_error(stepper, steps):
    domain, start, end, reaction = Circle(4), 0.2, 1.0, 4.0
    functional = Features(constant_feature, [1.0]).on_grid(domain)
    density, options = np.full(4, start / (2.0 * np.pi)), {"transport": 0.0, "reaction": reaction}
    evolution = without_error_control(ExplicitFiniteVolume(functional, density, stepper=stepper, **options))
    mass = advance(evolution, np.linspace(0.0, end, steps + 1)[1:])[-1].mass
    assert evolution.counts.accepted == steps
    return abs(mass - start / (start + (1.0 - start) * np.exp(-reaction * end)))


@pytest.mark.parametrize(
    ("stepper", "order", "largest"),
    [("euler", 1, 5.0e-3), ("ssprk2", 2, 3.0e-4), ("ssprk3", 3, 2.5e-6), ("ssprk43", 3, 1.3e-6)],
)
def test_steppers_have_their_order_in_time(stepper, order, largest):
    steps = np.array([20, 40, 80, 160])
    errors = np.array([logistic_growth_error(stepper, int(count)) for count in steps])
    assert fitted_order(errors[1:], steps[1:]) == pytest.approx(order, abs=0.08)
    assert errors[1] <= largest


# Transport alone does not turn the mass; with the square risk of w w^T its pace comes from the same J.


@cache
def error_in_space():
    """Error of steps whose own error is a thousandth of the default: what is left is that of the cells."""
    return relative_error(TURNING, 0.5, 512, stepper="ssprk43", tolerance=1e-7)


# Measured: 9.3e-11, 4.1e-8 and 1.1e-7 beside 2.35e-5.
@pytest.mark.parametrize(("stepper", "largest"), [("ssprk2", 1.9e-10), ("ssprk3", 8.2e-8), ("ssprk43", 2.3e-7)])
def test_the_error_in_time_of_the_full_flow_is_small_beside_that_in_space(stepper, largest):
    assert relative_error(TURNING, 0.5, 512, stepper=stepper) == pytest.approx(error_in_space(), abs=largest)


def test_mass_and_moments_follow_the_matrix_equation():
    domain = Circle(2048)
    functional = Quadratic(np.array(TURNING[0])).on_grid(domain)
    evolution = ExplicitFiniteVolume(functional, exact_averages(TURNING, 0.0, 2048))
    for snapshot in advance(evolution, [0.25, 0.5, 1.0]):
        exact = covariance(*TURNING, snapshot.time)
        moments = np.einsum("k,ki,kj->ij", snapshot.fields["density"] * domain.volumes, domain.points, domain.points)
        assert abs(moments - exact).max() < 9e-7
        assert snapshot.mass == pytest.approx(np.trace(exact), abs=4.6e-7)
        assert snapshot.energy == pytest.approx(0.5 * ((moments - np.array(TURNING[0])) ** 2).sum(), rel=1e-14)


# The exact solution that the package ships, against a numerical solution of its equation and its moments.


@pytest.mark.parametrize("problem", [TURNING, CONCENTRATING])
@pytest.mark.parametrize("time", [0.1, 0.5, 2.0])
def test_the_shipped_solution_solves_the_matrix_equation(problem, time):
    target, start = map(np.array, problem)
    exact = covariance(target, start, time)
    found = quadratic_flow(target, start, time)
    assert abs(found.covariance - exact).max() < 7e-14
    assert found.mass == pytest.approx(np.trace(exact), rel=1e-12)


def test_the_shipped_density_has_the_covariance_as_its_second_moment():
    matrix, circle = np.array([[0.5, -0.1], [-0.1, 0.3]]), Circle(200)
    density = AngularGaussian(matrix)(circle.points)
    moments = np.einsum("k,ki,kj->ij", density * circle.volumes, circle.points, circle.points)
    assert abs(moments - matrix).max() < 1e-15
    assert abs(density - gaussian_on_circle(matrix, circle.angles)).max() < 1e-14


def test_the_shipped_density_in_space_has_the_covariance_as_its_second_moment():
    matrix = np.array([[0.5, -0.1, 0.05], [-0.1, 0.3, 0.0], [0.05, 0.0, 0.4]])
    height, weights = np.polynomial.legendre.leggauss(60)
    angle = Circle(120).angles
    ring = np.sqrt(1.0 - height**2)[:, None]
    shape = (60, 120)
    points = np.stack([ring * np.cos(angle), ring * np.sin(angle), np.broadcast_to(height[:, None], shape)], axis=-1)
    masses = AngularGaussian(matrix)(points) * weights[:, None] * 2.0 * np.pi / 120
    assert abs(np.einsum("ab,abi,abj->ij", masses, points, points) - matrix).max() < 1e-12
