"""Flows by variational steps: orders, decay of F for steps of any size, mass, control and signs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.references import advance, covariance, gaussian_on_circle
from wgflow.domains import Circle, Hypersphere, Signed, Space
from wgflow.errors import InputError
from wgflow.functionals import Features, Mass, Quadratic
from wgflow.measures import Particles, nodes_of_cells
from wgflow.networks import Neurons, Population, SmoothLayer, Teacher, harmonic_population
from wgflow.networks.relu import Relu
from wgflow.particles import ParticleFlow, PolarFlow
from wgflow.variational import JkoFlow, JkoOptions, PolarJkoFlow, StepError, make_jko_flow

TARGET, START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
NODES, RULE = np.polynomial.hermite_e.hermegauss(6)
# The Gaussian N(0, START) by a quadrature that is exact for polynomials of degree 11.
GRID = np.stack(np.meshgrid(NODES, NODES), axis=-1).reshape(-1, 2) @ np.linalg.cholesky(START).T
GAUSSIAN = Particles(GRID, np.outer(RULE, RULE).ravel() / RULE.sum() ** 2, np.ones(36))
CIRCLE = Circle(64)
ON_CIRCLE = Particles(CIRCLE.points, gaussian_on_circle(START, CIRCLE.angles) * CIRCLE.volumes, np.ones(64))
CASES = {"flat": (GAUSSIAN, Space(2), 0.0), "round": (ON_CIRCLE, CIRCLE, 4.0)}
TEACHER = Teacher.from_angles([0.5, 2.9, 4.9, 5.4], [1.0, -1.0, -1.0, 1.0])


def flow_of(case, functional=None, **options):
    particles, domain, reaction = CASES[case]
    return make_jko_flow(functional or Quadratic(TARGET), particles, domain, JkoOptions(**options), reaction=reaction)


def matrix_of(flow):
    particles = flow.particles
    return np.einsum("k,ki,kj->ij", particles.weights, particles.points, particles.points)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("order", "finest"), [(1, 4e-3), (2, 5e-5)])
def test_orders_for_quadratic_features(case, order, finest):
    """The covariance solves a matrix equation, in R^2 and on the circle with its reaction."""
    exact = covariance(TARGET, START, 0.5)
    errors = []
    for steps in (8, 16, 32):
        evolution = flow_of(case, tau=0.5 / steps, order=order, halve=False)
        advance(evolution, [0.5])
        assert evolution.counts.accepted == steps
        errors.append(abs(matrix_of(evolution) - exact).max())
    slopes = np.log2(errors[:-1]) - np.log2(errors[1:])
    assert abs(slopes - order).max() < 0.07
    assert errors[-1] < finest


@pytest.mark.parametrize("case", CASES)
def test_steps_of_any_size_lower_f(case):
    for tau in 10.0 ** np.arange(-4.0, 5.0):
        evolution = flow_of(case, tau=tau, halve=False)
        evolution.begin_interval(4.0 * tau)
        for _ in range(4):
            before = evolution.energy
            evolution.step()
            assert (
                evolution.energy < before or before < 1e-20
            )  # the round-off of F, which is computed from numbers of size 1
            assert evolution.last.gap <= 1e-13 * before + 1e-21
            assert evolution.last.iterations <= 15


def test_mass_is_constant_without_reaction():
    evolution = flow_of("flat", tau=0.1)
    advance(evolution, [2.0])
    assert evolution.particles.mass == GAUSSIAN.mass
    turned = make_jko_flow(Quadratic(TARGET), ON_CIRCLE, CIRCLE, JkoOptions(0.1), reaction=0.0)
    start = turned.energy
    advance(turned, [2.0])
    assert turned.particles.mass == pytest.approx(ON_CIRCLE.mass, rel=1e-12)
    assert turned.energy < 0.95 * start


def test_few_iterations_for_many_particles():
    """N = 2000 particles and K = 8 features: at most 6 iterations, for steps of sizes over four decades."""
    generator = np.random.default_rng(0)
    inputs = np.column_stack([generator.uniform(-1.0, 1.0, 8), np.ones(8)])
    functional = Features(Neurons(SmoothLayer(inputs)), np.sin(2.0 * inputs[:, 0]))
    start = Particles(0.6 * generator.normal(size=(2000, 3)), np.full(2000, 5e-4), np.ones(2000))
    for tau, decrease in ((1e-3, 1e-4), (0.1, 1e-2), (1.0, 0.1), (10.0, 0.3)):
        evolution = JkoFlow(functional, start, options=JkoOptions(tau, halve=False))
        evolution.begin_interval(tau)
        before = evolution.energy
        evolution.step()
        assert 1 <= evolution.last.iterations <= 6
        assert evolution.last.gap < 1e-12 * evolution.energy
        assert before - evolution.energy > decrease


def test_the_teacher_by_modes_on_both_sheets():
    """Risks of the population by characteristics at t = 1 and 2, see the tests of these."""
    domain = Signed(Circle(128))
    start = nodes_of_cells(domain, np.full(domain.shape, 0.25 / np.pi))
    errors = []
    for tau in (0.1, 0.05):
        evolution = make_jko_flow(harmonic_population(TEACHER), start, domain, JkoOptions(tau, order=2), reaction=2.0)
        advance(evolution, [1.0, 2.0])
        risk = Population(TEACHER).at_particles(evolution.particles).energy
        errors.append(risk / 0.0789539445973 - 1.0)
    assert errors[1] == pytest.approx(-2.8e-4, rel=0.05)
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_signed_spheres_with_regularisation_agree_with_particles(loss):
    """Balanced ReLU neurons with three inputs on data, kinks rounded, F = R + lambda |nu|: order 2."""
    generator = np.random.default_rng(2)
    points = generator.normal(size=(30, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    start = Particles(points, np.full(30, 0.05), np.where(np.arange(30) % 2 == 0, 1.0, -1.0))
    inputs = generator.normal(size=(12, 3))
    targets = np.sign(inputs[:, 0]) if loss == "logistic" else inputs[:, 0]
    functional = Features(Relu(inputs, 0.3), targets, loss) + Mass(0.05)
    exact = advance(PolarFlow(functional, start, reaction=2.0, tolerance=1e-10), [1.0])[0]
    errors = []
    for tau in (0.1, 0.05):
        evolution = make_jko_flow(
            functional, start, Signed(Hypersphere(3)), JkoOptions(tau, order=2, halve=False), reaction=2.0
        )
        found = advance(evolution, [1.0])[0]
        errors.append(
            [
                abs(found.fields["position"] - exact.fields["position"]).max(),
                abs(found.fields["weight"] / exact.fields["weight"] - 1.0).max(),
            ]
        )
        assert found.risk + 0.05 * found.mass == pytest.approx(found.energy, rel=1e-13)
    # Order 2, less what is left of it at the rounded kinks.
    np.testing.assert_array_less(3.0 * np.array(errors[1]), errors[0])
    assert np.max(errors[1]) < 7.1e-4


def test_transport_and_reaction_of_any_size():
    factors = {"transport": 0.6, "reaction": 1.5}
    exact = advance(PolarFlow(Quadratic(TARGET), ON_CIRCLE, tolerance=1e-11, **factors), [0.5])[0]
    options = JkoOptions(0.5 / 64, order=2)
    found = advance(PolarJkoFlow(Quadratic(TARGET), ON_CIRCLE, options=options, **factors), [0.5])[0]
    np.testing.assert_allclose(found.fields["position"], exact.fields["position"], atol=2.3e-6, rtol=1.2e-8)
    np.testing.assert_allclose(found.fields["weight"], exact.fields["weight"], rtol=2.9e-6)
    exact = advance(ParticleFlow(Quadratic(TARGET), GAUSSIAN, tolerance=1e-11, transport=0.6), [0.5])[0]
    found = advance(JkoFlow(Quadratic(TARGET), GAUSSIAN, options=options, transport=0.6), [0.5])[0]
    np.testing.assert_allclose(found.fields["position"], exact.fields["position"], atol=1.6e-5, rtol=1.6e-8)


def test_extrapolated_steps_that_raise_f_are_refused():
    """Half a step reaches the least F where it is long, so that the other half goes beyond."""
    with pytest.raises(StepError, match="a step of 50 from t = 0 raises F; choose a smaller tau"):
        advance(flow_of("flat", tau=50.0, order=2, halve=False), [50.0])
    evolution = flow_of("flat", tau=50.0, order=2)
    evolution.begin_interval(50.0)
    before = evolution.energy
    evolution.step()
    assert evolution.counts.rejected > 0
    assert evolution.energy < before
    assert evolution.step_size == 50.0 * 0.5**evolution.counts.rejected


def test_the_teacher_falls_for_every_tau_to_ten_in_whole_steps():
    """With its reaction too. Much longer steps are cut, where particles would have to split: `wgflow validate jko`."""
    domain = Signed(Circle(32))
    start = nodes_of_cells(domain, np.full(domain.shape, 0.25 / np.pi))
    for tau in (1e-4, 0.1, 1.0, 10.0):
        evolution = make_jko_flow(harmonic_population(TEACHER, 16), start, domain, JkoOptions(tau), reaction=2.0)
        energies = [evolution.energy]
        evolution.begin_interval(2.0 * tau)
        for _ in range(2):
            evolution.step()
            energies.append(evolution.energy)
        assert energies[0] > energies[1] > energies[2]
        assert energies[0] - energies[1] > 0.5 * min(tau, 1.0) * energies[0]
        assert evolution.counts.rejected == 0
        assert evolution.time == 2.0 * tau


def test_steps_grow_with_time_and_meet_the_outputs():
    evolution = flow_of("flat", tau=0.01, growth=0.5)
    sizes = []
    evolution.begin_interval(3.0)
    while evolution.time < 3.0:
        time = evolution.time
        evolution.step()
        sizes.append(evolution.step_size)
        assert evolution.step_size <= (0.01 + 0.5 * time) * (1.0 + 1e-12)
    assert evolution.time == 3.0
    assert len(sizes) < 20
    assert max(sizes) > 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau": 0.0}, "tau = 0.0 is not allowed"),
        ({"tau": 1.0, "growth": -1.0}, "growth = -1.0 is not allowed"),
        ({"tau": 1.0, "order": 3}, "order = 3 is not allowed; choose 1 or 2"),
        ({"tau": 1.0, "tolerance": 2.0}, "tolerance = 2.0 is not allowed"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InputError, match=message):
        JkoOptions(**options)


def test_bad_functionals_and_factors():
    with pytest.raises(InputError, match=r"found Population\. For a teacher with two inputs harmonic_population"):
        flow_of("round", Population(TEACHER), tau=0.1)
    with pytest.raises(InputError, match="transport = 0 is not allowed for variational steps"):
        JkoFlow(Quadratic(TARGET), GAUSSIAN, options=JkoOptions(0.1), transport=0.0)
