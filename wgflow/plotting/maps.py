"""Densities on boxes of two and three dimensions and on the sphere, as maps at a few times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure, FigureBase, SubFigure

from wgflow.domains import Box, Sphere
from wgflow.plotting.gaps import draw_gap
from wgflow.plotting.heatmaps import DECADES
from wgflow.plotting.line_profiles import axis_labels, grid_of, has_density, measure_symbol, sheet_signs
from wgflow.plotting.networks import choose_times, time_label
from wgflow.plotting.scalars import LOG_RATIO, draw_mass, draw_risk
from wgflow.plotting.spikes import ring_spikes
from wgflow.plotting.style import DENSITY_MAP, sign_symbol, styled_figure
from wgflow.problems import Problem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

BOX_HEIGHT, SPHERE_HEIGHT, SPACE_HEIGHT, SCALARS_HEIGHT = 3.0, 2.0, 2.1, 2.9  # inches, of a row
MAP_TIMES = 4  # maps in a row
LATITUDES, LONGITUDES = 181, 361  # points of a map of the sphere


def shows_maps(trajectory: Trajectory) -> bool:
    """Whether a trajectory is one of densities on a sphere, or on a box of two or three dimensions."""
    if not has_density(trajectory):
        return False
    base = grid_of(trajectory)
    return isinstance(base, Sphere) or (isinstance(base, Box) and len(base.shape) > 1)


def plot_maps(trajectory: Trajectory, problem: Problem | None = None) -> Figure:
    """Draw the density on each sheet at a few times, then risk and mass.

    Boxes of three dimensions show the three marginals on two axes, and the density on the middle planes at the last
    time; spheres the equal-area projection of Mollweide.
    """
    shown, signs = choose_times(trajectory), sheet_signs(trajectory)
    times = shown[np.unique(np.linspace(0, len(shown) - 1, min(len(shown), MAP_TIMES)).round().astype(int))]
    views, cuts = map_views(trajectory, problem), cut_views(trajectory, problem)
    height = _row_height(views) * len(views)
    with styled_figure(height * len(signs) + SCALARS_HEIGHT) as figure:
        ratios = [height] * len(signs) + [SCALARS_HEIGHT]
        parts = list(cast("Iterable[SubFigure]", figure.subfigures(len(ratios), 1, height_ratios=ratios)))
        scale, cut_scale = map_scale(trajectory, views, times), map_scale(trajectory, cuts, times[-1:])
        for part, sign in zip(parts[:-1], signs, strict=True):
            size = len(views), len(times) + bool(cuts)
            panels = part.subplots(*size, subplot_kw=views[0].projection, squeeze=False)
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


def _row_height(views: list[MapView]) -> float:
    if views[0].sphere:
        return SPHERE_HEIGHT
    return BOX_HEIGHT if len(views) == 1 else SPACE_HEIGHT


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


@dataclass(frozen=True)
class MapView:
    """A picture of a density: what it shows, and where.

    Parameters
    ----------
    image : callable
        From a density, shape ``domain.shape``, to the values of the picture, rows from bottom to top.
    x, y : array
        Edges of the columns and rows, or on the sphere their longitudes and latitudes.
    labels : pair of str
        What is written beside the axes.
    sphere : bool
        Whether the picture is the projection of Mollweide.
    axes : pair of int
        Coordinates that are drawn; not used on the sphere.
    """

    image: Callable[[FloatArray], FloatArray]
    x: FloatArray
    y: FloatArray
    labels: tuple[str, str]
    quantity: str = "density"
    sphere: bool = False
    cut: bool = False
    axes: tuple[int, int] = (0, 1)

    @property
    def projection(self) -> dict[str, Any]:
        """Keywords that make the axes of the picture."""
        return {"projection": "mollweide"} if self.sphere else {}

    def paint(self, axes: Axes, density: FloatArray, scale: Normalize) -> Any:
        """Draw the density; the artist has ``set_array`` for another one."""
        values = self.values(density, scale)
        axes.set_xlabel(self.labels[0])
        axes.set_ylabel(self.labels[1])
        if self.sphere:
            axes.set_xticks([])
            axes.set_yticks([])
            return axes.pcolormesh(self.x, self.y, values, cmap=DENSITY_MAP, norm=scale, rasterized=True)
        extent = (self.x[0], self.x[-1], self.y[0], self.y[-1])
        return axes.imshow(values, origin="lower", extent=extent, cmap=DENSITY_MAP, norm=scale)

    def project(self, points: FloatArray) -> FloatArray:
        """Points (k, p) of a box in the plane of the picture, (k, 2)."""
        return points[:, list(self.axes)]

    def values(self, density: FloatArray, scale: Normalize) -> FloatArray:
        """Values of the picture, those below the scale raised to its lowest colour."""
        return np.maximum(self.image(density), scale.vmin or 0.0)


def map_views(trajectory: Trajectory, problem: Problem | None = None) -> list[MapView]:
    """Give the pictures that show a density: one on the sphere and in the plane, the three marginals in space."""
    base = grid_of(trajectory)
    if isinstance(base, Sphere):
        return [_sphere_view(base)]
    box = cast("Box", base)
    names = axis_labels(problem, len(box.shape))

    def marginal(density: FloatArray, axis: int) -> FloatArray:
        return cast("FloatArray", density.sum(axis=axis) * box.spacing[axis])

    quantity = "marginal density" if len(box.shape) == 3 else "density"
    pairs = combinations(range(len(box.shape)), 2)
    return [replace(_box_view(box, pair, names, marginal), quantity=quantity) for pair in pairs]


def cut_views(trajectory: Trajectory, problem: Problem | None = None) -> list[MapView]:
    """Give the pictures of a density in space on its three middle planes, in the order of the marginals; else none."""
    box = grid_of(trajectory)
    if not isinstance(box, Box) or len(box.shape) != 3:
        return []
    names = axis_labels(problem, 3)
    return [replace(_box_view(box, pair, names, middle), cut=True) for pair in combinations(range(3), 2)]


def _box_view(
    box: Box, pair: tuple[int, int], names: Sequence[str], reduce: Callable[[FloatArray, int], FloatArray]
) -> MapView:
    """Picture of two axes of a box; a third one is reduced."""
    rest = [axis for axis in range(len(box.shape)) if axis not in pair]

    def image(density: FloatArray) -> FloatArray:
        return (reduce(density, rest[0]) if rest else density).T

    x, y = (np.linspace(*box.bounds[axis], box.shape[axis] + 1) for axis in pair)
    return MapView(image, x, y, (names[pair[0]], names[pair[1]]), axes=pair)


def middle(density: FloatArray, axis: int) -> FloatArray:
    """Density on the middle plane across an axis: of the middle cells, or the mean of both sides."""
    count = density.shape[axis]
    return cast("FloatArray", np.take(density, [(count - 1) // 2, count // 2], axis=axis).mean(axis=axis))


def _sphere_view(sphere: Sphere) -> MapView:
    longitude, latitude = np.linspace(-np.pi, np.pi, LONGITUDES), np.linspace(-0.5 * np.pi, 0.5 * np.pi, LATITUDES)
    cells = nearest_cells(sphere, longitude, latitude)
    return MapView(lambda density: density[cells], longitude, latitude, ("", ""), sphere=True)


def nearest_cells(sphere: Sphere, longitude: FloatArray, latitude: FloatArray) -> IntArray:
    """Cell that holds each point of a grid of longitudes and latitudes, shape (latitudes, longitudes)."""
    from scipy.spatial import KDTree

    east, north = np.meshgrid(longitude, latitude)
    points = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)
    return cast("IntArray", KDTree(sphere.points).query(points)[1])
