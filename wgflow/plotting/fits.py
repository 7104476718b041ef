"""What a network has learned beside what it was to learn: data and fit, or teacher and student."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from wgflow.errors import InputError
from wgflow.networks.predictions import predictions
from wgflow.plotting.layout import Panel, single
from wgflow.plotting.line_profiles import TURN
from wgflow.plotting.networks import draw_regression, time_label
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import BLACK, BLUE, DASHES, GREY, PALE, time_colors
from wgflow.typing import FloatArray

DIRECTIONS = 181  # of inputs at which student and teacher are compared


def fit_panel(shown: Shown, width: float = 1.0) -> Panel | None:
    """Panel of data and fit; None where there are none, or F is no risk of a network that predicts."""
    if not _predicts(shown):
        return None
    if shown.dataset is not None and not shown.labels_data:
        draw = draw_function if shown.dataset.input_shift.size == 1 else draw_agreement
        return single(draw, width)
    if shown.teacher is not None and shown.teacher.directions.shape[1] == 2:
        return single(draw_student, width)
    return None


def _predicts(shown: Shown) -> bool:
    data = shown.dataset
    inputs = data.inputs[:1] if data is not None else None
    if inputs is None and shown.teacher is not None:
        inputs = shown.teacher.directions[:1]
    if inputs is None:
        return False
    try:
        predicted(shown, 0, inputs)
    except InputError:
        return False
    return True


def predicted(shown: Shown, index: int, inputs: FloatArray) -> FloatArray:
    """Predictions at an output for inputs (k, d) as the features see them, shape (k,)."""
    if shown.functional is None:
        raise InputError("the functional of this trajectory is not known; its predictions cannot be drawn")
    return predictions(shown.functional, shown.trajectory.measure(index), inputs)


def draw_function(axes: Axes, shown: Shown) -> None:
    """Data with one input, and the learned function at some outputs."""
    if shown.dataset is not None:
        draw_regression(axes, shown.trajectory, shown.dataset, shown.times)
        axes.set_title("Data and learned function $h_t(x)$")


def draw_agreement(axes: Axes, shown: Shown) -> None:
    """Predictions over data with several inputs, at the first and the last output, in the units of the file."""
    data = shown.dataset
    if data is None:
        return
    wanted = data.in_units(data.targets)
    for index, color in ((0, PALE), (-1, BLUE)):
        label = time_label(shown.trajectory.time[index], shown.trajectory.labels.time)
        values = data.in_units(predicted(shown, index, data.inputs))
        axes.scatter(wanted, values, s=9, color=color, linewidths=0, label=label)
    ends = [float(wanted.min()), float(wanted.max())]
    axes.plot(ends, ends, color=BLACK, linestyle=DASHES, linewidth=1.0, zorder=0, label="exact")
    name = data.names[-1].replace("_", " ").replace("$", r"\$")
    axes.set_xlabel(name)
    axes.set_ylabel(f"prediction of {name}")
    axes.legend(loc="best")
    axes.set_title("Predictions and data")


def draw_student(axes: Axes, shown: Shown) -> None:
    """Outputs of the network for inputs around the unit circle at some outputs, over those of its teacher."""
    teacher, trajectory = shown.teacher, shown.trajectory
    if teacher is None:
        return
    angles = np.linspace(0.0, TURN, DIRECTIONS)
    inputs = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    wanted = np.maximum(inputs @ teacher.directions.T, 0.0) @ teacher.weights
    axes.plot(angles, wanted, color=GREY, linestyle=DASHES, linewidth=2.4, zorder=1, label="teacher")
    for index, color in zip(shown.times, time_colors(len(shown.times)), strict=True):
        label = time_label(trajectory.time[index], trajectory.labels.time)
        axes.plot(angles, predicted(shown, int(index), inputs), color=color, label=label)
    axes.set_xticks((np.arange(5) * 0.5 * np.pi).tolist(), labels=["$0$", r"$\pi/2$", r"$\pi$", r"$3\pi/2$", r"$2\pi$"])
    axes.set_xlim(0.0, TURN)
    axes.set_xlabel("angle of $x$, $|x| = 1$")
    axes.set_ylabel("output $h_t(x)$")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.35 * (high - low))  # room for the legend
    axes.legend(loc="upper center", ncols=3, columnspacing=1.2)
    axes.set_title("Teacher and learned function")
