"""Optima without any flow: closed forms, and agreement with flows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.optimality.bumps import CENTRES, TARGET, Bumps, deconvolution, on_circle, quadratic_optimum
from wgflow import (
    Box,
    Circle,
    Features,
    Hypersphere,
    InputError,
    Mass,
    Particles,
    Population,
    Quadratic,
    Signed,
    Sphere,
    Teacher,
    find_optimum,
)
from wgflow.analysis.optimality.convex import free_weights, join_atoms, minimize_quadratic, weight_hessian
from wgflow.functionals.differences import central_differences


@pytest.mark.parametrize("strength", [0.0, 0.1, 1.1])
def test_quadratic_features_have_the_optimum_of_the_eigenvalues(strength):
    functional = Quadratic(TARGET) + Mass(strength)
    found = find_optimum(functional, Circle(4))
    value, mass = quadratic_optimum(strength)
    assert found.value == pytest.approx(value, rel=1e-13)
    assert found.measure.mass == pytest.approx(mass, abs=1e-13)
    assert found.converged
    if strength > 0.0:
        assert abs(found.certificate.gap) < 1e-13


def test_quadratic_features_in_space():
    matrix = np.random.default_rng(0).normal(size=(3, 3))
    matrix = matrix + matrix.T
    values = np.linalg.eigvalsh(matrix)
    found = find_optimum(Quadratic(matrix) + Mass(0.2), Sphere(12))
    kept = np.maximum(values - 0.2, 0.0)
    assert found.value == pytest.approx(0.5 * ((kept - values) ** 2).sum() + 0.2 * kept.sum(), rel=1e-12)


def test_one_spike_loses_a_weight_that_is_known():
    """min |w phi - phi|^2 / 2 + lambda w: the spike stays where it is and keeps the weight 1 - lambda / |phi|^2."""
    spike = on_circle(np.array([1.234]))
    bumps = Bumps(CENTRES)
    norm = (bumps(spike) ** 2).mean()
    found = find_optimum(Features(bumps, bumps(spike)[0]) + Mass(0.01), Circle(4))
    one = found.measure
    assert one.weights.size == 1
    # The bumps are not even around the spike: it may move by what the penalty allows, a little.
    assert np.abs(one.points[0] - spike[0]).max() < 1.8e-4
    assert one.weights[0] == pytest.approx(1.0 - 0.01 / norm, rel=4.6e-7)
    assert abs(found.certificate.gap) < 1e-12 * 0.5 * norm


def test_the_spike_is_recovered_without_regularisation():
    spike = on_circle(np.array([1.234]))
    bumps = Bumps(CENTRES)
    found = find_optimum(Features(bumps, 0.7 * bumps(spike)[0]), Circle(4), tolerance=1e-14)
    assert found.value < 1e-14
    assert np.abs(found.measure.weights @ found.measure.points - 0.7 * spike[0]).max() < 1e-12


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("domain", [Circle(4), Signed(Circle(4))], ids=["circle", "signed"])
def test_gaps_close_and_no_dense_grid_does_better(loss, domain):
    """Weights on 720 angles, chosen by another method, come close from above."""
    functional = deconvolution(loss)
    found = find_optimum(functional, domain)
    assert found.converged
    assert abs(found.certificate.gap) < 1e-12
    assert found.certificate.support_residual < 1e-12
    assert found.certificate.min_potential > -1e-9
    value = projected_gradient(functional, domain.signs)
    assert -1e-12 < value - found.value < 2e-3 * value


def projected_gradient(functional, signs):
    """Least F over weights >= 0 on a grid, by accelerated projected gradient steps."""
    features, strength = functional.terms[0], functional.terms[1].strength
    psi = np.concatenate([sign * features.fn(on_circle(np.arange(90) * np.pi / 45.0)) for sign in signs])
    step = len(features.targets) / np.linalg.norm(psi, 2) ** 2
    weights, ahead = np.zeros(len(psi)), np.zeros(len(psi))
    for k in range(3000):
        slope = psi @ features.risk.evaluate(ahead @ psi, features.targets)[1] + strength
        moved = np.maximum(ahead - step * slope, 0.0)
        ahead, weights = moved + k / (k + 3.0) * (moved - weights), moved
    return features.risk.evaluate(weights @ psi, features.targets)[0] + strength * weights.sum()


def test_a_given_mass_is_kept():
    """Quadratic features with tr M = 0.7: the optimum moves eigenvalues by one multiplier."""
    found = find_optimum(Quadratic(TARGET), Circle(4), mass=0.7)
    values = np.linalg.eigvalsh(TARGET)
    assert found.measure.mass == pytest.approx(0.7, rel=1e-13)
    assert found.value == pytest.approx(0.5 * ((0.7 - values[1]) ** 2 + values[0] ** 2), rel=1e-12)
    smooth = find_optimum(deconvolution(strength=0.0), Circle(4), mass=1.2)
    assert smooth.converged
    assert smooth.measure.mass == pytest.approx(1.2, rel=1e-12)
    assert smooth.measure.weights.size > 1
    assert smooth.certificate.support_residual < 1e-12


def test_boxes_and_high_dimension():
    """Bumps on an interval with the second spike beyond its wall: an atom sits at the wall. Five dimensions."""
    nodes = np.linspace(0.0, 1.0, 15)
    bumps = Features(
        lambda x: np.exp(-20.0 * (x - nodes) ** 2), np.exp(-20.0 * (np.array([[0.3], [0.9]]) - nodes) ** 2).sum(0)
    )
    found = find_optimum(bumps + Mass(0.002), Box([(0.0, 0.8)], 8))
    assert found.measure.points.max() == 0.8
    assert abs(found.certificate.gap) < 1e-12
    generator = np.random.default_rng(1)
    centres = generator.normal(size=(12, 5))
    centres /= np.linalg.norm(centres, axis=1)[:, None]
    found = find_optimum(Features(Bumps(centres), generator.normal(size=12)) + Mass(0.01), Hypersphere(5))
    assert found.converged
    assert found.certificate.gap < 1e-12


def test_population_risk_finds_the_teacher_but_for_the_penalty():
    teacher = Teacher.from_angles([0.5, 2.9], [1.0, -0.7])
    found = find_optimum(Population(teacher) + Mass(0.01), Signed(Circle(4)), tolerance=1e-8)
    assert found.converged
    assert found.certificate.rigorous
    assert sorted(found.measure.signs) == [-1.0, 1.0]
    angles = np.arctan2(found.measure.points[:, 1], found.measure.points[:, 0])
    assert abs(np.sort(angles) - [0.5, 2.9]).max() < 0.1
    assert 1.5 < found.measure.mass < 1.7


def test_second_derivatives_of_weights():
    """Against differences of potentials, with signs."""
    signs = np.array([1.0, -1.0, 1.0])
    for functional, points in (
        (Population(Teacher.from_angles([0.5], [1.0])), on_circle(np.array([0.1, 1.0, 2.5]))),
        (deconvolution("logistic", 0.0), on_circle(np.array([0.1, 1.0, 2.5]))),
    ):
        weights = np.array([0.3, 0.5, 0.2])
        found = weight_hessian(functional, Particles(points, weights, signs))
        for k in range(3):
            step = 1e-5 * np.eye(3)[k]
            up, down = (functional.at_particles(Particles(points, weights + s * step, signs)) for s in (1.0, -1.0))
            assert abs(found[k] - (up.potential - down.potential) / 2e-5).max() < 2.4e-10


def test_a_quadratic_form_with_a_given_sum_of_weights():
    """(w1^2 + 3 w2^2) / 2 - 0.3 w1 - 0.2 w2: both slopes are 0.1 at (0.4, 0.1); for less one is 0."""
    hessian, slope = np.diag([1.0, 3.0]), np.array([-0.3, -0.2])
    assert minimize_quadratic(hessian, slope, 0.5) == pytest.approx([0.4, 0.1], abs=1e-12)
    assert minimize_quadratic(hessian, slope, 0.05) == pytest.approx([0.05, 0.0], abs=1e-12)
    assert minimize_quadratic(hessian, slope, None) == pytest.approx([0.3, 0.2 / 3.0], abs=1e-12)


@pytest.mark.parametrize("mass", [None, 1.7])
def test_gradients_of_scaled_weights_are_those_of_their_free_variables(mass):
    masses, potential = np.array([0.2, 0.5, 0.1]), np.array([1.0, -2.0, 0.7])
    expected = central_differences(
        lambda z: np.array([free_weights(row, mass)[0] @ potential for row in z]), masses[None]
    )
    assert free_weights(masses, mass)[1](potential) == pytest.approx(expected[0], abs=5.8e-9)
    assert free_weights(masses, mass)[0].sum() == pytest.approx(0.8 if mass is None else mass, rel=1e-15)


def test_atoms_that_came_together_are_joined():
    points = on_circle(np.array([0.3, 0.3 + 4e-6, 0.3 + 2e-6, 2.0]))
    joined = join_atoms(Particles(points, [0.2, 0.6, 0.4, 0.1], [1.0, 1.0, -1.0, 1.0]), Circle(4))
    assert joined.weights.tolist() == pytest.approx([0.8, 0.4, 0.1], rel=1e-12)
    assert np.arctan2(*joined.points[0][::-1]) == pytest.approx(0.3 + 3e-6, abs=1e-12)


def test_what_has_no_optimum_is_refused():
    with pytest.raises(InputError, match="softmin has no least value"):
        find_optimum(Features(Bumps(CENTRES), np.ones(12), "softmin"), Circle(4))
    with pytest.raises(InputError, match="mass = 0"):
        find_optimum(Quadratic(TARGET), Circle(4), mass=0)
