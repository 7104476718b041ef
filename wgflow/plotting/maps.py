"""Densities on boxes of two and three dimensions and on surfaces, as maps at a few times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure, FigureBase, SubFigure

from wgflow.dispatch import DomainTable
from wgflow.former_names import with_former
from wgflow.plotting.domain_views import CUTS, MAPS, MapView, Pictures
from wgflow.plotting.gaps import draw_gap
from wgflow.plotting.heatmaps import DECADES
from wgflow.plotting.line_profiles import axis_labels, grid_of, has_density, measure_symbol, sheet_signs
from wgflow.plotting.networks import choose_times, time_label
from wgflow.plotting.scalars import LOG_RATIO, draw_mass, draw_risk
from wgflow.plotting.spikes import ring_spikes
from wgflow.plotting.style import sign_symbol, styled_figure
from wgflow.problems import Problem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

SCALARS_HEIGHT = 2.9  # inches, of a row
MAP_TIMES = 4  # maps in a row


def shows_maps(trajectory: Trajectory) -> bool:
    """Whether a trajectory is one of densities on a sphere or another surface, or on a box of two or three axes."""
    return has_density(trajectory) and bool(map_views(trajectory))


def plot_maps(trajectory: Trajectory, problem: Problem | None = None) -> Figure:
    """Draw the density on each sheet at a few times, then risk and mass.

    Boxes of three dimensions show the three marginals on two axes, and the density on the middle planes at the last
    time; spheres the equal-area projection of Mollweide; other surfaces their chart.
    """
    shown, signs = choose_times(trajectory), sheet_signs(trajectory)
    times = shown[np.unique(np.linspace(0, len(shown) - 1, min(len(shown), MAP_TIMES)).round().astype(int))]
    views, cuts = map_views(trajectory, problem), cut_views(trajectory, problem)
    height = views[0].height * len(views)
    with styled_figure(height * len(signs) + SCALARS_HEIGHT) as figure:
        ratios = [height] * len(signs) + [SCALARS_HEIGHT]
        parts = list(cast("Iterable[SubFigure]", figure.subfigures(len(ratios), 1, height_ratios=ratios)))
        scale, cut_scale = map_scale(trajectory, views, times), map_scale(trajectory, cuts, times[-1:])
        for part, sign in zip(parts[:-1], signs, strict=True):
            size = len(views), len(times) + bool(cuts)
            panels = part.subplots(*size, subplot_kw=views[0].axes_keywords, squeeze=False)
            draw_sheet(part, panels[:, : len(times)], views, trajectory, sign, times, scale)
            for row, view in zip(panels, views, strict=True):
                for axes in row:
                    ring_spikes(axes, problem, view.project, sign)
            if cuts:
                draw_sheet(part, panels[:, -1:], cuts, trajectory, sign, times[-1:], cut_scale)
        risk, mass = parts[-1].subplots(1, 2)
        draw_risk(risk, trajectory, times)
        draw_gap(risk, trajectory)
        draw_mass(mass, trajectory)
    return figure


def map_views(trajectory: Trajectory, problem: Problem | None = None) -> list[MapView]:
    """Give the pictures that show a density: one on the sphere and in the plane, the three marginals in space."""
    return _pictures(MAPS, trajectory, problem)


def cut_views(trajectory: Trajectory, problem: Problem | None = None) -> list[MapView]:
    """Give the pictures of a density in space on its three middle planes, in the order of the marginals; else none."""
    return _pictures(CUTS, trajectory, problem)


def _pictures(table: DomainTable[Pictures], trajectory: Trajectory, problem: Problem | None) -> list[MapView]:
    base = grid_of(trajectory)
    return table.on(base)(base, axis_labels(problem, base.geometry.components))


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
        column[0].set_title(_title(trajectory, views, sign, int(index)))
    extend = "min" if isinstance(scale, LogNorm) else "neither"
    bar = figure.colorbar(artists[-1][-1], ax=list(panels.ravel()), extend=extend, shrink=0.8, aspect=25, pad=0.02)
    bar.set_label(views[0].quantity)
    bar.outline.set_linewidth(0.5)
    for axes in panels[:, 1:].ravel():
        axes.set_ylabel("")
        axes.tick_params(labelleft=False)
    return artists


def _title(trajectory: Trajectory, views: Sequence[MapView], sign: float, index: int) -> str:
    time = time_label(trajectory.time[index], trajectory.labels.time) if not views[0].cut else "middle planes"
    if len(sheet_signs(trajectory)) == 1:
        return time
    return rf"${measure_symbol(trajectory)}_t^{{{sign_symbol(sign)}}}$, {time}"
