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

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals.kernels.differences import AGREEMENT, LOST, fill_quotients
from wgflow.typing import BoolArray, FloatArray, IntArray

Function = Callable[[FloatArray], FloatArray]

WAYS = (0.5, -0.5, 1.0, -1.0, 2.0, -2.0)  # to the places of values, in steps
FIRST_STEP = 2.0**-8  # over the extent of the points
MANY, PROBES, MOST_PROBED = 1024, 64, 3  # points of which some are tried first, how many, and with how many steps
LESS, MORE = 0.25, 2.0**10  # factors of the steps that are tried next
MOST_LESS, MOST_MORE = 16, 3  # times
RESOLVED = 1e-3  # relative error from which on smaller steps may make it worse
JUMP = 2.0**10  # growth of the slopes, as the steps fall, at a function that has no derivative


@dataclass
class _Quotients:
    """Difference quotients of m functions along an axis at n points, each with one step.

    Parameters
    ----------
    slope : array, shape (m, n)
        The derivative.
    error : array, shape (n,)
        Estimate of its error; inf where f is not defined within reach.
    reach_slope : array, shape (n,)
        Largest quotient of any two values within reach.
    round_off : array, shape (n,)
        Error by round-off.
    settled : array of bool, shape (n,)
        Whether no other step is needed.
    """

    slope: FloatArray
    error: FloatArray
    reach_slope: FloatArray
    round_off: FloatArray
    settled: BoolArray

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

    def at(self, rows: IntArray) -> _Quotients:
        """Those at some points."""
        slope, settled = self.slope[:, rows], self.settled[rows]
        return _Quotients(slope, self.error[rows], self.reach_slope[rows], self.round_off[rows], settled)

    def replace(self, rows: IntArray, found: _Quotients, better: BoolArray) -> None:
        """Take over better ones at some points."""
        self.slope[:, rows[better]] = found.slope[:, better]
        for name in ("error", "reach_slope", "round_off"):
            getattr(self, name)[rows[better]] = getattr(found, name)[better]


def central_differences(function: Function, points: FloatArray, centre: FloatArray | None = None) -> FloatArray:
    """Derivatives along each axis, to about ten digits where f is smooth.

    Parameters
    ----------
    function : callable
        f, vectorised: points (N, p) to values (N, ...).
    points : array, shape (N, p)
        Where to differentiate. Their extent sets the scale of the first steps.
    centre : array, shape (N, ...), optional
        Values of f there, if they are known.

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
        values = np.asarray(function(points) if centre is None else centre, dtype=np.float64)
        across = _across(values)
        slopes = [_derivative(function, points, axis, across) for axis in range(points.shape[1])]
    return np.stack([slope.T.reshape(values.shape) for slope in slopes], axis=-1)


def _derivative(function: Function, points: FloatArray, axis: int, centre: FloatArray) -> FloatArray:
    """Derivative along an axis, shape of ``centre``, (m, N)."""
    step = np.full(len(points), _probed_step(function, points, axis, centre))
    found = _quotients(function, points, axis, step, centre)
    rows = np.flatnonzero(~found.settled)
    if rows.size > 0:
        few = points.T[:, rows].T
        found.slope[:, rows] = _improved(function, few, axis, step[rows], centre[:, rows], found.at(rows))
    return found.slope


def _improved(
    function: Function, points: FloatArray, axis: int, step: FloatArray, centre: FloatArray, best: _Quotients
) -> FloatArray:
    """Derivative at points where the first step does not give it."""
    first_slope, rows, last = best.reach_slope.copy(), np.arange(len(points)), best
    for level in range(MOST_MORE + MOST_LESS):
        lost = last.lost if level < MOST_MORE else np.zeros(rows.size, dtype=bool)
        worse = (best.relative[rows] <= RESOLVED) & (last.whole > best.whole[rows])
        wanted = lost | ~(last.agree | last.lost | worse)
        if not wanted.any():
            break
        rows, lost = rows[wanted], lost[wanted]
        step[rows] *= np.where(lost, MORE, LESS)
        last = _quotients(function, points.T[:, rows].T, axis, step[rows], centre[:, rows])
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


def _probed_step(function: Function, points: FloatArray, axis: int, centre: FloatArray) -> float:
    """The first step, smaller where some of many points say that it is too large for most."""
    step = _first_step(points, axis)
    if len(points) < MANY:
        return step
    few = np.arange(0, len(points), len(points) // PROBES)
    steps, rows = step * LESS ** np.arange(MOST_PROBED), np.tile(few, MOST_PROBED)
    found = _quotients(function, points.T[:, rows].T, axis, np.repeat(steps, few.size), centre[:, rows])
    shares = (found.agree | found.lost).reshape(MOST_PROBED, -1).mean(axis=1)
    return float(steps[np.argmax(shares >= 0.5)])


def _first_step(points: FloatArray, axis: int) -> float:
    """Share of the extent of the points along an axis, as a power of two: places are then hardly rounded.

    Where there is none it is that along the other axes, then the distance from the origin.
    """
    extents = np.ptp(points, axis=0) if len(points) else np.zeros(points.shape[1])
    largest = float(extents[axis]) or float(extents.max()) or float(np.abs(points).max(initial=0.0)) or 1.0
    return float(FIRST_STEP * 2.0 ** np.floor(np.log2(largest)))


def _quotients(function: Function, points: FloatArray, axis: int, step: FloatArray, centre: FloatArray) -> _Quotients:
    """Difference quotients with a step for each point."""
    values, moved = [], points.copy(order="K")
    for multiple in WAYS:
        np.add(points[:, axis], multiple * step, out=moved[:, axis])
        values.append(np.ascontiguousarray(_across(np.asarray(function(moved), dtype=np.float64))))
    error, reach, round_off = np.empty((3, len(points)))
    found = _Quotients(np.empty(centre.shape), error, reach, round_off, np.empty(len(points), dtype=np.bool_))
    fill_quotients(
        tuple(values),
        np.ascontiguousarray(centre),
        np.ascontiguousarray(points[:, axis]),
        step,
        found.slope,
        found.error,
        found.reach_slope,
        found.round_off,
        found.settled,
    )
    return found


def _across(values: FloatArray) -> FloatArray:
    """Values (N, ...) of m functions as (m, N)."""
    return values.reshape(len(values), -1).T if len(values) else np.empty((math.prod(values.shape[1:]), 0))
