"""Networks that are not balanced in twenty inputs: a box of (a, p, r), particles of it, and neurons in all inputs."""

import numpy as np
import pytest

import wgflow
from wgflow.networks.orbit_pairs import orbit_gaussian

INPUTS, VARIANCE = 20, 0.05
RISK = wgflow.Population(wgflow.Teacher(np.eye(1, INPUTS), np.ones(1)))


def reduced(points: np.ndarray) -> np.ndarray:
    return np.column_stack([points[:, :2], np.linalg.norm(points[:, 2:], axis=1)])


def test_box_and_particles_follow_neurons_in_all_inputs() -> None:
    box = wgflow.Box([(-1.0, 1.4), (-1.0, 1.4), (0.0, 1.8)], (20, 20, 20))
    start = box.averages(lambda x: orbit_gaussian(x, INPUTS, VARIANCE))
    assert (start * box.volumes).sum() == pytest.approx(1.0, abs=1e-4)
    assert (start * box.volumes).ravel() @ box.points[..., 2].ravel() ** 2 == pytest.approx(19 * VARIANCE, rel=3e-3)
    flow = wgflow.solve(RISK, box, start, 1.0, times=[1.0])
    neurons = wgflow.draw_gaussian(VARIANCE * np.eye(21), np.zeros(21), 1.0, 2**9, 0, "quasi_random")
    whole = wgflow.simulate(RISK, neurons, 1.0, times=[1.0])
    cloud = wgflow.Particles(reduced(neurons.points), neurons.weights)
    orbits = wgflow.simulate(RISK, cloud, 1.0, times=[1.0], domain=box)
    assert orbits.risk[-1] == pytest.approx(whole.risk[-1], abs=1.3e-5)
    assert flow.risk[-1] == pytest.approx(orbits.risk[-1], abs=6e-4)


def test_gradient_of_orbits() -> None:
    generator, step = np.random.default_rng(0), 1e-6
    box = wgflow.Box([(-4.0, 4.0), (-4.0, 4.0), (0.0, 4.0)], (4, 4, 4))
    points = np.abs(generator.standard_normal((3, 3))) + 0.1
    cloud = wgflow.Particles(points, np.full(3, 1.0 / 3.0), domain=box)
    found = RISK.at_particles(cloud)
    for j, k in np.ndindex(3, 3):
        shift = step * np.eye(9)[3 * j + k].reshape(3, 3)
        ahead, behind = (
            RISK.at_particles(wgflow.Particles(points + side * shift, cloud.weights, domain=box)).energy
            for side in (1, -1)
        )
        assert found.gradient[j, k] / 3.0 == pytest.approx((ahead - behind) / (2.0 * step), abs=1e-8)
