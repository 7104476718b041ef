"""Quadratic features on boxes: second moments from sums along rows, without a matrix of features."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import numpy as np

from wgflow.domains import Box
from wgflow.functionals.kernels.second_moments import PAIRS, quadratic_form_kernel, second_moments_kernel
from wgflow.typing import FloatArray

PARALLEL_THRESHOLD = 32_768  # cells


class SecondMoments:
    r"""Moments and potentials of the features :math:`w w^T` at the cells of a box of two or three dimensions.

    Parameters
    ----------
    box : Box
        The cells.
    """

    shared: ClassVar[bool] = True

    def __init__(self, box: Box) -> None:
        first, *middle, last = box.axes
        self._axes = (first, middle[0] if middle else np.zeros(1), last)
        self._shape = tuple(len(axis) for axis in self._axes)
        rows = [0, 1, 2] if middle else [0, 2]  # of a matrix of three axes
        pairs = [tuple(sorted((i, j))) for i in rows for j in rows]
        self._places = np.array([PAIRS.index(pair) for pair in pairs])  # of entries of matrices, among the pairs
        self._entries = (self._places == np.arange(len(PAIRS))[:, None]).astype(np.float64)
        self._partition = box.partition
        parallel = prod(self._shape) >= PARALLEL_THRESHOLD
        self._moments, self._form = second_moments_kernel(parallel), quadratic_form_kernel(parallel)
        self._partial = np.empty((len(self._partition), len(PAIRS)))

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K w_K w_K^T mass_K``, flattened, shape (p^2,)."""
        self._moments(mass.reshape(self._shape), self._axes, self._partition.bounds, self._partial)
        return self._partition.sums(self._partial)[self._places]

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``w_K^T A w_K`` for a flattened matrix A into ``potential``, shape (N,)."""
        self._form(self._entries @ coefficients, self._axes, potential.reshape(self._shape))
