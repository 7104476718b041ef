"""The scheme of fifth order: against a readable numpy twin, exact solutions, walls, rough states and energy."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import covariance, gaussian_on_circle
from wgflow import Box, Circle, Features, Quadratic, Signed, Sphere, solve
from wgflow.domains import total_mass
from wgflow.errors import InputError
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.high_order import HighOrderScheme

CENTRAL = np.array([-1.0, 9.0, -45.0, 0.0, 45.0, -9.0, 1.0]) / 60.0
FACE = np.array([1.0, -8.0, 37.0, 37.0, -8.0, 1.0]) / 60.0
FIFTH_DIFFERENCE = np.array([-1.0, 5.0, -10.0, 10.0, -5.0, 1.0])


def extended(values, axis, periodic, sign):
    """Three ghost cells at both ends of an axis: around it, or mirrored with a sign."""
    if periodic:
        return np.concatenate([np.take(values, [-3, -2, -1], axis), values, np.take(values, [0, 1, 2], axis)], axis)
    low, high = np.take(values, [2, 1, 0], axis), np.take(values, [-1, -2, -3], axis)
    return np.concatenate([sign * low, values, sign * high], axis)


def window(values, axis, start, length):
    return np.take(values, np.arange(start, start + length), axis)


def derivative(values, axis, periodic):
    """Difference quotient of sixth order times the spacing; at walls that of the polynomial through seven cells."""
    count = values.shape[axis]
    padded = extended(values, axis, periodic, 1.0)
    slope = sum(weight * window(padded, axis, m, count) for m, weight in enumerate(CENTRAL))
    if not periodic:
        slope, lines = np.moveaxis(slope, axis, 0).copy(), np.moveaxis(values, axis, 0)
        for cell in (0, 1, 2, count - 3, count - 2, count - 1):
            first = min(max(cell - 3, 0), count - 7)
            near = lines[first : first + 7].reshape(7, -1)
            powers = np.polynomial.polynomial.polyfit(np.arange(7.0) - (cell - first), near, 6)
            slope[cell] = powers[1].reshape(lines.shape[1:])
        slope = np.moveaxis(slope, 0, axis)
    return slope


def fluxes(density, potential, axis, width, periodic):
    """First-order and fifth-order flux through the lower faces along an axis, and the rise of J there."""
    count = density.shape[axis]
    rho, phi = (extended(values, axis, periodic, 1.0) for values in (density, potential))
    point = extended(-derivative(potential, axis, periodic) / width * density, axis, periodic, -1.0)
    rise = window(phi, axis, 3, count) - window(phi, axis, 2, count)
    velocity = -rise / width
    low = np.maximum(velocity, 0.0) * window(rho, axis, 2, count) + np.minimum(velocity, 0.0) * density
    high = sum(weight * window(point, axis, m, count) for m, weight in enumerate(FACE))
    high -= abs(velocity) / 60.0 * sum(w * window(rho, axis, m, count) for m, w in enumerate(FIFTH_DIFFERENCE))
    if not periodic:
        np.moveaxis(high, axis, 0)[0] = 0.0
    return low, high, rise


def euler_stage(density, potential, box, step, reaction, largest):
    """First-order step, then as much of the corrections as positivity, in steps of any size, and dissipation allow."""
    result, limiting = density * (1.0 - step * reaction * potential), max(step, 0.5 * largest)
    taken, corrections, rises, drop = np.zeros(box.shape), [], [], 0.0
    for axis, (width, periodic) in enumerate(zip(box.spacing, box.periodic, strict=True)):
        low, high, rise = fluxes(density, potential, axis, width, periodic)
        result += step / width * (low - np.roll(low, -1, axis))
        correction = high - low
        taken += limiting / width * (np.maximum(np.roll(correction, -1, axis), 0.0) + np.maximum(-correction, 0.0))
        drop -= (low * rise / width).sum()
        corrections.append(correction)
        rises.append(rise / width)
    given = np.maximum(density + limiting / step * (result - density), 0.0)
    share = np.minimum(1.0, 0.99 * given / np.maximum(taken, 1e-300))
    limited = [c * np.where(c > 0.0, np.roll(share, 1, axis), share) for axis, c in enumerate(corrections)]
    rise = sum((c * r).sum() for c, r in zip(limited, rises, strict=True))
    factor = 1.0 if rise <= 0.5 * drop else 0.5 * drop / rise
    for axis, (correction, width) in enumerate(zip(limited, box.spacing, strict=True)):
        result += factor * step / width * (correction - np.roll(correction, -1, axis))
    return result, share.min(), factor


BOXES = [
    Box([(0.0, 1.3)], 9),
    Box([(0.0, 1.3)], 9, periodic=True),
    Box([(0.0, 1.0), (-1.0, 2.0)], (7, 8)),
    Box([(0.0, 1.0), (-1.0, 2.0)], (9, 7), periodic=[True, False]),
    Box([(0.0, 1.0), (-1.0, 2.0), (0.0, 0.7)], (7, 8, 9)),
    Box([(0.0, 1.0), (-1.0, 2.0), (0.0, 0.7)], (8, 7, 9), periodic=[False, True, True]),
    Box([(0.0, 1.0), (-1.0, 2.0)], (130, 260)),  # large enough for both cores
    Box([(0.0, 1.0), (-1.0, 2.0), (0.0, 0.7)], (33, 32, 34), periodic=True),
]


@pytest.mark.parametrize("box", BOXES, ids=lambda box: f"{box.shape}{box.periodic}")
@pytest.mark.parametrize("smooth", [True, False])
def test_stage_equals_the_numpy_twin(box, smooth):
    """Rough states make both limiters act; slowly varying ones neither."""
    generator = np.random.default_rng(1)
    density, potential, start = generator.random((3, *box.shape))
    if smooth:
        density, potential = 1.0 + 0.02 * density, (box.points**2).sum(-1) + 1e-3 * potential
    scheme = HighOrderScheme(box, transport=1.0, reaction=1.3)
    largest, result = 1.0 / scheme.loss_rate(potential), np.empty(box.shape)
    step = (0.3 if smooth else 0.9) * largest
    scheme.euler_stage(density, potential, start, (0.25, 0.75), step, result)
    expected, share, factor = euler_stage(density, potential, box, step, 1.3, largest)
    assert (share == factor == 1.0) if smooth else (share < 1.0 or box.shape == (9,))
    np.testing.assert_allclose(result, 0.25 * start + 0.75 * expected, rtol=1e-12, atol=1e-12)


def test_what_a_cell_loses_in_a_small_step_is_proportional_to_the_step():
    """Beside vacuum too: else no step would be small enough to err little beside its change."""
    box = Box([(0.0, 1.0)], 32)
    density, potential = np.random.default_rng(3).random(32) ** 20, np.cos(5.0 * box.axes[0])
    scheme, rates = HighOrderScheme(box, 1.0, 0.0), []
    for share in (1e-3, 1e-5):
        result = np.empty(32)
        scheme.euler_stage(density, potential, density, (-1.0, 1.0), share / scheme.loss_rate(potential), result)
        rates.append(result / share)
    np.testing.assert_allclose(*rates, rtol=1.2e-10, atol=1.2e-13)


def test_corrections_that_raise_the_energy_are_scaled_down():
    box = Box([(0.0, 1.0)], 32)
    generator = np.random.default_rng(2)
    density, potential = generator.random(32) ** 8, generator.normal(size=32)
    step, result = 1e-5, np.empty(32)
    scheme = HighOrderScheme(box, 1.0, 0.0)
    scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result)
    first = np.empty(32)
    low_order = make_space_scheme(box, transport=1.0, reaction=0.0, order=1, limiter="mc")
    low_order.euler_stage(density, potential, density, (0.0, 1.0), step, first)
    expected, _, factor = euler_stage(density, potential, box, step, 0.0, 1.0 / scheme.loss_rate(potential))
    assert factor < 1.0
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    assert potential @ (result - density) == pytest.approx(0.5 * potential @ (first - density), rel=4.3e-14)


def test_periodic_box_and_circle_are_one():
    density, potential = np.random.default_rng(3).random((2, 2, 50))
    results = []
    for domain in (Signed(Circle(50)), Signed(Box([(0.0, 2.0 * np.pi)], 50, periodic=True))):
        scheme = make_space_scheme(domain, transport=0.7, reaction=2.0, order=5, limiter="mc")
        results.append(np.empty((2, 50)))
        scheme.euler_stage(density, potential, density, (0.0, 1.0), 1e-3, results[-1])
    np.testing.assert_array_equal(*results)


def test_fluxes_are_of_fifth_order():
    """d rho/dt = (rho J')' for a wave in a wave, with velocities of both signs."""
    errors = []
    for cells in (32, 64, 128):
        circle = Circle(cells)
        x, result = circle.angles, np.empty(cells)
        density, potential = np.exp(np.sin(x)), np.cos(2.0 * x + 0.3)
        slope, bend = -2.0 * np.sin(2.0 * x + 0.3), -4.0 * np.cos(2.0 * x + 0.3)
        HighOrderScheme(circle, 1.0, 0.0).euler_stage(density, potential, density, (-1.0, 1.0), 1e-9, result)
        errors.append(abs(result * 1e9 - density * (np.cos(x) * slope + bend)).mean())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 4.7).all()


def gaussian(matrix, points):
    form = np.einsum("...i,ij,...j->...", points, np.linalg.inv(matrix), points)
    return np.exp(-0.5 * form) / np.sqrt(np.linalg.det(2.0 * np.pi * matrix))


def riccati_error(target, bounds, cells):
    """L1 error at t = 1 of the flow of quadratic features on a box, from N(0, 0.3 I)."""
    dimension = len(target)
    box, start = Box([bounds] * dimension, (cells,) * dimension), 0.3 * np.eye(dimension)
    trajectory = solve(Quadratic(target), box, gaussian(start, box.points), 1.0, times=[0.5], order=5)
    exact = gaussian(covariance(target, start, 1.0), box.points)
    assert trajectory.density.min() >= 0.0
    assert trajectory.mass[-1] == pytest.approx(trajectory.mass[0], rel=1e-12)
    assert (np.diff(trajectory.energy) < 0.0).all()
    return float((abs(trajectory.density[-1] - exact) * box.volumes).sum())


def test_matrix_riccati_flow_in_the_plane():
    turn = np.array([[np.cos(np.pi / 6), -0.5], [0.5, np.cos(np.pi / 6)]])
    target = turn @ np.diag([0.8, 0.15]) @ turn.T
    errors = np.array([riccati_error(target, (-4.5, 4.5), cells) for cells in (32, 64, 128)])
    assert errors[-1] < 6e-6
    orders = np.log2(errors[:-1] / errors[1:])
    assert orders.min() > 4.5


def test_matrix_riccati_flow_in_space():
    errors = [riccati_error(np.diag([0.6, 0.3, 0.15]), (-4.0, 4.0), cells) for cells in (20, 31)]
    assert errors[1] < 3.5e-3
    assert np.log(errors[0] / errors[1]) / np.log(31.0 / 20.0) > 4.4


@pytest.mark.parametrize("signed", [False, True])
def test_circle_with_the_full_reaction(signed):
    """On the signed circle the flow of a positive measure is that of the circle at half the reaction."""
    target, start, errors = np.diag([1.0, 0.0]), 0.25 * np.eye(2), []
    for cells in (128, 256, 512):
        circle = Circle(cells)
        density = gaussian_on_circle(start, circle.angles)
        domain = Signed(circle) if signed else circle
        density = np.stack([density, np.zeros(cells)]) if signed else density
        trajectory = solve(Quadratic(target), domain, density, 2.0, times=[2.0], order=5, reaction=4.0)
        sheet = trajectory.density[-1, 0] if signed else trajectory.density[-1]
        exact = gaussian_on_circle(covariance(target, start, 2.0), circle.angles)
        errors.append(abs(sheet - exact).sum() / exact.sum())
    assert errors[-1] < 4e-7
    assert np.log2(errors[0] / errors[-1]) / 2.0 > 4.5


def test_logistic_dilation_on_the_line():
    moment, errors = 0.09 / (0.09 + 0.91 * np.exp(-4.0)), []
    for cells in (128, 256):
        box = Box([(-5.0, 5.0)], cells)
        start = gaussian(np.array([[0.09]]), box.points)
        trajectory = solve(Features(lambda x: x**2, targets=[1.0]), box, start, 1.0, times=[1.0], order=5)
        exact = gaussian(np.array([[moment]]), box.points)
        errors.append((abs(trajectory.density[-1] - exact) * box.volumes).sum())
    assert errors[1] < 2.5e-6
    assert np.log2(errors[0] / errors[1]) > 4.5


def test_smooth_densities_up_to_walls_keep_the_order():
    """A density and a potential without slope at the walls."""
    errors = []
    for cells in (32, 64, 128):
        box = Box([(0.0, 1.0)], cells)
        x, result = np.pi * box.points[..., 0], np.empty(cells)
        density, potential = 1.0 + 0.3 * np.cos(x) + 0.1 * np.cos(2.0 * x), np.cos(x) - 0.2 * np.cos(3.0 * x)
        slope, bend = -np.sin(x) + 0.6 * np.sin(3.0 * x), -np.cos(x) + 1.8 * np.cos(3.0 * x)
        exact = np.pi**2 * ((-0.3 * np.sin(x) - 0.2 * np.sin(2.0 * x)) * slope + density * bend)
        HighOrderScheme(box, 1.0, 0.0).euler_stage(density, potential, density, (-1.0, 1.0), 1e-9, result)
        errors.append(abs(result * 1e9 - exact).mean())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 4.7).all()


def test_no_mass_passes_a_wall():
    """A potential that falls towards a corner presses all mass against two walls."""
    box = Box([(0.0, 1.0), (0.0, 1.0)], (16, 16))
    pull = Features(lambda x: x[:, :1] + x[:, 1:], targets=[10.0])
    trajectory = solve(pull, box, np.ones(box.shape), 3.0, order=5)
    np.testing.assert_allclose(trajectory.mass, 1.0, rtol=1e-12)
    assert trajectory.density.min() >= 0.0
    assert trajectory.density[-1, -1, -1] * box.volumes[-1, -1] > 0.95
    assert (np.diff(trajectory.energy) <= 1e-12).all()


def rough_density(shape, seed):
    """Random density with vacuum and spikes, nowhere smooth."""
    generator = np.random.default_rng(seed)
    density = generator.exponential(size=shape) ** 3 * (generator.random(shape) < 0.6)
    density.flat[generator.integers(density.size)] = 50.0
    return density


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), index=st.integers(0, 5), signed=st.booleans(), reaction=st.sampled_from([0, 2]))
def test_stage_keeps_mass_and_sign_at_the_largest_step(seed, index, signed, reaction):
    domain = Signed(BOXES[index]) if signed else BOXES[index]
    generator = np.random.default_rng(seed)
    density = rough_density(domain.shape, seed)
    potential = generator.normal(size=domain.shape) ** 3 * 10.0 ** generator.integers(-3, 4)
    scheme = HighOrderScheme(domain, 1.0, reaction)
    step, result = 1.0 / scheme.loss_rate(potential), np.empty(domain.shape)
    scheme.euler_stage(density, potential, density, (0.0, 1.0), step, result)
    assert result.min() >= -1e-15 * density.max()
    change, expected = result.sum() - density.sum(), -step * reaction * (potential * density).sum()
    assert abs(change - expected) < 1e-13 * (density.sum() + abs(step * reaction * potential * density).sum())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    domain=st.sampled_from([Circle(7), Circle(40), Signed(Circle(33)), *BOXES[:6]]),
    stepper=st.sampled_from(["euler", "ssprk2", "ssprk3", "ssprk43"]),
)
def test_runs_from_rough_states_never_raise_the_energy(seed, domain, stepper):
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(domain.points.shape[-1],) * 2)
    kinked = Features(lambda x: np.maximum(x @ np.array([0.3, -0.8, 0.5])[: x.shape[-1], None], 0.1), targets=[0.7])
    functional = (Quadratic(matrix + matrix.T) + kinked).on_grid(domain)
    evolution = ExplicitFiniteVolume(functional, rough_density(domain.shape, seed), order=5, stepper=stepper)
    mass = total_mass(domain, evolution.snapshot().fields["density"])
    for _ in range(20):
        before = evolution.energy
        evolution.step()
        assert evolution.energy <= before + 1e-13 * functional.scale(evolution.density)
        snapshot = evolution.snapshot()
        assert snapshot.fields["density"].min() >= 0.0
        if domain.reaction == 0.0:
            assert snapshot.mass == pytest.approx(mass, rel=1e-12)


def test_the_energy_check_stays_active():
    """A step beyond the bounds is tried, rejected and halved."""
    circle = Circle(32)
    evolution = ExplicitFiniteVolume(Quadratic(np.diag([30.0, 0.0])).on_grid(circle), np.ones(32), order=5)
    evolution.begin_interval(1.0)
    evolution._step_factors, evolution._stiffness.largest = (100.0, 100.0), 1e-9
    before = evolution.energy
    evolution.step()
    assert evolution.counts.rejected > 0
    assert evolution.energy < before


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
def test_results_do_not_depend_on_the_number_of_threads():
    box = Box([(-1.0, 1.0)] * 2, (200, 210), periodic=[True, False])
    density = rough_density(box.shape, 5)
    results, threads = [], numba.get_num_threads()
    for count in (1, 2):
        numba.set_num_threads(count)
        evolution = ExplicitFiniteVolume(Quadratic(np.diag([1.0, -0.5])).on_grid(box), density, order=5)
        for _ in range(5):
            evolution.step()
        results.append(evolution.snapshot().fields["density"])
    numba.set_num_threads(threads)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        (Sphere(42), r"on the domain 'sphere'; choose 1 or 2 there \(3 on whole spheres\)"),
        (Signed(Sphere(42)), "order = 5 is not available"),
        (Circle(6), "order = 5 needs 7 cells along each axis; found 6"),
        (Box([(0.0, 1.0), (0.0, 1.0)], (8, 5)), "found 5"),
    ],
)
def test_domains_without_the_scheme_are_refused(domain, message):
    with pytest.raises(InputError, match=message):
        solve(Quadratic(np.eye(domain.points.shape[-1])), domain, np.ones(domain.shape), 1.0, order=5)


def test_unknown_orders_are_refused():
    with pytest.raises(InputError, match="order = 4 is not available; choose 1, 2"):
        make_space_scheme(Circle(16), transport=1.0, reaction=0.0, order=4, limiter="mc")
