"""Lloyd's iteration on the grid of diamonds: each centre moves to the centroid of its Voronoi cell.

Points are arrays of three components first, so that arithmetic on all of them runs along memory; some rows of cells at
a time, whose intermediate values stay in the cache.
"""

from __future__ import annotations

import numpy as np

from wgflow.domains.diamonds import DIAMONDS, POLES, lattice, neighbours
from wgflow.typing import FloatArray, IntArray

_CELLS_AT_ONCE = 8_192


def relax(points: FloatArray, n: int, iterations: int) -> FloatArray:
    """Move each centre to the centroid of its cell, again and again; the triangulation stays.

    Parameters
    ----------
    points : array, shape (10 n^2 + 2, 3)
        Centres.
    n : int
        Cells along the side of a diamond.
    iterations : int
        How often.

    Returns
    -------
    array, shape (10 n^2 + 2, 3)
    """
    span = np.arange(-1, n + 1)
    cells = lattice(n, span, span).cells
    corners = np.append(np.arange(DIAMONDS) * n * n, DIAMONDS * n * n + np.arange(POLES))
    around = neighbours(n)[corners, :5]
    rows = max(1, _CELLS_AT_ONCE // n)
    for _ in range(iterations):
        components, moved = np.ascontiguousarray(points.T), np.empty(points.shape)
        inner = moved[:-POLES].reshape(DIAMONDS, n, n, 3)
        for diamond in range(DIAMONDS):
            for first in range(0, n, rows):
                last = min(first + rows, n)
                inner[diamond, first:last] = np.moveaxis(
                    _centroids(components[:, cells[diamond, first : last + 2]]), 0, -1
                )
        moved[corners] = _corner_centroids(points, corners, around)
        points = moved
    return points


def _centroids(points: FloatArray) -> FloatArray:
    """Centroids (3, r, n) of the inner cells of a piece of a diamond, from the points (3, r + 2, n + 2) of all."""
    here, ahead, across, beside = points[:, :-1, :-1], points[:, :-1, 1:], points[:, 1:, 1:], points[:, 1:, :-1]
    with np.errstate(invalid="ignore", divide="ignore"):  # at corners, whose triangles are no triangles here
        first, second = _circumcentre(here, ahead, across), _circumcentre(here, across, beside)
        inner, before = slice(1, None), slice(None, -1)
        corners = [
            first[:, inner, inner],
            second[:, inner, inner],
            first[:, inner, before],
            second[:, before, before],
            first[:, before, before],
            second[:, before, inner],
        ]
        return _centroid(points[:, 1:-1, 1:-1], corners)


def _corner_centroids(points: FloatArray, corners: IntArray, around: IntArray) -> FloatArray:
    """Centroids (12, 3) of the cells with five neighbours (12, 5)."""
    centre, near = points[corners].T, points[around].T
    vertices = [_circumcentre(centre, near[:, side], near[:, (side + 1) % 5]) for side in range(5)]
    return _centroid(centre, vertices).T


def _centroid(centre: FloatArray, corners: list[FloatArray]) -> FloatArray:
    """Centroids of cells from their centres and the corners around them, all (3, ...)."""
    total = np.zeros(centre.shape)
    for begin, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        triple = np.abs(_dot(centre, _cross(begin, end)))
        area = np.arctan(triple / (1.0 + _dot(centre, begin) + _dot(begin, end) + _dot(end, centre)))
        middle = centre + begin + end
        total += middle * (area / np.sqrt(_dot(middle, middle)))
    return total / np.sqrt(_dot(total, total))


def _circumcentre(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """Unit vectors (3, ...) at equal distance from three points (3, ...), corners of their cells."""
    normal = _cross(b - a, c - a)
    return normal / np.sqrt(_dot(normal, normal))


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
