"""Filters on the rows of a box that each of several ranks has: between the two transforms they exchange columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod

import numpy as np

from wgflow.domains import Box
from wgflow.domains.slab import Slab
from wgflow.functionals.transforms import (
    BandTransform,
    BoxFilter,
    RowTransform,
    filter_columns,
    real_columns,
    with_rows,
)
from wgflow.typing import ComplexArray, FloatArray

Filter = Callable[[FloatArray, FloatArray], None]


class SlabFilter:
    """What `BoxFilter` is on a box, for the rows of a rank; each line is transformed as there, to the same bits.

    Parameters
    ----------
    slab : Slab
        The rows.
    lengths
        Those of the filter on the box, see `BoxFilter`.
    symbol : array, shape ``(own columns, lengths[0])``
        Lines of the symbol there, those of `own_columns`.
    """

    def __init__(self, slab: Slab, lengths: Sequence[int], symbol: FloatArray) -> None:
        self._slab, self._rows = slab, RowTransform(slab.whole.shape, lengths[1:], slab.counts[slab.communicator.rank])
        self._columns = _shares(slab, _column_count(lengths))
        self._symbol = np.ascontiguousarray(symbol)

    def __call__(self, values: FloatArray, result: FloatArray) -> None:
        """Filter values on the box; both arrays have as many entries as the slab has cells, ghost rows included."""
        slab, spectrum = self._slab, self._rows.spectrum
        wanted, width = result.reshape(slab.shape), len(self._symbol)
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


def own_columns(box: Box, lengths: Sequence[int]) -> slice:
    """Columns of the spectrum, transformed along other axes than the first, that this rank filters: all on one."""
    return _own_share(box, _column_count(lengths))


def own_rows(box: Box, lengths: Sequence[int]) -> slice:
    """Rows of an array of the lengths of a transform, zeros or what pads it among them, that this rank transforms."""
    return _own_share(box, with_rows(lengths)[0])


def lines_of_symbol(box: Box, lengths: Sequence[int], rows: FloatArray) -> FloatArray:
    """Lines of `own_columns` of the spectrum of real even values, over the product of all lengths.

    Parameters
    ----------
    box : Box
        A box, or the slab of a rank.
    lengths : sequence of int
        Lengths of the transforms along each axis.
    rows : array, shape ``(own rows, *lengths[1:])``
        The values in `own_rows`; of a box of one axis ``(1, lengths[0])``.
    """
    padded = with_rows(lengths)
    transform = RowTransform(padded, padded[1:], len(rows))
    transform.forward(rows)
    spectrum = transform.spectrum
    if isinstance(box, Slab):
        columns, shares = _shares(box, _column_count(lengths)), _shares(box, padded[0])
        own = columns[box.communicator.rank]
        shapes = [(share.stop - share.start, own.stop - own.start) for share in shares]
        spectrum = np.concatenate(box.communicator.dealt([spectrum[:, part] for part in columns], shapes))
    return real_columns(spectrum) / prod(lengths)


def _column_count(lengths: Sequence[int]) -> int:
    """Number of columns of a spectrum."""
    _, *others, last = with_rows(lengths)
    return prod(others) * (last // 2 + 1)


def _shares(slab: Slab, count: int) -> list[slice]:
    """What of some rows or columns each rank has."""
    size = slab.communicator.size
    return [slice(*ends) for ends in pairwise(count * k // size for k in range(size + 1))]


def _own_share(box: Box, count: int) -> slice:
    return _shares(box, count)[box.communicator.rank] if isinstance(box, Slab) else slice(0, count)


def make_filter(box: Box, lengths: Sequence[int], symbol: FloatArray) -> Filter:
    """The filter of a box, or of the part of it that a rank has, from the lines of `own_columns`; see `BoxFilter`."""
    return SlabFilter(box, lengths, symbol) if isinstance(box, Slab) else BoxFilter(box.shape, lengths, symbol)
