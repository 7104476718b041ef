"""Outputs do not change the steps of particles, whatever the method, and cost next to nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.outputs import (
    HUNDREDTHS,
    expect_checkpoints_to_go_on,
    expect_other_outputs_after_a_checkpoint,
    expect_outputs_to_change_nothing,
)
from tests.references import advance, gaussian_on_circle
from wgflow.characteristics import CharacteristicFlow
from wgflow.domains import Circle, Hypersphere
from wgflow.errors import ComputationError, InputError
from wgflow.functionals import Entropy, Features, Quadratic
from wgflow.functionals.energies.potential import Potential
from wgflow.measures import Particles
from wgflow.measures.directions import draw_directions
from wgflow.networks import Neurons
from wgflow.networks.relu import Relu
from wgflow.particles import Adaptive, Descent, Langevin, ParticleFlow, PolarFlow, RungeKutta4

GENERATOR = np.random.default_rng(11)
NETWORK = Features(Neurons(Relu(GENERATOR.normal(size=(12, 3)))), GENERATOR.normal(size=12))
PAIRS = Particles(GENERATOR.normal(size=(7, 4)), np.full(7, 1.0 / 7.0), np.ones(7))
SMOOTH = Quadratic(np.array([[1.0, 0.3, 0.0], [0.3, 0.5, 0.1], [0.0, 0.1, -0.2]]))
PLANE, START = Quadratic(np.array([[1.0, 0.3], [0.3, 0.5]])), np.array([[0.5, -0.1], [-0.1, 0.3]])
SPHERICAL, PLANAR = draw_directions(Hypersphere(3), 1.0, 6, seed=1), draw_directions(Circle(8), 1.0, 6, seed=1)
CIRCLE = Circle(16)
BOWL = Potential(lambda x: 0.5 * (x**2).sum(axis=1), lambda x: x)


def characteristics(time=0.0, fields=None):
    moved = {} if fields is None else {"points": fields["position"]}
    moved |= {name: values for name, values in (fields or {}).items() if name in ("growth", "expansion")}
    return CharacteristicFlow(PLANE, CIRCLE, gaussian_on_circle(START, CIRCLE.angles), time=time, **moved)


def particles_of(kind, functional, particles, method, **options):
    def build(time=0.0, fields=None):
        moved = {} if fields is None else {"points": fields["position"], "growth": fields["growth"]}
        return kind(functional, particles, method=method, time=time, **moved, **options)

    return build


METHODS = {
    "adaptive": particles_of(ParticleFlow, SMOOTH, SPHERICAL, Adaptive()),
    "adaptive on the sphere": particles_of(PolarFlow, SMOOTH, SPHERICAL, Adaptive()),
    "adaptive on the circle": particles_of(PolarFlow, PLANE, PLANAR, Adaptive(1e-4)),
    "characteristics": characteristics,
    "rk4": particles_of(ParticleFlow, SMOOTH, SPHERICAL, RungeKutta4(0.07)),
    "rk4 with few steps": particles_of(PolarFlow, SMOOTH, SPHERICAL, RungeKutta4(0.4)),
    "euler": particles_of(ParticleFlow, NETWORK, PAIRS, Descent(0.05)),
    "mirror": particles_of(PolarFlow, SMOOTH, SPHERICAL, Descent(0.03, multiplicative=True)),
    "sgd": particles_of(ParticleFlow, NETWORK, PAIRS, Descent(0.03, batch=5, seed=3)),
    "langevin": particles_of(ParticleFlow, NETWORK + Entropy(0.1), PAIRS, Langevin(0.03, batch=5)),
    "langevin, order 2": particles_of(
        PolarFlow, SMOOTH + Entropy(0.1), SPHERICAL, Langevin(0.07, order=2), reaction=0.0
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_outputs_change_no_state(name):
    expect_outputs_to_change_nothing(METHODS[name])


@pytest.mark.parametrize("name", METHODS)
def test_a_checkpoint_goes_on_at_outputs_and_between(name):
    expect_checkpoints_to_go_on(METHODS[name])


@pytest.mark.parametrize("name", METHODS)
def test_a_checkpoint_goes_on_to_other_outputs(name):
    expect_other_outputs_after_a_checkpoint(METHODS[name])


def test_outputs_of_the_adaptive_method_cost_one_polynomial_for_each_step():
    """A harmonic potential: before, 101 outputs cost 1400 evaluations. F is evaluated once at each of them."""
    evaluations, errors = [], []
    for times in (HUNDREDTHS[[-1]], HUNDREDTHS):
        evolution = ParticleFlow(BOWL, PAIRS, method=Adaptive(1e-8))
        snapshots = advance_without_energies(evolution, times)
        evaluations.append(evolution.counts.evaluations)
        for time, points in zip(times, snapshots, strict=True):
            errors.append(abs(points - np.exp(-time) * PAIRS.points).max())
    assert evaluations[0] <= 44
    assert evaluations[1] - evaluations[0] <= 6 + 100
    assert max(errors) < 3.6e-8


def advance_without_energies(evolution, times):
    positions = []
    for end in times:
        evolution.begin_interval(end)
        while evolution.time < end:
            evolution.step()
        positions.append(evolution.particles.points)
    return positions


def test_an_output_at_a_step_of_the_integrator_is_that_step():
    evolution = ParticleFlow(BOWL, PAIRS)
    evolution.begin_interval(np.inf)
    evolution.step()
    first, position = evolution.time, evolution.particles.points
    again = ParticleFlow(BOWL, PAIRS)
    snapshot = advance_without_energies(again, [0.5 * first, first])[1]
    np.testing.assert_array_equal(snapshot, position)


def test_outputs_of_equal_steps_count_steps_from_the_start():
    """An output a rounding error beside the end of a step has its state, and the time that was asked for."""
    evolution = ParticleFlow(BOWL, PAIRS, method=RungeKutta4(0.1))
    steps = []
    for end in (0.1 * 3, 0.35, 0.4 - 1e-12, 0.4 + 1e-12, 0.7, 0.75):
        evolution.begin_interval(end)
        while evolution.time < end:
            evolution.step()
            steps.append(evolution.time)
        assert evolution.time == end
    assert steps == pytest.approx([0.1, 0.2, 0.3, 0.35, 0.4, 0.4, 0.5, 0.6, 0.7, 0.75])
    assert evolution.counts.evaluations == 4 * 9 + 2  # F is also evaluated at the two outputs between


def test_points_stay_on_the_sphere_over_many_steps():
    evolution = PolarFlow(SMOOTH, SPHERICAL, tolerance=1e-3, reaction=0.0)
    evolution.begin_interval(200.0)
    while evolution.time < 100.0:
        evolution.step()
        assert abs(np.linalg.norm(evolution.snapshot().fields["position"], axis=1) - 1.0).max() < 1e-15


class Cliff:
    """Falling at speed 1, to an edge behind which nothing is defined; counts the looks behind it."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self, points):
        self.looks += bool((points >= 1.2).any())
        return np.where(points[:, 0] < 1.2, -points[:, 0], np.nan)


def test_an_end_of_f_behind_the_last_output_stops_no_run():
    """The integrator looks there, and does a smaller step."""
    start, cliff = Particles(np.zeros((1, 1)), np.ones(1), np.ones(1)), Cliff()
    evolution = ParticleFlow(Potential(cliff, lambda x: -np.ones_like(x)), start)
    assert advance(evolution, [0.9, 1.19])[1].fields["position"][0, 0] == pytest.approx(1.19, abs=1e-12)
    assert cliff.looks > 0
    with pytest.raises(InputError, match="the potential returned a value that is not finite"):
        advance(evolution, [2.0])
    assert evolution.time == pytest.approx(1.2, rel=3e-14)


@pytest.mark.parametrize("end", [0.9, 0.999])
def test_a_blow_up_behind_the_last_output_stops_no_run(end):
    """Particles at 1 / (1 - t)."""
    start = Particles(np.ones((1, 1)), np.ones(1), np.ones(1))
    evolution = ParticleFlow(Potential(lambda x: -(x[:, 0] ** 3) / 3.0, lambda x: -(x**2)), start, tolerance=1e-10)
    assert advance(evolution, [0.5, end])[1].fields["position"][0, 0] == pytest.approx(1.0 / (1.0 - end), rel=3.7e-8)
    with pytest.raises((ComputationError, InputError)):
        advance(evolution, [2.0])


@pytest.mark.parametrize("name", ["adaptive", "rk4"])
def test_a_checkpoint_of_another_method_is_refused(name):
    flow = METHODS[name]()
    with pytest.raises(LookupError):
        flow.restore({"position": SPHERICAL.points, "end": np.array(1.0), "time": np.array(0.5)})
    names = {"step_size", "sampled_energy", "end", "time", "begun", "done", "rate"}
    with pytest.raises(LookupError):
        flow.restore({key: np.array(0.0) for key in names})
