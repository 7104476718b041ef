r"""Sums of (rounded) ReLU features over tiles of neighbouring cells, without a matrix of features.

With a kink of half width w (0 where it is exact) the feature of a data point is linear on a whole tile where its
activations there are w or more, and zero where they are -w or less. Only data whose kink passes between the cells of
the tile, few of them, meet these one by one: four at a time, so that each number that is loaded serves several
products, in the widest vectors. Which data do is found once: the cells of a tile lie in a ball with the centre c and
the radius r, so that the activation of a data point x is :math:`c \cdot x` up to :math:`r |x|`, and only where these do
not tell are the activations computed.

Points have three coordinates, some of which may be 0. Data are columns :math:`(x, |x|, w, 1/4w)`; the last one is
zero, and fills up the four. Whether kinks are ``rounded`` is told by an empty tuple or one that is not, as its length
is known when a kernel is compiled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from wgflow.compilation import arrays_apart, inlined_kernel, kernel, parallel_kernel, reduction, wide_vectors
from wgflow.networks.kernels.relu_sums import feature
from wgflow.typing import FloatArray, IntArray

AXES = 3
LENGTH, WIDTH, CURVATURE, ROWS = range(AXES, AXES + 4)  # rows of the data, and their number
AT_ONCE = 4  # data
ZERO, LINEAR, KINKED = range(3)  # what a feature is on a tile
LANES = 16  # numbers that loops take at a time: two of the widest vectors


class Tiles(NamedTuple):
    """Cells in tiles, and the tiles in blocks.

    Parameters
    ----------
    points : array, shape (tiles, 3, T)
        Cell centres, filled up with zeros.
    balls : array, shape (tiles, 4)
        Centre and radius of a ball that holds them.
    order : array of int, shape (N,)
        Numbers of the cells, tile by tile.
    starts : array of int, shape (tiles + 1,)
        Where each tile begins in this order.
    blocks : array of int, shape (B + 1,)
        Where each block begins, in tiles.
    """

    points: FloatArray
    balls: FloatArray
    order: IntArray
    starts: IntArray
    blocks: IntArray


class Kinks(NamedTuple):
    """Data on each tile.

    Parameters
    ----------
    listed : array of int
        Those with a kink in it, tile by tile, in fours.
    starts : array of int, shape (tiles + 1,)
        Where those of each tile begin.
    kinds : array of uint8, shape (tiles, n)
        What the feature of each is on the tile: ``ZERO``, ``LINEAR`` or ``KINKED``.
    """

    listed: IntArray
    starts: IntArray
    kinds: NDArray[np.uint8]


@inlined_kernel
def _at_ball(data, i, ball):
    """Activation of a data point at the centre of a ball, and how large it must be to have no kink there."""
    middle = ball[0] * data[0, i] + ball[1] * data[1, i] + ball[2] * data[2, i]
    return middle, ball[3] * data[LENGTH, i] + data[WIDTH, i]


@kernel
def find_kinds(data, tiles, kinds):
    """Find whether each feature is zero on each tile, linear there, or has a kink in it.

    Parameters
    ----------
    data : array, shape (6, n)
        The data.
    tiles : Tiles
        The cells.
    kinds : array of uint8, shape (tiles, n)
        Given ``ZERO``, ``LINEAR`` or ``KINKED``.
    """
    for t in range(kinds.shape[0]):
        cells, points = tiles.starts[t + 1] - tiles.starts[t], tiles.points[t]
        for i in range(kinds.shape[1]):
            middle, least = _at_ball(data, i, tiles.balls[t])
            lowest = highest = middle
            if abs(middle) < least:
                for q in range(cells):
                    here = points[0, q] * data[0, i] + points[1, q] * data[1, i] + points[2, q] * data[2, i]
                    lowest, highest = min(lowest, here), max(highest, here)
            kinds[t, i] = LINEAR if lowest >= data[WIDTH, i] else (ZERO if highest <= -data[WIDTH, i] else KINKED)


@kernel
def _add_linear(kinds, data, first, moments):
    """Add the moments of the features that are linear on a tile, from those of its points."""
    wide_vectors()
    x, y, z = first
    for i in range(moments.size):
        moments[i] += x * data[0, i] + y * data[1, i] + z * data[2, i] if kinds[i] == LINEAR else 0.0


@reduction
def _linear_slope(kinds, data, coefficients):
    """Gradient of all that is linear on a tile."""
    wide_vectors()
    x = y = z = 0.0
    for i in range(coefficients.size):
        coefficient = coefficients[i] if kinds[i] == LINEAR else 0.0
        x += coefficient * data[0, i]
        y += coefficient * data[1, i]
        z += coefficient * data[2, i]
    return x, y, z


@kernel
def _gather(order, volumes, rows, masses):
    """Write net masses in the order of a tile, from densities on each sheet, filled up with zeros."""
    for q in range(order.size):
        masses[q] = rows[0, order[q]]
    for sheet in range(1, rows.shape[0]):
        for q in range(order.size):
            masses[q] -= rows[sheet, order[q]]
    for q in range(order.size):
        masses[q] *= volumes[q]
    for q in range(order.size, masses.size):
        masses[q] = 0.0


@reduction
def _first_moments(points, mass):
    wide_vectors()
    x = y = z = 0.0
    for q in range(mass.size):
        x += points[0, q] * mass[q]
        y += points[1, q] * mass[q]
        z += points[2, q] * mass[q]
    return x, y, z


@kernel
def _write_linear(points, slope, values):
    wide_vectors()
    x, y, z = slope
    for q in range(values.size):
        values[q] = x * points[0, q] + y * points[1, q] + z * points[2, q]


@inlined_kernel
def _column(data, i):
    return data[0, i], data[1, i], data[2, i], data[WIDTH, i], data[CURVATURE, i]


@inlined_kernel
def _feature_at(rounded, column, x, y, z):
    """Feature of a column of the data at a point."""
    a, b, c, width, curvature = column
    return feature(len(rounded) > 0, a * x + b * y + c * z, width, curvature, 0.0)


@reduction
def _add_moments(rounded, data, listed, points, mass, moments):
    """Add the moments of the listed features."""
    arrays_apart()
    wide_vectors()
    for n in range(0, listed.size, AT_ONCE):
        i, j, k, l = listed[n], listed[n + 1], listed[n + 2], listed[n + 3]  # noqa: E741
        first, second, third, fourth = _column(data, i), _column(data, j), _column(data, k), _column(data, l)
        one = two = three = four = 0.0
        for q in range(mass.size):
            x, y, z = points[0, q], points[1, q], points[2, q]
            one += mass[q] * _feature_at(rounded, first, x, y, z)
            two += mass[q] * _feature_at(rounded, second, x, y, z)
            three += mass[q] * _feature_at(rounded, third, x, y, z)
            four += mass[q] * _feature_at(rounded, fourth, x, y, z)
        moments[i] += one
        moments[j] += two
        moments[k] += three
        moments[l] += four


@kernel
def _add_features(rounded, data, listed, points, coefficients, values):
    """Add the listed features times their coefficients."""
    wide_vectors()
    for n in range(0, listed.size, AT_ONCE):
        i, j, k, l = listed[n], listed[n + 1], listed[n + 2], listed[n + 3]  # noqa: E741
        first, second, third, fourth = _column(data, i), _column(data, j), _column(data, k), _column(data, l)
        one, two, three, four = coefficients[i], coefficients[j], coefficients[k], coefficients[l]
        for q in range(values.size):
            x, y, z = points[0, q], points[1, q], points[2, q]
            left = one * _feature_at(rounded, first, x, y, z) + two * _feature_at(rounded, second, x, y, z)
            right = three * _feature_at(rounded, third, x, y, z) + four * _feature_at(rounded, fourth, x, y, z)
            values[q] += left + right


@parallel_kernel
def tile_moments(rounded, data, tiles, kinks, volumes, rows, room, moments):
    """Write the moments of each block of tiles, shape (B, n).

    Densities ``rows`` (sheets, N) count times the ``volumes`` (N,) in the order of the tiles, those of a second sheet
    negatively. ``room`` has the shape (B, T).
    """
    for block in prange(tiles.blocks.size - 1):
        own = moments[block]
        own[:] = 0.0
        for t in range(tiles.blocks[block], tiles.blocks[block + 1]):
            own_cells = slice(tiles.starts[t], tiles.starts[t + 1])
            order, points = tiles.order[own_cells], tiles.points[t]
            masses = room[block, : (order.size + LANES - 1) // LANES * LANES]
            _gather(order, volumes[own_cells], rows, masses)
            _add_linear(kinks.kinds[t], data, _first_moments(points, masses), own)
            _add_moments(rounded, data, kinks.listed[kinks.starts[t] : kinks.starts[t + 1]], points, masses, own)


@parallel_kernel
def tile_potential(rounded, data, tiles, kinks, coefficients, room, potential):
    """Write the sum of all features times their coefficients at the cells of all tiles."""
    for block in prange(tiles.blocks.size - 1):
        for t in range(tiles.blocks[block], tiles.blocks[block + 1]):
            order, points = tiles.order[tiles.starts[t] : tiles.starts[t + 1]], tiles.points[t]
            values = room[block, : (order.size + LANES - 1) // LANES * LANES]
            _write_linear(points, _linear_slope(kinks.kinds[t], data, coefficients), values)
            listed = kinks.listed[kinks.starts[t] : kinks.starts[t + 1]]
            _add_features(rounded, data, listed, points, coefficients, values)
            for q in range(order.size):
                potential[order[q]] = values[q]
