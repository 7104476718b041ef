"""Sums and extrema over cells by fixed blocks: what they give depends neither on threads nor on who holds which cells.

The cells of a sheet, of shape ``(n0, n1, ...)``, are divided into blocks of whole rows along the first axis. Each block
is gone through alone, and what the blocks give is then combined in their order. Threads share out blocks.
"""

from __future__ import annotations

from math import prod

import numpy as np

from wgflow.domains.kernels.blocks import LANES, add_rows, extrema_kernel, products_kernel, step_sums_kernel
from wgflow.typing import FloatArray, IntArray

MOST_BLOCKS = 64
LEAST_CELLS = 4096  # of a block where there is one axis
PARALLEL_THRESHOLD = 32_768  # cells from which two cores gain more than starting them costs


def block_bounds(shape: tuple[int, ...]) -> IntArray:
    """First row of each block of the cells of a sheet, and the end of the last one, shape (blocks + 1,).

    Examples
    --------
    >>> from wgflow.domains.blocks import block_bounds
    >>> block_bounds((5, 8))
    array([0, 1, 2, 3, 4, 5])
    >>> block_bounds((640, 480))[-3:]
    array([620, 630, 640])
    """
    rows = shape[0]
    blocks = min(MOST_BLOCKS, rows if len(shape) > 1 else max(rows // LEAST_CELLS, 1))
    return np.arange(blocks + 1) * rows // blocks


class RowBlocks:
    """The blocks that go through arrays of shape ``(sheets, *shape)``, also without the axis of the sheets.

    Where arrays hold some of the blocks alone, with rows of others beside them, ``bounds`` are the places of the former
    in the arrays; `sums` and `largest` are then to combine what all blocks give.

    Parameters
    ----------
    shape : tuple of int
        Shape of the arrays of a sheet.
    bounds : array, shape (blocks + 1,), optional
        First row of each block, and the end of the last one; by default `block_bounds`.

    Attributes
    ----------
    cells : array, shape (blocks + 1,)
        The bounds in a flattened sheet.
    parallel : bool
        Whether there is enough for more than one thread.
    """

    def __init__(self, shape: tuple[int, ...], bounds: IntArray | None = None) -> None:
        self.shape = shape
        self.bounds = block_bounds(shape) if bounds is None else bounds
        self.cells = self.bounds * prod(shape[1:])
        self.parallel = len(self) > 1 and prod(shape) >= PARALLEL_THRESHOLD
        self._products, self._extrema, self._step = (np.empty((len(self), count)) for count in (1, 2, 4))
        self._lanes = np.empty((len(self), 2, LANES))

    def __len__(self) -> int:
        """Number of blocks."""
        return len(self.bounds) - 1

    def sums(self, partial: FloatArray) -> FloatArray:
        """Sums of what the blocks give, shape (blocks, n), in their order; shape (n,)."""
        total = np.empty(partial.shape[1])
        add_rows(partial, total)
        return total

    def largest(self, partial: FloatArray) -> FloatArray:
        """Largest of what the blocks give, shape (blocks, n); shape (n,)."""
        return np.asarray(partial.max(axis=0))

    def product(self, first: FloatArray, second: FloatArray) -> float:
        """Sum of the products of two arrays; a second one of one sheet stands for all."""
        products_kernel(self.parallel)(self._flat(first), self._flat(second), self.cells, self._products)
        return float(self.sums(self._products)[0])

    def extrema(self, values: FloatArray) -> tuple[float, float]:
        """Minimum and maximum of an array."""
        extrema_kernel(self.parallel)(self._flat(values), self.cells, self._lanes, self._extrema)
        negative, high = self.largest(self._extrema)
        return -float(negative), float(high)

    def step_sums(
        self,
        start: FloatArray,
        before: FloatArray,
        last: FloatArray,
        new: FloatArray,
        volumes: FloatArray,
        weights: tuple[float, float, float],
    ) -> FloatArray:
        """Integrals over a step from ``start`` to ``new``, shape (4,): see `step_sums_kernel`."""
        densities = (self._flat(values) for values in (start, before, last, new))
        step_sums_kernel(self.parallel)(*densities, volumes, weights, self.cells, self._step)
        return self.sums(self._step)

    def _flat(self, values: FloatArray) -> FloatArray:
        return values.reshape(-1, prod(self.shape))
