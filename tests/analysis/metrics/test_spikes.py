"""Spikes of concentrated measures."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Circle, Signed, Sphere, deposit, find_spikes
from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles, nodes_of_cells

TURN = 2.0 * np.pi
TORUS = Box([(0.0, TURN), (-1.0, 1.0)], (32, 16), periodic=True)


def test_clusters_are_joined_across_the_seam_and_dust_is_left_out():
    points = [[0.1, 0.0], [-0.2, 0.1], [TURN + 0.0, 0.05 + 2.0], [3.0, 0.99], [3.1, -0.97], [1.5, 0.5]]
    weights = np.array([1.0, 2.0, 1.0, 0.5, 0.7, 1e-4])
    found = find_spikes(Particles(points, weights, np.ones(6)), TORUS, 0.5)
    assert found.weights == pytest.approx([4.0, 1.2], rel=1e-14)
    mean = [(0.5 * 3.0 + 0.7 * 3.1) / 1.2, (0.5 * 0.99 + 0.7 * 1.03) / 1.2 - 2.0]
    assert found.points == pytest.approx(np.array([[TURN - 0.3 / 4.0, 0.25 / 4.0], mean]), rel=1e-14)


def test_a_grid_places_spikes_far_below_its_cells():
    spikes = Particles([[1.234, 0.321], [4.321, -0.456]], [1.0, 0.5], [1.0, 1.0])
    found = find_spikes(nodes_of_cells(TORUS, deposit(spikes, TORUS)), TORUS, 0.5)
    assert found.points == pytest.approx(spikes.points, abs=1e-12)
    assert found.weights == pytest.approx(spikes.weights, rel=1e-12)


def test_signs_have_spikes_of_their_own_on_the_signed_circle():
    angles = np.array([0.05, -0.05, 3.0, 0.02])
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    measure = Particles(points, [1.0, 1.0, 0.5, 0.7], [1.0, 1.0, 1.0, -1.0])
    found = find_spikes(measure, Signed(Circle(16)), 0.3)
    assert found.weights == pytest.approx([2.0, 0.7, 0.5], rel=1e-14)
    assert found.signs.tolist() == [1.0, -1.0, 1.0]
    assert np.arctan2(found.points[:, 1], found.points[:, 0]) == pytest.approx([0.0, 0.02, 3.0], abs=1e-12)


def test_walls_are_no_seams_and_nothing_may_be_found():
    box = Box([(0.0, 1.0)], 8)
    found = find_spikes(Particles([[0.05], [0.95]], [1.0, 2.0], [1.0, 1.0]), box, 0.2)
    assert found.points == pytest.approx(np.array([[0.95], [0.05]]), rel=1e-14)
    assert find_spikes(Particles(np.empty((0, 1)), [], []), box, 0.2).points.shape == (0, 1)
    assert find_spikes(Particles([[0.5]], [0.0], [1.0]), box, 0.2).points.shape == (0, 1)


def test_errors():
    measure = Particles([[0.5, 0.0]], [1.0], [1.0])
    with pytest.raises(InputError, match=r"radius = 0\.0"):
        find_spikes(measure, TORUS, 0.0)
    with pytest.raises(InputError, match=r"least = 1\.0"):
        find_spikes(measure, TORUS, 0.1, 1.0)
    with pytest.raises(InputError, match="the domain is 'sphere'"):
        find_spikes(measure, Sphere(42), 0.1)
    with pytest.raises(ShapeError, match="do not fit"):
        find_spikes(measure, Box([(0.0, 1.0)], 8), 0.1)
