"""The half sphere seen from above: densities over the components of neurons along the two directions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Circle

from wgflow.domains import HalfSphere
from wgflow.plotting.domain_views import MapView, draw_image
from wgflow.typing import FloatArray, IntArray

PIXELS = 241  # along each axis
LABELS = (r"$u_1 \cdot \eta$", r"$u_2 \cdot \eta$")


def half_sphere_views(half: HalfSphere, _: Sequence[str]) -> list[MapView]:
    """The disk of the components along the two directions; its rim is the plane of the target."""
    edges = np.linspace(-1.0, 1.0, PIXELS + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    first, second = np.meshgrid(middles, middles)
    square = first**2 + second**2

    @cache
    def cells() -> IntArray:
        points = np.stack([first, second, np.sqrt(np.maximum(1.0 - square, 0.0))], axis=-1)
        return half.cells_at(points.reshape(-1, 3)).reshape(first.shape)

    def image(density: FloatArray) -> FloatArray:
        return np.where(square <= 1.0, density[cells()], 0.0)

    return [MapView(image, edges, edges, LABELS, lambda points: points[..., :2], _draw_disk)]


def _draw_disk(axes: Axes, view: MapView, values: FloatArray, scale: Normalize) -> Any:
    """Draw the pixels within the rim."""
    picture = draw_image(axes, view, values, scale)
    picture.set_clip_path(Circle((0.0, 0.0), 1.0, transform=axes.transData))
    return picture
