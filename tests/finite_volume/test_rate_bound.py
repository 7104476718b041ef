"""The bound of loss rates near a known one: against the rates themselves, and steps with it against those without."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Circle, Features, Mass, Population, Potential, Quadratic, Relu, Signed, Sphere, Teacher
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.finite_volume.rate_bound import RateBound
from wgflow.functionals import features
from wgflow.upwind.discretisation import make_space_scheme

CIRCLE = Circle(24)
DATA = Relu(np.random.default_rng(5).normal(size=(30, 3)))
SQUARE = Quadratic(np.array([[0.64, 0.28], [0.28, 0.31]]))
CASES = {
    "one feature": (Features(lambda x: x[:, :1], [0.5]), CIRCLE),
    "scaled": (3.0 * SQUARE, CIRCLE),
    "sum": (SQUARE + Potential(lambda x: 9.0 * x[:, 0]) + Mass(0.3) + Features(lambda x: x**3, [1.0, -1.0]), CIRCLE),
    "signed": (SQUARE, Signed(CIRCLE)),
    "data in tiles": (Features(DATA, np.full(30, -8.0), memory_limit=1.0), Sphere(42)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bound_holds_and_is_near(name):
    functional, domain = CASES[name][0].on_grid(CASES[name][1]), CASES[name][1]
    scheme = make_space_scheme(domain, transport=0.7, reaction=1.3, order=2)
    bound, generator, potential = RateBound(functional, scheme), np.random.default_rng(2), np.empty(domain.shape)
    for _ in range(5):
        before, change = generator.random((2, *domain.shape))
        functional.evaluate(before, potential)
        first = scheme.loss_rate(potential)
        bound.know(first)
        assert bound.rate() == pytest.approx(first, rel=2e-12)
        functional.evaluate(before + 0.1 * change, potential)
        rate = scheme.loss_rate(potential)
        assert rate <= bound.rate() < 1.7 * max(rate, first)


def test_the_bound_of_one_feature_is_sharp_where_its_coefficient_grows():
    functional, scheme = (
        CASES["one feature"][0].on_grid(CIRCLE),
        make_space_scheme(CIRCLE, transport=1.0, reaction=0.0, order=2),
    )
    bound, potential, density = RateBound(functional, scheme), np.empty(24), 1.0 - CIRCLE.points[:, 0]
    functional.evaluate(density, potential)
    bound.know(scheme.loss_rate(potential))
    functional.evaluate(1.5 * density, potential)
    assert bound.rate() == pytest.approx(scheme.loss_rate(potential), rel=1e-11)


def test_other_functionals_have_no_bound():
    assert Features(DATA, np.ones(30)).on_grid(Sphere(42)).coordinates() is None  # each takes as long as all
    functional = Population(Teacher.from_angles([0.4], [1.0])).on_grid(CIRCLE)
    bound = RateBound(functional, make_space_scheme(CIRCLE, transport=1.0, reaction=4.0, order=2))
    functional.value(np.ones(24))
    bound.know(1.0)
    assert bound.rate() == np.inf


def test_steps_are_the_same_whether_rates_are_bounded_or_found(monkeypatch):
    box = Box([(-2.0, 2.0), (-2.0, 2.0)], (12, 10))
    density = np.exp(-3.0 * ((box.points - 0.3) ** 2).sum(axis=-1))
    ends, found = [], []
    for few in (features.FEW, 0):
        monkeypatch.setattr(features, "FEW", few)
        flow = ExplicitFiniteVolume(SQUARE.on_grid(box), density, tolerance=1e-2)
        checked = flow._scheme.checked_stage
        monkeypatch.setattr(flow._scheme, "checked_stage", lambda stage, do=checked: found.append(1) or do(stage))
        for _ in range(6):
            flow.step()
        ends.append((flow.time, flow.energy, flow.counts.accepted, *flow.density.ravel()))
        found.append(0)
    assert ends[0] == ends[1]
    assert found == [0, *[1] * (2 * (flow.counts.accepted + flow.counts.rejected)), 0]
