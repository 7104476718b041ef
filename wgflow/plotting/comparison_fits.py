"""What two networks have learned at the end, over the same data or teacher."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from wgflow.plotting.fits import DIRECTIONS, draw_agreement, draw_student, fit_panel, predicted
from wgflow.plotting.line_profiles import TURN
from wgflow.plotting.networks import draw_data, learned_function, time_label
from wgflow.plotting.regions import draw_boundary, draw_labelled, shows_regions
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import RUNS
from wgflow.problems.datasets import Dataset
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

Pair = tuple[Shown, Shown]
RUN_DASHES: tuple[Any, ...] = ("-", (0, (4, 2)))  # of the first and the second run
RESOLUTION = 121  # of the plane along each axis, in which the sign of h changes
DOT = 10.0  # area in points of a prediction


def drawn_fit(runs: Pair) -> Callable[[Axes], None] | None:
    """How to draw the predictions of both runs; None where one of them is no network, or cannot be evaluated."""
    data, teacher = runs[0].dataset, runs[0].teacher
    problem = runs[0].problem
    if problem is not None and data is not None and shows_regions(problem) and None not in [r.functional for r in runs]:
        return lambda axes: _boundaries(axes, runs, data)
    if any(fit_panel(run) is None for run in runs):
        return None
    if data is None:
        return None if teacher is None else lambda axes: _students(axes, runs)
    build = draw_functions if data.input_shift.size == 1 else _agreements
    return lambda axes: build(axes, runs, data)


def same_end(runs: tuple[Trajectory, Trajectory]) -> bool:
    """Whether the last outputs of both runs are of one time."""
    first, second = (float(run.time[-1]) for run in runs)
    return math.isclose(first, second)


def ends(runs: tuple[Trajectory, Trajectory]) -> str:
    """When the last outputs are: the end, or the two times where the runs end at different ones."""
    if same_end(runs):
        return "the end"
    return " and ".join(time_label(float(run.time[-1]), run.labels.time) for run in runs)


def draw_functions(axes: Axes, runs: Pair, data: Dataset) -> None:
    """Data and the functions that both runs have learned at the end, in the units of the data."""
    draw_data(axes, data)
    for run, color, dashes in zip(runs, RUNS, RUN_DASHES, strict=True):
        axes.plot(*learned_function(run.trajectory, data, -1), color=color, linestyle=dashes)
    axes.set_title(f"Data, and learned functions at {ends((runs[0].trajectory, runs[1].trajectory))}")


def _students(axes: Axes, runs: Pair) -> None:
    """Outputs for inputs around the unit circle, over those of the teacher."""
    draw_student(axes, runs[0])
    for line in axes.get_lines()[1:]:
        line.remove()
    angles = np.linspace(0.0, TURN, DIRECTIONS)
    inputs = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for run, color, dashes in zip(runs, RUNS, RUN_DASHES, strict=True):
        axes.plot(angles, predicted(run, -1, inputs), color=color, linestyle=dashes)
    axes.legend(handles=axes.get_lines()[:1], loc="upper center")
    axes.set_title(f"Teacher, and learned functions at {ends((runs[0].trajectory, runs[1].trajectory))}")


def _agreements(axes: Axes, runs: Pair, data: Dataset) -> None:
    """Predictions of both runs at the end over the data."""
    draw_agreement(axes, runs[0])
    for dots in list(axes.collections):
        dots.remove()
    wanted = data.in_units(data.targets)
    for run, color in zip(runs, RUNS, strict=True):
        values = data.in_units(predicted(run, -1, data.inputs))
        axes.scatter(wanted, values, s=DOT, color=color, alpha=0.6, linewidths=0)
    axes.legend(handles=axes.get_lines()[:1], loc="best")
    axes.set_title(f"Data, and predictions at {ends((runs[0].trajectory, runs[1].trajectory))}")


def _boundaries(axes: Axes, runs: Pair, data: Dataset) -> None:
    """Data of two classes, and where each run changes from one to the other."""
    points = data.input_shift + data.input_scale * data.inputs[:, :2]
    draw_labelled(axes, points, data.targets)
    for run, color, dashes in zip(runs, RUNS, RUN_DASHES, strict=True):
        draw_boundary(axes, _decision(run, data), points, color, dashes, RESOLUTION)
    axes.set_xlabel(data.names[0].replace("_", " "))
    axes.set_ylabel(data.names[1].replace("_", " "))
    axes.set_title(f"Data, and where $h = 0$ at {ends((runs[0].trajectory, runs[1].trajectory))}")


def _decision(run: Shown, data: Dataset) -> Callable[[FloatArray], FloatArray]:
    return lambda places: run.trajectory.predict(data.scaled(places), -1, raw=True)
