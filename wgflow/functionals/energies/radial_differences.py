"""Gradients of kernels without one that depend on the distance alone: differenced along one axis instead of all."""

from __future__ import annotations

import numpy as np

from wgflow.functionals.convolution import ScalarFunction
from wgflow.functionals.differences import central_differences
from wgflow.typing import FloatArray

SAME = 1e-13  # of the largest value


def line_through(components: int) -> FloatArray:
    """Direction, shape (p,), of a line that is none of the axes or diagonals."""
    line = np.sqrt(np.arange(2.0, 2.0 + components))
    return line / np.linalg.norm(line)


def radial_differences(kernel: ScalarFunction, displacements: FloatArray, values: FloatArray) -> FloatArray | None:
    """Gradient of an even kernel at displacements (N, p), p > 1, from its values there; shape (N, p).

    Returns
    -------
    array or None
        None unless the kernel has the same values at vectors of the same lengths along one line, which is none of the
        axes or diagonals.

    Raises
    ------
    InputError
        If it jumps.
    """
    components = displacements.shape[1]
    if components == 1:
        return None
    line = line_through(components)

    def along(places: FloatArray) -> FloatArray:
        return np.asarray(kernel((line[:, None] * places[:, 0]).T), dtype=np.float64)

    distances = np.sqrt((displacements**2).sum(axis=1))[:, None]
    centre = along(distances)
    if not np.abs(centre - values).max(initial=0.0) <= SAME * np.abs(values).max(initial=0.0):
        return None
    slopes = central_differences(along, distances, centre)[:, 0]
    return (displacements.T * (slopes / np.where(distances > 0.0, distances, 1.0)[:, 0])).T
