"""Maps of densities on boxes and spheres."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Quadratic, Signed, Sphere, solve
from wgflow.plotting import plot_trajectory
from wgflow.plotting.maps import nearest_cells, plane


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("dimension", [2, 3])
def test_maps_show_the_density(dimension, signed):
    box = Box([(-2.0, 2.0)] * dimension, (6, 5, 4)[:dimension])
    domain = Signed(box) if signed else box
    flow = solve(Quadratic(0.5 * np.eye(dimension)), domain, np.ones(domain.shape), 0.1, times=[0.05])
    figure = plot_trajectory(flow)
    maps = [axes for axes in figure.axes if axes.images]
    assert len(maps) == (2 if signed else 1) * 3
    last = flow.density[-1, 0] if signed else flow.density[-1]
    expected = last.sum(axis=-1) * box.spacing[-1] if dimension == 3 else last
    np.testing.assert_allclose(maps[2].images[0].get_array(), expected.T)
    np.testing.assert_allclose(plane(last, box), expected)


def test_maps_of_the_sphere():
    sphere = Sphere(42)
    flow = solve(Quadratic(0.1 * np.eye(3)), sphere, np.ones(42), 0.1, times=[0.05])
    figure = plot_trajectory(flow)
    maps = [axes for axes in figure.axes if axes.name == "mollweide"]
    assert len(maps) == 3
    values = maps[2].collections[0].get_array()
    assert values.max() == flow.density[-1].max()
    assert values.min() == flow.density[-1].min()


def test_nearest_cells_hold_the_centres():
    sphere = Sphere(162)
    longitude = np.arctan2(sphere.points[:, 1], sphere.points[:, 0])
    latitude = np.arcsin(sphere.points[:, 2])
    found = nearest_cells(sphere, longitude, latitude)
    np.testing.assert_array_equal(np.diag(found), np.arange(162))
