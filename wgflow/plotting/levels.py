"""Where the mass of a density is: the part of a picture that holds almost all of it, and contours of shares of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes

from wgflow.plotting.domain_views import MapView
from wgflow.plotting.style import BLACK
from wgflow.typing import FloatArray

MASS_SHOWN = 0.999  # of the mass, along each axis
MARGIN = 0.05  # around it, over its length
SHARES = (0.99, 0.9, 0.5)  # of the mass, inside contours


def share_levels(values: FloatArray, shares: tuple[float, ...] = SHARES) -> FloatArray:
    """Values of a density on equal cells above which given shares of its mass lie, in the order of the shares."""
    ordered = np.sort(values, axis=None)[::-1]
    held = np.cumsum(ordered)
    places = np.searchsorted(held, np.array(shares) * held[-1])
    return ordered[places.clip(max=ordered.size - 1)]


def draw_shares(axes: Axes, view: MapView, density: FloatArray, color: str, width: float = 1.0) -> None:
    """Contours around 50, 90 and 99 % of the mass of a density, of increasing width."""
    values = view.image(density)
    levels = share_levels(values)
    kept = np.flatnonzero(np.diff(levels, prepend=0.0) > 0.0)
    if kept.size:
        x, y = (0.5 * (edges[1:] + edges[:-1]) for edges in (view.x, view.y))
        widths = width * np.array([0.6, 0.9, 1.2])[kept]
        axes.contour(x, y, values, levels=levels[kept], colors=color, linewidths=widths.tolist())


def draw_rest_shares(axes: Axes, view: MapView, density: FloatArray) -> None:
    """Dashed contours around 50 and 90 % of the mass of the density at which a flow rests."""
    values = view.image(density)
    levels = np.unique(share_levels(values, SHARES[1:]))
    x, y = (0.5 * (edges[1:] + edges[:-1]) for edges in (view.x, view.y))
    if values.max() > levels[0]:
        axes.contour(x, y, values, levels=levels, colors=BLACK, linestyles="dashed", linewidths=0.7)


def mass_extent(view: MapView, densities: Iterable[FloatArray]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends of the part of a picture that holds 99.9 % of the mass of each of some densities, along x and along y."""
    images, limits = [view.image(density) for density in densities], []
    for edges, along in ((view.x, 0), (view.y, 1)):
        ends = [_ends(edges, image.sum(axis=along)) for image in images]
        low, high = min(end[0] for end in ends), max(end[1] for end in ends)
        room = MARGIN * (high - low)
        limits.append((max(low - room, float(edges[0])), min(high + room, float(edges[-1]))))
    return limits[0], limits[1]


def _ends(edges: FloatArray, masses: FloatArray) -> tuple[float, float]:
    """Ends of the cells in a row that hold almost all mass, as much being left out on both sides."""
    held = np.cumsum(masses) / masses.sum() if masses.sum() > 0.0 else np.linspace(0.0, 1.0, masses.size)
    rest = 0.5 * (1.0 - MASS_SHOWN)
    first = int(np.searchsorted(held, rest))
    last = min(int(np.searchsorted(held, 1.0 - rest)), masses.size - 1)
    return float(edges[first]), float(edges[last + 1])
