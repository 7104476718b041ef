"""Where the neurons of a network switch: the great circle of each data point on a map of the sphere."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from wgflow.plotting.domain_views import MapView
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.style import GREEN
from wgflow.problems.datasets import Dataset
from wgflow.typing import FloatArray

MOST, POINTS = 12, 181  # circles of a map, and points of each


def draw_great_circles(axes: Axes, dataset: Dataset | None, view: MapView) -> None:
    """Great circles of some data points on a map of the sphere, at which their neurons are 0 and change from there."""
    if dataset is None or not view.projection or dataset.inputs.shape[1] > len(view.names):
        return
    chosen = dataset.inputs[evenly_spread(len(dataset.inputs), MOST)]
    for normal in np.hstack([np.zeros((len(chosen), len(view.names) - chosen.shape[1])), chosen]):
        places = view.project(great_circle(normal))
        jumps = np.flatnonzero(np.abs(np.diff(places[:, 0])) > np.pi) + 1
        axes.plot(*np.insert(places, jumps, np.nan, axis=0).T, color=GREEN, linewidth=0.5, alpha=0.6, zorder=2)


def great_circle(normal: FloatArray) -> FloatArray:
    """Points of the great circle orthogonal to a vector (3,), shape (k, 3)."""
    _, _, rows = np.linalg.svd(normal[None])
    angles = np.linspace(0.0, 2.0 * np.pi, POINTS)
    return np.asarray(np.outer(np.cos(angles), rows[1]) + np.outer(np.sin(angles), rows[2]))
