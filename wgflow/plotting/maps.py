"""Densities on boxes of two and three dimensions and on surfaces, as maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import FigureBase

from wgflow.former_names import with_former
from wgflow.plotting.domain_views import MAPS, MapView
from wgflow.plotting.heatmaps import DECADES
from wgflow.plotting.line_profiles import axis_labels, grid_of, has_density, measure_symbol, sheet_signs
from wgflow.plotting.networks import time_label
from wgflow.plotting.scalars import LOG_RATIO
from wgflow.plotting.style import sign_symbol
from wgflow.problems import Problem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)


def shows_maps(trajectory: Trajectory) -> bool:
    """Whether a trajectory is one of densities on a sphere or another surface, or on a box of two or three axes."""
    return has_density(trajectory) and bool(map_views(trajectory))


def map_views(trajectory: Trajectory, problem: Problem | None = None) -> list[MapView]:
    """Give the pictures that show a density: one on the sphere and in the plane, the three marginals in space."""
    base = grid_of(trajectory)
    return MAPS.on(base)(base, axis_labels(problem, base.geometry.components))


def sheet_at(trajectory: Trajectory, index: int, sign: float) -> FloatArray:
    """Density of a sheet at an output, in the shape of the unsigned domain."""
    signs = sheet_signs(trajectory)
    return trajectory.density[index].reshape(len(signs), *grid_of(trajectory).shape)[signs.index(sign)]


def map_scale(trajectory: Trajectory, views: Sequence[MapView], times: IntArray) -> Normalize:
    """Choose the one colour scale of some pictures at some outputs, on all sheets.

    It is linear and begins at 0; where the peak grows or falls more than tenfold it is logarithmic.
    """
    signs = sheet_signs(trajectory)
    peaks = [
        max(
            (float(view.image(sheet_at(trajectory, int(index), sign)).max()) for sign in signs for view in views),
            default=0.0,
        )
        for index in times
    ]
    highest, lowest = max(peaks), min(peaks)
    if lowest * LOG_RATIO >= highest:
        return Normalize(0.0, highest or 1.0)
    return LogNorm(max(0.01 * lowest, highest * 10.0**-DECADES), highest)


def draw_sheet(
    figure: FigureBase,
    panels: np.ndarray,
    views: Sequence[MapView],
    trajectory: Trajectory,
    sign: float,
    times: IntArray,
    scale: Normalize,
) -> list[list[Any]]:
    """Draw a sheet, a row for each picture and a column for each output, with a bar of colours; gives the artists."""
    artists = []
    for column, index in zip(panels.T, times, strict=True):
        density = sheet_at(trajectory, int(index), sign)
        artists.append([view.paint(axes, density, scale) for axes, view in zip(column, views, strict=True)])
        column[0].set_title(_title(trajectory, sign, int(index)))
    extend = "min" if isinstance(scale, LogNorm) else "neither"
    bar = figure.colorbar(artists[-1][-1], ax=list(panels.ravel()), extend=extend, shrink=0.8, aspect=25, pad=0.02)
    bar.set_label(views[0].quantity)
    bar.outline.set_linewidth(0.5)
    for axes in panels[:, 1:].ravel():
        axes.set_ylabel("")
        axes.tick_params(labelleft=False)
    return artists


def _title(trajectory: Trajectory, sign: float, index: int) -> str:
    time = time_label(trajectory.time[index], trajectory.labels.time)
    if len(sheet_signs(trajectory)) == 1:
        return time
    return rf"${measure_symbol(trajectory)}_t^{{{sign_symbol(sign)}}}$, {time}"
