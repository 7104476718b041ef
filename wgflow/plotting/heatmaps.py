"""The measure over time: heat maps of densities, paths of particles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import FigureBase

from wgflow.networks import Teacher
from wgflow.plotting.line_profiles import (
    Line,
    cell_edges,
    coordinate_of,
    grid_of,
    has_density,
    measure_symbol,
    set_line_axis,
    sheet_density,
    sheet_particles,
    sheet_signs,
)
from wgflow.plotting.scalars import LOG_RATIO, is_log_spaced, set_time_axis
from wgflow.plotting.style import BLACK, BLUE, DENSITY_MAP, sign_color, sign_symbol
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

DECADES = 5  # densities further below the maximum have the colour of the lowest value
MAX_ROWS, MAX_COLUMNS = 256, 300  # cells of a heat map must be larger than pixels, or narrow peaks vanish
MAX_PATHS = 150  # particles drawn on a sheet
THICKEST, THINNEST = 1.4, 0.15
BESIDE = 1.012  # where marks at the end of the time axis stand, over its length


def evenly_spread(count: int, most: int) -> IntArray:
    """Indices of at most ``most`` of ``count`` things, evenly spread, both ends included."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def draw_measure(
    figure: FigureBase, panels: Sequence[Axes], trajectory: Trajectory, line: Line, teacher: Teacher | None = None
) -> None:
    """Draw each sheet over time on its own axes: the density if there is one, else the particles."""
    signs = sheet_signs(trajectory)
    if has_density(trajectory):
        _draw_densities(figure, panels, trajectory, line)
    for axes, sign in zip(panels, signs, strict=True):
        if not has_density(trajectory):
            draw_paths(axes, trajectory, sign, line)
        if teacher is not None and line.angular:
            mark_teacher(axes, teacher, sign, line, signed=len(signs) == 2)
        set_time_axis(axes, trajectory.time, trajectory.labels.time)
        set_line_axis(axes.yaxis, line)
        axes.set_ylim(*line.limits)


def measure_title(trajectory: Trajectory, sign: float, *, marked: str = "") -> str:
    """Title of a sheet: what triangles mark, if there are any, and whose sign it is."""
    kind = "Density" if has_density(trajectory) else "Particles"
    notes = [f"triangles: {marked}"] if marked else []
    letter = measure_symbol(trajectory)
    if len(sheet_signs(trajectory)) == 1:
        return rf"{kind} of ${letter}_t$" + (f" ({notes[0]})" if notes else "")
    notes = [f"output weights ${sign_symbol(sign)}$", *notes]
    return rf"{kind} of ${letter}_t^{sign_symbol(sign)}$ ({', '.join(notes)})"


def _draw_densities(figure: FigureBase, panels: Sequence[Axes], trajectory: Trajectory, line: Line) -> None:
    maps = [coarse_density(trajectory, sign) for sign in sheet_signs(trajectory)]
    norm, clipped = density_norm(np.concatenate([values.ravel() for _, _, values in maps]))
    for axes, (times, edges, values) in zip(panels, maps, strict=True):
        mesh = axes.pcolormesh(
            times, edges, np.clip(values, norm.vmin, None), norm=norm, cmap=DENSITY_MAP, rasterized=True
        )
    _add_colorbar(figure, panels, mesh, line, clipped=clipped)


def _add_colorbar(figure: FigureBase, panels: Sequence[Axes], mesh: QuadMesh, line: Line, *, clipped: bool) -> None:
    bar = figure.colorbar(mesh, ax=list(panels), extend="min" if clipped else "neither", pad=0.01, aspect=25)
    bar.set_label("density (per radian)" if line.angular else "density")
    bar.outline.set_linewidth(0.5)


def density_norm(values: FloatArray) -> tuple[Normalize, bool]:
    """Choose the colour scale of a density, and say whether values below it are clipped.

    Linear if the density spreads over less than a decade, else logarithmic over at most ``DECADES`` decades.
    """
    highest = float(np.nanmax(values, initial=0.0))
    if not highest > 0.0:
        return Normalize(0.0, 1.0), False
    lowest = float(np.nanmin(values))
    if lowest > highest / LOG_RATIO:
        return Normalize(0.0, highest), False
    floor = highest * 10.0**-DECADES
    return LogNorm(max(lowest, floor), highest), lowest < floor


def coarse_density(trajectory: Trajectory, sign: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Density of a sheet for a heat map: edges of its times (k + 1,), edges of its cells (n + 1,), values (n, k).

    Fine grids are averaged over blocks of cells, which keeps the mass of narrow peaks; many times are thinned.
    """
    base = grid_of(trajectory)
    shown = np.flatnonzero(trajectory.time > 0.0) if is_log_spaced(trajectory.time) else np.arange(len(trajectory.time))
    shown = shown[evenly_spread(shown.size, MAX_COLUMNS)]
    edges, volumes = cell_edges(base.coordinates[0]), base.volumes.ravel()
    starts = np.arange(0, volumes.size, -(-volumes.size // MAX_ROWS))
    masses = np.add.reduceat(sheet_density(trajectory, sign)[shown] * volumes, starts, axis=1)
    values = masses / np.add.reduceat(volumes, starts)
    return time_edges(trajectory.time[shown]), np.append(edges[starts], edges[-1]), values.T


def time_edges(time: FloatArray) -> FloatArray:
    """Ends of the columns of a heat map, shape (T + 1,): half way between the times, or 1 apart for a single time."""
    if time.size == 1:
        return np.array([time[0], time[0] + 1.0])
    middles = np.sqrt(time[1:] * time[:-1]) if is_log_spaced(time) else 0.5 * (time[1:] + time[:-1])
    return np.concatenate([time[:1], middles, time[-1:]])


def draw_paths(axes: Axes, trajectory: Trajectory, sign: float, line: Line) -> None:
    """Coordinate of the particles of a sign over time, as lines whose widths grow with the root of the weight."""
    chosen = sheet_particles(trajectory, sign)
    if chosen.size == 0:
        return
    chosen = chosen[evenly_spread(chosen.size, MAX_PATHS)]
    shown = evenly_spread(len(trajectory.time), MAX_COLUMNS)
    values = coordinate_of(trajectory.position[np.ix_(shown, chosen)], line)
    weights = trajectory.weight[np.ix_(shown, chosen)]
    segments, widths = _segments(trajectory.time[shown], values, weights, line)
    widths = THINNEST + (THICKEST - THINNEST) * np.sqrt(widths / max(float(trajectory.weight.max()), 1e-300))
    color = sign_color(sign) if len(sheet_signs(trajectory)) == 2 else BLUE
    axes.add_collection(
        LineCollection(segments, linewidths=widths.tolist(), colors=color, alpha=0.5, rasterized=True)  # type: ignore[arg-type]
    )


def _segments(time: FloatArray, values: FloatArray, weights: FloatArray, line: Line) -> tuple[FloatArray, FloatArray]:
    """Segments (k, 2, 2) between successive times and the weight at their ends; steps across 0 = 2 pi are left out."""
    times = np.broadcast_to(time[:, None], values.shape)
    points = np.stack([times, values], axis=-1)
    segments = np.stack([points[:-1], points[1:]], axis=2)
    keep = np.abs(np.diff(values, axis=0)) < (np.pi if line.angular else np.inf)
    return segments[keep], weights[1:][keep]


def mark_teacher(axes: Axes, teacher: Teacher, sign: float, line: Line, *, signed: bool) -> None:
    """Triangles beside the directions of the teacher's neurons whose output weight has the sign of the sheet.

    They stand at the end of the time axis, outside, where they cover nothing.
    """
    angles, beside = coordinate_of(teacher.directions, line), axes.get_yaxis_transform()
    look: dict[str, Any] = {"marker": "<", "color": BLACK, "markersize": 6.0, "markeredgewidth": 0.0}
    for angle, weight in zip(angles, teacher.weights, strict=True):
        if not signed or weight * sign > 0.0:
            axes.plot([BESIDE], [float(angle)], transform=beside, clip_on=False, label="teacher", **look)
