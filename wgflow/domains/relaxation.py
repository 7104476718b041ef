"""Lloyd's iteration on the grid of diamonds: each centre moves to the centroid of its Voronoi cell.

One of ten diamonds is relaxed: rotations of the icosahedron take it to the others, and beyond its sides lie cells of
its own, turned. Points are arrays of three components first, so that arithmetic on all of them runs along memory; some
rows of cells at a time, whose intermediate values stay in the cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wgflow.domains.diamonds import DIAMONDS, POLES, locate, with_midpoints
from wgflow.typing import FloatArray, IntArray

_CELLS_AT_ONCE = 8_192
# First, second and third corner of each diamond, by their numbers among U_0 ... U_4, L_0 ... L_4, N and S.
_FRAMES = np.array([(k, 5 + k, (k + 1) % 5) for k in range(5)] + [(5 + k, 11, 5 + (k + 1) % 5) for k in range(5)])


class RelaxedDiamond:
    """The cells of one diamond; those of the nine others are the same, turned with the icosahedron.

    Parameters
    ----------
    corners : array, shape (12, 3)
        Those of the icosahedron as `wgflow.domains.diamonds.corner_points` gives them.
    points : array, shape (n, n, 3), optional
        Centres of the first diamond by j and i; its first corner by default.
    """

    def __init__(self, corners: FloatArray, points: FloatArray | None = None) -> None:
        self._corners = corners
        self._points = corners[None, :1] if points is None else points
        frames = np.stack([corners[_FRAMES[:, k]] for k in range(3)], axis=-1)
        self._turns = frames @ np.linalg.inv(frames[0])

    def refined(self, iterations: int) -> RelaxedDiamond:
        """Cut cells in four, and move each centre to the centroid of its cell, again and again."""
        coarse = len(self._points)
        fine = RelaxedDiamond(self._corners, with_midpoints(self._with(_Beside.of(coarse, 0, coarse + 1))))
        n, points = len(fine._points), fine._points
        beside, rows = _Beside.of(n, -1, n + 1), max(1, _CELLS_AT_ONCE // n)
        for _ in range(iterations):
            around = np.ascontiguousarray(np.moveaxis(fine._with(beside), -1, 0))
            for first in range(0, n, rows):
                last = min(first + rows, n)
                points[first:last] = np.moveaxis(_centroids(around[:, first : last + 2]), 0, -1)
            points[0, 0] = self._corners[0]  # its cell has five sides, and is symmetric
        return fine

    def everywhere(self) -> FloatArray:
        """Centres of all cells, shape (10 n^2 + 2, 3)."""
        turned = np.einsum("dik,jmk->djmi", self._turns, self._points).reshape(-1, 3)
        turned /= np.linalg.norm(turned, axis=1, keepdims=True)
        return np.concatenate([turned, self._corners[-POLES:]])

    def _with(self, beside: _Beside) -> FloatArray:
        """Centres of the diamond and of some cells beside it by j and i."""
        n, size = len(self._points), len(beside.outside)
        found = np.empty((size, size, 3))
        inside = slice(beside.before, beside.before + n)
        found[inside, inside] = self._points
        turned = np.einsum("cik,ck->ci", self._turns[beside.diamonds], self._points.reshape(-1, 3)[beside.places])
        found[beside.outside] = np.where(beside.poles[:, None] > 0, self._corners[beside.poles], turned)
        return found


class _Beside(NamedTuple):
    """Cells at places from ``-before`` on (size, size) that are outside of the first diamond.

    They are by the places in their diamonds, or by the number of the corner of the icosahedron that a pole is.
    """

    before: int
    outside: NDArray[np.bool_]
    diamonds: IntArray
    places: IntArray
    poles: IntArray

    @classmethod
    def of(cls, n: int, first: int, end: int) -> _Beside:
        """Those at first ... end - 1 along both sides of a diamond of n x n cells."""
        span = np.arange(first, end)
        within = (span >= 0) & (span < n)
        outside = ~(within[:, None] & within)
        j, i = span[np.argwhere(outside)].T
        cells = locate(n, np.zeros_like(i), i, j).cells
        beyond = cells - DIAMONDS * n * n
        diamonds, places = np.divmod(np.minimum(cells, DIAMONDS * n * n - 1), n * n)
        return cls(-first, outside, diamonds, places, np.where(beyond >= 0, DIAMONDS + beyond, 0))


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
