"""Quadratic forms of kernels at signed measures: double sums over pairs that store no matrix.

Each row of a double sum is added up by one thread and in order, so the number of threads changes nothing.
"""

from __future__ import annotations

import numba
import numpy as np

from wgflow.compilation import kernel, parallel_kernel
from wgflow.typing import FloatArray


def gaussian_form(points: FloatArray, charges: FloatArray, width: float) -> float:
    """Sum of ``charges_i charges_j exp(-|x_i - x_j|^2 / (2 width^2))`` over i and j, points of shape (k, p)."""
    rows = np.empty(len(charges))
    _gaussian_rows(points / (np.sqrt(2.0) * width), charges, rows)
    return float(charges @ charges + 2.0 * charges @ rows)


def arc_cosine_form(points: FloatArray, charges: FloatArray) -> float:
    """Sum of ``charges_i charges_j E relu(x_i.x) relu(x_j.x)`` for x ~ N(0, I_d), nonzero points (k, d)."""
    lengths = np.linalg.norm(points, axis=1)
    charges = charges * lengths
    rows = np.empty(len(charges))
    _arc_cosine_rows(points / lengths[:, None], charges, rows)
    return float(0.5 * charges @ charges + 2.0 * charges @ rows)


@parallel_kernel
def _gaussian_rows(points, charges, rows):
    """Write ``rows_i = sum_(j < i) charges_j exp(-|x_i - x_j|^2)``, a short row with each long one."""
    count = len(charges)
    for row in numba.prange((count + 1) // 2):
        rows[row] = _gaussian_row(points, charges, row)
        rows[count - 1 - row] = _gaussian_row(points, charges, count - 1 - row)


@kernel
def _gaussian_row(points, charges, row):
    total = 0.0
    for other in range(row):
        square = 0.0
        for axis in range(points.shape[1]):
            square += (points[row, axis] - points[other, axis]) ** 2
        total += charges[other] * np.exp(-square)
    return total


@parallel_kernel
def _arc_cosine_rows(points, charges, rows):
    """Write ``rows_i = sum_(j < i) charges_j k(x_i, x_j)`` for unit vectors, a short row with each long one."""
    count = len(charges)
    for row in numba.prange((count + 1) // 2):
        rows[row] = _arc_cosine_row(points, charges, row)
        rows[count - 1 - row] = _arc_cosine_row(points, charges, count - 1 - row)


@kernel
def _arc_cosine_row(points, charges, row):
    """As a function of the cosine c, ``k = (sin p + (pi - p) c) / (2 pi)`` has a slope of at most 1/2."""
    total = 0.0
    for other in range(row):
        cosine = 0.0
        for axis in range(points.shape[1]):
            cosine += points[row, axis] * points[other, axis]
        cosine = min(max(cosine, -1.0), 1.0)
        sine = np.sqrt((1.0 - cosine) * (1.0 + cosine))
        total += charges[other] * (sine + (np.pi - np.arccos(cosine)) * cosine)
    return total / (2.0 * np.pi)
