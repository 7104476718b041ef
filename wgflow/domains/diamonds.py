r"""The icosahedral grid as ten diamonds of n x n cells, and two cells at its poles.

An icosahedron with the corners N, U_0 ... U_4, L_0 ... L_4 and S, from north to south, consists of the five diamonds
U_k L_k U_{k+1} N and the five diamonds L_k S L_{k+1} U_{k+1}. Each has, in coordinates (i, j) along its sides, the
corners (0, 0), (n, 0), (n, n) and (0, n) in this order, and holds the cells 0 <= i, j < n: its first corner with the
sides from there to the second and to the last. The cell (i, j) of diamond d has the number (d n + j) n + i, N and S are
the last two cells. A cell has neighbours in the six ``DIRECTIONS``; seen from outside they follow one another
counter-clockwise. The grid goes on in straight lines across the sides of diamonds, where directions turn by multiples
of 60 degrees, but for the twelve corners, which have five neighbours.

References
----------
Majewski et al. (2002), The operational global icosahedral-hexagonal gridpoint model GME, Mon. Wea. Rev. 130: diamonds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from wgflow.typing import FloatArray, IntArray

DIAMONDS, POLES = 10, 2
DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))
MISSING = 4  # direction from the first corner of a diamond in which there is no cell
_Crossing = Callable[[int, IntArray, IntArray, IntArray], tuple[IntArray, IntArray, IntArray, int]]
_CROSSINGS = 6  # sides that a position near a corner may have to be followed across


class Located(NamedTuple):
    """Cells at positions, and by how many directions those of their diamond are ahead of those of the position's."""

    cells: IntArray
    turns: IntArray


def side_of(level: int) -> int:
    """Cells n along a side of a diamond after a number of subdivisions."""
    return int(2**level)


def locate(n: int, diamond: IntArray, i: IntArray, j: IntArray) -> Located:
    """Cells at positions near diamonds.

    Parameters
    ----------
    n : int
        Cells along a side.
    diamond, i, j : arrays of the same shape
        Diamonds and coordinates in them, which may lie outside by a few cells; across the side that a position is
        further outside of, were it outside of two.

    Returns
    -------
    Located
        Arrays of that shape.
    """
    d, i, j = (np.array(values) for values in np.broadcast_arrays(diamond, i, j))
    turns = np.zeros_like(d)
    pole = np.full(d.shape, -1)
    for _ in range(_CROSSINGS):
        pole[(d < 5) & (i == 0) & (j == n)] = 0
        pole[(d >= 5) & (i == n) & (j == 0)] = 1
        beyond = np.stack([-i, -j, i - n + 1, j - n + 1])
        side = np.where((beyond.max(axis=0) > 0) & (pole < 0), beyond.argmax(axis=0), -1)
        for number, crossing in enumerate(_CROSS):
            for here, cross in ((d < 5, crossing[0]), (d >= 5, crossing[1])):
                chosen = (side == number) & here
                side[chosen] = -1  # crossed once
                found = cross(n, d[chosen] % 5, i[chosen], j[chosen])
                d[chosen], i[chosen], j[chosen] = found[:3]
                turns[chosen] += found[3]
    return Located(np.where(pole >= 0, DIAMONDS * n * n + pole, (d * n + j) * n + i), turns % 6)


# Across the sides i = 0, j = 0, i = n and j = n of a northern and a southern diamond k: diamond, i, j, turns there.
_CROSS: tuple[tuple[_Crossing, _Crossing], ...] = (
    (lambda n, k, i, j: ((k + 4) % 5, i - j + n, n + i, 1), lambda n, k, i, j: (k, i + n, j, 0)),
    (lambda n, k, i, j: (5 + (k + 4) % 5, i, j + n, 0), lambda n, k, i, j: (5 + (k + 4) % 5, n + j, n + j - i, -1)),
    (lambda n, k, i, j: (5 + k, i - n, j, 0), lambda n, k, i, j: (5 + (k + 1) % 5, i - j, i - n, 1)),
    (lambda n, k, i, j: ((k + 1) % 5, j - n, j - i, -1), lambda n, k, i, j: ((k + 1) % 5, i, j - n, 0)),
)


def lattice(n: int, columns: IntArray, rows: IntArray) -> Located:
    """Cells at all positions (i, j) of some columns i and rows j of each diamond, shape (10, rows, columns)."""
    return locate(n, np.arange(DIAMONDS)[:, None, None], columns[None, None, :], rows[None, :, None])


def neighbours(n: int) -> IntArray:
    """Cells beside each, counter-clockwise, shape (N, 6); a corner of the grid, which has five, is its own sixth."""
    around = np.arange(-1, n + 1)
    cells = lattice(n, around, around).cells
    found = [cells[:, 1 + j : n + 1 + j, 1 + i : n + 1 + i].ravel() for i, j in DIRECTIONS]
    near = np.stack(found, axis=1)
    corners = np.arange(DIAMONDS) * n * n
    near[corners] = np.insert(np.delete(near[corners], MISSING, axis=1), 5, corners, axis=1)
    north, k = DIAMONDS * n * n, np.arange(5)
    last_in_column, last_in_row = (k * n + n - 1) * n, (5 + k[::-1]) * n * n + n - 1
    poles = np.array([[*last_in_column, north], [*last_in_row, north + 1]])
    return np.concatenate([near, poles])


def triangles(n: int) -> IntArray:
    """Cells at the corners of the triangles between centres, counter-clockwise, shape (20 n^2, 3)."""
    span = np.arange(n + 1)
    cells = lattice(n, span, span).cells
    here, ahead, across, beside = cells[:, :-1, :-1], cells[:, :-1, 1:], cells[:, 1:, 1:], cells[:, 1:, :-1]
    both = np.stack([np.stack([here, ahead, across], axis=-1), np.stack([here, across, beside], axis=-1)], axis=3)
    return both.reshape(-1, 3)


def corner_points(corners: FloatArray) -> FloatArray:
    """Sort the corners (12, 3) of an icosahedron as U_0 ... U_4, L_0 ... L_4, N, S."""
    north = corners[0]
    upper = corners[(corners @ north > 0.4) & (corners @ north < 0.9)]
    first = upper[0] - (upper[0] @ north) * north
    angle = np.arctan2(upper @ np.cross(north, first), upper @ first)
    upper = upper[np.argsort(np.mod(angle + 0.1, 2.0 * np.pi))]
    return np.concatenate([upper, -np.roll(upper, 2, axis=0), [north, -north]])


def subdivided(points: FloatArray, n: int) -> FloatArray:
    """Twice as many points along each side: those of a grid (10 n^2 + 2, 3) and the midpoints of its edges."""
    span = np.arange(n + 1)
    return np.concatenate([with_midpoints(points[lattice(n, span, span).cells]).reshape(-1, 3), points[-POLES:]])


def with_midpoints(coarse: FloatArray) -> FloatArray:
    """Points (..., 2n, 2n, 3) of diamonds, from those (..., n + 1, n + 1, 3) of twice their width and one more."""
    here, ahead = coarse[..., :-1, :-1, :], coarse[..., :-1, 1:, :]
    across, beside = coarse[..., 1:, 1:, :], coarse[..., 1:, :-1, :]
    fine = np.empty((*here.shape[:-3], 2 * here.shape[-3], 2 * here.shape[-2], 3))
    fine[..., ::2, ::2, :] = here
    fine[..., ::2, 1::2, :] = here + ahead
    fine[..., 1::2, 1::2, :] = here + across
    fine[..., 1::2, ::2, :] = here + beside
    return np.asarray(fine / np.linalg.norm(fine, axis=-1, keepdims=True))
