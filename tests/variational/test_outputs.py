"""Outputs do not change variational steps: the same bits for any outputs, and after a checkpoint."""

from __future__ import annotations

import numpy as np
import pytest

from tests.outputs import (
    expect_checkpoints_to_go_on,
    expect_other_outputs_after_a_checkpoint,
    expect_outputs_to_change_nothing,
)
from tests.references import gaussian_on_circle
from wgflow.domains import Box, Circle, Signed, Space
from wgflow.functionals import Entropy, Features, Quadratic
from wgflow.functionals.energies.potential import Potential
from wgflow.measures import Particles
from wgflow.networks import Population, Teacher, harmonic_population
from wgflow.networks.relu import Relu
from wgflow.normalised.normalised_flow import NormalisedFlow
from wgflow.variational import GridJkoFlow, JkoOptions, LinearisedJkoFlow, make_jko_flow

TARGET, START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.1], [-0.1, 0.3]])
CIRCLE, LINE, SHEETS = Circle(12), Box([(-2.0, 2.0)], 16), Signed(Circle(16))
ON_CIRCLE = Particles(CIRCLE.points, gaussian_on_circle(START, CIRCLE.angles) * CIRCLE.volumes, np.ones(12))
FLAT = Particles(np.random.default_rng(1).normal(size=(6, 2)), np.full(6, 1.0 / 6.0), np.ones(6))
TEACHER = Teacher.from_angles([0.5, 2.9, 4.9, 5.4], [1.0, -1.0, -1.0, 1.0])
INPUTS = np.column_stack([np.linspace(-1.0, 1.0, 6), np.ones(6)])
LABELS = np.where(np.sin(4.0 * INPUTS[:, 0] + 1.0) > 0.0, 1.0, -1.0)
WAVES = np.exp(-(LINE.axes[0] ** 2)) * (1.0 + 0.5 * np.cos(7.0 * LINE.axes[0]))


def particles_of(particles, domain, reaction=0.0, **options):
    def build(time=0.0, fields=None):
        moved = {} if fields is None else {"points": fields["position"], "growth": fields["growth"]}
        return make_jko_flow(
            Quadratic(TARGET), particles, domain, JkoOptions(**options), reaction=reaction, time=time, **moved
        )

    return build


def density_of(kind, functional, domain, start, **options):
    def build(time=0.0, fields=None):
        density = start if fields is None else fields["density"]
        return kind(functional, domain, density, options=JkoOptions(**options), time=time)

    return build


def normalised(loss, **options):
    def build(time=0.0, fields=None):
        functional, density = Features(Relu(INPUTS), LABELS, loss), np.full(SHEETS.shape, 1.0)
        evolution = NormalisedFlow(functional, SHEETS, density if fields is None else fields["density"], **options)
        if fields is not None:
            evolution.go_on(time, fields)
        return evolution

    return build


NETWORK = density_of(GridJkoFlow, harmonic_population(TEACHER, 6), SHEETS, np.full(SHEETS.shape, 0.1), tau=0.08)
DRIFT = Entropy(0.3) + Potential(lambda x: np.cos(3.0 * x[:, 0]))
# How to build a flow, and the span of time that the outputs are in.
FLOWS = {
    "particles": (particles_of(FLAT, Space(2), tau=0.07), 1.0),
    "growing steps of order 2": (particles_of(ON_CIRCLE, CIRCLE, 4.0, tau=0.02, growth=0.3, order=2), 1.0),
    "steps that are halved": (particles_of(FLAT, Space(2), tau=2.5, order=2), 5.0),
    "steps that double": (particles_of(FLAT, Space(2), tau=0.003, adapt=True), 1.0),
    "grid": (NETWORK, 1.0),
    "linearised": (density_of(LinearisedJkoFlow, DRIFT, LINE, WAVES, tau=0.07, growth=0.1), 1.0),
    "linearised steps that are halved": (
        density_of(LinearisedJkoFlow, Population(TEACHER), SHEETS, np.full(SHEETS.shape, 0.1), tau=1e3),
        2e3,
    ),
    "softmin": (normalised("softmin", tau=0.4, growth=0.2), 10.0),
    "logistic": (normalised("logistic", tau=2.0), 10.0),
}


@pytest.mark.parametrize("name", FLOWS)
def test_outputs_change_no_state(name):
    expect_outputs_to_change_nothing(*FLOWS[name])


@pytest.mark.parametrize("name", FLOWS)
def test_a_checkpoint_goes_on_at_outputs_and_between(name):
    expect_checkpoints_to_go_on(*FLOWS[name])


@pytest.mark.parametrize("name", FLOWS)
def test_a_checkpoint_goes_on_to_other_outputs(name):
    expect_other_outputs_after_a_checkpoint(*FLOWS[name])


@pytest.mark.parametrize("name", ["steps that are halved", "linearised steps that are halved", "steps that double"])
def test_those_are_of_another_size(name):
    build, span = FLOWS[name]
    evolution, halvings = build(), []
    evolution.begin_interval(span)
    while evolution.time < span:
        evolution.step()
        halvings.append(int(evolution.checkpoint()["halvings"]))
    assert min(halvings) < -2 if name == "steps that double" else max(halvings) + evolution.counts.rejected > 0


@pytest.mark.parametrize("name", FLOWS)
def test_a_checkpoint_is_small(name):
    """It holds the state once where the next step begins there, and twice at an output between two steps."""
    evolution = FLOWS[name][0]()
    evolution.step()
    once = evolution.checkpoint()
    evolution.begin_interval(1.3 * evolution.time)
    evolution.step()
    twice = evolution.checkpoint()
    added = {key.removeprefix("base_"): twice[key].size for key in twice.keys() - once.keys()}
    state = {"state": np.append(once["position"], once["growth"])} if "position" in once else once
    assert added == {key: state[key].size for key in added}
    assert sum(added.values()) >= 12
    assert [values.shape for values in once.values()] == [twice[key].shape for key in once]


@pytest.mark.parametrize("name", FLOWS)
def test_a_checkpoint_of_something_else_is_refused(name):
    evolution = FLOWS[name][0]()
    checkpoint = dict(evolution.checkpoint())
    del checkpoint["whole_steps"]
    with pytest.raises(LookupError):
        evolution.restore(checkpoint)
