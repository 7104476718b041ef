"""Particles with weights on a torus: exact flows of one spike, and nothing that knows of the seam."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Deconvolution, Descent, DirichletKernel, Mass, Signed, simulate
from wgflow.measures import Particles

TURN = 2.0 * np.pi
RING = Box([(0.0, TURN)], 16, periodic=True)
TORUS = Box([(0.0, TURN)] * 2, (16, 16), periodic=True)
TIMES = [0.05, 0.2, 0.5]


def spike(place, weight, sign=1.0):
    return Particles([[place]], [weight], [sign])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_weight_at_its_spike_grows_by_the_logistic_law(sign):
    """dw/dt = -beta w (w - s) k(0)^2 with k * k (0) = 2 f + 1."""
    rate, wanted, first = 1.5 * 7.0 * 0.8, 0.8, 0.1
    functional = Deconvolution(DirichletKernel(3), spike(1.0, wanted, sign), Signed(RING))
    options = {"domain": Signed(RING), "reaction": 1.5, "tolerance": 1e-8}
    trajectory = simulate(functional, spike(1.0, first, sign), 0.5, **options, times=TIMES)
    exact = wanted * first / (first + (wanted - first) * np.exp(-rate * trajectory.time))
    assert trajectory.weight[:, 0] == pytest.approx(exact, rel=6.9e-9)
    assert trajectory.position[:, 0, 0] == pytest.approx(1.0, abs=1e-12)


def test_a_small_weight_moves_to_its_spike_across_the_seam():
    """dx/dt = -2 alpha s sin(x - y) for one frequency: tan((x - y) / 2) decays exponentially."""
    functional = Deconvolution(DirichletKernel(1), spike(TURN - 0.5, 0.9), RING)
    trajectory = simulate(functional, spike(0.8, 1e-9), 0.5, domain=RING, transport=0.7, tolerance=1e-8, times=TIMES)
    exact = 2.0 * np.arctan(np.tan(0.5 * 1.3) * np.exp(-2.0 * 0.7 * 0.9 * trajectory.time)) - 0.5
    assert trajectory.position[:, 0, 0] == pytest.approx(exact, abs=9.8e-9)


def test_the_seam_is_a_place_like_any_other():
    generator = np.random.default_rng(3)
    start = Particles(generator.uniform(0.0, TURN, (12, 2)), generator.exponential(size=12), np.ones(12))
    spikes, flows = Particles([[3.0, 1.0], [1.0, 4.0]], [1.0, 0.5], [1.0, 1.0]), []
    for shift in (np.zeros(2), np.array([3.5, 2.0])):
        target = Particles(np.mod(spikes.points + shift, TURN), spikes.weights, spikes.signs)
        begin = Particles(np.mod(start.points + shift, TURN), start.weights, start.signs)
        functional = Deconvolution(DirichletKernel(2), target, TORUS) + Mass(0.3)
        method = Descent(0.005, multiplicative=True)
        flows.append(simulate(functional, begin, 0.5, domain=TORUS, reaction=1.0, method=method, times=TIMES))
    assert flows[1].weight == pytest.approx(flows[0].weight, rel=1.8e-14)
    step = flows[1].position - flows[0].position - np.array([3.5, 2.0])
    assert step / TURN == pytest.approx(np.round(step / TURN), abs=1e-14)
    assert (np.diff(flows[0].energy) < 0.0).all()


def test_f_falls_at_the_rate_of_transport_and_reaction():
    generator = np.random.default_rng(5)
    start = Particles(generator.uniform(0.0, TURN, (9, 2)), generator.exponential(size=9) / 9.0, np.ones(9))
    functional = Deconvolution(DirichletKernel(2), Particles([[3.0, 1.0]], [1.0], [1.0]), TORUS) + Mass(0.3)
    factors = {"transport": 0.4, "reaction": 1.7, "domain": TORUS}
    trajectory = simulate(functional, start, 4e-4, times=[1e-4, 2e-4, 3e-4, 4e-4], tolerance=1e-12, **factors)
    middle = functional.at_particles(Particles(trajectory.position[2], trajectory.weight[2], np.ones(9)))
    square = (middle.gradient**2).sum(axis=1)
    rate = -trajectory.weight[2] @ (0.4 * square + 1.7 * middle.potential**2)
    slope = (8.0 * (trajectory.energy[3] - trajectory.energy[1]) - trajectory.energy[4] + trajectory.energy[0]) / 12e-4
    assert slope == pytest.approx(rate, rel=8.1e-12)
