"""Sums over pairs of points, compiled: each row by one thread and in order, so that their number changes nothing."""

from __future__ import annotations

import numba
import numpy as np

from wgflow.compilation import kernel, parallel_kernel


@parallel_kernel
def gaussian_rows(points, charges, rows):
    """Write ``rows_i = sum_(j < i) charges_j exp(-|x_i - x_j|^2)``, a short row with each long one."""
    count = len(charges)
    for row in numba.prange((count + 1) // 2):
        rows[row] = gaussian_row(points, charges, row)
        rows[count - 1 - row] = gaussian_row(points, charges, count - 1 - row)


@kernel
def gaussian_row(points, charges, row):
    """Sum over the points before ``row``."""
    total = 0.0
    for other in range(row):
        square = 0.0
        for axis in range(points.shape[1]):
            square += (points[row, axis] - points[other, axis]) ** 2
        total += charges[other] * np.exp(-square)
    return total


@parallel_kernel
def arc_cosine_rows(points, charges, rows):
    """Write ``rows_i = sum_(j < i) charges_j k(x_i, x_j)`` for unit vectors, a short row with each long one."""
    count = len(charges)
    for row in numba.prange((count + 1) // 2):
        rows[row] = arc_cosine_row(points, charges, row)
        rows[count - 1 - row] = arc_cosine_row(points, charges, count - 1 - row)


@kernel
def arc_cosine_row(points, charges, row):
    """Sum over the points before ``row`` of the kernel k, whose slope in the cosine is at most 1/2."""
    total = 0.0
    for other in range(row):
        cosine = 0.0
        for axis in range(points.shape[1]):
            cosine += points[row, axis] * points[other, axis]
        cosine = min(max(cosine, -1.0), 1.0)
        sine = np.sqrt((1.0 - cosine) * (1.0 + cosine))
        total += charges[other] * (sine + (np.pi - np.arccos(cosine)) * cosine)
    return total / (2.0 * np.pi)
