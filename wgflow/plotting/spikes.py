"""The spikes that a deconvolution looks for, marked in pictures of the measure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from wgflow.measures import Particles
from wgflow.plotting.line_profiles import Line, coordinate_of
from wgflow.plotting.style import BLACK, DASHES, sign_color
from wgflow.problems import Problem
from wgflow.typing import FloatArray

RING_AREA, SMALLEST_RING = 220.0, 60.0  # of a spike of the largest weight, and of the lightest ones, in square points
SPIKES_NOTE = "the spikes to find"


def ring_spikes(
    axes: Axes, problem: Problem | None, project: Callable[[FloatArray], FloatArray], sign: float | None = None
) -> None:
    """Rings around the spikes of a problem, of one sign or of all; nothing where it has none.

    Parameters
    ----------
    axes : Axes
        The picture.
    problem : Problem or None
        The problem.
    project : callable
        From points (k, p) to their places in the picture (k, 2).
    sign : float, optional
        The sheet that is shown; all spikes, in the colours of their signs, by default.
    """
    spikes = _spikes_of(problem, sign)
    if spikes is None:
        return
    areas = np.maximum(RING_AREA * spikes.weights / spikes.weights.max(initial=1e-300), SMALLEST_RING)
    signed = sign is None and (spikes.signs < 0.0).any()
    colors = [sign_color(float(each)) if signed else BLACK for each in spikes.signs]
    places = project(spikes.points)
    axes.scatter(places[:, 0], places[:, 1], s=areas, facecolors="none", edgecolors=colors, linewidths=1.0, zorder=4)


def line_spikes(axes: Axes, problem: Problem | None, sign: float, line: Line) -> None:
    """Dashed lines at the spikes on a sheet of a circle or interval; nothing where the problem has none."""
    spikes = _spikes_of(problem, sign)
    if spikes is None:
        return
    halo = withStroke(linewidth=2.4, foreground="white")
    for place in coordinate_of(spikes.points, line):
        axes.axhline(float(place), color=BLACK, linestyle=DASHES, linewidth=1.0, zorder=3, path_effects=[halo])


def _spikes_of(problem: Problem | None, sign: float | None) -> Particles | None:
    spikes = None if problem is None else problem.spikes
    if spikes is None or sign is None:
        return spikes
    return spikes.part(spikes.signs == sign)
