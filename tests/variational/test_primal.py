"""Steps whose proximal map is not single-valued: found in the primal form, so that F falls for every tau."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from wgflow.domains import Box
from wgflow.functionals import Features, Quadratic
from wgflow.functionals.differences import central_differences
from wgflow.functionals.feature_maps import jet_of
from wgflow.measures import Particles
from wgflow.networks import Neurons, SmoothLayer
from wgflow.networks.relu import Relu
from wgflow.variational import DualProblem, JkoFlow, JkoOptions, make_jko_flow, solve_step
from wgflow.variational.cost import StepCost
from wgflow.variational.geodesics import GreatCircles, StraightLines
from wgflow.variational.primal import minimise_primal
from wgflow.variational.proximal import ProximalProblem, newton_axes

GENERATOR = np.random.default_rng(2)
INPUTS = np.column_stack([GENERATOR.uniform(-1.5, 1.5, 8), np.ones(8)])
TARGETS = np.sin(3.0 * INPUTS[:, 0])
LAYERS = {
    "tanh": SmoothLayer(INPUTS),
    "softplus": SmoothLayer(INPUTS, "softplus"),
    "relu": Relu(INPUTS, 0.05),
}
START = Particles(GENERATOR.normal(size=(60, 3)), np.full(60, 1.0 / 60.0), np.ones(60))
NO_CANDIDATES = np.empty((0, 3))


def functional_of(name, loss="square"):
    return Features(Neurons(LAYERS[name]), TARGETS if loss == "square" else np.sign(TARGETS), loss)


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("name", LAYERS)
def test_f_falls_for_every_tau(name, loss):
    """By at least the squared distance over 2 tau, by the definition of the step, and to nothing for large tau."""
    functional = functional_of(name, loss)
    box = Box([[-4.0, 4.0]] * 3, (6, 6, 6))
    ends = []
    for tau in 10.0 ** np.arange(-4.0, 5.0, 2.0):
        evolution = make_jko_flow(functional, START, box, JkoOptions(tau, halve=False))
        evolution.begin_interval(tau)
        before = evolution.energy
        evolution.step()
        moved = evolution.particles.points
        work = ((moved - START.points) ** 2).sum() / (120.0 * tau)
        assert evolution.energy + work < before
        assert work > 1e-9 * before
        assert evolution.time == tau
        assert evolution.last.gap >= 0.0
        ends.append(evolution.energy / before)
    assert (np.diff(ends) < 0.0).all()
    assert ends[-1] < (0.002 if loss == "square" else 0.02)


def test_a_curvature_of_zero_does_not_end_a_step():
    """R = |x x^T - I|^2 / 2 of one particle and tau = 1/2: E is flat across x at the start; the step is |x|^2 x = y."""
    start = np.array([[1.0, 0.5]])
    evolution = JkoFlow(Quadratic(np.eye(2)), Particles(start, [1.0]), options=JkoOptions(0.5, halve=False))
    evolution.begin_interval(0.5)
    evolution.step()
    moved = evolution.particles.points
    np.testing.assert_allclose((moved**2).sum() * moved, start, rtol=1e-8)


def hill(points):
    """A double well."""
    return (points**2 - 1.0) ** 2


@pytest.mark.parametrize("start", [0.0, 1e-3, -1e-3])
def test_particles_on_top_of_hills_go_down_one_side(start):
    """To the place where f = h(x) and x less its start, over tau, balance."""
    proximal = ProximalProblem(
        hill, StraightLines(), StepCost(4.0), np.array([[start]]), np.ones(1), 0.0, np.empty((0, 1))
    )
    step = solve_step(DualProblem(Features(hill, np.array([0.0])), proximal, np.ones(1)))
    found = minimize_scalar(
        lambda x: 0.5 * (x**2 - 1.0) ** 4 + (x - start) ** 2 / 8.0,
        bounds=(0.01, 2.0) if start >= 0.0 else (-2.0, -0.01),
    )
    assert abs(step.points[0, 0]) == pytest.approx(abs(found.x), abs=8.2e-7)
    assert start == 0.0 or np.sign(step.points[0, 0]) == np.sign(start)
    assert step.growth[0] == 0.0
    assert step.least_curvature > 0.0


def test_the_gap_is_what_splitting_particles_would_save():
    """One particle between two places: half of it at each has the prediction 0 at no risk; the dual value is known."""

    def line(points):
        return np.column_stack([points, 10.0 * (points**2 - 1.0) ** 2])

    candidates = np.linspace(-2.0, 2.0, 4001)[:, None]
    proximal = ProximalProblem(line, StraightLines(), StepCost(100.0), np.array([[0.3]]), np.ones(1), 0.0, candidates)
    problem = DualProblem(Features(line, np.zeros(2)), proximal, np.ones(1))
    step = solve_step(problem)
    value = problem.risk(step.prediction)[0] + float((step.points[0, 0] - 0.3) ** 2) / 200.0
    f = step.prediction
    g = problem.risk(f)[1]
    dual = problem.risk(f)[0] - g @ f + (line(candidates) @ g + (candidates[:, 0] - 0.3) ** 2 / 200.0).min()
    assert step.gap == pytest.approx(value - dual, rel=8.9e-8)
    assert step.gap > 0.1


@pytest.mark.parametrize("name", LAYERS)
def test_the_primal_step_is_a_minimum_of_the_primal_value(name):
    """Against BFGS from its result, and a difference quotient of P written out."""
    functional, tau = functional_of(name), 30.0
    proximal = ProximalProblem(
        functional.fn, StraightLines(), StepCost(tau, 0.7), START.points, START.signs, 0.0, NO_CANDIDATES
    )

    def primal(points):
        points = points.reshape(-1, 3)
        risk = 0.5 * np.mean((START.weights @ functional.fn(points) - TARGETS) ** 2)
        return risk + START.weights @ ((points - START.points) ** 2).sum(axis=1) / (1.4 * tau)

    points, count = minimise_primal(DualProblem(functional, proximal, START.weights), 1e-16, 150)
    assert 3 < count < 150
    assert primal(points) < 0.7 * primal(START.points)
    gradient = functional.at_particles(Particles(points, START.weights, START.signs)).gradient
    assert abs(gradient + (points - START.points) / (0.7 * tau)).max() < 3.5e-9
    found = minimize(primal, points.ravel(), method="L-BFGS-B", options={"maxiter": 20})
    assert found.fun == pytest.approx(primal(points), rel=1e-13)


def test_the_primal_step_on_signed_circles_without_reaction():
    """Where P is convex it is the step of the dual form, found from other equations."""
    angles = np.linspace(0.0, 6.0, 20)
    points, signs = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.where(np.arange(20) % 2 == 0, 1.0, -1.0)
    inputs = GENERATOR.normal(size=(5, 2))
    functional = Features(Relu(inputs, 0.5), inputs[:, 0])
    proximal = ProximalProblem(functional.fn, GreatCircles(), StepCost(0.3), points, signs, 0.1, np.empty((0, 2)))
    problem = DualProblem(functional, proximal, np.full(20, 0.1))
    moved, count = minimise_primal(problem, 1e-18, 50)
    trial = problem.trial(0.1 * signs @ functional.fn(moved), moved, everywhere=False)
    assert count < 50
    np.testing.assert_allclose(trial.moved.points, moved, atol=1e-13, rtol=1e-13)
    assert problem.gap(trial) < 1e-14
    assert abs(moved - points).max() > 0.02


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_axes_turn_matrices_into_the_identity(count):
    factors = GENERATOR.normal(size=(30, count, count))
    matrices = factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(count)
    axes, positive = newton_axes(matrices)
    assert positive
    np.testing.assert_allclose(axes @ axes.transpose(0, 2, 1), np.linalg.inv(matrices), rtol=7e-13, atol=1e-13)
    np.testing.assert_allclose(
        axes.transpose(0, 2, 1) @ matrices @ axes, np.broadcast_to(np.eye(count), matrices.shape), atol=1e-10
    )
    matrices[3] -= 2.0 * np.linalg.eigvalsh(matrices[3])[0] * np.eye(count)
    axes, positive = newton_axes(matrices)
    values, vectors = np.linalg.eigh(matrices[3])
    assert not positive
    np.testing.assert_allclose(axes[3] @ axes[3].T, vectors / abs(values) @ vectors.T, rtol=4.7e-13, atol=1e-13)


@pytest.mark.parametrize("name", LAYERS)
def test_jets_are_derivatives(name):
    fn, coefficients = Neurons(LAYERS[name]), GENERATOR.normal(size=8)
    points = START.points[:10]
    values, gradient, hessian = jet_of(fn, points, coefficients)
    np.testing.assert_allclose(values, fn(points) @ coefficients, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(gradient, fn.gradient(points, coefficients), rtol=1e-12, atol=1e-13)
    if name != "relu":  # its rounded kinks are narrower than difference quotients
        rough = central_differences(lambda x: fn.gradient(x, coefficients), points)
        np.testing.assert_allclose(hessian, rough, atol=3.1e-10, rtol=3.1e-10)
    else:
        np.testing.assert_allclose(hessian, fn.hessian(points, coefficients), rtol=1e-13)
