"""Langevin dynamics against exact laws: moments, Brownian motion on spheres and between walls, laws at rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import iv
from scipy.stats import kstest

from tests.references import advance
from wgflow import solve
from wgflow.domains import Box, Circle, Hypersphere, Space
from wgflow.domains.icosphere import unit
from wgflow.errors import InputError
from wgflow.functionals import Entropy, Features, Mass, PowerEnergy, Quadratic
from wgflow.functionals.energies.potential import Potential
from wgflow.measures import Particles
from wgflow.networks import Neurons
from wgflow.networks.relu import Relu
from wgflow.particles import Adaptive, Descent, Langevin, ParticleFlow, PolarFlow, suitable_langevin
from wgflow.runs.simulate import simulate

BOWL = Potential(lambda x: 0.5 * (x**2).sum(axis=1), lambda x: x)
TILT = Potential(lambda x: -2.0 * x[:, 0], lambda x: np.broadcast_to(-2.0 * np.eye(x.shape[1])[0], x.shape))
ERRORS = 4.0  # standard errors that are allowed


def cloud(points):
    points = np.asarray(points, dtype=float)
    return Particles(points, np.full(len(points), 1.0 / len(points)), np.ones(len(points)))


def normal_cloud(count, mean, deviation, dimension=1):
    return cloud(mean + deviation * np.random.default_rng(3).standard_normal((count, dimension)))


def assert_mean(samples, expected, bias=0.0):
    error = samples.std() / np.sqrt(len(samples))
    assert abs(samples.mean() - expected) < ERRORS * error + bias


def one_step(order, mean, variance, step, temperature):
    """Mean and variance of a law after a step in the potential x^2 / 2, by hand."""
    noise = 2.0 * temperature * step
    if order == 1:
        return (1.0 - step) * mean, (1.0 - step) ** 2 * variance + noise
    factor = 1.0 - step + 0.5 * step**2
    return factor * mean, factor**2 * (variance + 0.5 * noise) + 0.5 * noise


@pytest.mark.parametrize("order", [1, 2])
def test_moments_of_ornstein_and_uhlenbeck(order):
    """Those of the steps themselves, which approach the exact ones at the order."""
    temperature, transport, start = 0.7, 0.5, normal_cloud(20_000, 2.0, 0.3)
    mean, variance = start.points.mean(), start.points.var()
    for _ in range(4):
        mean, variance = one_step(order, mean, variance, 0.3, temperature)
    evolution = ParticleFlow(BOWL + Entropy(temperature), start, transport=transport, method=Langevin(0.6, order=order))
    moved = advance(evolution, [1.2, 2.4])[1].fields["position"][:, 0]
    assert_mean(moved, mean)
    assert_mean((moved - mean) ** 2, variance)
    errors = []
    for steps in (20, 40, 80):
        found = (2.0, 0.09)
        for _ in range(steps):
            found = one_step(order, *found, 1.2 / steps, temperature)
        exact = 2.0 * np.exp(-1.2), temperature + (0.09 - temperature) * np.exp(-2.4)
        errors.append(np.subtract(found, exact))
    slopes = np.log2(np.abs(errors[:-1])) - np.log2(np.abs(errors[1:]))
    assert slopes == pytest.approx(order, abs=0.066)


def test_layers_have_noise_at_their_own_rates():
    evolution = ParticleFlow(Entropy(0.5), normal_cloud(20_000, 0.0, 0.0, 2), input_rate=0.25, method=Langevin(1.0))
    moved = advance(evolution, [1.0])[0].fields["position"]
    assert_mean(moved[:, 0] ** 2, 1.0)
    assert_mean(moved[:, 1] ** 2, 0.25)


@pytest.mark.parametrize("dimension", [2, 3, 5])
def test_brownian_motion_on_spheres(dimension):
    """From a pole, the mean of a harmonic of degree l decays as exp(-l (l + p - 2) T t); here by one step."""
    start = cloud(np.tile(np.eye(dimension)[0], (40_000, 1)))
    flow = PolarFlow(Entropy(0.5), start, reaction=0.0, method=Langevin(0.2))
    snapshot = advance(flow, [0.2])[0]
    heights = snapshot.fields["position"][:, 0]
    second = (dimension * heights**2 - 1.0) / (dimension - 1.0)
    bias = 0.0 if dimension == 2 else 2e-3  # of third order in the step
    assert_mean(heights, np.exp(-0.1 * (dimension - 1)), bias)
    assert_mean(second, np.exp(-0.2 * dimension), 2.0 * bias)
    assert np.linalg.norm(snapshot.fields["position"], axis=1) == pytest.approx(1.0, abs=1e-14)
    assert (snapshot.fields["weight"] == start.weights).all()


@pytest.mark.parametrize(
    ("dimension", "mean"), [(2, iv(1, 4.0) / iv(0, 4.0)), (3, 1.0 / np.tanh(4.0) - 0.25)], ids=["circle", "sphere"]
)
def test_laws_at_rest_on_circle_and_sphere(dimension, mean):
    """They are proportional to exp(4 x_1): von Mises and von Mises-Fisher."""
    start = cloud(unit(np.random.default_rng(0).standard_normal((6_000, dimension))))
    flow = PolarFlow(TILT + Entropy(0.5), start, reaction=0.0, method=Langevin(0.1, order=2))
    heights = advance(flow, [6.0])[0].fields["position"][:, 0]
    assert_mean(heights, mean, 2e-3)
    variance = 1.0 - mean * (dimension - 1) / 4.0 - mean**2
    assert_mean((heights - mean) ** 2, variance, 2e-3)


def test_walls_reflect_and_periodic_ends_join():
    box, temperature, time = Box([[0.0, 1.0], [-1.0, 1.0]], (4, 4), (False, True)), 0.1, 0.5
    start = cloud(np.tile([0.1, 0.7], (20_000, 1)))
    evolution = ParticleFlow(Entropy(temperature), start, geometry=box.geometry, method=Langevin(0.1))
    first, second = advance(evolution, [time])[0].fields["position"].T
    assert 0.0 <= first.min() < 0.01
    assert 0.99 < first.max() <= 1.0
    assert -1.0 <= second.min() < -0.99
    decay = np.exp(-(np.pi**2) * temperature * time)
    assert_mean(np.cos(np.pi * first), decay * np.cos(0.1 * np.pi))
    assert_mean(np.cos(np.pi * second), decay * np.cos(0.7 * np.pi))
    assert_mean(np.sin(np.pi * second), decay * np.sin(0.7 * np.pi))


def test_walls_keep_the_uniform_law():
    start = cloud(np.random.default_rng(1).uniform(2.0, 3.0, (5_000, 1)))
    evolution = ParticleFlow(Entropy(1.0), start, geometry=Box([[2.0, 3.0]], 4).geometry, method=Langevin(0.01))
    moved = advance(evolution, [0.3])[0].fields["position"][:, 0]
    assert abs(np.corrcoef(moved, start.points[:, 0])[0, 1]) < 0.1
    assert kstest(moved - 2.0, "uniform").pvalue > 1e-3


def test_points_are_put_back_as_often_as_needed():
    box = Box([[-1.0, 2.0], [0.0, 1.0]], (4, 4), (False, True))
    expected = {-1.5: -0.5, 2.5: 1.5, 5.5: -0.5, -7.25: -1.0 + 0.25, 0.3: 0.3}
    found = box.geometry.put_back(np.array([[x, x] for x in expected]))
    assert found[:, 0] == pytest.approx(list(expected.values()), abs=1e-14)
    assert found[:, 1] == pytest.approx([x % 1.0 for x in expected], abs=1e-14)


def test_one_functional_for_cells_and_particles():
    """f = int x^2 with R = (f - c)^2 / 2 obeys f' = -4 (f - c) f + 2 T: the law acts on itself."""
    target, temperature = 1.0, 0.3
    functional = Quadratic(np.array([[target]])) + Entropy(temperature)
    exact = solve_ivp(lambda _, f: -4.0 * (f - target) * f + 2.0 * temperature, (0.0, 0.5), [0.2], rtol=1e-10).y[0, -1]
    box = Box([[-6.0, 6.0]], 128)
    gaussian = np.exp(-2.5 * box.axes[0] ** 2) / np.sqrt(0.4 * np.pi)
    grid = solve(functional, box, gaussian, 0.5, times=[0.5], stepper="tr_bdf2")
    noisy = simulate(functional, normal_cloud(5_000, 0.0, np.sqrt(0.2)), 0.5, domain=Space(1), times=[0.5])
    second = grid.density[-1] @ box.axes[0] ** 2 * box.spacing[0]
    assert second == pytest.approx(exact, rel=5e-3)
    assert_mean(noisy.position[-1, :, 0] ** 2, exact, 1e-3)
    # The entropy of a sum of Diracs does not exist: particles leave it out, and so does the risk on grids.
    assert grid.risk[-1] == pytest.approx(0.5 * (second - target) ** 2, rel=1e-14)
    density = grid.density[-1]
    entropy = temperature * (density @ np.log(np.maximum(density, 1e-300))) * box.spacing[0]
    assert grid.energy[-1] == pytest.approx(grid.risk[-1] + entropy, rel=1e-14)
    assert noisy.energy == pytest.approx(noisy.risk, rel=1e-14)
    assert noisy.attributes["accepted_steps"] == 100


GENERATOR = np.random.default_rng(5)
INPUTS, TARGETS = GENERATOR.normal(size=(12, 3)), GENERATOR.normal(size=12)
NETWORK = Features(Neurons(Relu(INPUTS)), TARGETS)
START = normal_cloud(7, 0.0, 1.0, 4)
UNIT_START = replace(START, points=unit(START.points), domain=Hypersphere(4))


@pytest.mark.parametrize("batch", [None, 3])
def test_no_entropy_is_descent_bit_by_bit(batch):
    flat = [ParticleFlow(NETWORK, START, method=kind(0.1, batch, 4)) for kind in (Descent, Langevin)]
    first, second = (advance(flow, [0.5])[0] for flow in flat)
    assert (first.fields["position"] == second.fields["position"]).all()
    assert first.energy == second.energy
    if batch is None:
        mirror = Descent(0.1, multiplicative=True)
        quadratic = Quadratic(np.diag([1.0, 0.5, 0.2, 0.1]))
        round_ = [PolarFlow(quadratic, UNIT_START, reaction=0.0, method=method) for method in (mirror, Langevin(0.1))]
        first, second = (advance(flow, [0.5])[0] for flow in round_)
        assert (first.fields["position"] == second.fields["position"]).all()


@pytest.mark.parametrize("options", [{}, {"order": 2}, {"batch": 5}])
def test_a_noisy_run_goes_on_bit_by_bit(options):
    functional = NETWORK + Potential(BOWL.potential, BOWL.gradient) + Mass(0.1) + Entropy(0.2)
    method = Langevin(0.05, seed=8, **options)
    whole = advance(ParticleFlow(functional, START, method=method), [0.5, 1.0])
    resumed = ParticleFlow(
        functional, START, points=whole[0].fields["position"], growth=whole[0].fields["growth"], time=0.5, method=method
    )
    assert (advance(resumed, [1.0])[0].fields["position"] == whole[1].fields["position"]).all()
    again = advance(ParticleFlow(functional, START, method=method), [0.5])[0]
    other = advance(ParticleFlow(functional, START, method=Langevin(0.05, seed=9, **options)), [0.5])[0]
    assert (again.fields["position"] == whole[0].fields["position"]).all()
    assert (other.fields["position"] != whole[0].fields["position"]).all()


def test_noise_and_samples_are_independent():
    """The streams of one seed differ, and so do those of its steps."""
    evolution = ParticleFlow(Entropy(0.5), normal_cloud(4_000, 0.0, 0.0), method=Langevin(1.0, seed=3))
    first, second = (snapshot.fields["position"][:, 0] for snapshot in advance(evolution, [1.0, 2.0]))
    samples = Descent(1.0, seed=3).generator(0).standard_normal(4_000)
    for one, other in ((first, second - first), (first, samples)):
        assert abs(np.corrcoef(one, other)[0, 1]) < ERRORS / np.sqrt(4_000)


def test_suitable_steps_follow_the_steepest_drift():
    steep = Potential(lambda x: 25.0 * x[:, 0] ** 2, lambda x: 50.0 * x)
    assert suitable_langevin(steep, normal_cloud(50, 0.0, 1.0), 10.0).step == pytest.approx(1e-3, rel=7.9e-14)
    assert suitable_langevin(steep, normal_cloud(50, 0.0, 1.0), 10.0, 0.2).step == pytest.approx(5e-3, rel=7.7e-14)
    assert suitable_langevin(steep, normal_cloud(50, 0.0, 1.0), 0.01) == Langevin(1e-4, order=2)
    # All particles together, which alone feel little of each other: f = int x^2 with a strong risk.
    assert suitable_langevin(Quadratic(np.array([[1.0]])), normal_cloud(50, 0.0, 3.0), 10.0).step < 0.05 / 30.0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Langevin(0.0), "step = 0.0 is not allowed"),
        (lambda: Langevin(0.1, batch=0), "batch = 0 is not allowed"),
        (lambda: Langevin(0.1, order=3), "order = 3 is not allowed; choose 1 or 2"),
        (lambda: ParticleFlow(Entropy(0.5), START), r"entropy of temperature 0\.5, .* Adaptive does not give"),
        (lambda: ParticleFlow(Entropy(), START, method=Descent(0.1)), r"choose the method Langevin\(step\)"),
        (
            lambda: PolarFlow(Entropy(), UNIT_START, method=Langevin(0.1)),
            "reaction = 4 are not available: .* reaction = 0",
        ),
        (lambda: simulate(TILT + Entropy(), UNIT_START, 1.0), "give reaction = 0"),
        (lambda: simulate(Entropy(), UNIT_START, 1.0, reaction=0.0, method=Adaptive()), "Adaptive does not give"),
        (lambda: simulate(PowerEnergy(2.0), START, 1.0, domain=Space(4)), "PowerEnergy needs a density"),
        (
            lambda: advance(ParticleFlow(Quadratic(np.eye(4)), START, method=Langevin(0.1, batch=3)), [1.0]),
            "leave out the batch",
        ),
    ],
)
def test_what_is_not_allowed_is_named(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_the_circle_of_cells_has_the_same_law_at_rest():
    circle = Circle(32)
    trajectory = solve(TILT + Entropy(0.5), circle, np.full(32, 0.5 / np.pi), 6.0, times=[6.0], reaction=0.0)
    mean = trajectory.density[-1] @ circle.points[:, 0] * 2.0 * np.pi / 32
    assert mean == pytest.approx(iv(1, 4.0) / iv(0, 4.0), abs=1.3e-4)
