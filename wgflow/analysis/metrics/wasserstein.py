r"""Wasserstein distances on the circle and on lines, exact for discrete measures.

On the line the optimal coupling matches quantiles. On the circle it matches the quantiles X of one measure with
those of the other, Y, shifted by the mass that goes around:

.. math:: W_p^p = \min_\theta C(\theta), \qquad C(\theta) = \int_0^1 |X(q) - Y(q - \theta)|^p \, dq

with :math:`X(q + 1) = X(q) + 2\pi`. C is convex and piecewise linear. Masses are counted in integer units here, so
steps of X and Y meet exactly, C is linear between integers, and a bisection on integers ends at the minimum.

References
----------
Delon, Salomon and Sobolevski, Fast transport optimization for Monge costs on the circle, SIAM J. Appl. Math. 70
(2010) 2239-2258.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum, isfinite

import numpy as np

from wgflow.analysis.metrics.atoms import check_same_space, on_sheet
from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles
from wgflow.typing import FloatArray, IntArray

_TURN = 2.0 * np.pi
_UNITS = 2**60  # units of mass in a normalised measure; sums of a few such numbers fit into 64 bits


def circle_wasserstein(first: Particles, second: Particles, order: float = 1) -> float:
    r"""Wasserstein distance of order p between normalised measures on the circle, for the arc length in radians.

    .. math:: W_p(\mu, \nu)^p = \min_\gamma \int d(x, y)^p \, d\gamma(x, y), \qquad d \le \pi

    over the couplings :math:`\gamma` of :math:`\mu/|\mu|` and :math:`\nu/|\nu|`. Signs are ignored (see
    `sheet_wasserstein`) and so are the lengths of the points.

    Parameters
    ----------
    first, second : Particles
        Measures with points of shape (m, 2) and (n, 2).
    order : float
        The order p, at least 1.

    Returns
    -------
    float
        The distance itself (not its p-th power), in [0, pi]. Its p-th power is accurate to a few units of
        round-off times :math:`\pi^p`. Time is O((m + n) log(m + n)).

    Raises
    ------
    ShapeError
        If points do not have two components.
    InputError
        If a measure has no mass, a weight is negative, a number is not finite, or the order is less than 1.
    """
    _check(first, second, order)
    for particles in (first, second):
        if not particles.mass > 0.0:
            raise InputError("a measure without mass cannot be normalised; the Wasserstein distance is undefined")
    return _distance(first, second, order)


def sheet_wasserstein(first: Particles, second: Particles, order: float = 1) -> FloatArray:
    """Wasserstein distances on the two sheets of the signed circle, each sheet normalised on its own.

    Parameters
    ----------
    first, second : Particles
        Measures with points of shape (m, 2) and (n, 2) and with signs.
    order : float
        The order p, at least 1.

    Returns
    -------
    array, shape (2,)
        Distance on the positive, then on the negative sheet; NaN where a measure has no mass on the sheet.

    Raises
    ------
    ShapeError
        If points do not have two components.
    InputError
        If a weight is negative, a number is not finite, or the order is less than 1.
    """
    _check(first, second, order)
    distances = np.full(2, np.nan)
    for sheet, sign in enumerate((1.0, -1.0)):
        parts = on_sheet(first, sign), on_sheet(second, sign)
        if all(part.mass > 0.0 for part in parts):
            distances[sheet] = _distance(*parts, order)
    return distances


def line_wasserstein(first: Particles, second: Particles, order: float = 1, period: float | None = None) -> FloatArray:
    """Wasserstein distances on a line, or on a closed one of the given length, each sheet normalised on its own.

    A line is bent to half a circle, on which the short way round is the way along it.

    Parameters
    ----------
    first, second : Particles
        Measures with points of shape (m, 1) and (n, 1) and with signs.
    order : float
        The order p, at least 1.
    period : float, optional
        Length after which the line returns to its start, positive; by default it does not.

    Returns
    -------
    array, shape (2,)
        As of `sheet_wasserstein`, whose errors it raises too.
    """
    _check_space(first, second, "a line", 1)
    if period is not None and not (period > 0.0 and isfinite(period)):
        raise InputError(f"period = {period!r} is not allowed; give a positive number")
    places = np.concatenate([first.points, second.points])
    start, length = (float(places.min()), float(np.ptp(places))) if places.size else (0.0, 0.0)
    scale = length / np.pi if period is None else period / _TURN
    bent, other = (_bend(particles, start, scale or 1.0) for particles in (first, second))
    return scale * sheet_wasserstein(bent, other, order)


def _bend(particles: Particles, start: float, scale: float) -> Particles:
    """Points of a line as those of the unit circle, whose radian is as long as ``scale``."""
    angles = (particles.points[:, 0] - start) / scale
    return replace(particles, points=np.stack([np.cos(angles), np.sin(angles)], axis=1), domain=None)


def _check_space(first: Particles, second: Particles, place: str, components: int) -> None:
    check_same_space(first, second)
    if first.points.shape[1] != components:
        raise ShapeError(f"points have {first.points.shape[1]} components; points of {place} have {components}")


def _check(first: Particles, second: Particles, order: float) -> None:
    _check_space(first, second, "the circle", 2)
    if not (order >= 1 and isfinite(order)):
        raise InputError(f"order = {order!r} is not allowed; give a finite number of at least 1")


@dataclass(frozen=True)
class _Quantiles:
    """Quantile function of a measure on the unrolled circle, right-continuous.

    ``angles`` (m,) are sorted, ``ends`` (m,) are the cumulative masses in units, the last one being all units.
    """

    angles: FloatArray
    ends: IntArray

    def at(self, mass: IntArray) -> FloatArray:
        """Angle at which the cumulative mass, any integer, is exceeded; it grows by a turn per period."""
        turns, rest = np.divmod(mass, _UNITS)
        return self.angles[np.searchsorted(self.ends, rest, side="right")] + _TURN * turns


def _quantiles(particles: Particles) -> _Quantiles:
    angles = np.mod(np.arctan2(particles.points[:, 1], particles.points[:, 0]), _TURN)
    order = np.argsort(angles, kind="stable")
    return _Quantiles(angles[order], np.cumsum(_units_of_mass(particles.weights[order])))


def _units_of_mass(weights: FloatArray) -> IntArray:
    """Integer masses in proportion to the weights with the sum ``_UNITS``."""
    scaled = weights / weights.max()  # no overflow in the sum of large weights
    units = np.rint(scaled / fsum(scaled) * _UNITS).astype(np.int64)
    units[np.argmax(units)] += _UNITS - units.sum()
    return units


def _distance(first: Particles, second: Particles, order: float) -> float:
    left, right = _quantiles(first), _quantiles(second)
    return _cost(left, right, _best_shift(left, right, order), order) ** (1.0 / order)


def _best_shift(left: _Quantiles, right: _Quantiles, order: float) -> int:
    """Smallest shift, in units of mass, from which on the cost does not fall."""
    low, high = -2 * _UNITS, 2 * _UNITS
    after = np.append(right.angles[1:], right.angles[0] + _TURN)
    while low < high:
        middle = (low + high) // 2
        facing = left.at(right.ends + middle)
        slope = np.abs(facing - right.angles) ** order - np.abs(facing - after) ** order
        if slope.sum() < 0.0:
            low = middle + 1
        else:
            high = middle
    return low


def _cost(left: _Quantiles, right: _Quantiles, shift: int, order: float) -> float:
    """Integral of the p-th power of the difference of the quantiles over one period."""
    starts = np.unique(np.concatenate([[0], left.ends[:-1], np.mod(right.ends + shift, _UNITS)]))
    masses = np.diff(starts, append=_UNITS) / _UNITS
    return float(masses @ np.abs(left.at(starts) - right.at(starts - shift)) ** order)
