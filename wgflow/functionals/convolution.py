"""Convolution of cell masses with a kernel, on a box or over all pairs, and how well its samples stand for it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wgflow.domains import Box
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.partition import RowPartition
from wgflow.domains.slab import Slab
from wgflow.errors import FlowWarning
from wgflow.functionals.moments import MEMORY_LIMIT, at_cells, stored_or_recomputed
from wgflow.functionals.slab_filter import lines_of_symbol, make_filter, own_rows
from wgflow.functionals.transforms import with_rows
from wgflow.typing import FloatArray

ScalarFunction = Callable[[FloatArray], FloatArray]
Convolution = Callable[[FloatArray, FloatArray], None]  # of masses (N,) to the values (N,) that it writes
Pairing = Callable[[FloatArray, FloatArray], FloatArray]  # targets (m, p) and sources (n, p) to values (m n,)

REACH, LEAST_REACH = 16, 4  # cells to each side of 0 where samples of a kernel are checked, at most and at least
TOLERATED = 0.1  # error of its integral there, relative, from which on a warning is due


class BoxConvolution:
    """Convolution of cell masses with an even kernel on a box, by FFT: axes wrap if periodic, else zeros pad them.

    Parameters
    ----------
    box : Box
    kernel : callable
        Displacements (N, p) to values (N,), even.

    Attributes
    ----------
    largest : float
        Largest absolute value of the kernel on the box.
    """

    def __init__(self, box: Box, kernel: ScalarFunction) -> None:
        from scipy import fft

        whole = box.whole
        padded = tuple(
            n if periodic else fft.next_fast_len(2 * n - 1, real=True)
            for n, periodic in zip(whole.shape, whole.periodic, strict=True)
        )
        rows = own_rows(box, padded)
        values = _with_mean_ends(whole, padded, kernel, rows)
        largest = np.array([np.abs(values).max(initial=0.0)])
        self.largest = float((box.communicator.largest(largest) if isinstance(box, Slab) else largest)[0])
        lines = lines_of_symbol(box, padded, values.reshape(rows.stop - rows.start, *with_rows(padded)[1:]))
        self._filter = make_filter(box, padded, lines)  # the symbol of an even function is real

    def __call__(self, mass: FloatArray, result: FloatArray) -> None:
        """Write ``sum_L W(x_K - x_L) mass_L``; both arrays have as many entries as the box has cells."""
        self._filter(mass, result)


class PairConvolution:
    """Sums of a kernel over all pairs of cells in O(N^2), for domains that have no transform.

    Parameters
    ----------
    domain : UnsignedDomain
        With N cells.
    kernel : callable
        Cell centres (m, p) and (N, p) to values (m N,), symmetric.

    Attributes
    ----------
    largest : float
        Largest absolute value of the kernel between cells.
    """

    def __init__(self, domain: UnsignedDomain, kernel: Pairing) -> None:
        cells = domain.points.reshape(-1, domain.points.shape[-1])

        def rows(points: FloatArray) -> FloatArray:
            return kernel(points, cells).reshape(len(points), len(cells))

        self._moments = stored_or_recomputed(rows, cells, len(cells), MEMORY_LIMIT, RowPartition(cells.shape[:1]))
        self.largest = max(float(np.abs(rows(cells[k : k + 1])).max()) for k in range(len(cells)))

    def __call__(self, mass: FloatArray, result: FloatArray) -> None:
        """Write ``sum_L W(x_K, x_L) mass_L``; both arrays have the shape (N,)."""
        result[...] = self._moments.moments(mass)


def _with_mean_ends(box: Box, shape: tuple[int, ...], kernel: ScalarFunction, rows: slice) -> FloatArray:
    """Values of a kernel in some rows, in the order of a transform, at half a period the means of both sides.

    Else the matrix of the convolution were not symmetric, and J not the derivative of F. Rows are those of `own_rows`:
    of a box of one axis the only one.
    """
    steps = [np.fft.fftfreq(n, 1.0 / n) * width for n, width in zip(shape, box.spacing, strict=True)]
    halves = {axis: n // 2 for axis, n in enumerate(shape) if box.periodic[axis] and n % 2 == 0}
    ends = {axis: -steps[axis][half] for axis, half in halves.items()}
    counts = list(shape)
    if len(shape) > 1:
        steps[0], counts[0] = steps[0][rows], rows.stop - rows.start
        if not rows.start <= halves.get(0, -1) < rows.stop:
            ends.pop(0, None)
    for axis, end in ends.items():
        steps[axis] = np.append(steps[axis], end)
    blocks = RowPartition(with_rows([len(step) for step in steps]))
    blocks.whole = with_rows(shape) if rows.stop - rows.start < with_rows(shape)[0] else blocks.shape
    values = at_cells(kernel, _mesh(steps), blocks).reshape([len(step) for step in steps])
    for axis in ends:
        first, both = np.split(np.moveaxis(values, axis, 0), [counts[axis]])
        half = halves[axis] - (rows.start if axis == 0 and len(shape) > 1 else 0)
        first[half] = 0.5 * (first[half] + both[0])
        values = np.moveaxis(first, 0, axis)
    return values


def warn_of_sampling(box: Box, kernel: ScalarFunction) -> None:
    """Warn if samples at the cells of a box misjudge the integral of a kernel around 0; boxes of few cells do not.

    The estimate is the difference of the sums over two grids, at the displacements of cells and in the middle between,
    of the kernel times a bump that vanishes at the end.
    """
    reach = [min(REACH, n // 2 if wraps else n - 1) for n, wraps in zip(box.shape, box.periodic, strict=True)]
    if min(reach) < LEAST_REACH:
        return
    at_cells, between = (
        _tapered([np.arange(-r, r) + shift for r in reach], reach, box.spacing, kernel) for shift in (0.0, 0.5)
    )
    size = max(float(abs(values).sum()) for values in (at_cells, between))
    error = abs(math.fsum(at_cells) - math.fsum(between)) / size if size > 0.0 else 0.0
    if error > TOLERATED:
        warnings.warn(
            f"the interaction kernel varies within a cell of size {max(box.spacing):.3g}: its samples misjudge its "
            f"integral by about {error:.0%}; refine the grid, or give its averages over cells (on_cells, on_arcs)",
            FlowWarning,
            stacklevel=3,
        )


def _tapered(
    places: Sequence[NDArray[Any]], reach: Sequence[int], spacing: Sequence[float], kernel: ScalarFunction
) -> FloatArray:
    """Values of a kernel at displacements of some numbers of cells, times squared cosines that end at the reach."""
    bumps = [np.cos(0.5 * np.pi * place / r) ** 2 for place, r in zip(places, reach, strict=True)]
    values = kernel(_mesh([place * width for place, width in zip(places, spacing, strict=True)]))
    return np.asarray(values * reduce(np.multiply.outer, bumps).ravel(), dtype=np.float64)


def _mesh(steps: Sequence[NDArray[Any]]) -> FloatArray:
    """All points with coordinates from a list for each axis, shape (N, p)."""
    return np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1, dtype=np.float64).reshape(-1, len(steps))
