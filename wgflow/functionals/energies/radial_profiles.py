"""Kernels without a gradient that depend on the distance alone: polynomials on panels in the place of differences.

They are made from a thousand values or so, whatever the number of pairs, and are used where they agree with the values
at all pairs. A panel is halved until the last coefficients of its polynomial are round-off beside its values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wgflow.functionals.convolution import ScalarFunction
from wgflow.functionals.energies.radial_differences import SAME, line_through
from wgflow.functionals.kernels.profiles import TERMS, fill_radial
from wgflow.typing import FloatArray, IntArray

LEVELS, MOST_PANELS = 12, 256  # halvings, and panels in the end
TINY = 1e-300
REST = 2e-15  # of the largest value on a panel that the last two coefficients may be
FEWEST = 4096  # pairs for which polynomials are made
STEPS = 8  # of the largest distance in an octave
_ANGLES = (np.arange(TERMS) + 0.5) * math.pi / TERMS
_COSINES = np.cos(_ANGLES)
_TO_CHEBYSHEV = 2.0 / TERMS * np.cos(np.outer(np.arange(TERMS), _ANGLES))
_TO_CHEBYSHEV[0] *= 0.5


@dataclass(frozen=True, eq=False)
class _Panels:
    """Polynomials on panels, see `fill_radial`."""

    cells_per_length: float
    panels: IntArray
    middles: FloatArray
    rates: FloatArray
    coefficients: FloatArray


def radial_slopes(kernel: ScalarFunction, displacements: FloatArray, values: FloatArray) -> FloatArray | None:
    """Gradient of a kernel at displacements (N, p), from its values there; shape (N, p), 0 at 0.

    Returns
    -------
    array or None
        None unless the pairs are many, and the kernel a function of their distances that polynomials give.
    """
    across = np.ascontiguousarray(displacements.T)
    longest = math.sqrt(float((across**2).sum(axis=0).max(initial=0.0)))
    if len(values) < FEWEST or not 0.0 < longest < math.inf:
        return None
    share, octave = math.frexp(longest)
    try:
        found = _made(kernel, len(across), math.ldexp(math.ceil(share * STEPS), octave) / STEPS)
    except TypeError:  # a kernel that cannot be told from others
        return None
    if found is None:
        return None
    made, ratios = np.empty((2, len(values)))
    given = found.panels, found.middles, found.rates, found.coefficients
    fill_radial(across, found.cells_per_length, *given, made, ratios)
    same = np.abs(made - values).max() <= SAME * np.abs(values).max()
    return (across * ratios).T if same else None


@lru_cache(maxsize=16)
def _made(kernel: ScalarFunction, components: int, end: float) -> _Panels | None:
    """Polynomials for distances up to an end; None where they need too many panels."""
    line, cells = line_through(components), 2**LEVELS
    starts, lengths, rows, largest = np.zeros(1, np.int64), np.full(1, cells), [], TINY
    while starts.size > 0:
        middles, halves = (starts + 0.5 * lengths) * end / cells, 0.5 * lengths * end / cells
        places = (middles[:, None] + halves[:, None] * _COSINES).ravel()
        with np.errstate(all="ignore"):
            values = np.asarray(kernel(places[:, None] * line), dtype=np.float64).reshape(-1, TERMS)
        sizes, coefficients = np.abs(values).max(axis=1), values @ _TO_CHEBYSHEV.T
        largest = max(largest, float(sizes.max()))
        good = np.abs(coefficients[:, -2:]).max(axis=1) <= _rest(sizes, largest)
        rows += [*zip(starts[good], lengths[good], middles[good], 1.0 / halves[good], coefficients[good], strict=True)]
        starts, lengths = starts[~good], lengths[~good] // 2
        if not np.isfinite(values).all() or len(rows) + 2 * starts.size > MOST_PANELS or (lengths == 0).any():
            return None
        starts, lengths = np.concatenate([starts, starts + lengths]), np.tile(lengths, 2)
    first, size, middle, rate, polynomials = zip(*sorted(rows, key=lambda row: int(row[0])), strict=True)
    powers = np.concatenate([np.polynomial.chebyshev.cheb2poly(own) for own in polynomials])
    which = np.repeat(np.arange(len(first)), np.array(size))
    return _Panels(cells / end, which, np.array(middle), np.array(rate), powers)


def _rest(sizes: FloatArray, largest: float) -> FloatArray:
    """Last coefficients that are round-off: those of an exponential exp(-x) err by x times the spacing of numbers."""
    return REST * sizes * (1.0 + np.log(largest / np.maximum(sizes, TINY))) + TINY
