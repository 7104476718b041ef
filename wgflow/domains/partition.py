"""Fixed blocks of rows of cells, on which sums rest that depend neither on threads nor on processes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from wgflow.typing import FloatArray, IntArray

MOST_BLOCKS = 64
LEAST_CELLS = 4096  # of a block where there is one axis


def block_bounds(shape: tuple[int, ...]) -> IntArray:
    """First row of each block of the cells of a sheet, and the end of the last one, shape (blocks + 1,).

    Rows are those of the first axis. Where there is another one, there are as many blocks as rows, but 64 at most.

    Examples
    --------
    >>> from wgflow.domains.partition import block_bounds
    >>> block_bounds((5, 8))
    array([0, 1, 2, 3, 4, 5])
    >>> block_bounds((640, 480))[-3:]
    array([620, 630, 640])
    """
    rows = shape[0]
    blocks = min(MOST_BLOCKS, rows if len(shape) > 1 else max(rows // LEAST_CELLS, 1))
    return np.arange(blocks + 1) * rows // blocks


class RowPartition:
    """Blocks of whole rows of cells, and how what they give is combined: always in the order of all blocks.

    Where arrays hold the rows of some of the blocks alone, perhaps with rows of others beside them, ``bounds`` are the
    places of the former in these arrays, and all methods exchange what the blocks give. `summing` and `bounding` begin
    what `sums` and `largest` do, and give back what ends it: until then the parts must be left alone.

    Parameters
    ----------
    shape : tuple of int
        Shape of the arrays of a sheet.
    bounds : array, shape (blocks + 1,), optional
        First row of each block, and the end of the last one; by default `block_bounds`.

    Attributes
    ----------
    whole : tuple of int
        Shape of the arrays of a sheet that hold all blocks.
    """

    def __init__(self, shape: tuple[int, ...], bounds: IntArray | None = None) -> None:
        self.shape, self.bounds = shape, block_bounds(shape) if bounds is None else bounds
        self.whole = shape

    def __len__(self) -> int:
        """Number of blocks in the arrays."""
        return len(self.bounds) - 1

    @property
    def cells(self) -> IntArray:
        """The bounds in a flattened sheet, shape (blocks + 1,)."""
        return self.bounds * prod(self.shape[1:])

    def sums(self, partial: FloatArray) -> FloatArray:
        """Sums over all blocks of what those in the arrays give, shape (blocks, n), one after the other; shape (n,)."""
        # Rows of one number alone would be added in pairs.
        return np.asarray(np.add.reduce(partial) if partial.shape[1] > 1 else partial.cumsum(axis=0)[-1])

    def largest(self, partial: FloatArray) -> FloatArray:
        """Largest over all blocks of what those in the arrays give, shape (blocks, n); shape (n,)."""
        return np.asarray(np.maximum.reduce(partial))

    def summing(self, partial: FloatArray) -> Callable[[], FloatArray]:
        """Begin to add up what all blocks give."""
        return lambda: self.sums(partial)

    def bounding(self, partial: FloatArray) -> Callable[[], FloatArray]:
        """Begin to find the largest of what all blocks give."""
        return lambda: self.largest(partial)
