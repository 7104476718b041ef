"""Differences of discrete measures, as points with signed charges."""

from __future__ import annotations

import numpy as np

from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles
from wgflow.typing import FloatArray, IntArray


def check_same_space(first: Particles, second: Particles) -> None:
    """Raise ShapeError if the dimensions differ, InputError if one of the measures is not allowed."""
    dimensions = first.points.shape[1], second.points.shape[1]
    if dimensions[0] != dimensions[1]:
        raise ShapeError(f"measures in dimensions {dimensions[0]} and {dimensions[1]} cannot be compared")
    check_measure(first)
    check_measure(second)


def check_measure(particles: Particles) -> None:
    """Raise InputError if a number is not finite, a weight is negative, or a sign is not +1 or -1."""
    if not (np.isfinite(particles.points).all() and np.isfinite(particles.weights).all()):
        raise InputError("a measure has a point or a weight that is not finite")
    if (particles.weights < 0.0).any():
        raise InputError(f"a measure has the weight {particles.weights.min():g}; weights must not be negative")
    if (np.abs(particles.signs) != 1.0).any():
        raise InputError("a measure has a sign that is neither +1 nor -1")


def on_sheet(particles: Particles, sign: float) -> Particles:
    """Part of the measure on the sheet of the given sign."""
    return particles.part(particles.signs == sign)


def charge_difference(first: Particles, second: Particles) -> tuple[FloatArray, FloatArray]:
    """Give the signed measure ``sum_j w_j e_j delta_(x_j)`` of the first minus that of the second.

    Coincident atoms are merged, so that what the measures share cancels before anything is rounded.

    Returns
    -------
    points : array, shape (k, p)
        Distinct points.
    charges : array, shape (k,)
        Nonzero charges.
    """
    points = np.concatenate([first.points, second.points])
    if not len(points):
        return points, np.zeros(0)
    distinct, index = np.unique(points, axis=0, return_inverse=True)
    mine, theirs = np.split(index.ravel(), [len(first.points)])
    charges = _sums_at(mine, first, len(distinct)) - _sums_at(theirs, second, len(distinct))
    kept = charges != 0.0
    return distinct[kept], charges[kept]


def _sums_at(index: IntArray, particles: Particles, count: int) -> FloatArray:
    """Charge at each of the distinct points, shape (count,)."""
    charges = np.zeros(count)
    np.add.at(charges, index, particles.weights * particles.signs)
    return charges
