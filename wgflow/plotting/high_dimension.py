"""Particles in more dimensions than can be drawn: angles to the neurons of a teacher, or two principal axes."""

from __future__ import annotations

from typing import cast

import numpy as np
from matplotlib.axes import Axes

from wgflow.networks import Teacher
from wgflow.plotting.line_profiles import measure_symbol, sheet_signs
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import BLACK, BLUE, DASHES, GREY, PALE, VERMILLION, sign_color, sign_symbol
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray, IntArray

DOT = 10.0  # square points
AXES_SHOWN = 8  # principal axes whose shares are drawn
ALIGNED = 0.9  # cosine from which on a neuron is counted as one of its nearest


def neurons_of(shown: Shown, index: int) -> tuple[FloatArray, FloatArray]:
    """Input weights (m, d) of a network, and how much each neuron adds along its direction, (m,), with its sign.

    For a neuron (a, b) of weight w that is w a |b|, for a direction the weight with its sign.
    """
    measure = shown.trajectory.measure(index)
    if shown.problem is not None and shown.problem.has_pairs:
        inputs = measure.points[:, 1:]
        return inputs, measure.weights * measure.signs * measure.points[:, 0] * np.linalg.norm(inputs, axis=1)
    return measure.points, measure.weights * measure.signs


def nearest_of_teacher(inputs: FloatArray, teacher: Teacher) -> tuple[IntArray, FloatArray]:
    """Number of the teacher's neuron nearest to each of some input weights (m, d), and the cosine of their angle."""
    units = teacher.directions / np.linalg.norm(teacher.directions, axis=1, keepdims=True)
    lengths = np.linalg.norm(inputs, axis=1, keepdims=True)
    cosines = inputs @ units.T / np.where(lengths > 0.0, lengths, 1.0)
    nearest = np.argmax(cosines, axis=1)
    return nearest, cosines[np.arange(len(cosines)), nearest]


def draw_teacher_angles(axes: Axes, shown: Shown) -> None:
    """Cosine to the nearest neuron of the teacher against the charge of each neuron: start in grey, end in colour."""
    teacher = cast(Teacher, shown.teacher)
    for index, size, order in ((0, 0.6 * DOT, 1), (-1, DOT, 3)):
        inputs, charges = neurons_of(shown, index)
        _, cosines = nearest_of_teacher(inputs, teacher)
        colors = [PALE if index == 0 else sign_color(float(charge)) for charge in charges]
        axes.scatter(len(charges) * np.abs(charges), cosines, s=size, color=colors, linewidths=0, zorder=order)
    axes.axhline(1.0, color=BLACK, linestyle=DASHES, linewidth=0.8, zorder=0)
    axes.set_ylim(min(-0.05, axes.get_ylim()[0]), 1.05)
    axes.set_xlim(left=0.0)
    axes.set_xlabel("size $|a||b|$ of a neuron")
    axes.set_ylabel("cosine to the nearest teacher")
    axes.set_title("Neurons at the end (grey: start)")


def draw_counts(axes: Axes, shown: Shown) -> None:
    """Neurons of each sign that point along each neuron of the teacher at the end, and those that point elsewhere."""
    teacher = cast(Teacher, shown.teacher)
    inputs, charges = neurons_of(shown, -1)
    nearest, cosines = nearest_of_teacher(inputs, teacher)
    count = len(teacher.weights)
    groups = np.where(cosines >= ALIGNED, nearest, count)
    for sign, shift in ((1.0, -0.2), (-1.0, 0.2)):
        heights = np.bincount(groups[np.sign(charges) == sign], minlength=count + 1)
        places = np.arange(count + 1) + shift
        bars = axes.bar(places, heights, width=0.36, color=sign_color(sign), label=f"${sign_symbol(sign)}$")
        axes.bar_label(bars, fontsize=9)
    names = [rf"{number + 1} (${sign_symbol(weight)}$)" for number, weight in enumerate(teacher.weights)]
    axes.set_xticks(np.arange(count + 1), labels=[*names, "none"])
    axes.set_xlabel(rf"neuron of the teacher, and its sign (cosine $\geq {ALIGNED}$)")
    axes.set_ylabel("neurons")
    axes.set_ylim(0.0, 1.25 * axes.get_ylim()[1])
    axes.legend(title="sign", loc="upper center", ncols=2)
    axes.set_title("Neurons by nearest teacher")


def principal_axes(trajectory: Trajectory) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre (p,), principal axes (k, p) and their shares (k,) of the spread of the particles at the end, by weight."""
    measure = trajectory.measure(-1)
    shares = measure.weights / max(float(measure.weights.sum()), 1e-300)
    centre = shares @ measure.points
    _, lengths, rows = np.linalg.svd(np.sqrt(shares)[:, None] * (measure.points - centre), full_matrices=False)
    return centre, rows, lengths**2 / max(float((lengths**2).sum()), 1e-300)


def draw_axes(axes: Axes, shown: Shown) -> None:
    """Particles at the end in the plane of their two principal axes, their start in grey."""
    trajectory = shown.trajectory
    centre, rows, shares = principal_axes(trajectory)
    signs = sheet_signs(trajectory)
    for index, size, order in ((0, 0.6 * DOT, 1), (-1, DOT, 3)):
        measure = trajectory.measure(index)
        x, y = ((measure.points - centre) @ rows[:2].T).T
        colors = [VERMILLION if sign > 0.0 else BLUE for sign in measure.signs] if len(signs) == 2 else BLUE
        axes.scatter(x, y, s=size, color=PALE if index == 0 else colors, linewidths=0, zorder=order)
    axes.set_xlabel(f"principal axis 1 ({100.0 * shares[0]:.0f} %)")
    axes.set_ylabel(f"principal axis 2 ({100.0 * shares[1]:.0f} %)")
    axes.set_title(rf"Particles of ${measure_symbol(trajectory)}_T$ (grey: start)")


def draw_shares_of_axes(axes: Axes, shown: Shown) -> None:
    """Shares of the principal axes in the spread of the particles at the end."""
    _, _, shares = principal_axes(shown.trajectory)
    shares = shares[:AXES_SHOWN]
    axes.bar_label(axes.bar(np.arange(1, len(shares) + 1), 100.0 * shares, color=GREY), fmt="%.3g", fontsize=9)
    axes.set_xlabel("principal axis")
    axes.set_ylabel("share of the spread in %")
    axes.set_title("Shares of the principal axes at the end")
