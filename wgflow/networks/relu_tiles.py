"""ReLU features of n data points at N cells in tiles of neighbouring cells, in place of a matrix N x n.

The matrix is read from memory twice in each evaluation. Tiles take a third of that time or less for a hundred data in
the plane, in space and on the sphere, and the finer the grid the less for each pair of a cell and a data point: only
tiles that a kink passes through need all of their cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Domain
from wgflow.networks.kernels.relu_tiles import (
    AT_ONCE,
    AXES,
    CURVATURE,
    KINKED,
    LANES,
    LENGTH,
    ROWS,
    WIDTH,
    Kinks,
    Tiles,
    find_kinds,
    tile_moments,
    tile_potential,
)
from wgflow.networks.product_moments import WeightBox
from wgflow.typing import FloatArray, IntArray

TILE = 64  # cells at most
BLOCKS = 64  # of tiles on meshes, fixed, so that sums do not depend on the number of threads,
LEAST_TILES = 8  # and of so many tiles at least, as the sums of blocks are added one after the other
LEAST_DATA, LEAST_ENTRIES = 24, 2**17  # below, a matrix is as fast: it stays in the cache, and tiles cost their part
SAFETY = 1.0 + 1e-12  # of radii, for their round-off


def tiles_pay(cells: int, data: int, inputs: int, memory_limit: float) -> bool:
    """Whether tiles are used: for three inputs at most, where they are faster than a matrix, or it has no room.

    They are from 24 data and 131 072 entries of the matrix on, as measured. No grid here has more coordinates than the
    kernels, three; where no tile lay off the kinks, their products would be faster than the matrix up to six inputs or
    so, and slower from nine on.

    Parameters
    ----------
    cells, data : int
        Numbers N of cells and n of data.
    inputs : int
        Number d of inputs, a bias included.
    memory_limit : float
        Bytes that the matrix may take.
    """
    entries = cells * data
    return inputs <= AXES and ((data >= LEAST_DATA and entries >= LEAST_ENTRIES) or 8.0 * entries > memory_limit)


class TiledRelu:
    """Moments and potentials of (rounded) ReLU features on grids.

    Parameters
    ----------
    domain : Domain
        The domain with N cells.
    inputs : array, shape (n, d)
        Data points, d at most 3.
    width : array, shape (n,)
        Half width of the rounded interval of each, or all 0 for the kink itself.
    """

    shared = True
    """Slabs of a box give the same sums."""
    few = 128
    """Data, each of which adds as little to a potential as a pass for its loss rates takes: they may be found alone."""

    def __init__(self, domain: Domain, inputs: FloatArray, width: FloatArray) -> None:
        self._count = len(inputs)
        self._data, self._rounded = _columns(inputs, width), (True,) if width.any() else ()
        self._sums, (self._tiles, self._own) = _sums_on(domain), tiles_on(domain)
        blocks, filled = self._tiles.blocks.size - 1, self._data.shape[1]
        self._kinks, self._room = _kinks_in(self._tiles, self._data), np.empty((blocks, self._tiles.points.shape[2]))
        self._volumes = domain.base.volumes.ravel()[self._tiles.order]
        self._partial, self._coefficients = np.empty((blocks, filled)), np.zeros(filled)

    @cached_property
    def _ones(self) -> FloatArray:
        return np.ones(self._volumes.size)

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        return self._moments(self._ones, mass[None])

    def moments_of_density(self, rows: FloatArray) -> FloatArray:
        """Give the moments of the net masses of densities on each sheet, shape (sheets, N): no pass finds these."""
        return self._moments(self._volumes, rows)

    def _moments(self, volumes: FloatArray, rows: FloatArray) -> FloatArray:
        known = (self._rounded, self._data, self._tiles, self._kinks)
        tile_moments(*known, volumes, rows, self._room, self._partial)
        return self._sums(self._partial[self._own, : self._count])

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        self._coefficients[: self._count] = coefficients
        tile_potential(self._rounded, self._data, self._tiles, self._kinks, self._coefficients, self._room, potential)


def _kinks_in(tiles: Tiles, data: FloatArray) -> Kinks:
    """Which data have a kink in each tile, filled up to fours by the last one, which is zero, and which are linear."""
    kinds = np.empty((len(tiles.balls), data.shape[1]), np.uint8)
    find_kinds(data, tiles, kinds)
    kinked = kinds == KINKED
    counts = np.count_nonzero(kinked, axis=1)
    starts = np.cumsum([0, *(-(-counts // AT_ONCE) * AT_ONCE)])
    listed = np.full(starts[-1], data.shape[1] - 1)
    places = np.arange(counts.sum()) + np.repeat(starts[:-1] - (np.cumsum(counts) - counts), counts)
    listed[places] = np.nonzero(kinked)[1]
    return Kinks(listed, starts, kinds)


def _columns(inputs: FloatArray, width: FloatArray) -> FloatArray:
    """Data as the kernels take them, filled up with at least one column of zeros."""
    count, axes = inputs.shape
    columns = np.zeros((ROWS, -(-(count + 1) // LANES) * LANES))
    own = columns[:, :count]
    own[:axes], own[LENGTH], own[WIDTH] = inputs.T, np.hypot.reduce(inputs, axis=1), width
    np.divide(0.25, own[WIDTH], out=own[CURVATURE], where=width > 0.0)
    return columns


_SHARED: DomainTable[bool] = DomainTable(
    "whether processes may share the rows of cells", {WeightBox: False, Box: True, object: False}
)


def _in_rows(domain: Domain) -> bool:
    """Whether sums over the cells are those over blocks of rows of the first axis."""
    return _SHARED.on(domain) and len(domain.base.shape) > 1


def _sums_on(domain: Domain) -> Callable[[FloatArray], FloatArray]:
    """How moments of blocks (B, n) are added."""
    return domain.base.partition.sums if _in_rows(domain) else np.add.reduce


def tiles_on(domain: Domain) -> tuple[Tiles, slice]:
    """Tiles of the cells of a domain, and which of their blocks are those of its partition.

    In boxes each tile lies in one row of the first axis, so that a row has the same tiles whoever computes it.
    """
    base = domain.base
    points = base.points.reshape(-1, base.points.shape[-1])
    if not _in_rows(domain):
        tiles = [*_cut(points, np.arange(len(points)), TILE)]
        count = min(BLOCKS, max(len(tiles) // LEAST_TILES, 1))
        return _arranged(points, tiles, np.arange(count + 1) * len(tiles) // count), slice(0, count)
    rows, bounds = base.shape[0], base.partition.bounds
    size = len(points) // rows
    row = [*_cut(points, np.arange(size), TILE)]
    ends = np.unique([0, *bounds, rows])
    first = int(np.searchsorted(ends, bounds[0]))
    tiles = [cells + size * k for k in range(rows) for cells in row]
    return _arranged(points, tiles, ends * len(row)), slice(first, first + len(bounds) - 1)


def _arranged(points: FloatArray, tiles: list[IntArray], blocks: IntArray) -> Tiles:
    """Tiles with their points and the balls around them."""
    axes, most = points.shape[1], -(-max(map(len, tiles)) // LANES) * LANES
    filled, balls = np.zeros((len(tiles), AXES, most)), np.zeros((len(tiles), AXES + 1))
    for own, ball, cells in zip(filled, balls, tiles, strict=True):
        inside = points[cells].T
        middle = 0.5 * (inside.min(axis=1) + inside.max(axis=1))
        own[:axes, : len(cells)], ball[:axes] = inside, middle
        ball[AXES] = SAFETY * np.sqrt(((inside - middle[:, None]) ** 2).sum(axis=0).max())
    return Tiles(filled, balls, np.concatenate(tiles).astype(np.uint32), np.cumsum([0, *map(len, tiles)]), blocks)


def _cut(points: FloatArray, cells: IntArray, most: int) -> Iterator[IntArray]:
    """Cut cells in two across their longest side until tiles of ``most`` cells are left, all but the last one full."""
    tiles = -(-len(cells) // most)
    if tiles == 1:
        yield cells
        return
    own, size = points[cells], tiles // 2 * most
    order = np.argpartition(own[:, np.ptp(own, axis=0).argmax()], size)
    yield from _cut(points, cells[order[:size]], most)
    yield from _cut(points, cells[order[size:]], most)
