r"""Laplacians of first variations along the set that particles move on, by differences of gradients.

For an orthonormal frame :math:`e_a` of the tangent space at x, and the shortest ways :math:`x_a(s)` that begin with it,

.. math:: \Delta J(x) = \sum_a \left. \frac{d}{ds} \right|_0 \langle e_a, \nabla J(x_a(s)) \rangle

where the gradient is that along the set. The derivative is taken by central differences of sixth order, whose steps are
shortened until they agree with those of fourth order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from wgflow.domains.geometry import Geometry, UnitSphere, is_flat
from wgflow.errors import InputError
from wgflow.measures.particles import extent_of
from wgflow.typing import FloatArray

FIRST_STEP = 2.0**-7  # over the scale of the function
LESS, TRIES = 0.25, 5
AGREEMENT = 1e-6  # of fourth and sixth order: the sixth is then right to about 1e-9
ROUND_OFF = 16.0 * float(np.finfo(np.float64).eps)


def smooth_derivative(function: Callable[[float], FloatArray], scale: float, what: str) -> FloatArray:
    """Derivative at 0 of a smooth function of one number.

    Parameters
    ----------
    function : callable
        From a number to an array.
    scale : float
        Length on which the function may vary; the first step is a share of it.
    what : str
        What an error says has no derivative.

    Raises
    ------
    InputError
        If differences of any steps do not agree, as at a kink.
    """
    step = FIRST_STEP * scale
    for _ in range(TRIES):
        pairs = [(function(k * step), function(-k * step)) for k in (1, 2, 3)]
        one, two, three = (above - below for above, below in pairs)
        fourth, sixth = (8.0 * one - two) / (12.0 * step), (45.0 * one - 9.0 * two + three) / (60.0 * step)
        size = max(float(np.abs(above).max(initial=0.0)) for above, _ in pairs)
        allowed = AGREEMENT * float(np.abs(sixth).max(initial=0.0)) + ROUND_OFF * size / step
        if not np.abs(sixth - fourth).max(initial=0.0) > allowed:
            return np.asarray(sixth)
        step *= LESS
    raise InputError(
        f"{what} has no second derivative everywhere, which the density along characteristics needs: round its kinks "
        "and singularities, or use particles or finite volumes"
    )


def tangent_frames(geometry: Geometry, points: FloatArray) -> FloatArray:
    """Orthonormal frames (m, dimension, p) of the tangent spaces at points (m, p) of flat sets and unit spheres."""
    count, components = points.shape
    if is_flat(geometry):
        return np.broadcast_to(np.eye(components), (count, components, components))
    away = points.copy()  # of Householder's reflection, which takes the point to an axis and the other axes to a frame
    away[:, -1] += np.copysign(1.0, points[:, -1])
    squared = np.einsum("ij,ij->i", away, away)
    reflected = np.eye(components) - 2.0 / squared[:, None, None] * away[:, :, None] * away[:, None, :]
    return reflected[:, :-1]


def divergence(
    geometry: Geometry, points: FloatArray, gradient: Callable[[FloatArray], FloatArray], what: str
) -> FloatArray:
    """Laplacian (m,) at points (m, p) of a function with the given ambient gradient, points (m, p) to (m, p).

    Raises
    ------
    InputError
        If the gradient is not smooth; the message begins with ``what`` it is that has none.
    """
    flat = is_flat(geometry)
    whole, scale = (geometry, extent_of(points)) if flat else (UnitSphere(geometry.components), 1.0)  # across mirrors
    total = np.zeros(len(points))
    for frame in np.moveaxis(tangent_frames(whole, points), 1, 0):
        total += smooth_derivative(partial(_along, whole, points, gradient, frame), scale, what)
    return total


def _along(
    geometry: Geometry,
    points: FloatArray,
    gradient: Callable[[FloatArray], FloatArray],
    frame: FloatArray,
    step: float,
) -> FloatArray:
    """Component along a field of unit vectors (m, p) of the gradient a step that way, shape (m,)."""
    moved = geometry.move(points, step * frame)
    return np.einsum("ij,ij->i", frame, geometry.tangential(moved, gradient(moved)))
