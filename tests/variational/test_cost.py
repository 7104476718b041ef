"""One step of one particle: the cone against brute force, and small steps against explicit Euler."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.domains import Circle
from wgflow.networks.harmonics import ArcCosineHarmonics
from wgflow.variational.cost import StepCost
from wgflow.variational.geodesics import GreatCircles, StraightLines
from wgflow.variational.proximal import ProximalProblem, check_everywhere, proximal_map

FEATURES = ArcCosineHarmonics(4)
COEFFICIENTS = np.array([0.3, 0.0, -0.8, 0.5, 0.9, -1.1, 2.0, 1.0])
POINTS = Circle(24).points
SIGNS = np.where(np.arange(24) % 3 == 0, -1.0, 1.0)
STRENGTH = 0.1


def one_step(tau, transport=1.0, reaction=4.0, signs=SIGNS, candidates=POINTS[:0]):
    """Angles that particles move by, growths of their masses, and the least values."""
    problem = ProximalProblem(
        FEATURES, GreatCircles(), StepCost(tau, transport, reaction), POINTS, signs, STRENGTH, candidates
    )
    found = proximal_map(problem, COEFFICIENTS, POINTS)
    x, cost = found.points, problem.cost
    angle = np.arctan2(POINTS[:, 0] * x[:, 1] - POINTS[:, 1] * x[:, 0], (POINTS * x).sum(axis=1))
    level = found.local.value
    return angle, cost.growth(level, found.local.link_slope), cost.least(level)


def field(points, signs=SIGNS):
    """The potential h and its slope by the angle."""
    gradient = FEATURES.gradient(points, COEFFICIENTS)
    slope = gradient[:, 1] * points[:, 0] - gradient[:, 0] * points[:, 1]
    return signs * (FEATURES(points) @ COEFFICIENTS) + STRENGTH, signs * slope


@pytest.mark.parametrize(("transport", "reaction"), [(1.0, 4.0), (1.0, 2.0), (0.7, 3.0), (1.0, 0.0)])
def test_small_steps_are_those_of_explicit_euler(transport, reaction):
    """Order 1 in tau of both rates: -alpha h' and -beta h."""
    potential, slope = field(POINTS)
    errors = []
    for tau in (4e-3, 2e-3):
        angle, growth, least = one_step(tau, transport, reaction)
        moved, grown = angle / tau + transport * slope, growth / tau + reaction * potential
        # The least value is h - tau (alpha |h'|^2 + beta h^2) / 2 to first order.
        rest = (least - potential) / tau + 0.5 * (transport * slope**2 + reaction * potential**2)
        errors.append([abs(moved).max(), abs(grown).max(), abs(rest).max()])
    first, second = np.array(errors)
    assert first.max() < 0.03
    changing = first > 1e-9
    np.testing.assert_allclose(first[changing] / second[changing], 2.0, rtol=0.0078)
    assert changing.all() == (reaction > 0.0)


@pytest.mark.parametrize("reaction", [4.0, 2.0])
def test_large_steps_minimise_over_places_and_masses(reaction):
    """Brute force over r and the angle, with the distance of the cone as it is defined."""
    tau, signs = 0.4, SIGNS
    angle, growth, least = one_step(tau, 1.0, reaction)
    kappa = np.sqrt(reaction) / 2.0
    offsets = np.linspace(-2.0, 2.0, 4001)
    for j in range(0, 24, 5):
        turned = np.arctan2(POINTS[j, 1], POINTS[j, 0]) + offsets
        around = np.stack([np.cos(turned), np.sin(turned)], axis=1)
        h = field(around, signs[j])[0][:, None]
        radius = np.linspace(0.0, 2.0, 801)
        cosine = np.cos(np.minimum(kappa * abs(offsets), np.pi))[:, None]
        cost = 2.0 / (reaction * tau) * (1.0 + radius**2 - 2.0 * radius * cosine) + radius**2 * h
        place, size = np.unravel_index(cost.argmin(), cost.shape)
        assert offsets[place] == pytest.approx(angle[j], abs=0.0011)
        assert radius[size] == pytest.approx(np.exp(0.5 * growth[j]), abs=0.0024)
        assert cost.min() == pytest.approx(least[j], abs=5.4e-6)


def test_closed_form_of_the_cone_with_two_homogeneous_features():
    """Q = (1 - max cos_+^2 / (1 + 2 tau h)) / (2 tau), with the mass factor cos^2 / (1 + 2 tau h)^2."""
    tau = 0.3
    angle, growth, least = one_step(tau)
    moved = np.arctan2(POINTS[:, 1], POINTS[:, 0]) + angle
    h = field(np.stack([np.cos(moved), np.sin(moved)], axis=1))[0]
    np.testing.assert_allclose(
        least, (1.0 - np.cos(angle) ** 2 / (1.0 + 2.0 * tau * h)) / (2.0 * tau), atol=1e-13, rtol=1.7e-13
    )
    np.testing.assert_allclose(np.exp(growth), (np.cos(angle) / (1.0 + 2.0 * tau * h)) ** 2, rtol=1e-12)


def test_a_small_reaction_tends_to_none():
    for small, none in zip(one_step(0.2, 1.0, 1e-7), one_step(0.2, 1.0, 0.0), strict=True):
        np.testing.assert_allclose(small, none, atol=3.9e-8, rtol=3.9e-8)


def test_a_step_without_minimum_is_found_out():
    problem = ProximalProblem(FEATURES, GreatCircles(), StepCost(5.0, 1.0, 4.0), POINTS, SIGNS, 0.0, POINTS[:0])
    assert proximal_map(problem, COEFFICIENTS, POINTS) is None


@pytest.mark.parametrize("geodesics", [GreatCircles(), StraightLines()])
@pytest.mark.parametrize(("tau", "reaction"), [(0.05, 0.0), (0.05, 4.0), (20.0, 2.0), (1e4, 2.0)])
def test_the_best_candidates_are_those_of_brute_force(geodesics, tau, reaction):
    """Where h is too low for a large step, E has no least value; a place out of reach is never a better one."""
    cost, anchors = StepCost(tau, 0.7, reaction), POINTS[:12]
    problem = ProximalProblem(FEATURES, geodesics, cost, anchors, SIGNS[:12], STRENGTH, POINTS[12:])
    value = problem.local(anchors, np.arange(12), COEFFICIENTS).value
    field = SIGNS[:12, None] * (FEATURES(POINTS[12:]) @ COEFFICIENTS) + STRENGTH
    apart = geodesics.distances(anchors, POINTS[12:])
    expected = anchors.copy()
    for row in range(12):
        levels = [
            np.inf if np.isinf(moving) else moving + link
            for moving, link in zip(cost.distance(apart[row])[0], cost.link(field[row])[0], strict=True)
        ]
        if min(levels) < value[row] - 1e-9:
            expected[row] = POINTS[12:][np.argmin(levels)]
    np.testing.assert_array_equal(problem.best_candidates(anchors, value, COEFFICIENTS), expected)
    assert (expected != anchors).any() == (tau > 1.0)


@pytest.mark.parametrize("reaction", [0.0, 3.0])
def test_reach_is_the_inverse_of_the_distance(reaction):
    cost, distances = StepCost(0.4, 1.3, reaction), np.array([0.0, 0.1, 0.7, 1.2])
    np.testing.assert_allclose(cost.reach(cost.distance(distances)[0]), distances, atol=1e-13, rtol=1e-13)
    assert cost.reach(np.array([-1.0])) == 0.0


def test_candidates_find_the_lower_of_two_minima():
    """A double well: a particle left of the hill goes to the deeper well on its right."""

    def wells(points):
        return (points**2 - 1.0) ** 2 - 0.3 * points

    grid = np.linspace(-2.0, 2.0, 41)[:, None]
    problem = ProximalProblem(wells, StraightLines(), StepCost(5.0), np.array([[-0.5], [0.9]]), np.ones(2), 0.0, grid)
    local = proximal_map(problem, np.ones(1), problem.anchors)
    assert local.points[0, 0] < -0.8
    assert not check_everywhere(problem, np.ones(1), local)
    found = proximal_map(problem, np.ones(1), problem.anchors, everywhere=True)
    assert (found.points > 0.9).all()
    assert check_everywhere(problem, np.ones(1), found)


@pytest.mark.parametrize("reaction", [0.0, 2.0, 4.0])
def test_extrapolation_doubles_a_straight_line_of_the_cone(reaction):
    cost = StepCost(0.1, 1.0, reaction)
    distance, growth = np.array([0.2, 0.5]), np.array([0.3, -0.2])
    far, factor = cost.extrapolate(distance, growth)
    if reaction == 0.0:
        np.testing.assert_allclose(far, 2.0 * distance, rtol=1e-13)
        return
    kappa = np.sqrt(reaction) / 2.0
    half = np.exp(0.5 * growth) * np.exp(1j * kappa * distance)
    whole = np.exp(0.5 * factor) * np.exp(1j * kappa * far)
    np.testing.assert_allclose(whole - half, half - 1.0, atol=1e-14)
