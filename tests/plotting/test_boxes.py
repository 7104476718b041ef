"""Maps of densities on boxes."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow import Box, Quadratic, Signed, solve
from wgflow.plotting import plot_trajectory
from wgflow.plotting.boxes import planes


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
    np.testing.assert_allclose(planes(flow, 0, np.array([2]), box)[0], expected)
