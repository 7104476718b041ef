r"""Derivatives of plain functions by central differences, whose steps follow from the points and the function.

With the odd differences :math:`o_k = f(x + k h) - f(x - k h)`, those of fourth order for the steps h and h / 2,

.. math:: D_h = \frac{8 o_1 - o_2}{12 h}, \quad D_{h/2} = \frac{8 o_{1/2} - o_1}{6 h}, \quad
          f'(x) = \frac{16 D_{h/2} - D_h}{15} + O(h^6),

estimate the error by :math:`|D_{h/2} - D_h|`, that of the fourth order. The even ones see what all places beside x
miss: a peak at x that is narrower than the step. The first step is a share of the extent of the points. It is divided
by four where the differences do not agree, so that narrow peaks are resolved and kinks are left outside, and multiplied
where f does not change enough to be told from round-off.

References
----------
Fornberg (1988), Generation of finite difference formulas on arbitrarily spaced grids, Math. Comp. 51.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wgflow.errors import InputError
from wgflow.typing import BoolArray, FloatArray, IntArray

Function = Callable[[FloatArray], FloatArray]

FIRST_STEP = 2.0**-8  # over the extent of the points
LESS, MORE = 0.25, 2.0**10  # factors of the steps that are tried next
MOST_LESS, MOST_MORE = 16, 3  # times
AGREEMENT, BEND = 3e-9, 1e-2  # of the differences, relative to the slopes within their reach
RESOLVED = 1e-3  # relative error from which on smaller steps may make it worse
LOST = 1e-6  # round-off over the slopes that counts as nothing found
JUMP = 2.0**10  # growth of the slopes, as the steps fall, at a function that has no derivative
ROUND_OFF = 4.0 * float(np.finfo(np.float64).eps)


@dataclass
class _Quotients:
    """Difference quotients along an axis at n points, each with one step.

    Parameters
    ----------
    slope : array, shape (n, ...)
        The derivative.
    error : array, shape (n,)
        Estimate of its error; inf where f is not defined within reach.
    reach_slope : array, shape (n,)
        Largest quotient of any two values within reach.
    round_off : array, shape (n,)
        Error by round-off.
    """

    slope: FloatArray
    error: FloatArray
    reach_slope: FloatArray
    round_off: FloatArray

    @property
    def whole(self) -> FloatArray:
        """Error and round-off."""
        return self.error + self.round_off

    @property
    def relative(self) -> FloatArray:
        """Error and round-off over the slopes within reach: inf where f is constant, 0 where it is 0."""
        return np.where(self.whole > 0.0, self.whole / np.maximum(self.reach_slope, np.finfo(np.float64).tiny), 0.0)

    @property
    def agree(self) -> BoolArray:
        """Whether steps of different sizes give the same."""
        return self.error <= AGREEMENT * self.reach_slope + 2.0 * self.round_off

    @property
    def lost(self) -> BoolArray:
        """Whether f changes too little to be told from round-off."""
        return (self.round_off > LOST * self.reach_slope) & np.isfinite(self.error)

    def replace(self, rows: IntArray, found: _Quotients, better: BoolArray) -> None:
        """Take over better ones at some points."""
        for name in ("slope", "error", "reach_slope", "round_off"):
            getattr(self, name)[rows[better]] = getattr(found, name)[better]


def central_differences(function: Function, points: FloatArray) -> FloatArray:
    """Derivatives along each axis, to about ten digits where f is smooth.

    Parameters
    ----------
    function : callable
        f, vectorised: points (N, p) to values (N, ...).
    points : array, shape (N, p)
        Where to differentiate. Their extent sets the scale of the first steps.

    Returns
    -------
    array, shape (N, ..., p)
        At a kink, the mean of the slopes at its sides.

    Raises
    ------
    InputError
        If f jumps, or is noise, at a point.
    """
    with np.errstate(all="ignore"):  # beyond the points f may not be defined
        centre = np.asarray(function(points), dtype=np.float64)
        return np.stack([_derivative(function, points, axis, centre) for axis in range(points.shape[1])], axis=-1)


def _derivative(function: Function, points: FloatArray, axis: int, centre: FloatArray) -> FloatArray:
    """Derivative along an axis, shape of ``centre``."""
    step = np.full(len(points), _first_step(points, axis))
    found = _quotients(function, points, axis, step, centre)
    first_slope = found.reach_slope.copy()
    best, rows, last = found, np.arange(len(points)), found
    for level in range(MOST_MORE + MOST_LESS):
        lost = last.lost if level < MOST_MORE else np.zeros(rows.size, dtype=bool)
        worse = (best.relative[rows] <= RESOLVED) & (last.whole > best.whole[rows])
        wanted = lost | ~(last.agree | last.lost | worse)
        if not wanted.any():
            break
        rows, lost = rows[wanted], lost[wanted]
        step[rows] *= np.where(lost, MORE, LESS)
        last = _quotients(function, points.T[:, rows].T, axis, step[rows], centre[rows])
        best.replace(rows, last, last.whole < best.whole[rows])  # beside a bend slopes and errors fall alike
    jumps = ~last.agree & (last.reach_slope > JUMP * first_slope[rows]) & (best.relative[rows] > RESOLVED)
    _refuse(points[rows[jumps]], "its quotients grow without bound as the step falls, as at a jump or in noise")
    _refuse(points[np.isinf(best.error)], "it is not finite nearby")
    return best.slope


def _refuse(points: FloatArray, reason: str) -> None:
    """Raise InputError if there are points of this kind."""
    if len(points) > 0:
        raise InputError(
            f"a function without a gradient cannot be differenced at the point {points[0]}: {reason}; give its "
            "gradient, or smooth it"
        )


def _first_step(points: FloatArray, axis: int) -> float:
    """Share of the extent of the points along an axis, as a power of two: places are then hardly rounded.

    Where there is none it is that along the other axes, then the distance from the origin.
    """
    extents = np.ptp(points, axis=0) if len(points) else np.zeros(points.shape[1])
    largest = float(extents[axis]) or float(extents.max()) or float(np.abs(points).max(initial=0.0)) or 1.0
    return float(FIRST_STEP * 2.0 ** np.floor(np.log2(largest)))


def _quotients(function: Function, points: FloatArray, axis: int, step: FloatArray, centre: FloatArray) -> _Quotients:
    """Difference quotients with a step for each point."""
    odd, even = {}, {}
    for multiple in (0.5, 1.0, 2.0):
        moved = points.copy(order="K")
        moved[:, axis] = points[:, axis] + multiple * step
        above = np.asarray(function(moved), dtype=np.float64)
        moved[:, axis] = points[:, axis] - multiple * step
        below = np.asarray(function(moved), dtype=np.float64)
        odd[multiple], even[multiple] = above - below, (above - centre) + (below - centre)
    width = step.reshape(-1, *(1,) * (centre.ndim - 1))
    wide, narrow = (8.0 * odd[1.0] - odd[2.0]) / (12.0 * width), (8.0 * odd[0.5] - odd[1.0]) / (6.0 * width)
    reach = _largest(np.maximum.reduce([(abs(odd[k]) + abs(even[k])) / (2.0 * k * width) for k in odd]))
    values = _largest(np.abs(centre)) + 2.0 * step * reach
    round_off = ROUND_OFF * (values + np.abs(points[:, axis]) * reach) / step
    bend = np.maximum(_largest(abs(even[1.0] - 4.0 * even[0.5])) / step - round_off, 0.0)
    error = np.maximum(_largest(abs(narrow - wide)), np.where(bend > BEND * reach, bend, 0.0))
    defined = np.isfinite(error) & np.isfinite(reach)
    return _Quotients(
        np.where(_beside(defined, centre), (16.0 * narrow - wide) / 15.0, 0.0),
        np.where(defined, error, np.inf),
        np.where(defined, reach, np.finfo(np.float64).tiny),
        np.where(defined, round_off, 0.0),
    )


def _largest(values: FloatArray) -> FloatArray:
    """Largest entry for each point, shape (n,)."""
    if values.ndim == 1:  # row by row, NumPy takes twenty times longer
        return np.maximum(values, 0.0)
    return values.reshape(len(values), -1).max(axis=1, initial=0.0)


def _beside(flags: BoolArray, values: FloatArray) -> BoolArray:
    return flags.reshape(-1, *(1,) * (values.ndim - 1))
