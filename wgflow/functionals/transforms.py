"""Real Fourier transforms on boxes, axis by axis: the zeros that pad one axis are not transformed along another.

An array on a box is a stack of rows, numbered along its first axis. `RowTransform` goes along all the other axes, for
all rows of a box or some; `filter_columns` goes along the first, for all columns of the spectrum or some: there, times
a filter, and back while they are in the cache. Each line is transformed by itself on one thread, so that no result
depends on the number of threads, nor on which rows or columns are together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from wgflow.functionals.kernels.columns import gather_columns, multiply_lines, scatter_columns
from wgflow.functionals.line_transforms import line_transforms
from wgflow.system.threads import share_out
from wgflow.typing import ComplexArray, FloatArray

BLOCK_BYTES = 2**19  # of the lines that one thread transforms at once: they stay in its cache
# The libraries transform as many lines together as a vector of the processor holds, and what is left over by other
# instructions, to other last digits: with whole vectors alone, no line depends on those beside it.
TOGETHER = 8


class RowTransform:
    """Transforms of rows of a box along all axes but the first, padded with zeros, without factors.

    Parameters
    ----------
    shape : sequence of int
        Cells of the box along each axis; at least two axes.
    lengths : sequence of int
        Lengths of the transforms along all axes but the first, no smaller than the cells.
    rows : int, optional
        How many rows there are to be transformed; all of the box by default.

    Attributes
    ----------
    spectrum : array, shape ``(rows, columns)``
        What `forward` writes and `backward` reads and spoils: a column for each frequency along the other axes, of
        which the last one has half.
    """

    def __init__(self, shape: Sequence[int], lengths: Sequence[int], rows: int | None = None) -> None:
        self._rows, self._cells = shape[0] if rows is None else rows, tuple(shape[1:])
        self._length, self._frequencies = lengths[-1], (*lengths[:-1], lengths[-1] // 2 + 1)
        columns, together = math.prod(self._frequencies), 1 if shape[0] == 1 else TOGETHER
        self._together, self._block = together, _at_once(16 * columns, together)
        self._whole = np.zeros((_rounded(self._rows, together), columns), dtype=np.complex128)
        self.spectrum = self._whole[: self._rows]

    def forward(self, values: FloatArray) -> None:
        """Write the spectrum of rows of shape ``(rows, ...)``."""
        library, last = line_transforms(), len(self._cells)

        def transform(blocks: Iterable[slice]) -> None:
            buffer = self._new_buffer()
            for block in blocks:
                given, planes = values[block], self._planes(block)
                lines = buffer[: len(planes)]
                lines[: len(given), ..., : self._cells[-1]] = given
                library.forward_real(lines, self._within(planes, last))
                for axis in range(last - 1, 0, -1):
                    part = self._within(planes, axis)
                    np.moveaxis(part, axis, 0)[self._cells[axis - 1] :] = 0.0
                    library.forward(part, axis)

        share_out(transform, _blocks(self._rows, self._block))

    def backward(self, values: FloatArray) -> None:
        """Write the rows, shape ``(rows, ...)``, of the spectrum."""
        library, last = line_transforms(), len(self._cells)

        def transform(blocks: Iterable[slice]) -> None:
            buffer = self._new_buffer()
            for block in blocks:
                wanted, planes = values[block], self._planes(block)
                lines = buffer[: len(planes)]
                for axis in range(1, last):
                    library.backward(self._within(planes, axis), axis)
                library.backward_real(self._within(planes, last), lines)
                wanted[...] = lines[: len(wanted), ..., : self._cells[-1]]

        share_out(transform, _blocks(self._rows, self._block))

    def _new_buffer(self) -> FloatArray:
        """Zeros for the rows of a block, padded along the last axis."""
        rows = min(self._block, _rounded(self._rows, self._together))
        return np.zeros((rows, *self._cells[:-1], self._length))

    def _planes(self, block: slice) -> ComplexArray:
        """Spectra of the rows of a block and of those that fill it up."""
        return self._whole[block].reshape(-1, *self._frequencies)

    def _within(self, planes: ComplexArray, axis: int) -> ComplexArray:
        """The part of planes within the box along the axes between the first and the given one."""
        return planes[(slice(None), *(slice(count) for count in self._cells[: axis - 1]))]


class BoxFilter:
    """Product of the spectrum of values on a box, padded with zeros, and a real symbol; cut to the box again.

    Parameters
    ----------
    shape : sequence of int
        Cells of the box along each axis.
    lengths : sequence of int
        Lengths of the transforms along each axis, no smaller than the cells.
    symbol : array, shape ``(columns, lengths[0])``
        The symbol, a line for each column of the spectrum (see `RowTransform`; of a line of cells, its frequencies, and
        lines of one number), with the factor 1 over the product of all lengths.
    """

    def __init__(self, shape: Sequence[int], lengths: Sequence[int], symbol: FloatArray) -> None:
        self._shape, padded = with_rows(shape), with_rows(lengths)
        self._rows = RowTransform(self._shape, padded[1:])
        self._symbol = np.ascontiguousarray(symbol)

    def __call__(self, values: FloatArray, result: FloatArray) -> None:
        """Filter values on the box; both arrays have as many entries as it has cells."""
        self._rows.forward(values.reshape(self._shape))
        filter_columns(self._rows.spectrum, self._symbol)
        self._rows.backward(result.reshape(self._shape))


class BandTransform:
    """Spectrum of values on a periodic box up to some largest frequencies, and values from it, without factors.

    The band has the frequencies -f to f of each axis, of the last one 0 to f.

    Parameters
    ----------
    shape : sequence of int
        Cells of the box along each axis.
    largest : sequence of int
        The largest frequency f along each axis, less than half of its cells.
    rows : int, optional
        Rows in the arrays of values; all of the box by default.
    """

    def __init__(self, shape: Sequence[int], largest: Sequence[int], rows: int | None = None) -> None:
        self._shape = with_rows(shape)
        first, *others = (0, *largest) if len(shape) == 1 else largest
        self._rows = RowTransform(self._shape, self._shape[1:], rows)
        self._held = (-1, *self._shape[1:])
        frequencies = (*self._shape[1:-1], self._shape[-1] // 2 + 1)
        self._columns = np.arange(math.prod(frequencies)).reshape(frequencies)[band(others)].ravel()
        self._along = np.arange(-first, first + 1)
        self.shape = (*(2 * f + 1 for f in largest[:-1]), largest[-1] + 1)

    def forward(self, values: FloatArray) -> ComplexArray:
        """The band of the spectrum, of shape ``shape``, of values on the box."""
        self._rows.forward(values.reshape(self._held))
        lines = np.ascontiguousarray(self._of_all(self._rows.spectrum[:, self._columns]).T)
        line_transforms().forward(lines, 1)
        return lines[:, self._along].T.reshape(self.shape)

    def backward(self, spectrum: ComplexArray, values: FloatArray) -> None:
        """Write the values on the box whose spectrum is a band, of shape ``shape``, and 0 elsewhere."""
        lines = np.zeros((self._columns.size, self._shape[0]), dtype=np.complex128)
        lines[:, self._along] = spectrum.reshape(self._along.size, -1).T
        line_transforms().backward(lines, 1)
        self._rows.spectrum[...] = 0.0
        self._rows.spectrum[:, self._columns] = self._of_these(lines.T)
        self._rows.backward(values.reshape(self._held))

    def _of_all(self, rows: ComplexArray) -> ComplexArray:
        """All rows of the box, of those in the arrays."""
        return rows

    def _of_these(self, rows: ComplexArray) -> ComplexArray:
        """The rows in the arrays, of all rows of the box."""
        return rows


def band(largest: Iterable[int]) -> tuple[np.ndarray, ...]:
    """Indices of frequencies up to the largest ones in a real transform, negative ones first but on the last axis."""
    ranges = [np.arange(-f, f + 1) for f in largest]
    return np.ix_(*ranges[:-1], ranges[-1][ranges[-1].size // 2 :])


def filter_columns(spectrum: ComplexArray, symbol: FloatArray) -> None:
    """Transform columns, padded with zeros, multiply them by a filter, and transform them back, without factors.

    Parameters
    ----------
    spectrum : array, shape ``(rows, columns)``
        The columns, which the results replace.
    symbol : array, shape ``(columns, length)``
        The filter, as long as the transform.
    """
    library, length = line_transforms(), symbol.shape[1]
    if length == 1:  # the only row of a line: nothing to be transformed
        multiply_lines(spectrum, symbol.T)
        return

    def work(block: slice, lines: ComplexArray) -> None:
        multiply_lines(lines, symbol[block])
        library.backward(lines, 1)
        scatter_columns(lines, spectrum[:, block])

    _with_columns(spectrum, length, work)


def real_columns(spectrum: ComplexArray) -> FloatArray:
    """Transform columns, shape ``(rows, columns)``, without factors; gives what is real of them as lines."""
    if len(spectrum) == 1:
        return np.ascontiguousarray(spectrum.real.T)
    found = np.empty(spectrum.shape[::-1])

    def work(block: slice, lines: ComplexArray) -> None:
        found[block] = lines[: len(found[block])].real

    _with_columns(spectrum, len(spectrum), work)
    return found


def _with_columns(spectrum: ComplexArray, length: int, work: Callable[[slice, ComplexArray], None]) -> None:
    """Transform columns, padded with zeros to a length, block by block, and do something with the lines of each."""
    library, columns, size = line_transforms(), spectrum.shape[1], _at_once(16 * length, TOGETHER)

    def transform(blocks: Iterable[slice]) -> None:
        buffer = np.zeros((min(size, _rounded(columns, TOGETHER)), length), dtype=np.complex128)
        for block in blocks:
            given = spectrum[:, block]
            lines = buffer[: _rounded(given.shape[1], TOGETHER)]
            gather_columns(given, lines)
            library.forward(lines, 1)
            work(block, lines)

    share_out(transform, _blocks(columns, size))


def with_rows(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of a box, of a line as that of its only row."""
    return (1, *shape) if len(shape) == 1 else tuple(shape)


def _at_once(line_bytes: int, together: int) -> int:
    """Lines in a block."""
    return max(BLOCK_BYTES // line_bytes // together, 1) * together


def _rounded(count: int, together: int) -> int:
    return -(-count // together) * together


def _blocks(count: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]
