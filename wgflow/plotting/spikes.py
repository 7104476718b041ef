"""The spikes that a deconvolution looks for, marked in pictures of the measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from wgflow.former_names import with_former
from wgflow.measures import Particles
from wgflow.plotting.line_profiles import Line, coordinate_of
from wgflow.plotting.style import BLACK, DASHES, GREY, sign_color
from wgflow.problems import Problem
from wgflow.typing import FloatArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

RING_AREA, SMALLEST_RING = 220.0, 60.0  # of a spike of the largest weight, and of the lightest ones, in square points


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


def stem_spikes(axes: Axes, wanted: Particles, found: Particles, line: Line) -> None:
    """Stems of the true spikes, dashed and below, and of those that were found, as high as their weights with signs."""
    axes.axhline(0.0, color=BLACK, linewidth=0.7, zorder=1)
    places, heights = coordinate_of(wanted.points, line), wanted.weights * wanted.signs
    axes.vlines(places, 0.0, heights, color=GREY, linestyle=DASHES, linewidth=2.4, zorder=2)
    axes.plot(places, heights, "o", color=GREY, markersize=10, fillstyle="none", markeredgewidth=1.6, label="true")
    places, heights = coordinate_of(found.points, line), found.weights * found.signs
    colors = [sign_color(float(sign)) for sign in found.signs]
    axes.vlines(places, 0.0, heights, color=colors, linewidth=1.4, zorder=3)
    axes.scatter(places, heights, s=24.0, color=colors, linewidths=0, zorder=4, label="found")
    axes.legend(loc="best")


def _spikes_of(problem: Problem | None, sign: float | None) -> Particles | None:
    spikes = None if problem is None else problem.spikes
    if spikes is None or sign is None:
        return spikes
    return spikes.part(spikes.signs == sign)
