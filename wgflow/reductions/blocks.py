"""Sums and extrema over cells, block by block: the same bits for any number of threads, and of parts of the rows."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from wgflow.reductions.kernels.blocks import LANES, extrema_kernel, products_kernel, step_sums_kernel
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.domains import Domain
    from wgflow.domains.partition import RowPartition

PARALLEL_THRESHOLD = 32_768  # cells from which two cores gain more than starting them costs


class RowBlocks:
    """Loops through the blocks of arrays of shape ``(sheets, *shape)``, also without the axis of the sheets.

    They have work space, which belongs to one caller.

    Parameters
    ----------
    partition : RowPartition
        The blocks of a sheet.

    Attributes
    ----------
    parallel : bool
        Whether there is enough for more than one thread.
    """

    def __init__(self, partition: RowPartition) -> None:
        self.partition, self._size = partition, prod(partition.shape)
        self.parallel = len(partition) > 1 and self._size >= PARALLEL_THRESHOLD
        self._cells = partition.cells
        self._products, self._extrema, self._step = (np.empty((len(partition), count)) for count in (1, 2, 5))
        self._lanes = np.empty((len(partition), 2, LANES))

    @classmethod
    def of(cls, domain: Domain) -> RowBlocks:
        """The blocks of the cells of a domain."""
        return cls(domain.base.partition)

    def product(self, first: FloatArray, second: FloatArray) -> float:
        """Sum of the products of two arrays; a second one of one sheet stands for all."""
        return self.multiplying(first, second)()

    def multiplying(self, first: FloatArray, second: FloatArray) -> Callable[[], float]:
        """Begin what `product` does; what is given back ends it, before the next one begins."""
        products_kernel(self.parallel)(self._flat(first), self._flat(second), self._cells, self._products)
        found = self.partition.summing(self._products)
        return lambda: float(found()[0])

    def extrema(self, values: FloatArray) -> tuple[float, float]:
        """Minimum and maximum of an array."""
        return self.bounding(values)()

    def bounding(self, values: FloatArray) -> Callable[[], tuple[float, float]]:
        """Begin what `extrema` does; what is given back ends it, before the next one begins."""
        extrema_kernel(self.parallel)(self._flat(values), self._cells, self._lanes, self._extrema)
        found = self.partition.bounding(self._extrema)

        def end() -> tuple[float, float]:
            negative, high = found()
            return -float(negative), float(high)

        return end

    def step_sums(
        self,
        start: FloatArray,
        before: FloatArray,
        after: FloatArray,
        potential: FloatArray,
        volumes: FloatArray,
        combination: tuple[float, float, float, float, float],
    ) -> FloatArray:
        """Integrals over a step from ``start`` and its last stage, on cells of the volumes (N,).

        Returns
        -------
        array, shape (5,)
            With (a, b, c, d, e) = ``combination`` those of ``|a start + b before + c after|``, ``|d before + e after -
            start|``, ``start``, ``after`` and ``potential * after``.
        """
        fields = (self._flat(values) for values in (start, before, after, potential))
        step_sums_kernel(self.parallel)(*fields, volumes, combination, self._cells, self._step)
        return self.partition.sums(self._step)

    def _flat(self, values: FloatArray) -> FloatArray:
        return values.reshape(-1, self._size)
