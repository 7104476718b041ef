"""ReLU features of n data points at N cells in tiles of neighbouring cells, where no matrix N x n is worth its room."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wgflow.domains import Domain
from wgflow.networks.kernels.relu_tiles import (
    AT_ONCE,
    AXES,
    CURVATURE,
    LANES,
    LENGTH,
    ROWS,
    WIDTH,
    Room,
    Tiles,
    tile_moments,
    tile_potential,
)
from wgflow.typing import FloatArray, IntArray

TILE = 128  # cells at most
BLOCKS = 64  # of tiles on meshes, fixed, so that sums do not depend on the number of threads
SAFETY = 1.0 + 1e-12  # of radii, for their round-off


class TiledRelu:
    """Moments and potentials of (rounded) ReLU features on grids.

    Parameters
    ----------
    domain : Domain
        The domain with N cells.
    inputs : array, shape (n, d)
        Data points.
    width : array, shape (n,)
        Half width of the rounded interval of each, or all 0 for the kink itself.
    """

    def __init__(self, domain: Domain, inputs: FloatArray, width: FloatArray) -> None:
        self._count, axes = inputs.shape
        self._data = np.zeros((ROWS, -(-(self._count + 1) // LANES) * LANES))
        own = self._data[:, : self._count]
        own[:axes], own[LENGTH], own[WIDTH] = inputs.T, np.hypot.reduce(inputs, axis=1), width
        self._rounded = (True,) if width.any() else ()
        if self._rounded:
            own[CURVATURE] = 0.25 / width
        self._tiles = tiles_on(domain)
        blocks, filled = self._tiles.blocks.size - 1, self._data.shape[1]
        self._room = Room(
            np.empty((blocks, filled)), np.empty((blocks, filled + AT_ONCE), np.int64), np.empty((blocks, TILE))
        )
        self._partial, self._coefficients = np.empty((blocks, filled)), np.zeros(filled)

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        tile_moments(self._rounded, self._data, self._tiles, mass, self._room, self._partial)
        return self._partial.sum(axis=0)[: self._count]

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        self._coefficients[: self._count] = coefficients
        tile_potential(self._rounded, self._data, self._tiles, self._coefficients, self._room, potential)


def tiles_on(domain: Domain) -> Tiles:
    """Tiles of the cells of a domain: within blocks of its rows on boxes, blocks of tiles on meshes."""
    points = domain.base.points.reshape(-1, domain.base.points.shape[-1])
    rows = [np.arange(len(points))]
    split = [list(_tiles_of(points, cells)) for cells in rows]
    tiles = [cells for group in split for cells in group]
    blocks = min(BLOCKS, len(tiles))
    bounds = np.arange(blocks + 1) * len(tiles) // blocks
    starts = np.cumsum([0, *(len(cells) for cells in tiles)])
    filled, balls = np.zeros((len(tiles), AXES, TILE)), np.zeros((len(tiles), AXES + 1))
    for t, cells in enumerate(tiles):
        own = points[cells]
        middle = 0.5 * (own.min(axis=0) + own.max(axis=0))
        filled[t, : own.shape[1], : len(cells)] = own.T
        balls[t, : own.shape[1]] = middle
        balls[t, AXES] = SAFETY * np.sqrt(((own - middle) ** 2).sum(axis=1).max())
    return Tiles(filled, balls, np.concatenate(tiles), starts, bounds)


def _tiles_of(points: FloatArray, cells: IntArray) -> Iterator[IntArray]:
    """Cut cells in two across their longest side until tiles are left, all but the last one full."""
    tiles = -(-len(cells) // TILE)
    if tiles == 1:
        yield cells
        return
    own = points[cells]
    longest = int(np.ptp(own, axis=0).argmax())
    size = tiles // 2 * TILE
    order = np.argpartition(own[:, longest], size)
    yield from _tiles_of(points, cells[order[:size]])
    yield from _tiles_of(points, cells[order[size:]])
