"""From the continuity equation on R^p to the sphere equation: the image of a measure under w -> (w/|w|, |w|^2)."""

from __future__ import annotations

import numpy as np

from wgflow.domains.box import Box
from wgflow.domains.circle import Circle
from wgflow.domains.quadrature import box_nodes
from wgflow.domains.sphere import Sphere
from wgflow.errors import InputError
from wgflow.typing import FloatArray

POINTS = 4  # quadrature nodes per axis of a cell


def cone_image(density: FloatArray, box: Box, target: Circle | Sphere) -> FloatArray:
    r"""Density on the sphere of the image of a density on a box: each point w goes to w/|w| with weight |w|^2.

    If mu solves the continuity equation with 2-homogeneous features, its image solves the sphere equation.

    Parameters
    ----------
    density : array, shape ``box.shape``
        Nonnegative cell averages on the box, whose coordinates are those of R^p.
    box : Box
        Two axes for a circle, three for a sphere.
    target : Circle or Sphere
        Grid of the image.

    Returns
    -------
    array, shape ``target.shape``
        Its mass is the second moment :math:`\int |w|^2 d\mu` of the density that is linear in each cell (limited
        slopes), up to round-off.

    Raises
    ------
    InputError
        If the dimensions do not fit.

    Examples
    --------
    >>> box, circle = wgflow.Box([(-1.0, 1.0)] * 2, (16, 16)), wgflow.Circle(8)
    >>> image = wgflow.cone_image(np.ones((16, 16)), box, circle)
    >>> round(float(image @ circle.volumes), 6)  # the second moment of the uniform density, 8 / 3
    2.666667

    References
    ----------
    Bach and Chizat (2022), Section 4.1.
    """
    needed = target.points.shape[-1]
    if len(box.shape) != needed:
        raise InputError(f"a box with {len(box.shape)} axes has no image on the {target.kind}; it needs {needed}")
    slopes = [_limited_slope(density, box, axis) for axis in range(len(box.shape))]
    masses = np.zeros(target.shape)
    for offset, weight in box_nodes(box.spacing, POINTS):
        points = box.points + offset
        lengths = (points**2).sum(axis=-1)
        values = density + sum(slope * step for slope, step in zip(slopes, offset, strict=True))
        here = (values > 0.0) & (lengths > 0.0)
        images = points[here] / np.sqrt(lengths[here])[:, None]
        shares = weight * (values * lengths * box.volumes)[here]
        masses += np.bincount(target.cells_at(images), shares, masses.size)
    return masses / target.volumes


def _limited_slope(density: FloatArray, box: Box, axis: int) -> FloatArray:
    """Slope along an axis, limited so that the density stays nonnegative in the cell when all axes act."""
    width = box.spacing[axis]
    places = np.arange(box.shape[axis])
    ahead, behind = places + 1, places - 1
    if box.periodic[axis]:
        ahead, behind = ahead % places.size, behind % places.size
    after, before = (np.take(density, near.clip(0, places.size - 1), axis) for near in (ahead, behind))
    steepest = 2.0 * density / (width * len(box.shape))
    return (0.5 * (after - before) / width).clip(-steepest, steepest)
