"""Sums of (rounded) ReLU features over particles and data, without storing an m x n matrix of features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from wgflow.errors import ShapeError
from wgflow.networks.kernels.relu_sums import INPUTS, backward_kernel, fill_rows, forward_kernel, value_kernel
from wgflow.ranks.work import all_blocks, all_rows, own_blocks
from wgflow.typing import FloatArray, IntArray

BLOCKS = 8  # fixed, so that sums do not depend on the number of threads
PARALLEL_THRESHOLD = 100_000  # pairs of a particle and a data point from which a second core pays
TILE = 256  # data points whose inputs stay in the cache
STORED = 2**21  # activations that are kept from the predictions to the gradient; beyond, they are computed anew


class Workspace:
    """Room for the activations of some particles, and for what is computed from them."""

    def __init__(self, count: int, shape: tuple[int, int], inputs: int, dtype: DTypeLike) -> None:
        self.rows = np.empty((count, *shape), dtype)
        self.points = np.zeros((count, inputs), dtype)
        self.slopes = np.empty((BLOCKS, 2, shape[1]), dtype)


class WorkspacePool:
    """At most one workspace that nobody uses, for the next who asks: new ones cost up to a fifth of a short call."""

    def __init__(self) -> None:
        self._kept: list[Workspace] = []

    def take(self, count: int, *layout: Any) -> Workspace:
        """Hand over a workspace for a number of particles; it is the caller's until it is given back."""
        try:
            found = self._kept.pop()
        except IndexError:
            return Workspace(count, *layout)
        return found if len(found.rows) >= count else Workspace(count, *layout)

    def give_back(self, workspace: Workspace) -> None:
        """Keep a workspace that its owner needs no more."""
        self._kept[:] = [workspace]


class Activations:
    """Inner products of particles with data, kept from `ReluSums.forward` to `ReluSums.backward`.

    They own their workspace as long as they live: no later call changes them.

    Parameters
    ----------
    points : array, shape (m, d)
        The particles.
    workspace : Workspace
        Holds the products, or is room to compute some of them at a time.
    kept : bool
        Whether it holds them all; else they were too many.
    pool : WorkspacePool
        Where the workspace goes in the end.
    """

    def __init__(self, points: FloatArray, workspace: Workspace, kept: bool, pool: WorkspacePool) -> None:
        self.points, self.workspace, self.kept, self._pool = points, workspace, kept, pool

    def __del__(self) -> None:
        """Give the workspace back."""
        self._pool.give_back(self.workspace)


def _fetch(blocks: int, values: NDArray[Any], gradient: NDArray[Any]) -> None:
    """Fill in what other ranks have computed at their blocks of particles, where the work is shared."""
    ends = [2 * (block * (len(values) // 2) // blocks) for block in range(blocks + 1)]
    own = own_blocks(blocks)
    if len(own) < blocks:
        rows = slice(ends[own.start], ends[own.stop])
        values[:] = all_rows(values[rows], ends)
        gradient[:] = all_rows(gradient[rows], ends)


class ReluSums:
    """Predictions and potentials of particles for ReLU features, exact or with rounded kinks.

    Parameters
    ----------
    inputs : array, shape (n, d)
        Data points.
    width : array, shape (n,)
        Half width of the rounded interval of each, all positive; or all 0 for the kink itself, with slope 0 at it.
    precision : dtype
        float64 or float32, of all arithmetic here; arguments and results are float64.
    place : array of int, shape (k,), optional
        Which of the n data points each of k wanted ones is, where some occur several times; see `of_distinct`.
    """

    def __init__(
        self,
        inputs: FloatArray,
        width: FloatArray,
        precision: DTypeLike = np.float64,
        place: IntArray | None = None,
    ) -> None:
        self._count, self._inputs, self._dtype = *inputs.shape, np.dtype(precision)
        tile = min(TILE, self._count)
        tiles, filled = -(-self._count // tile), -(-self._inputs // INPUTS) * INPUTS
        self._rounded = bool(width.any())
        columns = np.zeros((tiles * tile, filled), self._dtype)
        columns[: self._count, : self._inputs] = inputs
        self._columns = np.ascontiguousarray(columns.reshape(tiles, tile, filled).swapaxes(1, 2))
        self._shape, self._place = (tiles, tile), place
        self._width = self._tiled(width)
        self._curvature = np.divide(0.25, self._width, out=np.zeros_like(self._width), where=self._width > 0.0)
        self._most, self._pool = max(2 * BLOCKS, STORED // (tiles * tile) // 2 * 2), WorkspacePool()

    @classmethod
    def of_distinct(cls, inputs: FloatArray, width: FloatArray, precision: DTypeLike = np.float64) -> ReluSums:
        """Sums that evaluate data points once that occur several times, as data on a grid do."""
        distinct, first, place = np.unique(inputs, axis=0, return_index=True, return_inverse=True)
        return cls(distinct, width[first], precision, place)

    def forward(self, points: FloatArray, charges: FloatArray) -> tuple[FloatArray, Activations]:
        """Predictions ``sum_j charges_j Psi(points_j)``, shape (n,), and what the gradient needs of them."""
        self._check(points)
        partial = np.zeros((self._blocks(len(points)), *self._shape), self._dtype)
        workspace = self._workspace(len(points))
        for chunk in self._chunks(len(points)):
            self._activate(points[chunk], charges[chunk], partial, workspace)
        activations = Activations(points, workspace, len(points) <= self._most, self._pool)
        own = own_blocks(len(partial))
        found = all_blocks(partial[own.start : own.stop], len(partial))
        predictions = found.sum(axis=0, dtype=np.float64).ravel()[: self._count]
        return predictions if self._place is None else predictions[self._place], activations

    def activations(self, points: FloatArray) -> Activations:
        """Give activations that are computed where they are needed, without predictions."""
        return Activations(points, self._workspace(len(points)), False, self._pool)

    def backward(self, activations: Activations, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give ``<Psi, coefficients>`` at the particles, shape (m,), and its gradient, shape (m, d)."""
        points, tiled = activations.points, self._tiled(self._gathered(coefficients))
        count = len(points)
        values = np.zeros(count + count % 2, self._dtype)
        gradient = np.zeros((values.size, self._columns.shape[1]), self._dtype)
        blocks = self._blocks(count)
        run, own = backward_kernel(blocks, self._rounded), own_blocks(blocks)
        for chunk, rows in self._activated(activations):
            part = slice(chunk.start, chunk.start + len(rows))
            run(
                own.start,
                own.stop,
                rows,
                self._columns,
                self._width,
                self._curvature,
                tiled,
                activations.workspace.slopes,
                values[part],
                gradient[part],
            )
            _fetch(blocks, values[part], gradient[part])
        return (
            values[:count].astype(np.float64, copy=False),
            gradient[:count, : self._inputs].astype(np.float64, copy=False),
        )

    def values(self, points: FloatArray, coefficients: FloatArray, values: FloatArray) -> None:
        """Write ``<Psi, coefficients>`` at the points into ``values``, shape (m,)."""
        self._check(points)
        tiled = self._tiled(self._gathered(coefficients))
        run = value_kernel(self._blocks(len(points)), self._rounded)
        for chunk, rows in self._activated(self.activations(points)):
            found = np.zeros(len(rows), self._dtype)
            run(rows, self._width, self._curvature, tiled, found)
            values[chunk] = found[: chunk.stop - chunk.start]

    def _activated(self, activations: Activations) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Chunks of particles with their activations: those that were kept, or computed anew."""
        points = activations.points
        if activations.kept:
            yield slice(0, len(points)), activations.workspace.rows[: len(points) + len(points) % 2]
            return
        unused = np.zeros((self._blocks(len(points)), *self._shape), self._dtype)
        for chunk in self._chunks(len(points)):
            charges = np.zeros(chunk.stop - chunk.start)
            yield chunk, self._activate(points[chunk], charges, unused, activations.workspace)

    def _activate(
        self, points: FloatArray, charges: FloatArray, partial: NDArray[Any], workspace: Workspace
    ) -> NDArray[Any]:
        """Write activations of particles, filled up to an even number, and add their predictions to ``partial``."""
        count = len(points) + len(points) % 2
        rows, filled = workspace.rows[:count], workspace.points[:count]
        fill_rows(points, filled)
        filled[len(points) :] = 0.0  # not what an earlier call left: inf times the charge 0 is no number
        weights = np.zeros(count, self._dtype)
        weights[: len(points)] = charges
        run, own = forward_kernel(len(partial), self._rounded), own_blocks(len(partial))
        run(own.start, own.stop, filled, weights, self._columns, self._width, self._curvature, rows, partial)
        return rows

    def _workspace(self, count: int) -> Workspace:
        """Room for as many of some particles as may be stored at a time."""
        most = min(count, self._most)
        return self._pool.take(most + most % 2, self._shape, self._columns.shape[1], self._dtype)

    def _chunks(self, count: int) -> Iterator[slice]:
        """Ranges of particles whose activations may be stored."""
        for start in range(0, count, self._most):
            yield slice(start, min(start + self._most, count))

    def _blocks(self, count: int) -> int:
        """Blocks of particles: one where starting a second core takes longer than the work."""
        return BLOCKS if count * self._count >= PARALLEL_THRESHOLD else 1

    def _gathered(self, coefficients: FloatArray) -> FloatArray:
        """Coefficients of the distinct data points."""
        if self._place is None:
            return coefficients
        return np.asarray(np.bincount(self._place, coefficients, self._count), dtype=np.float64)

    def _tiled(self, values: FloatArray) -> NDArray[Any]:
        """Values at the data points in tiles, filled up with zeros."""
        tiled = np.zeros(self._shape, self._dtype)
        tiled.ravel()[: self._count] = values
        return tiled

    def _check(self, points: FloatArray) -> None:
        if points.shape[1] != self._inputs:
            raise ShapeError(f"data with {self._inputs} inputs do not fit points {points.shape}")
