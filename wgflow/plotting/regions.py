"""Classification with two inputs: the regions of both classes, with the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from wgflow.former_names import with_former
from wgflow.plotting.networks import time_label
from wgflow.plotting.style import BLACK, BLUE, GREEN, VERMILLION, sign_color
from wgflow.problems import Problem
from wgflow.problems.datasets import Dataset
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

RESOLUTION = 401  # points of a picture along each axis
MARGIN = 0.06  # around the data, over their extent
ROUND_OFF = 1e-12  # of a prediction over the mass: both sheets cancel at a start that knows nothing
REGION_TIMES = 4  # pictures in a row
REGIONS_HEIGHT, MEASURE_HEIGHT, SCALARS_HEIGHT = 3.0, 2.0, 2.9  # inches, of a row

Predict = Callable[[FloatArray], FloatArray]  # values at points of the plane: (k, 2) to (k,)


def shows_regions(problem: Problem) -> bool:
    """Whether a problem is classification with two inputs (a bias does not count), by a network that may be run."""
    data = None if problem.code.withheld else problem.dataset
    return data is not None and data.input_shift.size == 2 and bool(np.isin(data.targets, (-1.0, 1.0)).all())


def draw_decision(axes: Axes, predict: Predict, points: FloatArray, resolution: int = RESOLUTION) -> None:
    """Colour the plane around some points (n, 2) by the sign of a function, with a line where it changes.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    predict : callable
        Values of the function at points (k, 2), shape (k,).
    points : array, shape (n, 2)
        What the picture must hold.
    resolution : int
        Number of values along each axis.
    """
    x, y, values = _evaluate(predict, points, resolution)
    extent = (x[0], x[-1], y[0], y[-1])
    colors = ListedColormap([BLUE, VERMILLION])
    look = {"origin": "lower", "extent": extent, "aspect": "auto", "vmin": -1.0, "vmax": 1.0, "alpha": 0.22}
    axes.imshow(np.ma.masked_equal(np.sign(values), 0.0), cmap=colors, **look)  # type: ignore[arg-type]
    _draw_zero(axes, x, y, values, BLACK, "-")


def draw_boundary(
    axes: Axes,
    predict: Predict,
    points: FloatArray,
    color: str = GREEN,
    style: str | tuple[float, tuple[float, ...]] = "--",
    resolution: int = RESOLUTION,
) -> None:
    """Draw a line, dashed by default, where a function changes its sign; arguments as in `draw_decision`."""
    _draw_zero(axes, *_evaluate(predict, points, resolution), color, style)


def draw_labelled(axes: Axes, points: FloatArray, labels: FloatArray) -> None:
    """Draw data points (n, 2), triangles where the label (n,) is +1 and dots where it is -1."""
    for sign, marker in ((1.0, "^"), (-1.0, "o")):
        chosen = points[labels == sign]
        look = {"s": 13, "color": sign_color(sign), "edgecolors": "white", "linewidths": 0.4, "zorder": 3}
        axes.scatter(chosen[:, 0], chosen[:, 1], marker=marker, **look)  # type: ignore[arg-type]


def _evaluate(
    predict: Predict, points: FloatArray, resolution: int = RESOLUTION
) -> tuple[FloatArray, FloatArray, FloatArray]:
    low, high = points.min(axis=0), points.max(axis=0)
    room = MARGIN * np.where(high > low, high - low, 1.0)
    x, y = (np.linspace(low[axis] - room[axis], high[axis] + room[axis], resolution) for axis in (0, 1))
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return x, y, predict(places).reshape(resolution, resolution)


def _draw_zero(axes: Axes, x: FloatArray, y: FloatArray, values: FloatArray, color: str, style: Any) -> None:
    if values.min() < 0.0 < values.max():
        axes.contour(x, y, values, levels=[0.0], colors=color, linewidths=1.3, linestyles=[style])


def draw_learned_regions(
    axes: Axes, trajectory: Trajectory, dataset: Dataset, index: int, resolution: int = RESOLUTION
) -> None:
    """Draw the regions at an output with the data, in the units of the file, and how many points are wrong."""
    points = dataset.input_shift + dataset.input_scale * dataset.inputs[:, :2]

    def values(inputs: FloatArray) -> FloatArray:
        found = trajectory.predict(inputs, index, raw=True)
        return np.where(np.abs(found) > ROUND_OFF * trajectory.mass[index], found, 0.0)

    draw_decision(axes, lambda places: values(dataset.scaled(places)), points, resolution)
    draw_labelled(axes, points, dataset.targets)
    predictions = values(dataset.inputs)
    wrong = int(np.sum(~(dataset.targets * predictions > 0.0)))
    result = f"{wrong} of {len(points)} wrong" if predictions.any() else "$h = 0$"
    axes.set_title(f"{time_label(trajectory.time[index], trajectory.labels.time)}: {result}")
    axes.set_xlabel(dataset.names[0].replace("_", " "))
    axes.set_ylabel(dataset.names[1].replace("_", " "))
