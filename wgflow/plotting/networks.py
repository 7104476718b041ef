"""The first panel of a figure: what a network, or a measure with an exact density, has learned."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Circle as Disk
from matplotlib.projections.polar import PolarAxes

from wgflow.errors import InputError
from wgflow.exact.quadratic import AngularGaussian, quadratic_flow
from wgflow.flows.labels import Label
from wgflow.measures import Particles
from wgflow.networks import Teacher
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.line_profiles import (
    TURN,
    Line,
    binned,
    cell_edges,
    coordinate_of,
    grid_of,
    measure_symbol,
    profile,
    set_line_limits,
    sheet_particles,
    sheet_signs,
)
from wgflow.plotting.style import BLACK, DASHES, GREY, PALE, sign_color, sign_symbol, time_colors
from wgflow.problems import Problem
from wgflow.problems.datasets import Dataset
from wgflow.problems.models import AngularGaussianInitial, QuadraticProblem
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

CURVE_POINTS = 401
EXACT_POINTS = 41
DATA_AREA, DOT_AREAS = 600.0, (5.0, 20.0)  # of all data in square points; of a dot, at least and at most
DISK_PATHS = 200  # trajectories drawn in a disk, of each sign


def choose_times(trajectory: Trajectory, count: int = 5) -> IntArray:
    """Indices of outputs, first and last included, between which the measure has learned about equally much.

    They are equally spread in half the decrease of the root of the risk (or of the energy above its end), plus half the
    number of the output (which is logarithmic in time where the outputs are).
    """
    fraction = np.linspace(0.0, 1.0, len(trajectory.time))
    falling = trajectory.scalars[trajectory.labels.falling]
    least = float(falling.min())
    risk = falling - (min(least, 0.0) if trajectory.labels.falling == "risk" else least)
    level = np.sqrt(np.maximum.accumulate(risk[::-1])[::-1])
    drop = level[0] - level[-1]
    learned = (level[0] - level) / drop if drop > 0.0 else fraction
    chosen = np.searchsorted(0.5 * (fraction + learned), np.linspace(0.0, 1.0, count) - 1e-12)
    return np.unique(chosen.clip(max=len(fraction) - 1))


def time_label(time: float, label: Label) -> str:
    """Legend entry of a time."""
    if time != 0.0 and not 1e-3 <= time < 1e5:
        digits, exponent = f"{time:.1e}".split("e")
        return rf"${label.symbol} = {digits} \times 10^{{{int(exponent)}}}$"
    return f"${label.symbol} = {np.format_float_positional(float(f'{time:.3g}'), trim='-')}$"


def draw_regression(axes: Axes, trajectory: Trajectory, dataset: Dataset, times: IntArray) -> None:
    """Data and the learned function at some outputs, in the units of the data file."""
    draw_data(axes, dataset)
    for index, color in zip(times, time_colors(len(times)), strict=True):
        label = time_label(trajectory.time[index], trajectory.labels.time)
        axes.plot(*learned_function(trajectory, dataset, int(index)), color=color, label=label)
    axes.legend(ncols=2, loc="best", columnspacing=1.2, frameon=True, framealpha=0.85, edgecolor="none")


def draw_data(axes: Axes, dataset: Dataset) -> None:
    """Draw data with one input as dots, in the units of the data file, and label the axes by its columns."""
    x, y = dataset.inputs[:, 0], dataset.target_shift + dataset.target_scale * dataset.targets
    shift, scale = float(dataset.input_shift[0]), float(dataset.input_scale[0])
    area = float(np.clip(DATA_AREA / x.size, *DOT_AREAS))
    axes.scatter(shift + scale * x, y, s=area, color=PALE, linewidths=0, label="data")
    ends = shift + scale * _input_grid(dataset)[[0, -1]]
    axes.set_xlim(float(ends[0]), float(ends[1]))
    axes.set_xlabel(_readable(dataset.names[0]))
    axes.set_ylabel(_readable(dataset.names[-1]))


def learned_function(trajectory: Trajectory, dataset: Dataset, index: int) -> tuple[FloatArray, FloatArray]:
    """Inputs and outputs of the learned function at an output, in the units of the data file, on any domain."""
    inputs = dataset.input_shift[0] + dataset.input_scale[0] * _input_grid(dataset)
    return inputs, dataset.in_units(trajectory.predict(dataset.scaled(inputs[:, None]), index, raw=True))


def _input_grid(dataset: Dataset) -> FloatArray:
    x = dataset.inputs[:, 0]
    margin = 0.03 * (x.max() - x.min() or 1.0)
    return np.linspace(x.min() - margin, x.max() + margin, CURVE_POINTS)


def _readable(name: str) -> str:
    return name.replace("_", " ").replace("$", r"\$")


def draw_layers(axes: Axes, trajectory: Trajectory) -> None:
    """Neurons (a, b) at (|b|, a): thin lines are paths, dots their ends; gradient flow conserves a^2 - |b|^2.

    The dashed lines are those of balanced neurons, |a| = |b|.
    """
    chosen = evenly_spread(trajectory.weight.shape[1], DISK_PATHS)
    position = np.asarray(trajectory.position)[:, chosen]
    paths = np.stack([np.linalg.norm(position[..., 1:], axis=-1), position[..., 0]], axis=-1)
    for sign in (1.0, -1.0):
        rows = np.flatnonzero(np.where(paths[-1, :, 1] < 0.0, -1.0, 1.0) == sign)
        lines = list(paths[:, rows].swapaxes(0, 1))
        axes.add_collection(LineCollection(lines, colors=sign_color(sign), linewidths=0.35, alpha=0.6))
        axes.scatter(paths[-1, rows, 0], paths[-1, rows, 1], s=7, color=sign_color(sign), linewidths=0, zorder=3)
    largest = 1.05 * float(np.abs(paths).max())
    for slope in (1.0, -1.0):
        axes.plot([0.0, largest], [0.0, slope * largest], color="gray", linestyle="--", linewidth=0.8, zorder=0)
    axes.set_xlim(0.0, 1.05 * float(paths[..., 0].max()))
    axes.set_ylim(-largest, largest)
    axes.set_xlabel("length of the input weights $|b|$")
    axes.set_ylabel("output weight $a$")


def draw_disk(axes: Axes, trajectory: Trajectory, teacher: Teacher, line: Line) -> None:
    r"""Particles in the unit disk: a neuron of size s = |a||b| and direction eta is at tanh(s/2) eta.

    Thin lines are paths, dots their ends; the dotted circle is the size 1, dashed lines are the teacher's directions.

    References
    ----------
    Bach and Chizat (2022), Figure 2.
    """
    draw_disk_frame(axes, teacher)
    for sign in sheet_signs(trajectory):
        chosen = sheet_particles(trajectory, sign)
        if chosen.size == 0:
            continue
        chosen, color = chosen[evenly_spread(chosen.size, DISK_PATHS)], sign_color(sign)
        size = trajectory.weight.shape[1] * trajectory.weight[:, chosen]
        angle = coordinate_of(trajectory.position[:, chosen], line)
        radius = np.tanh(0.5 * size)
        paths = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
        axes.add_collection(LineCollection(list(paths.swapaxes(0, 1)), colors=color, linewidths=0.35, alpha=0.6))
        axes.scatter(paths[-1, :, 0], paths[-1, :, 1], s=7, color=color, linewidths=0, zorder=3)
    add_sign_legend(axes, sheet_signs(trajectory))


def draw_disk_frame(axes: Axes, teacher: Teacher) -> None:
    """Draw the unit circle, the dotted circle of size 1 and the teacher's directions."""
    axes.set_aspect("equal", anchor="W")
    axes.set_xlim(-1.06, 1.06)
    axes.set_ylim(-1.06, 1.06)
    axes.set_axis_off()
    axes.add_patch(Disk((0.0, 0.0), 1.0, fill=False, edgecolor=BLACK, linewidth=0.8))
    axes.add_patch(Disk((0.0, 0.0), float(np.tanh(0.5)), fill=False, edgecolor=GREY, linewidth=0.9, linestyle=":"))
    units = teacher.directions / np.linalg.norm(teacher.directions, axis=1, keepdims=True)
    for (x, y), weight in zip(units, teacher.weights, strict=True):
        axes.plot([0.0, x], [0.0, y], color=sign_color(weight), linestyle=DASHES, linewidth=1.1, zorder=0.5)


def draw_polar(axes: Axes, trajectory: Trajectory, teacher: Teacher, line: Line) -> None:
    """Last densities around the circle, the radius the root of the density so that areas are masses."""
    top = 0.0
    for sign in sheet_signs(trajectory):
        edges, heights = profile(trajectory, -1, sign, line)
        angles, radius = 0.5 * (edges[1:] + edges[:-1]), np.sqrt(heights)
        color = sign_color(sign)
        closed = np.append(angles, angles[0] + TURN), np.append(radius, radius[0])
        axes.fill(*closed, facecolor=color, alpha=0.2, linewidth=0)
        axes.plot(*closed, color=color, linewidth=1.3)
        top = max(top, float(radius.max()))
    top = 1.1 * top or 1.0
    for angle, weight in zip(coordinate_of(teacher.directions, line), teacher.weights, strict=True):
        axes.plot([angle, angle], [0.0, top], color=sign_color(weight), linestyle=DASHES, linewidth=1.1, zorder=0.5)
    _set_polar_frame(cast(PolarAxes, axes), top)
    add_sign_legend(axes, sheet_signs(trajectory))


def _set_polar_frame(axes: PolarAxes, top: float) -> None:
    axes.set_anchor("W")
    axes.set_rlim(0.0, top)
    rings = top * np.array([1 / 3, 2 / 3, 1.0])
    densities = [float(f"{ring**2:.1g}") for ring in rings[:2]]
    axes.set_rticks(np.sqrt(densities).tolist(), labels=[f"{density:g}" for density in densities])
    axes.set_rlabel_position(67.5)
    axes.set_xticks((np.arange(4) * 0.5 * np.pi).tolist(), labels=["$0$", r"$\pi/2$", r"$\pi$", r"$3\pi/2$"])
    axes.grid(linewidth=0.4)


def add_sign_legend(axes: Axes, signs: tuple[float, ...]) -> None:
    """Name the colours of the signs and the teacher's dashes, beside the panel."""
    handles = [Line2D([], [], color=sign_color(sign), label=rf"$\nu_t^{sign_symbol(sign)}$") for sign in signs]
    handles.append(Line2D([], [], color=GREY, linestyle=DASHES, linewidth=1.1, label="teacher"))
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0)).set_in_layout(False)


def exact_solution(problem: Problem, time: float) -> AngularGaussian | None:
    """Exact density of quadratic features at a time; None where there is none, or no formula for it."""
    section, initial = problem.config.problem, problem.config.initial
    if not (isinstance(section, QuadraticProblem) and isinstance(initial, AngularGaussianInitial)):
        return None
    factors = problem.reaction, problem.config.solver.transport, section.regularization, problem.domain.sheets
    if factors != (4.0, 1.0, 0.0, 1):
        return None
    try:
        return quadratic_flow(np.array(section.target), np.array(initial.covariance), time)
    except InputError:  # all mass on a subspace
        return None


def draw_profiles(axes: Axes, trajectory: Trajectory, problem: Problem | None, line: Line, times: IntArray) -> None:
    """Density at some outputs on the line (dashed on the negative sheet), with dots on the exact solution if known."""
    signs, letter, known = sheet_signs(trajectory), measure_symbol(trajectory), False
    for index, color in zip(times, time_colors(len(times)), strict=True):
        for sign, dashes in zip(signs, ("-", DASHES), strict=False):
            edges, heights = profile(trajectory, int(index), sign, line)
            label = time_label(trajectory.time[index], trajectory.labels.time) if sign == signs[0] else None
            axes.plot(0.5 * (edges[1:] + edges[:-1]), heights, color=color, linestyle=dashes, label=label)
        exact = None if problem is None else exact_solution(problem, float(trajectory.time[index]))
        if exact is not None:
            angles = np.linspace(0.0, TURN, EXACT_POINTS)
            points = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
            axes.plot(angles, exact(points), ".", color=color, markersize=4.5)
            known = True
    if known:
        axes.plot([], [], ".", color=GREY, markersize=5, label="exact")
    if len(signs) == 2:
        axes.plot([], [], color=GREY, linestyle=DASHES, label=rf"${letter}_t^-$")
    set_line_limits(axes, line)
    axes.set_ylim(0.0, 1.3 * axes.get_ylim()[1])  # room for the legend
    axes.set_ylabel(rf"density of ${letter}_t$")
    axes.legend(loc="upper center", ncols=3, columnspacing=1.2)


def draw_rest(
    axes: Axes,
    trajectory: Trajectory,
    density: FloatArray | None,
    samples: Particles | None,
    line: Line,
    name: str,
) -> None:
    """Dashed density at which a flow rests, or a histogram of the samples of its target, below all curves."""
    if density is not None:
        edges = cell_edges(grid_of(trajectory).coordinates[0])
        look: Any = {"color": BLACK, "linestyle": DASHES, "linewidth": 1.1, "zorder": 1.5, "label": name}
        axes.plot(0.5 * (edges[1:] + edges[:-1]), density.ravel(), **look)
    if samples is not None:
        edges, heights = binned(coordinate_of(samples.points, line), samples.weights * samples.signs, line)
        axes.stairs(heights, edges, fill=True, color=PALE, zorder=0.5, label="target samples")
    if density is not None or samples is not None:
        axes.relim()
        axes.set_ylim(0.0, max(axes.get_ylim()[1], 1.3 * axes.dataLim.y1))
        axes.legend(loc="upper center", ncols=3, columnspacing=1.2)
