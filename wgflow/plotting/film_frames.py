"""What a film shows: pictures of the measure that change with time, on axes and colours that do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.patches import StepPatch

from wgflow.errors import InputError
from wgflow.flows.labels import Label
from wgflow.networks import Teacher
from wgflow.plotting.domain_views import View
from wgflow.plotting.film_fits import Show, frame_colors, show_fit
from wgflow.plotting.line_profiles import (
    Line,
    coordinate_of,
    measure_symbol,
    profile,
    set_line_limits,
    sheet_signs,
)
from wgflow.plotting.maps import draw_sheet, map_scale, map_views, sheet_at, shows_maps
from wgflow.plotting.networks import add_sign_legend, draw_disk_frame, time_label
from wgflow.plotting.particle_maps import (
    ParticleMap,
    add_legend,
    make_panels,
    mark_start,
    particle_map_views,
    shows_particle_map,
)
from wgflow.plotting.scalars import LOG_RATIO, draw_risk, energy_curve_of, is_log_spaced, time_limits
from wgflow.plotting.shown import Shown
from wgflow.plotting.spikes import ring_spikes
from wgflow.plotting.style import BLACK, DASHES, WIDTH, sign_color, sign_symbol, styled_figure
from wgflow.problems import Problem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

WIDE_HEIGHT, FLAT_HEIGHT, SCALAR_HEIGHT = 3.0, 4.2, 2.4  # inches
NARROW = 8.0  # inches: on narrower figures all panels stand below each other
DECADES = 4  # of densities whose peak grows far above its start


@dataclass(frozen=True)
class FilmFigure:
    """A figure that can show any of the outputs that were chosen for a film."""

    figure: Figure
    show: Show


def make_film_figure(
    trajectory: Trajectory, problem: Problem | None, shown: IntArray, width: float = WIDTH
) -> FilmFigure:
    """Prepare a film of some outputs, its axes and colours wide enough for all of them.

    Beside the measure stand what a network has learned, with its data, and what falls; on a figure that is narrow they
    stand below.

    Parameters
    ----------
    trajectory : Trajectory
        The run.
    problem : Problem or None
        Its problem, where it is known.
    shown : array, shape (n,)
        The outputs.
    width : float
        Of the figure, in inches.

    Raises
    ------
    InputError
        If there is no picture of the measure: particles in more than three dimensions that are no neurons (a, b).
    """
    run = Shown(trajectory, problem)
    build, wide, height = _choose(run, shown)
    fit = show_fit(run, shown)
    count = 1 if fit is None else 2
    layout = _layout(count, height, wide=wide, narrow=width < NARROW)
    with styled_figure(layout.height, width) as figure:
        title = figure.suptitle(" ", x=0.01, ha="left")
        parts: Any = figure.subfigures(*layout.shape, width_ratios=layout.widths, height_ratios=layout.heights)
        shows = [build(parts[0])]
        panels = parts[1].subplots(*layout.panels, squeeze=False)
        shows += [] if fit is None else [fit(panels.flat[0])]
        shows.append(_risk_panel(panels.flat[-1], run, shown))
        labels = frame_labels(trajectory.time[shown], trajectory.labels.time)

        def show(number: int) -> None:
            title.set_text(labels[number])
            for show_part in shows:
                show_part(number)

        show(len(shown) - 1)
    return FilmFigure(figure, show)


@dataclass(frozen=True)
class _Layout:
    """Rows and columns of the measure and the panels of curves, and of these among themselves; sizes in inches."""

    height: float
    shape: tuple[int, int]
    panels: tuple[int, int]
    widths: tuple[float, ...] | None = None
    heights: tuple[float, ...] | None = None


def _layout(count: int, height: float, *, wide: bool, narrow: bool) -> _Layout:
    """Panels of curves below a wide measure, or each below the other on a narrow figure; else beside the measure."""
    if wide or narrow:
        below = SCALAR_HEIGHT * (count if narrow else 1)
        return _Layout(height + below, (2, 1), (count, 1) if narrow else (1, count), heights=(height, below))
    widths = (1.7 if count == 1 else 1.25, 1.0)
    return _Layout(max(height, count * SCALAR_HEIGHT + 0.2), (1, 2), (count, 1), widths=widths)


def _choose(run: Shown, shown: IntArray) -> tuple[Callable[[FigureBase], Show], bool, float]:
    """How to draw the measure, whether it takes the whole width, and at what height in inches."""
    trajectory, problem, line, signs = run.trajectory, run.problem, run.line, run.signs
    if shows_maps(trajectory):
        wide = len(map_views(trajectory)) == 3
        height = WIDE_HEIGHT * len(signs) if wide else max(FLAT_HEIGHT, 2.6 * len(signs))
        return lambda figure: _maps(figure, trajectory, problem, shown), wide, height
    if shows_particle_map(trajectory):
        wide = len(particle_map_views(trajectory, problem)) == 3
        height = WIDE_HEIGHT if wide else FLAT_HEIGHT
        return lambda figure: _particle_maps(figure, trajectory, problem, shown), wide, height
    if line is None:
        if problem is None or not (problem.has_pairs and trajectory.has_particles):
            allowed = "a density, neurons (a, b), or particles in one to three dimensions"
            raise InputError(f"a film needs {allowed}; this trajectory has none of them")
        return lambda figure: _layers(figure, trajectory, shown), False, FLAT_HEIGHT
    teacher = run.teacher if line.angular else None
    if teacher is not None and trajectory.has_particles:
        return lambda figure: _disk(figure, trajectory, teacher, shown), False, FLAT_HEIGHT
    return lambda figure: _profiles(figure.subplots(), run, line, teacher, shown), False, FLAT_HEIGHT


def frame_labels(time: FloatArray, label: Label) -> list[str]:
    """Times of the frames, with as many decimals in each so that digits stand still."""
    if is_log_spaced(time) or not 1e-3 <= time[-1] < 1e5:
        return [time_label(float(value), label) for value in time]
    decimals = max(0, 2 - int(np.floor(np.log10(time[-1]))))
    return [f"${label.symbol} = {value:.{decimals}f}$" for value in time]


def _risk_panel(axes: Axes, run: Shown, shown: IntArray) -> Show:
    """What falls, with a dot at the time of the frame."""
    trajectory, curve = run.trajectory, energy_curve_of(run.trajectory)
    draw_risk(axes, trajectory)
    axes.set_title(curve.title)
    values, colors = curve.values(trajectory), frame_colors(run, shown)
    (dot,) = axes.plot([], [], "o", markeredgecolor=BLACK, markersize=5.5, clip_on=False, zorder=4)
    first, _ = time_limits(trajectory.time)

    def show(number: int) -> None:
        index = shown[number]
        dot.set_data([max(trajectory.time[index], first)], [max(values[index], axes.get_ylim()[0])])
        dot.set_color(colors[number])
        dot.set_markeredgecolor(BLACK)

    return show


def _maps(figure: FigureBase, trajectory: Trajectory, problem: Problem | None, shown: IntArray) -> Show:
    """Maps of each sheet; the three marginals of a box in space stand in a row."""
    views, signs = map_views(trajectory, problem), sheet_signs(trajectory)
    scale = map_scale(trajectory, views, shown)
    panels = figure.subplots(len(signs), len(views), subplot_kw=views[0].axes_keywords, squeeze=False)
    artists = {}
    for row, sign in zip(panels, signs, strict=True):
        (artists[sign],) = draw_sheet(figure, row[:, None], views, trajectory, sign, shown[-1:], scale)
        row[0].set_title(rf"${measure_symbol(trajectory)}_t^{sign_symbol(sign)}$" if len(signs) == 2 else "")
        for axes, view in zip(row, views, strict=True):
            ring_spikes(axes, problem, view.project, sign)

    def show(number: int) -> None:
        for sign in signs:
            density = sheet_at(trajectory, int(shown[number]), sign)
            for view, artist in zip(views, artists[sign], strict=True):
                artist.set_array(view.values(density, scale))

    return show


def _particle_maps(figure: FigureBase, trajectory: Trajectory, problem: Problem | None, shown: IntArray) -> Show:
    views = particle_map_views(trajectory, problem)
    panels = make_panels(figure, views)
    maps = [ParticleMap(axes, trajectory, view, shown) for axes, view in zip(panels, views, strict=True)]
    for axes, view in zip(panels, views, strict=True):
        mark_start(axes, trajectory, view)
        ring_spikes(axes, problem, view.project)
    add_legend(panels[-1], trajectory)

    def show(number: int) -> None:
        for particle_map in maps:
            particle_map.show(number)

    return show


class _Disk(View):
    """Neurons of size s = |a||b| and direction eta at tanh(s/2) eta (Bach and Chizat, 2022, Figure 2)."""

    def places(self, trajectory: Trajectory, shown: IntArray, chosen: IntArray) -> FloatArray:
        size = trajectory.weight.shape[1] * trajectory.weight[np.ix_(shown, chosen)]
        return np.tanh(0.5 * size)[..., None] * trajectory.position[np.ix_(shown, chosen)]


def _disk(figure: FigureBase, trajectory: Trajectory, teacher: Teacher, shown: IntArray) -> Show:
    axes = figure.subplots()
    particle_map = ParticleMap(axes, trajectory, _Disk((0, 1), ("", "")), shown)
    draw_disk_frame(axes, teacher)
    add_sign_legend(axes, sheet_signs(trajectory))
    axes.set_title(r"Neurons at $\tanh(|a||b|/2)\,\eta$ (dashed: teacher)")
    return particle_map.show


class _Layers(View):
    """Neurons (a, b) at (|b|, a)."""

    def project(self, points: FloatArray) -> FloatArray:
        return np.stack([np.linalg.norm(points[..., 1:], axis=-1), points[..., 0]], axis=-1)


def _layers(figure: FigureBase, trajectory: Trajectory, shown: IntArray) -> Show:
    axes, view = figure.subplots(), _Layers((0, 1), ("length of the input weights $|b|$", "output weight $a$"))
    particle_map = ParticleMap(axes, trajectory, view, shown)
    mark_start(axes, trajectory, view)
    axes.set_title("Neurons, their paths and their start (pale)")
    return particle_map.show


def _profiles(axes: Axes, run: Shown, line: Line, teacher: Teacher | None, shown: IntArray) -> Show:
    """Density on the line, or histogram of particles, of each sheet; a single one in the colour of its time."""
    trajectory, signs, letter = run.trajectory, run.signs, measure_symbol(run.trajectory)
    colors = frame_colors(run, shown)
    steps: dict[float, StepPatch] = {}
    for sign in signs:
        edges, heights = profile(trajectory, int(shown[-1]), sign, line)
        color = sign_color(sign) if len(signs) == 2 else BLACK
        label = rf"${letter}_t^{sign_symbol(sign)}$" if len(signs) == 2 else None
        width = 2.8 if len(signs) == 2 and sign > 0.0 else 1.4  # both are seen where they coincide
        steps[sign] = axes.stairs(heights, edges, baseline=None, color=color, linewidth=width, label=label)
    _mark_directions(axes, teacher, line)
    set_line_limits(axes, line)
    _set_heights(axes, trajectory, line, shown)
    axes.set_ylabel(rf"density of ${letter}_t$")
    axes.set_title("Density (dashed: teacher)" if teacher is not None else "Density")
    if len(signs) == 2:
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)

    def show(number: int) -> None:
        for sign, step in steps.items():
            step.set_data(profile(trajectory, int(shown[number]), sign, line)[1])
            if len(signs) == 1:
                step.set_edgecolor(colors[number])

    return show


def _set_heights(axes: Axes, trajectory: Trajectory, line: Line, shown: IntArray) -> None:
    """Room for the densities of all frames; log scale where the peak grows or falls more than tenfold."""
    signs = sheet_signs(trajectory)
    peaks = [max(float(profile(trajectory, int(k), sign, line)[1].max()) for sign in signs) for k in shown]
    highest, lowest = max(peaks), min(peaks)
    if lowest * LOG_RATIO >= highest:
        axes.set_ylim(0.0, 1.15 * highest or 1.0)
    else:
        axes.set_yscale("log")
        axes.set_ylim(max(0.01 * lowest, highest * 10.0**-DECADES), 4.0 * highest)


def _mark_directions(axes: Axes, teacher: Teacher | None, line: Line) -> None:
    if teacher is None:
        return
    for angle, weight in zip(coordinate_of(teacher.directions, line), teacher.weights, strict=True):
        axes.axvline(float(angle), color=sign_color(weight), linestyle=DASHES, linewidth=0.9, zorder=0)
