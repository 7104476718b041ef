"""What moves a density: J as a multiple of one potential against J as it is evaluated at each stage."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Circle, Features, Potential, Quadratic, Relu, Signed, Sphere
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.finite_volume.drives import DirectedDrive, EvaluatedDrive, SquareDrive
from wgflow.finite_volume.runge_kutta import METHODS

DOMAINS = {
    "box": Box([(-2.0, 2.0), (-2.0, 2.0)], (12, 10)),
    "circle": Signed(Circle(24)),
    "sphere": Sphere(42),
}
# Of the box and the circle the integral is below the target, and J minus a multiple of it; of the sphere above.
FEATURE = Features(lambda x: x[:, :1] + x[:, :1] ** 2, [0.7], "square")


def flow_of(functional, domain, stepper="ssprk43"):
    density = np.exp(-3.0 * ((domain.points - 0.3) ** 2).sum(axis=-1)) * np.ones(domain.shape)
    return ExplicitFiniteVolume(functional.on_grid(domain), density, stepper=stepper, tolerance=1e-2)


@pytest.mark.parametrize("name", DOMAINS)
def test_one_feature_moves_a_density_as_its_first_variation_does(name, monkeypatch):
    domain, functional = DOMAINS[name], 3.0 * FEATURE
    fast = flow_of(functional, domain)
    monkeypatch.setattr(type(fast._functional), "direction", lambda _: None)
    slow = flow_of(functional, domain)
    assert isinstance(fast._drive, DirectedDrive)
    assert isinstance(slow._drive, EvaluatedDrive)
    for _ in range(12):
        fast.step()
        slow.step()
        assert fast.time == pytest.approx(slow.time, rel=1e-12)
        assert fast.energy == pytest.approx(slow.energy, rel=1e-12)
        np.testing.assert_allclose(fast.density, slow.density, rtol=1e-11, atol=1e-15)
        np.testing.assert_allclose(fast.scalars(), slow.scalars(), rtol=1e-12, atol=1e-15)
    assert fast.counts == slow.counts


@pytest.mark.parametrize(("target", "above"), [(0.1, True), (9.0, False)])
def test_extremes_are_those_of_the_first_variation(target, above):
    flow = flow_of(Features(FEATURE.fn, [target]), DOMAINS["box"])
    for _ in range(2):
        potential = flow._functional.first_variation(flow.density)
        assert (potential.max() > -potential.min()) == above
        expected = flow._scheme.extremes(potential)
        assert flow._drive.extremes == pytest.approx(expected, rel=1e-13)
        assert flow.scalars().min_potential == flow._drive.extremes[1]
        flow.step()


def test_a_factor_that_changes_its_sign_within_a_step_turns_the_velocities():
    domain = DOMAINS["box"]
    flow = flow_of(FEATURE, domain, "ssprk2")
    drive, scheme = flow._drive, flow._scheme
    moved = np.empty(domain.shape)
    for integral in (1.3, -0.4):
        drive._arrive(integral)
        potential = (integral - 0.7) * drive._ahead.potential
        expected = np.empty(domain.shape)
        scheme.euler_stage(flow.density, potential, flow.density, (0.0, 1.0), 1e-3, expected)
        scheme.euler_stage(flow.density, drive.potential, flow.density, (0.0, 1.0), 1e-3 * drive.pace, moved)
        np.testing.assert_allclose(moved, expected, rtol=1e-13)
        assert drive.energy == pytest.approx(0.5 * (integral - 0.7) ** 2, rel=1e-15)


def test_a_potential_is_evaluated_once_and_several_features_at_each_stage():
    box = DOMAINS["box"]
    steady = flow_of(2.0 * Potential(lambda x: (x**2).sum(axis=-1)), box)
    moving = flow_of(Quadratic(np.eye(2)), box)
    for flow in (steady, moving):
        flow.step()
    assert steady.counts.evaluations == 1
    assert moving.counts.evaluations == 1 + 4 * (1 + moving.counts.rejected)
    assert steady.energy == pytest.approx(steady._functional.value(steady.density), rel=1e-14)


RELU = Features(Relu([[0.5, 1.0], [-0.7, 1.0], [0.5, 1.0], [0.1, -1.0]]), [0.3, -0.4, 0.5, 0.2])


@pytest.mark.parametrize("domain", [Circle(24), Signed(Circle(24))], ids=["circle", "signed"])
@pytest.mark.parametrize("stepper", METHODS)
def test_a_whole_step_of_a_square_risk_is_that_of_its_stages(stepper, domain, monkeypatch):
    fast = flow_of(RELU, domain, stepper)
    monkeypatch.setattr(type(fast._functional), "square_risk", lambda _: None)
    slow = flow_of(RELU, domain, stepper)
    assert isinstance(fast._drive, SquareDrive)
    assert type(slow._drive) is EvaluatedDrive
    for _ in range(12):
        fast.step()
        slow.step()
        assert fast.time == pytest.approx(slow.time, rel=1e-12)
        assert fast.energy == pytest.approx(slow.energy, rel=1e-12)
        np.testing.assert_allclose(fast.density, slow.density, rtol=1e-12)
        np.testing.assert_allclose(fast.scalars(), slow.scalars(), rtol=1e-12)
    assert fast.counts == slow.counts


def test_a_whole_step_ends_at_the_stage_where_rule_p_fails():
    fast, slow = (flow_of(RELU, Circle(24)) for _ in range(2))
    slow._drive = EvaluatedDrive(slow._functional, slow._scheme, slow._count_evaluation)
    slow._drive.begin(slow.density)
    evaluations = []
    for flow, before in ((fast, 1), (slow, 2)):
        assert flow.counts.evaluations == before
        assert flow._drive.do_step(flow.density, flow._stages, flow._method, 30.0) is None
        evaluations.append(flow.counts.evaluations - before)
    assert evaluations[0] == evaluations[1] > 0
