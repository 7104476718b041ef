"""Densities on boxes of two and three dimensions and on the sphere, as maps at a few times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure

from wgflow.domains import Box, Domain, Sphere
from wgflow.plotting.networks import choose_times, time_label
from wgflow.plotting.scalars import draw_mass, draw_risk
from wgflow.plotting.sheets import has_density, sheet_signs
from wgflow.plotting.style import DENSITY_MAP, sign_symbol, styled_figure
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

BOX_HEIGHT, SPHERE_HEIGHT, SCALARS_HEIGHT = 3.0, 2.4, 3.0  # inches
MAP_TIMES = 4  # maps in a row
LATITUDES, LONGITUDES = 181, 361  # points of a map of the sphere


def shows_maps(trajectory: Trajectory) -> bool:
    """Whether a trajectory is one of densities on a sphere, or on a box of two or three dimensions."""
    if not has_density(trajectory) or trajectory.domain is None:
        return False
    base = trajectory.domain.base
    return isinstance(base, Sphere) or (isinstance(base, Box) and len(base.shape) > 1)


def plot_maps(trajectory: Trajectory) -> Figure:
    """Draw the density on each sheet at a few times, then risk and mass.

    Boxes of three dimensions show the marginal on the first two axes, spheres the equal-area projection of Mollweide.
    """
    base = cast("Domain", trajectory.domain).base
    shown, signs = choose_times(trajectory), sheet_signs(trajectory)
    times = shown[np.unique(np.linspace(0, len(shown) - 1, min(len(shown), MAP_TIMES)).round().astype(int))]
    sphere = isinstance(base, Sphere)
    height = (SPHERE_HEIGHT if sphere else BOX_HEIGHT) * len(signs)
    with styled_figure(height + SCALARS_HEIGHT) as figure:
        rows = figure.subfigures(2, 1, height_ratios=[height, SCALARS_HEIGHT])
        maps, scalars = cast("list[SubFigure]", rows)
        projection: dict[str, Any] = {"projection": "mollweide"} if sphere else {}
        panels = maps.subplots(len(signs), len(times), subplot_kw=projection, squeeze=False)
        paint = _sphere_painter(base) if isinstance(base, Sphere) else _box_painter(cast("Box", base))
        for row, sign in enumerate(signs):
            density = trajectory.density.reshape(len(trajectory.time), -1, *base.shape)[times, row]
            _paint_row(figure, panels[row], density, paint)
            _label_row(panels[row], trajectory, sign, times, signed=len(signs) == 2)
        risk, mass = scalars.subplots(1, 2)
        draw_risk(risk, trajectory, times)
        draw_mass(mass, trajectory)
    return figure


def _box_painter(box: Box) -> Callable[[Axes, FloatArray, Normalize], Any]:
    (left, right), (low, high) = box.bounds[:2]

    def paint(axes: Axes, density: FloatArray, scale: Normalize) -> Any:
        axes.set_xlabel("$x$")
        axes.set_ylabel("$y$")
        extent = (left, right, low, high)
        return axes.imshow(plane(density, box).T, origin="lower", extent=extent, cmap=DENSITY_MAP, norm=scale)

    return paint


def _sphere_painter(sphere: Sphere) -> Callable[[Axes, FloatArray, Normalize], Any]:
    longitude, latitude = np.linspace(-np.pi, np.pi, LONGITUDES), np.linspace(-0.5 * np.pi, 0.5 * np.pi, LATITUDES)
    cells = nearest_cells(sphere, longitude, latitude)

    def paint(axes: Axes, density: FloatArray, scale: Normalize) -> Any:
        axes.set_xticks([])
        axes.set_yticks([])
        return axes.pcolormesh(longitude, latitude, density[cells], cmap=DENSITY_MAP, norm=scale, rasterized=True)

    return paint


def nearest_cells(sphere: Sphere, longitude: FloatArray, latitude: FloatArray) -> IntArray:
    """Cell that holds each point of a grid of longitudes and latitudes, shape (latitudes, longitudes)."""
    from scipy.spatial import KDTree

    east, north = np.meshgrid(longitude, latitude)
    points = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)
    return cast("IntArray", KDTree(sphere.points).query(points)[1])


def plane(density: FloatArray, box: Box) -> FloatArray:
    """Density on a box of two dimensions, or the marginal of one of three on its first two axes."""
    return density.sum(axis=-1) * box.spacing[2] if len(box.shape) == 3 else density


def _paint_row(
    figure: Figure, panels: np.ndarray, density: FloatArray, paint: Callable[[Axes, FloatArray, Normalize], Any]
) -> None:
    scale = Normalize(0.0)
    for axes, values in zip(panels, density, strict=True):
        image = paint(axes, values, scale)
        scale.vmax = max(scale.vmax or 0.0, float(image.get_array().max()))
    figure.colorbar(image, ax=list(panels), label="density", shrink=0.8)


def _label_row(panels: np.ndarray, trajectory: Trajectory, sign: float, times: IntArray, *, signed: bool) -> None:
    for axes, index in zip(panels, times, strict=True):
        title = time_label(trajectory.time[index])
        axes.set_title(rf"$\mu_t^{{{sign_symbol(sign)}}}$, {title}" if signed else title)
        if axes is not panels[0]:
            axes.set_ylabel("")
