"""Filters on the rows of a box that each of several ranks has: between the two transforms they exchange columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod

import numpy as np

from wgflow.domains import Box
from wgflow.domains.slab import Slab
from wgflow.functionals.transforms import BandTransform, BoxFilter, RowTransform, filter_columns
from wgflow.typing import ComplexArray, FloatArray

Filter = Callable[[FloatArray, FloatArray], None]


class SlabFilter:
    """What `BoxFilter` is on a box, for the rows of a rank; each line is transformed as there, to the same bits.

    Parameters
    ----------
    slab : Slab
        The rows.
    lengths, symbol
        Those of the filter on the box, see `BoxFilter`.
    """

    def __init__(self, slab: Slab, lengths: Sequence[int], symbol: FloatArray) -> None:
        self._slab, self._rows = slab, RowTransform(slab.whole.shape, lengths[1:], slab.counts[slab.communicator.rank])
        columns, size = prod(symbol.shape[1:]), slab.communicator.size
        self._columns = [slice(*ends) for ends in pairwise(columns * k // size for k in range(size + 1))]
        self._own = self._columns[slab.communicator.rank]
        self._symbol = np.ascontiguousarray(symbol.reshape(lengths[0], -1)[:, self._own].T)

    def __call__(self, values: FloatArray, result: FloatArray) -> None:
        """Filter values on the box; both arrays have as many entries as the slab has cells, ghost rows included."""
        slab, spectrum = self._slab, self._rows.spectrum
        wanted, width = result.reshape(slab.shape), self._own.stop - self._own.start
        self._rows.forward(slab.within(values.reshape(slab.shape)))
        by_rank = slab.communicator.dealt(
            [spectrum[:, part] for part in self._columns], [(count, width) for count in slab.counts]
        )
        lines = np.concatenate(by_rank)
        filter_columns(lines, self._symbol)
        ends = np.cumsum(slab.counts)[:-1]
        back = slab.communicator.dealt(
            np.split(lines, ends), [(len(spectrum), part.stop - part.start) for part in self._columns]
        )
        for part, found in zip(self._columns, back, strict=True):
            spectrum[:, part] = found
        self._rows.backward(slab.within(wanted))
        slab.refresh(wanted)
        slab.settle()


class SlabBand(BandTransform):
    """What `BandTransform` is on a box, for the rows of a rank: the few columns of the band go to all ranks.

    Parameters
    ----------
    slab : Slab
        The rows.
    largest : sequence of int
        The largest frequency along each axis.
    """

    def __init__(self, slab: Slab, largest: Sequence[int]) -> None:
        super().__init__(slab.whole.shape, largest, len(slab.rows))
        self._slab = slab

    def _of_all(self, rows: ComplexArray) -> ComplexArray:
        return self._slab.communicator.gathered(rows[self._slab.own], self._slab.counts)

    def _of_these(self, rows: ComplexArray) -> ComplexArray:
        return rows[self._slab.rows]


def make_band(box: Box, largest: Sequence[int]) -> BandTransform:
    """The band of the spectrum on a box, or on the part of it that a rank has."""
    return SlabBand(box, largest) if isinstance(box, Slab) else BandTransform(box.shape, largest)


def make_filter(box: Box, lengths: Sequence[int], symbol: FloatArray) -> Filter:
    """The filter of a box, or of the part of it that a rank has; see `BoxFilter`."""
    return SlabFilter(box, lengths, symbol) if isinstance(box, Slab) else BoxFilter(box.shape, lengths, symbol)
