"""Particles that come to rest at samples of a discrepancy whose kernel has a peak at 0."""

from __future__ import annotations

import numpy as np
import pytest

from tests.references import advance
from wgflow.functionals import Interaction, KernelDiscrepancy, Potential, PowerKernel
from wgflow.measures import Particles
from wgflow.particles import ParticleFlow

ENERGY_DISTANCE = Interaction(PowerKernel(1.0, -1.0))
GENERATOR = np.random.default_rng(3)
SAMPLES = Particles(GENERATOR.normal(size=(5, 2)), np.full(5, 0.2))
START = Particles(0.6 * GENERATOR.normal(size=(5, 2)), np.full(5, 0.2))


def on_a_line(samples, weights):
    return KernelDiscrepancy(ENERGY_DISTANCE, Particles(np.array(samples)[:, None], np.array(weights)))


def one(place):
    return Particles([[place]], [1.0])


def positions(functional, start, times, tolerance=1e-6):
    evolution = ParticleFlow(functional, start, tolerance=tolerance)
    return np.array([shot.fields["position"] for shot in advance(evolution, times)]), evolution


def proximal_twin(start, samples, end, steps):
    """Splitting: each particle moves by all but its nearest sample, then towards that, at most as far as there."""
    x, step, charge = start.points.copy(), end / steps, samples.weights[0]
    for _ in range(steps):
        pull, lengths = np.zeros_like(x), np.linalg.norm(x[:, None] - samples.points, axis=-1)
        nearest = lengths.argmin(axis=1)
        for i in range(len(x)):
            for j in range(len(x)):
                if j != i:
                    pull[i] += start.weights[j] * (x[i] - x[j]) / np.linalg.norm(x[i] - x[j])
            for j in range(len(samples.points)):
                if j != nearest[i]:
                    pull[i] -= charge * (x[i] - samples.points[j]) / lengths[i, j]
        x += step * pull
        away = x - samples.points[nearest]
        length = np.linalg.norm(away, axis=1, keepdims=True)
        x = samples.points[nearest] + away * np.maximum(1.0 - step * charge / np.maximum(length, 1e-300), 0.0)
    return x


def test_a_particle_arrives_at_the_time_of_the_exact_flow_and_stays():
    found, evolution = positions(on_a_line([0.0, 3.0], [0.6, 0.4]), one(-1.0), [0.5, 0.9, 1.1, 50.0])
    assert found[:, 0, 0] == pytest.approx([-0.5, -0.1, 0.0, 0.0], abs=1e-13)
    assert evolution.counts.accepted < 20


def test_a_particle_passes_what_is_too_weak_to_hold_it():
    """Its speed is 1 up to the first sample, then 0.6 - 0.4."""
    found, _ = positions(on_a_line([0.0, 1.0], [0.4, 0.6]), one(-1.0), [1.0, 3.5, 6.5])
    assert found[:, 0, 0] == pytest.approx([0.0, 0.5, 1.0], abs=1.4e-5)


def test_a_particle_that_starts_at_a_sample_stays_or_leaves_with_what_is_left_of_the_pull():
    for slope, end in [(0.5, 0.0), (1.5, -1.0)]:
        pull = Potential(lambda x, slope=slope: slope * x[:, 0], gradient=lambda x, slope=slope: np.full_like(x, slope))
        found, evolution = positions(on_a_line([0.0], [1.0]) + pull, one(0.0), [2.0])
        assert found[0, 0, 0] == pytest.approx(end, abs=1e-13)
        assert evolution.counts.accepted < 10


def test_two_particles_at_a_sample_share_what_it_holds_with():
    """The first one takes its 0.5 of the 1; the second, held by 0.5 - 0.1, stays as well."""
    start = Particles([[-1.0, 0.0], [2.0, 0.0]], [0.5, 0.4])
    sample = KernelDiscrepancy(ENERGY_DISTANCE, Particles([[0.0, 0.0]], [1.0]))
    found, evolution = positions(sample, start, [10.0])
    assert abs(found[0]).max() == 0.0
    assert evolution.counts.accepted < 30


def test_the_flow_in_the_plane_is_that_of_small_proximal_steps():
    functional = KernelDiscrepancy(ENERGY_DISTANCE, SAMPLES)
    (found,), evolution = positions(functional, START, [20.0])
    coarse, fine = (proximal_twin(START, SAMPLES, 20.0, steps) for steps in (250, 500))
    distances = np.linalg.norm(found[:, None] - SAMPLES.points, axis=-1).min(axis=0)
    assert (distances == 0.0).tolist() == [False, True, True, True, False]
    assert abs(2.0 * fine - coarse - found).max() < 2.7e-3 < abs(fine - found).max()
    assert evolution.counts.accepted < 60


def test_a_flow_with_particles_at_rest_is_resumed_to_the_same_bits():
    functional, times = KernelDiscrepancy(ENERGY_DISTANCE, SAMPLES), [4.0, 6.0, 9.0]
    whole, _ = positions(functional, START, times)
    before = ParticleFlow(functional, START)
    advance(before, times[:2])
    checkpoint = before.checkpoint()
    after = ParticleFlow(
        functional, START, points=checkpoint["position"], growth=checkpoint["growth"], time=before.time
    )
    after.restore(checkpoint)
    assert np.array_equal(advance(after, times[2:])[-1].fields["position"], whole[-1])
