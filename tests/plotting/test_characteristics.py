"""Pictures of characteristics: the deformed mesh of the nodes, and the least density over time."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection

import wgflow
from wgflow import Box, Circle, Potential, Quadratic, Signed, Sphere, plot_characteristics
from wgflow.errors import InputError
from wgflow.plotting import plot_trajectory
from wgflow.plotting.scalars import readable


def one(points):
    return np.ones(points.shape[:-1])


def drawn_lines(figure):
    """Number of lines in each panel of the measure."""
    shown = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    panels = [[part for part in axes.collections if isinstance(part, LineCollection)] for axes in shown]
    return [len(parts[0].get_segments()) for parts in panels if parts]


def test_the_mesh_of_a_signed_sphere_is_drawn_at_three_times():
    trajectory = wgflow.solve_characteristics(
        Quadratic(np.eye(3)), Signed(Sphere(12)), one, 0.5, times=[0.2], nodes="fibonacci", node_count=40
    )
    figure = plot_characteristics(trajectory)
    lines = drawn_lines(figure)
    # Euler: 3 n - 6 = 114 edges, less those across the rim of the map
    assert len(lines) == 6
    assert all(90 <= count <= 114 for count in lines)
    least = figure.axes[-1].lines[0]
    np.testing.assert_array_equal(least.get_ydata(), trajectory.fields["least_density"])
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert [title.partition("   ")[2] for title in titles[-3:]] == ["Risk", "Mass", "Least density"]
    assert [title[:9].strip() for title in titles] == [rf"$\bf{{{letter}}}$" for letter in "ABCDEFGHI"]
    ends = [axes.texts[0].get_text() for axes in figure.axes[-3:]]
    assert (ends[0], ends[2]) == (readable(trajectory.risk[-1]), readable(trajectory.fields["least_density"][-1]))


def test_the_overview_of_a_run_in_the_plane_is_its_mesh():
    well = Potential(lambda x: (x**2).sum(axis=-1), gradient=lambda x: 2.0 * x)
    trajectory = wgflow.solve_characteristics(well, Box([(-1.0, 1.0)] * 2, (4, 4)), one, 0.1, times=[0.05])
    assert drawn_lines(plot_trajectory(trajectory)) == [33, 33, 33]  # 9 squares of two triangles


def test_paths_on_a_circle_do_not_cross_the_panel():
    trajectory = wgflow.solve_characteristics(Quadratic(np.diag([1.0, 0.2])), Circle(8), one, 0.5, times=[0.25])
    assert drawn_lines(plot_characteristics(trajectory)) == [16]


def test_other_runs_are_refused():
    trajectory = wgflow.solve(Quadratic(np.eye(2)), Circle(8), np.ones(8), 0.1, times=[0.1])
    with pytest.raises(InputError, match="none of characteristics"):
        plot_characteristics(trajectory)
