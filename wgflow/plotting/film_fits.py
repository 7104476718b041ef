"""What a network has learned, in films: data and fit, teacher and learned function, or the regions of two classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes

from wgflow.plotting.fits import DIRECTIONS, draw_agreement, draw_student, fit_panel, predicted
from wgflow.plotting.line_profiles import TURN
from wgflow.plotting.networks import draw_data, learned_function
from wgflow.plotting.regions import draw_learned_regions, shows_regions
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import time_color
from wgflow.problems.datasets import Dataset
from wgflow.typing import FloatArray, IntArray

Show = Callable[[int], None]  # the number of the frame
Color = tuple[float, float, float, float]
RESOLUTION = 81  # of the regions along each axis: they are found anew for each frame


def frame_colors(run: Shown, shown: IntArray) -> list[Color]:
    """Colours of the frames: those of the figure of the run, at the outputs that it shows, and between them others."""
    places = np.linspace(0.0, 1.0, len(run.times))
    return [time_color(float(share)) for share in np.interp(shown, run.times, places)]


def show_fit(run: Shown, shown: IntArray) -> Callable[[Axes], Show] | None:
    """How to draw what a network has learned; None where that is no network, or cannot be evaluated.

    Parameters
    ----------
    run : Shown
        The run.
    shown : array, shape (n,)
        The outputs of the film.
    """
    data = run.dataset
    if run.problem is not None and data is not None and run.functional is not None and shows_regions(run.problem):
        return lambda axes: _regions(axes, run, data, shown)
    if fit_panel(run) is None:
        return None
    if data is None:
        return lambda axes: _student(axes, run, shown)
    build = _function if data.input_shift.size == 1 else _agreement
    return lambda axes: build(axes, run, data, shown)


def _regions(axes: Axes, run: Shown, data: Dataset, shown: IntArray) -> Show:
    def show(number: int) -> None:
        axes.clear()
        draw_learned_regions(axes, run.trajectory, data, int(shown[number]), RESOLUTION)

    return show


def _function(axes: Axes, run: Shown, data: Dataset, shown: IntArray) -> Show:
    draw_data(axes, data)
    functions = [learned_function(run.trajectory, data, int(index)) for index in shown]
    axes.set_title("Data and learned function $h_t(x)$")
    return _moving_curve(axes, functions[0][0], [values for _, values in functions], frame_colors(run, shown))


def _student(axes: Axes, run: Shown, shown: IntArray) -> Show:
    """The figure of a run, with one curve in the place of those of a few times."""
    draw_student(axes, run)
    for line in axes.get_lines()[1:]:
        line.remove()
    axes.legend(loc="upper center")
    angles = np.linspace(0.0, TURN, DIRECTIONS)
    inputs = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    functions = [predicted(run, int(index), inputs) for index in shown]
    return _moving_curve(axes, angles, functions, frame_colors(run, shown))


def _moving_curve(axes: Axes, x: FloatArray, functions: list[FloatArray], colors: list[Color]) -> Show:
    """One curve that takes the place of the one before, on axes that hold all of them."""
    (curve,) = axes.plot(x, functions[-1])
    margin = 0.03 * float(np.ptp(functions))
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, float(np.min(functions)) - margin), max(high, float(np.max(functions)) + margin))

    def show(number: int) -> None:
        curve.set_ydata(functions[number])
        curve.set_color(colors[number])

    return show


def _agreement(axes: Axes, run: Shown, data: Dataset, shown: IntArray) -> Show:
    """Predictions over data: the dots of a figure, which move."""
    draw_agreement(axes, run)
    first, last = axes.collections
    first.remove()
    last.set_label(None)
    axes.legend(loc="best")
    wanted = data.in_units(data.targets)
    predictions = [data.in_units(predicted(run, int(index), data.inputs)) for index in shown]
    low, high = float(min(np.min(predictions), wanted.min())), float(max(np.max(predictions), wanted.max()))
    axes.set_ylim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    colors = frame_colors(run, shown)

    def show(number: int) -> None:
        last.set_offsets(np.stack([wanted, predictions[number]], axis=1))
        last.set_color(colors[number])

    return show
