r"""Sums of (smoothed) ReLU features over particles and data, without storing the m x n matrix.

With a kink of half width w the feature of the activation a is :math:`t^2/(4w) + \max(a - w, 0)`,
where t is a + w clipped to [0, 2w].
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import prange

from wgflow.compilation import kernel, parallel_kernel, reduction
from wgflow.errors import ShapeError
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray

BLOCKS = 8  # fixed, so that sums do not depend on the number of threads
PARALLEL_THRESHOLD = 100_000  # pairs of a particle and a data point


@reduction
def _activate(point, columns, activation):
    """Inner products of one point with all data, one data column of inputs at a time."""
    activation[:] = point[0] * columns[0]
    for axis in range(1, point.size):
        weight, column = point[axis], columns[axis]
        for i in range(activation.size):
            activation[i] += weight * column[i]


@reduction
def _add_features(charge, activation, width, curvature, prediction):
    for i in range(activation.size):
        rounded = min(max(activation[i] + width[i], 0.0), 2.0 * width[i])
        feature = curvature[i] * rounded * rounded + max(activation[i] - width[i], 0.0)
        prediction[i] += charge * feature


@reduction
def _pull_back(activation, width, curvature, steepness, coefficients, slopes):
    """Combination of the features at one point; the coefficient times the slope of each goes to ``slopes``."""
    value = 0.0
    for i in range(activation.size):
        shifted = activation[i] + width[i]
        rounded = min(max(shifted, 0.0), 2.0 * width[i])
        feature = curvature[i] * rounded * rounded + max(activation[i] - width[i], 0.0)
        value += coefficients[i] * feature
        slopes[i] = coefficients[i] * min(max(shifted * steepness[i], 0.0), 1.0)
    return value


@cache
def prediction_kernel(blocks: int) -> Callable[..., None]:
    """Compile the predictions, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def predictions(points, charges, columns, width, curvature, rows, partial):
        """Predictions of each block of particles, shape (blocks, n)."""
        for block in prange(blocks):
            partial[block, :] = 0.0
            for j in range(block * charges.size // blocks, (block + 1) * charges.size // blocks):
                _activate(points[j], columns, rows[block])
                _add_features(charges[j], rows[block], width, curvature, partial[block])

    return predictions


@cache
def field_kernel(blocks: int) -> Callable[..., None]:
    """Compile potential and gradient, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def fields(points, columns, width, curvature, steepness, coefficients, rows, slopes, values, gradient):
        """Write the potential (m,) and its gradient (m, d) at the points."""
        for block in prange(blocks):
            for j in range(block * values.size // blocks, (block + 1) * values.size // blocks):
                _activate(points[j], columns, rows[block])
                values[j] = _pull_back(rows[block], width, curvature, steepness, coefficients, slopes[block])
                for axis in range(points.shape[1]):
                    gradient[j, axis] = inner_product(slopes[block], columns[axis])

    return fields


@cache
def value_kernel(blocks: int) -> Callable[..., None]:
    """Compile the potential alone, serial (one block) or on all cores."""
    compiled = kernel if blocks == 1 else parallel_kernel

    @compiled
    def potentials(points, columns, width, curvature, steepness, coefficients, rows, slopes, values):
        """Write the potential (m,) at the points."""
        for block in prange(blocks):
            for j in range(block * values.size // blocks, (block + 1) * values.size // blocks):
                _activate(points[j], columns, rows[block])
                values[j] = _pull_back(rows[block], width, curvature, steepness, coefficients, slopes[block])

    return potentials


def _blocks(pairs: int) -> int:
    """Blocks of particles: one where starting a second core takes longer than the work."""
    return BLOCKS if pairs >= PARALLEL_THRESHOLD else 1


class ReluSums:
    """Predictions and potentials of particles for ReLU features with rounded kinks.

    Data points that occur several times, as in data on a grid, are evaluated once.

    Parameters
    ----------
    inputs : array, shape (n, d)
        Data points.
    width : array, shape (n,)
        Half width of the rounded interval of each; 0 keeps the kink, with slope 0 at it.
    """

    def __init__(self, inputs: FloatArray, width: FloatArray) -> None:
        distinct, first, self._place = np.unique(inputs, axis=0, return_index=True, return_inverse=True)
        count, width = len(distinct), width[first]
        self._columns = np.ascontiguousarray(distinct.T)
        self._width = width
        self._curvature = np.divide(0.25, width, out=np.zeros(count), where=width > 0.0)
        self._steepness = np.divide(0.5, width, out=np.full(count, 1e300), where=width > 0.0)
        self._rows, self._slopes = np.empty((BLOCKS, count)), np.empty((BLOCKS, count))
        self._partial = np.empty((BLOCKS, count))

    def predictions(self, points: FloatArray, charges: FloatArray) -> FloatArray:
        """Sum ``sum_j charges_j Psi(points_j)``, shape (n,)."""
        points = self._checked(points)
        blocks = _blocks(charges.size * self._width.size)
        prediction_kernel(blocks)(
            points, charges, self._columns, self._width, self._curvature, self._rows, self._partial
        )
        return self._partial[:blocks].sum(axis=0)[self._place]

    def fields(self, points: FloatArray, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give ``<Psi, coefficients>`` at the points, shape (m,), and its gradient, shape (m, d)."""
        points = self._checked(points)
        values, gradient = np.empty(len(points)), np.empty(points.shape)
        gathered = self._gather(coefficients)
        field_kernel(_blocks(len(points) * self._width.size))(
            points,
            self._columns,
            self._width,
            self._curvature,
            self._steepness,
            gathered,
            self._rows,
            self._slopes,
            values,
            gradient,
        )
        return values, gradient

    def values(self, points: FloatArray, coefficients: FloatArray, values: FloatArray) -> None:
        """Write ``<Psi, coefficients>`` at the points into ``values``, shape (m,)."""
        points, gathered = self._checked(points), self._gather(coefficients)
        shape = (self._columns, self._width, self._curvature, self._steepness)
        value_kernel(_blocks(len(points) * self._width.size))(
            points, *shape, gathered, self._rows, self._slopes, values
        )

    def _gather(self, coefficients: FloatArray) -> FloatArray:
        """Coefficients of the distinct data points."""
        return np.asarray(np.bincount(self._place, coefficients, self._width.size), dtype=np.float64)

    def _checked(self, points: FloatArray) -> FloatArray:
        if points.shape[1] != len(self._columns):
            raise ShapeError(f"data with {len(self._columns)} inputs do not fit points {points.shape}")
        return np.ascontiguousarray(points)
