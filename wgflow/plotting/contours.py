"""Contours of what moves a measure: the potential V of an energy, or the first variation J."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from wgflow.plotting.domain_views import MapView
from wgflow.plotting.maps import sheet_at
from wgflow.plotting.references import potential_of
from wgflow.plotting.shown import Shown
from wgflow.plotting.style import GREY
from wgflow.typing import FloatArray, IntArray

LEVELS = 12  # contours of a picture
REACH = 0.9  # quantile of the highest one
ROUND_OFF = 1e-9  # of values that are constant
VACUUM = 1e-3  # of the highest density: where there is less, J of a density says nothing
POINTS = 121  # along each axis, of a picture of V


def draw_contours(panels: Sequence[Axes], shown: Shown, view: MapView, sign: float, times: IntArray) -> str:
    """Contours of V, or of J at some outputs where there is no V, in the plane; gives which of them.

    They have the same values in all pictures: where J is nearly constant, as at rest, there are none.
    """
    x, y = (0.5 * (edges[1:] + edges[:-1]) for edges in (view.x, view.y))
    potential = potential_of(shown)
    if potential is not None:
        points = np.stack(np.meshgrid(x, y), axis=-1)
        pictures = [potential(points.reshape(-1, 2)).reshape(points.shape[:-1])] * len(panels)
    elif shown.trajectory.functional is not None:
        pictures = [view.image(_first_variation(shown, sign, int(index))) for index in times]
    else:
        return "none"
    levels = _levels(np.concatenate([picture.ravel() for picture in pictures]))
    for axes, picture in zip(panels, pictures, strict=True):
        _draw(axes, x, y, picture, levels)
    return "$V$" if potential is not None else "$J$"


def _first_variation(shown: Shown, sign: float, index: int) -> FloatArray:
    """J of a sheet at an output where the density is not nearly 0, NaN elsewhere."""
    density = sheet_at(shown.trajectory, index, sign)
    values = shown.trajectory.potential(index).reshape(len(shown.signs), *density.shape)[shown.signs.index(sign)]
    return np.where(density > VACUUM * density.max(), values, np.nan)


def draw_potential(axes: Axes, shown: Shown) -> bool:
    """Contours of V behind particles in the plane, within the limits of the axes; gives whether there are any."""
    potential = potential_of(shown)
    if potential is None:
        return False
    limits = axes.get_xlim(), axes.get_ylim()
    x, y = (np.linspace(*ends, POINTS) for ends in limits)
    points = np.stack(np.meshgrid(x, y), axis=-1)
    values = potential(points.reshape(-1, 2)).reshape(points.shape[:-1])
    _draw(axes, x, y, values, _levels(values))
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])
    return True


def _levels(values: FloatArray) -> FloatArray:
    """Values of contours: equally spread between quantiles, so that a few large values do not take them all."""
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, (0.02, REACH)) if known.size else (0.0, 0.0)
    return np.linspace(low, high, LEVELS) if high - low > ROUND_OFF * max(abs(low), abs(high)) else np.empty(0)


def _draw(axes: Axes, x: FloatArray, y: FloatArray, values: FloatArray, levels: FloatArray) -> None:
    known = values[np.isfinite(values)]
    if levels.size and known.size and known.min() < levels[-1] and known.max() > levels[0]:
        look: dict[str, Any] = {"colors": GREY, "linewidths": 0.5, "linestyles": "solid", "alpha": 0.8, "zorder": 1.5}
        axes.contour(x, y, np.ma.masked_invalid(values), levels=levels, **look)
