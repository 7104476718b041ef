"""The dual step against the primal one, found by other means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from tests.references import central_difference
from wgflow.functionals import Features, Quadratic
from wgflow.functionals.losses import LOSSES
from wgflow.networks import ArcCosineHarmonics, Neurons, SmoothLayer
from wgflow.variational import DualProblem, StepError, solve_step
from wgflow.variational.cost import StepCost
from wgflow.variational.geodesics import GreatCircles, StraightLines
from wgflow.variational.proximal import ProximalProblem

GENERATOR = np.random.default_rng(5)
INPUTS = np.column_stack([GENERATOR.uniform(-1.0, 1.0, 8), np.ones(8)])
NETWORK = Neurons(SmoothLayer(INPUTS))
POINTS, WEIGHTS = 0.6 * GENERATOR.normal(size=(40, 3)), GENERATOR.uniform(0.01, 0.04, 40)
LABELS = np.sign(INPUTS[:, 0] + 0.2)
TARGETS = {"square": np.sin(2.0 * INPUTS[:, 0]), "logistic": LABELS, "softmin": LABELS}


def flat_problem(loss="square", tau=0.5):
    functional = Features(NETWORK, TARGETS[loss], loss)
    proximal = ProximalProblem(NETWORK, StraightLines(), StepCost(tau), POINTS, np.ones(40), 0.0, np.empty((0, 3)))
    return DualProblem(functional, proximal, WEIGHTS)


def round_problem(reaction, tau=0.3, strength=0.1):
    angles = np.linspace(0.0, 6.0, 40)
    points, signs = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.where(np.arange(40) % 2 == 0, 1.0, -1.0)
    features = ArcCosineHarmonics(4)
    functional = Features(features, np.linspace(0.5, -0.5, 8))
    cost = StepCost(tau, 0.8, reaction)
    return DualProblem(
        functional, ProximalProblem(features, GreatCircles(), cost, points, signs, strength, np.empty((0, 2))), WEIGHTS
    )


PROBLEMS = {
    "flat": flat_problem(),
    "cone 4": round_problem(4.0),
    "cone 2": round_problem(2.0),
    "sphere": round_problem(0.0),
}


def test_the_gap_is_the_primal_less_the_dual_value():
    """With the conjugate of the square loss, R*(g) = n |g|^2 / 2 + <g, y>, written out."""
    problem, tau = flat_problem(), 0.5
    trial = problem.trial(problem.prediction + 0.1 * np.cos(np.arange(8.0)), POINTS, everywhere=False)
    g, y = trial.coefficients, TARGETS["square"]
    moved = trial.moved.points
    work = WEIGHTS @ (((moved - POINTS) ** 2).sum(axis=1) / (2.0 * tau))
    primal = ((WEIGHTS @ NETWORK(moved) - y) ** 2).mean() / 2.0 + work
    dual = -(4.0 * g @ g + g @ y) + WEIGHTS @ (NETWORK(moved) @ g) + work
    assert problem.gap(trial) == pytest.approx(primal - dual, rel=1e-13)
    assert trial.value == pytest.approx(dual, rel=1e-13)
    assert primal - dual > 1e-4


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_slope_and_curvature_of_the_dual_value(name):
    """In g the value has the slope image - f, and the sum over particles minus the response for its curvature."""
    problem = PROBLEMS[name]
    trial = problem.trial(problem.prediction, problem.proximal.anchors, everywhere=False)
    response = problem.response(trial, problem.along(trial))
    np.testing.assert_allclose(response, response.T, atol=1e-14, rtol=1e-13)
    assert np.linalg.eigvalsh(response).min() > -1e-12
    count = len(trial.prediction)  # the square loss: f = y + n g
    for axis in (0, 3, 7):
        step = np.zeros(count)
        step[axis] = count

        def at(t, step=step):
            return problem.trial(trial.prediction + t * step, trial.moved.points, everywhere=False)

        slope = central_difference(lambda t: at(t).value, 2e-3)
        # Times the step of f: the value is a function of f here.
        assert slope == pytest.approx((trial.image - trial.prediction)[axis], abs=2.6e-12)
        change = central_difference(lambda t: at(t).image, 2e-3)
        np.testing.assert_allclose(change, -response[axis], atol=1.5e-11, rtol=1.5e-11)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_loss_has_its_step(loss):
    """No measure near the result has a lower primal value, and the gap says that none at all has."""
    problem = flat_problem(loss)
    step = solve_step(problem)
    risk = problem.risk(problem.prediction)[0]
    assert step.gap <= 1e-13 * risk
    assert 1 <= step.iterations <= 4
    assert 0.5 < step.least_curvature < 1.0

    def primal(points):
        points = points.reshape(-1, 3)
        return problem.risk(WEIGHTS @ NETWORK(points))[0] + WEIGHTS @ ((points - POINTS) ** 2).sum(axis=1)

    least = primal(step.points)
    np.testing.assert_allclose(step.prediction, WEIGHTS @ NETWORK(step.points), rtol=1e-13)
    found = minimize(primal, POINTS.ravel(), method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9, "maxfun": 10**6})
    assert least <= found.fun + 1e-13
    assert found.fun == pytest.approx(least, rel=3.6e-11)
    np.testing.assert_allclose(found.x.reshape(-1, 3), step.points, atol=3.3e-6, rtol=1.7e-10)
    assert primal(POINTS) - least > 1e-3


def test_the_step_on_the_line_by_quantile_functions():
    """There the Wasserstein distance is the L2 distance of quantile functions, whatever the order of the points."""

    def waves(points):
        return np.concatenate([np.cos(points), np.sin(points), 0.5 * points**2], axis=1)

    quantiles, tau, targets = np.linspace(-1.5, 2.0, 25), 0.7, np.array([0.2, 0.7, 0.1])

    def primal(moved):
        work = ((np.sort(moved) - quantiles) ** 2).mean() / (2.0 * tau)
        return 0.5 * ((waves(moved[:, None]).mean(axis=0) - targets) ** 2).mean() + work

    found = minimize(primal, quantiles, method="BFGS", options={"gtol": 1e-10})
    proximal = ProximalProblem(
        waves, StraightLines(), StepCost(tau), quantiles[:, None], np.ones(25), 0.0, np.linspace(-3.0, 3.0, 61)[:, None]
    )
    step = solve_step(DualProblem(Features(waves, targets), proximal, np.full(25, 0.04)))
    np.testing.assert_allclose(step.points[:, 0], found.x, atol=6e-8, rtol=3e-9)
    assert primal(step.points[:, 0]) <= found.fun + 1e-15


def test_a_step_of_the_cone_lowers_the_primal_value_most():
    """Against a descent over places and masses of the primal form, with the distance as it is defined."""
    problem = round_problem(2.0)
    step, cost, signs = solve_step(problem), problem.proximal.cost, problem.proximal.signs
    start = np.arctan2(problem.proximal.anchors[:, 1], problem.proximal.anchors[:, 0])

    def primal(unknowns):
        angles, radii = unknowns.reshape(2, -1)
        points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        mass = WEIGHTS * radii**2
        cosine = np.cos(np.sqrt(2.0 / 3.2) * (angles - start))
        work = WEIGHTS @ (1.0 + radii**2 - 2.0 * radii * cosine) * 2.0 / (2.0 * cost.tau)
        prediction = (mass * signs) @ problem.functional.fn(points)
        return problem.risk(prediction)[0] + 0.1 * mass.sum() + work

    ends = np.unwrap(np.arctan2(step.points[:, 1], step.points[:, 0]))
    ends = start + np.mod(ends - start + np.pi, 2.0 * np.pi) - np.pi
    least = primal(np.concatenate([ends, np.exp(0.5 * step.growth)]))
    found = minimize(primal, np.concatenate([start, np.ones(40)]), method="BFGS", options={"gtol": 1e-9})
    assert least <= found.fun + 1e-14
    assert found.fun == pytest.approx(least, rel=1e-13)
    assert abs(step.growth).max() > 0.02


def test_steps_that_split_particles_are_refused():
    """A particle on top of a hill would go to both sides; with a reaction there is no primal form to choose one."""
    proximal = ProximalProblem(
        lambda points: np.cos(points),
        StraightLines(),
        StepCost(50.0, 1.0, 0.01),
        np.zeros((1, 1)),
        np.ones(1),
        0.0,
        np.empty((0, 1)),
    )
    with pytest.raises(StepError, match="choose a smaller tau"):
        solve_step(DualProblem(Features(proximal.features, np.array([0.0])), proximal, np.ones(1)))


def test_huge_steps_reach_the_least_risk():
    """For tau to infinity the step is the projection onto the least F; here that is 0, at 1 / tau."""
    target = np.diag([1.0, 0.5])
    points = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [-0.5, 0.5]])
    for tau in (1e2, 1e4, 1e6):
        proximal = ProximalProblem(
            Quadratic(target).fn, StraightLines(), StepCost(tau), points, np.ones(4), 0.0, np.empty((0, 2))
        )
        problem = DualProblem(Quadratic(target), proximal, np.full(4, 0.25))
        step = solve_step(problem)
        assert 0.0 < problem.risk(step.prediction)[0] < 1.0 / tau**2
