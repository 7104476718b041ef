"""Particles in two and three dimensions and on the sphere: dots with their paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.transforms import Transform
from numpy.typing import NDArray

from wgflow.former_names import with_former
from wgflow.plotting.domain_views import GLOBE, UNEQUAL, View, draw_graticule, globe_view, point_views, views_of_points
from wgflow.plotting.heatmaps import MAX_PATHS, evenly_spread
from wgflow.plotting.line_profiles import (
    axis_labels,
    find_line,
    has_density,
    measure_symbol,
    on_sphere,
    sheet_particles,
    sheet_signs,
)
from wgflow.plotting.style import BLUE, PALE, sign_color, sign_symbol
from wgflow.problems import Problem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

MAX_DOTS, MAX_TIMES = 4000, 300  # of each sign; along a path
DOT_AREA, SMALLEST, LARGEST = 7.0, 0.2, 6.0  # of a particle of mean weight, in square points; others, relative to it


def shows_particle_map(trajectory: Trajectory) -> bool:
    """Whether a trajectory is one of particles in two or three dimensions or on a surface, and not on a circle."""
    if has_density(trajectory) or not trajectory.has_particles:
        return False
    return find_line(trajectory) is None and bool(particle_map_views(trajectory, None))


def particle_map_views(trajectory: Trajectory, problem: Problem | None) -> list[View]:
    """Give the pictures that show the particles: one in the plane and on surfaces, three in space, else none."""
    components = trajectory.position.shape[-1]
    names = axis_labels(problem, components)
    if trajectory.domain is not None:
        return views_of_points(trajectory.domain, names)
    return [globe_view(names)] if components == 3 and on_sphere(trajectory) else point_views(components, names)


def make_panels(figure: FigureBase, views: list[View]) -> list[Axes]:
    """Axes for pictures in one row."""
    return list(figure.subplots(1, len(views), subplot_kw=views[0].axes_keywords, squeeze=False)[0])


@dataclass(frozen=True)
class _Part:
    """The particles of a sign in one picture."""

    dots: PathCollection
    lines: LineCollection
    places: FloatArray  # of the dots, (k, m, 2)
    areas: FloatArray  # of the dots, (k, m)
    pieces: FloatArray  # of the paths between two outputs, (k - 1, n, 2, 2)
    whole: NDArray[np.bool_]  # which of them do not jump across the edge of the map, (k - 1, n)

    def show(self, number: int) -> None:
        self.dots.set_offsets(self.places[number])
        self.dots.set_sizes(self.areas[number])
        self.lines.set_segments(list(self.pieces[:number][self.whole[:number]]))


class ParticleMap:
    """The particles of a trajectory in one picture, at any of some outputs.

    Parameters
    ----------
    axes : Axes
        Where to draw; on the sphere axes of the projection "mollweide".
    trajectory : Trajectory
        A run of particles.
    view : View
        The picture.
    shown : array of int
        Outputs that may be shown; paths are drawn through them.
    """

    def __init__(self, axes: Axes, trajectory: Trajectory, view: View, shown: IntArray) -> None:
        self._parts = [
            _draw_part(axes, trajectory, view, shown, sign)
            for sign in sheet_signs(trajectory)
            if sheet_particles(trajectory, sign).size
        ]
        _frame(axes, trajectory, view, shown)

    def show(self, number: int) -> None:
        """Show the particles at the output of that number among those shown, and their paths so far."""
        for part in self._parts:
            part.show(number)


def _draw_part(axes: Axes, trajectory: Trajectory, view: View, shown: IntArray, sign: float) -> _Part:
    chosen = sheet_particles(trajectory, sign)
    chosen = chosen[evenly_spread(chosen.size, MAX_DOTS)]
    places = view.places(trajectory, shown, chosen)
    mean = max(float(trajectory.weight[0].mean()), 1e-300)
    areas = DOT_AREA * np.clip(trajectory.weight[np.ix_(shown, chosen)] / mean, SMALLEST, LARGEST)
    drawn = evenly_spread(chosen.size, MAX_PATHS)
    whole = np.all(np.abs(np.diff(places[:, drawn], axis=0)) < view.longest, axis=-1)
    places, transform = _flatten(axes, view, places)
    pieces = np.stack([places[:-1, drawn], places[1:, drawn]], axis=2)
    color = sign_color(sign) if len(sheet_signs(trajectory)) == 2 else BLUE
    lines = LineCollection([], colors=color, linewidths=0.5, alpha=0.35, rasterized=True, transform=transform)
    axes.add_collection(lines, autolim=False)
    look: dict[str, Any] = {"color": color, "alpha": 0.75, "linewidths": 0, "zorder": 3, "rasterized": True}
    dots = axes.scatter(places[0, :, 0], places[0, :, 1], s=areas[0], transform=transform, **look)
    return _Part(dots, lines, places, areas, pieces, whole)


def _flatten(axes: Axes, view: View, places: FloatArray) -> tuple[FloatArray, Transform]:
    """Places as they are drawn, and the transform that draws them.

    Maps of the sphere are projected here, once: matplotlib would cut each line into 75 pieces, at every frame.
    """
    if not view.projection:
        return places, axes.transData
    geo = cast("Any", axes)
    return geo.transProjection.transform(places.reshape(-1, 2)).reshape(places.shape), geo.transAffine + geo.transAxes


def mark_start(axes: Axes, trajectory: Trajectory, view: View) -> None:
    """Pale dots where particles started."""
    start = trajectory.position[0]
    places, transform = _flatten(axes, view, view.project(start[evenly_spread(len(start), MAX_DOTS)]))
    look: dict[str, Any] = {"color": PALE, "linewidths": 0, "zorder": 0, "rasterized": True}
    axes.scatter(places[:, 0], places[:, 1], s=0.6 * DOT_AREA, transform=transform, **look)


def _frame(axes: Axes, trajectory: Trajectory, view: View, shown: IntArray) -> None:
    axes.set_xlabel(view.labels[0])
    axes.set_ylabel(view.labels[1])
    if view.projection:
        draw_graticule(axes, view.names)
        return
    places = view.project(trajectory.position[shown]).reshape(-1, 2)
    low, high = places.min(axis=0), places.max(axis=0)
    length = high - low
    margin = np.where(length > 0.0, 0.04 * length, 0.5)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
    if length.max() <= UNEQUAL * length.min():
        axes.set_aspect("equal")


def add_legend(axes: Axes, trajectory: Trajectory) -> None:
    """Name the colours of the signs, where there are two."""
    signs, letter = sheet_signs(trajectory), measure_symbol(trajectory)
    if len(signs) < 2:
        return
    handles = [
        Line2D([], [], color=sign_color(sign), marker="o", linestyle="", label=rf"${letter}_t^{sign_symbol(sign)}$")
        for sign in signs
    ]
    if axes.name == GLOBE:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.94, 1.0)).set_in_layout(False)
    else:
        axes.legend(handles=handles, loc="upper right", frameon=True, framealpha=0.85, edgecolor="none")
