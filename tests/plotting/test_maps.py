"""Maps of densities on boxes and spheres."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import LogNorm, Normalize
from matplotlib.contour import ContourSet

from wgflow import Box, Quadratic, Signed, Sphere, open_problem, run, solve
from wgflow.plotting import plot_trajectory
from wgflow.plotting.domain_views import nearest_cells
from wgflow.plotting.great_circles import great_circle
from wgflow.plotting.levels import mass_extent, share_levels
from wgflow.plotting.maps import map_scale, map_views
from wgflow.trajectory import Trajectory

DISSIPATION = r"dissipation $-\mathrm{d}F/\mathrm{d}t$"


def images(figure):
    return [axes for axes in figure.axes if axes.images]


@pytest.mark.parametrize("signed", [False, True])
def test_maps_in_the_plane_show_the_density(signed):
    box = Box([(-2.0, 2.0)] * 2, (6, 5))
    domain = Signed(box) if signed else box
    trajectory = solve(Quadratic(0.5 * np.eye(2)), domain, np.ones(domain.shape), 0.1, times=[0.05])
    maps = images(plot_trajectory(trajectory))
    assert len(maps) == (2 if signed else 1) * 3
    last = trajectory.density[-1, 0] if signed else trajectory.density[-1]
    np.testing.assert_allclose(maps[2].images[0].get_array(), last.T, rtol=1e-14)
    assert (maps[0].get_xlabel(), maps[0].get_ylabel(), maps[1].get_ylabel()) == ("$x$", "$y$", "")
    assert len({(axes.images[0].norm.vmin, axes.images[0].norm.vmax) for axes in maps}) == 1


def test_maps_in_space_show_the_three_marginals_with_contours():
    box = Box([(-2.0, 2.0), (-1.0, 1.0), (0.0, 3.0)], (6, 5, 4))
    domain = Signed(box)
    start = np.random.default_rng(0).random(domain.shape)
    trajectory = solve(Quadratic(0.5 * np.eye(3)), domain, start, 0.1, times=[0.05])
    maps = images(plot_trajectory(trajectory))
    assert len(maps) == 2 * 3
    for sheet, row in enumerate((maps[:3], maps[3:])):
        last = trajectory.density[-1, sheet]
        for axes, labels in zip(row, (("$x$", "$y$"), ("$x$", "$z$"), ("$y$", "$z$")), strict=True):
            (rest,) = (axis for axis, name in enumerate(("$x$", "$y$", "$z$")) if name not in labels)
            marginal = last.sum(axis=rest) * box.spacing[rest]
            np.testing.assert_allclose(axes.images[0].get_array(), marginal.T, rtol=1e-14)
            assert (axes.get_xlabel(), axes.get_ylabel()) == labels
            first, second = (bounds for axis, bounds in enumerate(box.bounds) if axis != rest)
            assert tuple(axes.images[0].get_extent()) == (*first, *second)
            grey, black = (part for part in axes.collections if isinstance(part, ContourSet))
            np.testing.assert_allclose(black.levels, share_levels(marginal), rtol=1e-14)
            assert not np.array_equal(grey.levels, black.levels)


def test_contours_hold_the_shares_of_the_mass():
    values = np.array([[4.0, 3.0], [2.0, 1.0]])  # 0.4, 0.7, 0.9 and all of the mass
    assert share_levels(values, (0.95, 0.8, 0.5)).tolist() == [1.0, 2.0, 3.0]


def test_pictures_are_cropped_to_almost_all_mass():
    (view,) = map_views(solve(Quadratic(np.eye(2)), Box([(0.0, 10.0)] * 2, (10, 10)), np.ones((10, 10)), 0.1, times=[]))
    density = np.zeros((10, 10))
    density[3, 5] = 1.0
    density[6, 5] = 0.1
    density[9, 9] = 1e-4  # less than half of what is left out
    x, y = mass_extent(view, [density])
    assert x == pytest.approx((3.0 - 0.2, 7.0 + 0.2), rel=1e-14)
    assert y == pytest.approx((5.0 - 0.05, 6.0 + 0.05), rel=1e-14)


def test_marginals_keep_the_mass():
    box = Box([(-2.0, 2.0), (-1.0, 1.0), (0.0, 3.0)], (6, 5, 4))
    trajectory = solve(Quadratic(0.5 * np.eye(3)), box, np.ones(box.shape), 0.1, times=[0.1])
    for view in map_views(trajectory):
        area = np.diff(view.x)[None, :] * np.diff(view.y)[:, None]
        assert (view.image(trajectory.density[-1]) * area).sum() == pytest.approx(
            trajectory.mass[-1], rel=1e-14, abs=0.0
        )


@pytest.mark.parametrize(("peak", "expected"), [(9.0, Normalize), (30.0, LogNorm)])
def test_peaks_that_grow_tenfold_have_a_log_scale(peak, expected):
    box = Box([(0.0, 1.0)] * 2, (4, 4))
    density = np.ones((2, 4, 4))
    density[1, 2, 1] = peak
    ones = np.ones(2)
    scalars = dict.fromkeys(("risk", "mass", "energy", "min_potential", "step_size"), ones)
    trajectory = Trajectory(np.arange(2.0), scalars, {"density": density}, box)
    scale = map_scale(trajectory, map_views(trajectory), np.arange(2))
    assert type(scale) is expected
    assert scale.vmax == peak
    assert scale.vmin == (0.01 if expected is LogNorm else 0.0)


def test_symbols_of_the_problem_label_the_axes():
    section = {"kind": "quadratic", "target": [[0.5, 0.0], [0.0, 0.25]]}
    box = {"kind": "box", "bounds": [[-3.0, 3.0]] * 2, "shape": [16, 16]}
    initial = {"kind": "gaussian", "covariance": [[0.3, 0.0], [0.0, 0.3]]}
    problem = open_problem({"problem": section, "domain": box, "initial": initial, "solver": {"t_end": 0.1}})
    figure = plot_trajectory(run(problem), problem)
    assert (images(figure)[0].get_xlabel(), images(figure)[0].get_ylabel()) == ("$w_1$", "$w_2$")
    assert {axes.get_ylabel() for axes in figure.axes} >= {r"risk $R(\mu_t)$", DISSIPATION}


def test_maps_of_the_sphere():
    sphere = Sphere(42)
    trajectory = solve(Quadratic(0.1 * np.eye(3)), sphere, np.ones(42), 0.1, times=[0.05])
    figure = plot_trajectory(trajectory)
    maps = [axes for axes in figure.axes if axes.name == "mollweide"]
    assert len(maps) == 3
    values = maps[2].collections[0].get_array()
    assert values.max() == trajectory.density[-1].max()
    assert values.min() == trajectory.density[-1].min()
    assert [text.get_text() for text in maps[0].texts] == ["$x$", "$-x$", "$y$", "$-y$", "$z$", "$-z$"]


def test_great_circles_are_where_neurons_switch():
    normal = np.array([0.6, 0.0, 0.8])
    points = great_circle(normal)
    np.testing.assert_allclose(points @ normal, 0.0, atol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0, rtol=1e-14)


def test_nearest_cells_hold_the_centres():
    sphere = Sphere(162)
    longitude = np.arctan2(sphere.points[:, 1], sphere.points[:, 0])
    latitude = np.arcsin(sphere.points[:, 2])
    found = nearest_cells(sphere, longitude, latitude)
    np.testing.assert_array_equal(np.diag(found), np.arange(162))
