"""Half circles and half spheres: meshes, exact masses of the uniform start, and flows with exact solutions."""

import numpy as np
import pytest
from scipy.integrate import quad

import wgflow
from wgflow.domains import HalfCircle, HalfSphere, Signed, Sphere, make_domain
from wgflow.errors import InputError
from wgflow.exact import SymmetricQuadratic, gegenbauer_mode, linear_flow
from wgflow.functionals.losses import HALF_SQUARED_NORM


def quadratic(inputs: int, along: float, across: float) -> wgflow.Features:
    """Risk of quadratic features with an invariant target, on points (p, r)."""
    root = np.sqrt(inputs - 1.0)
    return wgflow.Features(
        lambda x: np.column_stack([x[:, 0] ** 2, x[:, 1] ** 2 / root]),
        np.array([along, root * across]),
        HALF_SQUARED_NORM,
    )


def quadratic_error(inputs: int, cells: int, order: int) -> float:
    domain, exact = HalfCircle(cells, inputs), SymmetricQuadratic(inputs, 1.0, 0.5 / inputs, 0.5)
    if order == 5:
        start, wanted = 0.5 * domain.uniform_density(domain.points), exact.density(domain.points, 1.0)
    else:
        start, wanted = 0.5 * domain.uniform, domain.averages(lambda x: exact.density(x, 1.0))
    run = wgflow.solve(quadratic(inputs, 1.0, 0.5 / inputs), domain, start, 1.0, order=order, times=[1.0])
    return float(abs(run.density[-1] - wanted).sum() / wanted.sum())


@pytest.mark.parametrize(("inputs", "bound"), [(3, 1.5e-5), (100, 1.5e-4), (1000, 1e-3)])
def test_quadratic_features_are_followed_in_any_dimension(inputs: int, bound: float) -> None:
    assert quadratic_error(inputs, 1024, 2) < bound


def test_second_order_in_a_hundred_inputs() -> None:
    errors = [quadratic_error(100, cells, 2) for cells in (512, 1024)]
    assert 1.9 < np.log2(errors[0] / errors[1]) < 2.1


@pytest.mark.parametrize("inputs", [5, 10, 100])
def test_fifth_order_does_not_depend_on_the_number_of_inputs(inputs: int) -> None:
    assert quadratic_error(inputs, 512, 5) < 1e-7


def test_linear_potential() -> None:
    domain = Signed(HalfCircle(1024, inputs=10))
    start = np.stack([domain.base.uniform, domain.base.uniform])
    run = wgflow.solve(wgflow.Potential(lambda x: 0.7 * x[..., 0]), domain, start, 1.0, times=[1.0], reaction=2.0)
    wanted = domain.base.averages(lambda x: linear_flow(x, 0.7, 2.0, 10, 1.0))
    assert abs(run.density[-1] - wanted).sum() < 5e-5 * 2.0 * wanted.sum()


@pytest.mark.parametrize("inputs", [3, 10])
def test_harmonics_decay_under_heat(inputs: int) -> None:
    domain = HalfCircle(512, inputs)
    for degree in (1, 4):
        mode = gegenbauer_mode(domain.points, degree, inputs)
        start, rate = domain.uniform * (1.0 + 0.5 * mode), degree * (degree + inputs - 2)
        run = wgflow.solve(
            wgflow.Entropy(2.0), domain, start, 0.25 / rate, times=[0.25 / rate], stepper="tr_bdf2", tolerance=1e-8,
            reaction=0.0,
        )  # fmt: skip
        decay = mode @ (run.density[-1] - domain.uniform) / (mode @ (start - domain.uniform))
        assert abs(decay / np.exp(-0.5) - 1.0) < 1.3e-4


def test_entropy_is_relative_to_the_uniform_measure() -> None:
    for domain in (HalfCircle(64, inputs=50), HalfSphere(162, inputs=8)):
        bound = wgflow.Entropy(1.0).on_grid(domain)
        assert bound.value(2.0 * domain.uniform) == pytest.approx(2.0 * np.log(2.0), rel=1e-12)
        np.testing.assert_allclose(bound.first_variation(2.0 * domain.uniform), np.log(2.0) + 1.0, rtol=1e-12)
    with pytest.raises(InputError, match="Entropy is"):
        wgflow.PowerEnergy(2.0).on_grid(HalfCircle(8, 5))


@pytest.mark.parametrize("inputs", [2, 3, 7, 100, 1000])
def test_masses_of_the_uniform_measure_on_the_half_circle(inputs: int) -> None:
    for cells in (64, 65):
        domain = HalfCircle(cells, inputs)
        masses = domain.uniform * domain.volumes
        assert masses.sum() == pytest.approx(1.0, abs=1e-12)
        np.testing.assert_array_equal(masses, masses[::-1])
        inside = quad(
            lambda a: domain.uniform_density(np.array([np.cos(a), np.sin(a)])),  # noqa: B023
            *np.arange(30, 32) * np.pi / cells,
        )
        assert masses[30] == pytest.approx(inside[0], rel=1e-9)


def test_masses_of_the_uniform_measure_on_the_half_sphere() -> None:
    rough, fine = HalfSphere(162, inputs=9), HalfSphere(2562, inputs=9)
    for domain in (HalfSphere(42, inputs=6), rough, fine):
        masses = domain.uniform * domain.volumes
        assert masses.sum() == pytest.approx(1.0, abs=1e-12)
        # second moments of a uniform direction: 1/9 along each axis
    moments = (fine.uniform * fine.volumes) @ fine.points**2
    np.testing.assert_allclose(moments, [1.0 / 9.0, 1.0 / 9.0, 7.0 / 9.0], atol=6e-4)


def test_cells_of_the_half_sphere_are_those_of_the_sphere() -> None:
    half, sphere = HalfSphere(642, inputs=3), Sphere(642)
    assert half.shape == half.mesh.volumes.shape == (337,)
    assert half.volumes.sum() == pytest.approx(2.0 * np.pi, rel=1e-13)
    assert (half.points[:, 2] >= 0.0).all()
    even = lambda x: np.exp(x[..., 0]) * (1.0 + x[..., 2] ** 2)  # noqa: E731
    place = sphere.cells_at(half.points)
    np.testing.assert_allclose(half.averages(even), sphere.averages(even)[place], rtol=4e-6)
    np.testing.assert_array_equal(half.cells_at(half.points * [1.0, 1.0, -1.0]), np.arange(337))


@pytest.mark.parametrize("order", [1, 2])
def test_flow_on_the_half_sphere_is_that_of_even_data_on_the_sphere(order: int) -> None:
    half, sphere = HalfSphere(642, inputs=3), Sphere(642)
    features = lambda x: np.column_stack([x[:, 0] ** 2, x[:, 0] * x[:, 1], x[:, 1], x[:, 2] ** 2])  # noqa: E731
    risk = wgflow.Features(features, np.array([1.0, 0.5, 0.25, 0.1]), HALF_SQUARED_NORM)
    start = lambda x: 0.3 + 0.1 * x[..., 0] * x[..., 1] + x[..., 2] ** 2  # noqa: E731
    folded = wgflow.solve(risk, half, lambda x: 2.0 * start(x), 0.5, times=[0.5], order=order)
    whole = wgflow.solve(risk, sphere, start, 0.5, times=[0.5], order=order)
    assert folded.risk[-1] == pytest.approx(whole.risk[-1], rel=1e-10)
    place = sphere.cells_at(half.points)
    np.testing.assert_allclose(folded.density[-1], 2.0 * whole.density[-1][place], rtol=2.5e-9)


def test_wrong_arguments() -> None:
    for wrong, found in (
        (lambda: HalfCircle(64, 1), "inputs = 1 is not allowed"),
        (lambda: HalfCircle(3, 5), "cells = 3 is not allowed"),
        (lambda: HalfSphere(64, 2), "inputs = 2 is not allowed"),
        (lambda: HalfSphere(64, True), "inputs = True is not an integer"),
    ):
        with pytest.raises(InputError, match=found):
            wrong()
    assert make_domain("half_circle", cells=8, inputs=4, signed=True).reaction == 2.0


def test_heat_on_the_half_sphere_is_of_second_order() -> None:
    errors = []
    for cells in (162, 642):
        domain = HalfSphere(cells, inputs=8)
        start, mode = domain.uniform * (1.0 + 0.5 * domain.points[:, 0]), domain.volumes * domain.points[:, 0]
        options = {"times": [0.05], "reaction": 0.0, "stepper": "tr_bdf2"}
        run = wgflow.solve(wgflow.Entropy(1.0), domain, start, 0.05, **options)
        errors.append((run.density[-1] @ mode) / (start @ mode) / np.exp(-7.0 * 0.05) - 1.0)
    assert errors[1] < 0.015 and errors[0] / errors[1] > 3.4
