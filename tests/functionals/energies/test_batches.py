"""Random batches of particles in the place of all: right in the mean, and in the limit of one batch of all."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import ExponentialKernel, GaussianKernel
from wgflow.errors import InputError
from wgflow.functionals import Interaction, KernelDiscrepancy, ZonalInteraction
from wgflow.functionals.energies.batches import random_batches
from wgflow.functionals.samples import sampled
from wgflow.measures import Particles

GAUSSIAN = GaussianKernel(1.5, 0.8)


def circle(count, seed):
    """Charges of both signs on the unit circle, which all interactions take."""
    generator = np.random.default_rng(seed)
    points, signs = generator.normal(size=(count, 2)), np.where(generator.normal(size=count) > 0.0, 1.0, -1.0)
    return Particles(points / np.linalg.norm(points, axis=1)[:, None], generator.uniform(size=count), signs)


SAMPLES = Particles(circle(4, 1).points, np.full(4, 0.5))
INTERACTIONS = {
    "compiled": Interaction(GAUSSIAN),
    "periodic": -2.0 * Interaction(GAUSSIAN, [1.7, np.inf]),
    "NumPy": Interaction(lambda z: GAUSSIAN(z), gradient=lambda z: GAUSSIAN.gradient(z)),
    "zonal": ZonalInteraction(ExponentialKernel(1.2)),
    "zonal NumPy": ZonalInteraction(np.exp, np.exp),
    "discrepancy": KernelDiscrepancy(Interaction(GAUSSIAN), SAMPLES),
}
for_every_one = pytest.mark.parametrize("name", INTERACTIONS)


def numbers(found):
    """Energy, potential and gradient in one array."""
    return np.concatenate([[found.energy], found.potential, found.gradient.ravel()])


@for_every_one
def test_batches_are_right_in_the_mean(name):
    functional, particles, generator = INTERACTIONS[name], circle(7, 2), np.random.default_rng(3)
    draws = np.array([numbers(sampled(functional, 3, generator, 2).at_particles(particles)) for _ in range(600)])
    expected, error = numbers(functional.at_particles(particles)), draws.std(axis=0) / np.sqrt(len(draws))
    assert error.max() > 1e-3
    assert (abs(draws.mean(axis=0) - expected) <= 3.5 * error + 1e-13).all()


@for_every_one
def test_a_batch_of_all_is_the_whole(name):
    particles = circle(7, 2)
    for size in (11, 100):
        batch = sampled(INTERACTIONS[name], size, np.random.default_rng(4), 2)
        assert np.array_equal(
            numbers(batch.at_particles(particles)), numbers(INTERACTIONS[name].at_particles(particles))
        )


def test_particles_act_within_their_batch_alone():
    """Against the sum over each batch by hand; the same draw gives the same batches again."""
    particles, generator = circle(300, 5), np.random.default_rng(6)
    batch = sampled(Interaction(GAUSSIAN), 70, generator, 2)
    found, again = batch.at_particles(particles), batch.at_particles(particles)
    assert np.array_equal(numbers(found), numbers(again))
    batches = random_batches(300, 70, np.random.default_rng(batch.seed))
    assert batches.sizes.tolist() == [75] * 4
    charges, values = particles.weights * particles.signs, np.empty(300)
    for first in range(0, 300, 75):
        own = batches.order[first : first + 75]
        steps = particles.points[own][:, None] - particles.points[own]
        between = GAUSSIAN.of_square((steps**2).sum(axis=-1)) * charges[own]
        itself = between.diagonal()
        values[own] = 299.0 / 74.0 * (between.sum(axis=1) - itself) + itself
    assert particles.signs * found.potential == pytest.approx(values, abs=1e-13)
    forces = particles.weights[:, None] * found.gradient
    assert abs(forces.sum(axis=0)).max() < 1e-15 * abs(forces).sum()


@pytest.mark.parametrize(("count", "size", "sizes"), [(7, 3, [3, 4]), (5, 3, [5]), (3, 2, [3]), (1, 2, [1])])
def test_no_batch_is_smaller_than_asked(count, size, sizes):
    batches = random_batches(count, size, np.random.default_rng(0))
    assert batches.sizes.tolist() == sizes
    assert np.sort(np.arange(count)[batches.order]).tolist() == list(range(count))
    assert batches.factors.tolist() == [(count - 1) / max(b - 1, 1) for b in sizes for _ in range(b)]


def test_one_particle_is_no_batch():
    for functional in INTERACTIONS.values():
        with pytest.raises(InputError, match="batch = 1 is not allowed: particles that interact need others"):
            sampled(functional, 1, np.random.default_rng(0), 2)
