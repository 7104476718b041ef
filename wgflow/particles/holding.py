r"""Particles that come to rest at the points that hold them, instead of crossing those back and forth.

At a point y where J has a cone of slope c, and what else pulls a particle, f, is less than that, the flow

.. math:: \dot x = f - c \frac{x - y}{|x - y|}

arrives in a finite time and stays. The error control of an integrator makes steps so short there that a crossing costs
no more than the tolerance, and would need them as long as the particle is held. So a particle that a step brings as
near as the errors that are allowed is put there. It stays until all else pulls it by more than c, and leaves with the
element of least size of the subdifferential, :math:`f (1 - c / |f|)`. Steps end where the next one arrives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.functionals.anchors import Anchors
from wgflow.typing import BoolArray, FloatArray, IntArray


class Holding:
    """Which particles are held by some anchors.

    Parameters
    ----------
    anchors : Anchors
        The points that hold them.
    signs : array, shape (m,)
        Signs of the particles.
    """

    def __init__(self, anchors: Anchors, signs: FloatArray) -> None:
        from scipy.spatial import KDTree  # takes long to import, for few runs

        self._anchors, self._signs, self._tree = anchors, signs, KDTree(anchors.points)
        self._most = float(anchors.slope(np.zeros(1))[0])
        self._held: IntArray = np.empty(0, np.int64)
        self._nearest: IntArray = np.empty(0, np.int64)
        self._distance: FloatArray = np.empty(0)

    def settled(self, points: FloatArray, weights: FloatArray, slopes: FloatArray, reach: FloatArray) -> FloatArray:
        """Points (m, p), those within ``reach`` (m,) of what holds them put there: they are held from now on.

        ``slopes`` (m, p) are those of J at the points as they are given. At most one particle arrives at a point.
        """
        found: Any = self._tree.query(points)
        self._distance, self._nearest = found
        before, self._held = self._held, np.flatnonzero(self._distance == 0.0)
        near = np.flatnonzero((self._distance < reach) & self._attracted(points, weights, slopes)[0])
        places, first = np.unique(self._nearest[near], return_index=True)
        if places.size == 0:
            return points if np.isin(self._held, before).all() else points.copy()
        rows, points = near[first], points.copy()
        points[rows], self._distance[rows] = self._anchors.points[places], 0.0
        self._held = np.union1d(self._held, rows)
        return points

    def arrival(self, points: FloatArray, weights: FloatArray, slopes: FloatArray) -> float:
        """Time until the first of the particles that would be held arrives, if all go on down their slopes; or inf."""
        attracted, away = self._attracted(points, weights, slopes)
        approach = (away * slopes).sum(axis=1)
        coming = attracted & (approach > 0.0)
        return float((self._distance[coming] / approach[coming]).min(initial=np.inf))

    def slowed(self, points: FloatArray, weights: FloatArray, slopes: FloatArray) -> FloatArray:
        """Slopes (m, p) of J of which those of the particles that are held are the elements of least size."""
        there = (points[self._held] == self._anchors.points[self._nearest[self._held]]).all(axis=1)
        rows = self._held[there]  # within a step some leave
        if rows.size == 0:
            return slopes
        charges = self._signs * weights
        left = self._signs[rows] * (self._left(rows, charges)[self._nearest[rows]] + charges[rows])
        force = np.array([self._most * charge if charge > 0.0 else 0.0 for charge in left])
        size = np.linalg.norm(slopes[rows], axis=1)
        slopes = slopes.copy()
        slopes[rows] *= np.where(size > force, 1.0 - force / np.where(size > 0.0, size, 1.0), 0.0)[:, None]
        return slopes

    def _left(self, rows: IntArray, charges: FloatArray) -> FloatArray:
        """Charges of the anchors less those of some particles that are there, shape (s,)."""
        return self._anchors.charges - np.bincount(self._nearest[rows], charges[rows], self._anchors.charges.size)

    def _attracted(self, points: FloatArray, weights: FloatArray, slopes: FloatArray) -> tuple[BoolArray, FloatArray]:
        """Which particles all else pulls by less than their nearest anchor, and directions (m, p) from there."""
        distance = np.where(self._distance > 0.0, self._distance, 1.0)
        away = (points - self._anchors.points[self._nearest]) / distance[:, None]
        left = self._left(self._held, self._signs * weights)[self._nearest]
        force = self._signs * left * self._anchors.slope(distance)
        rest = np.linalg.norm(slopes - force[:, None] * away, axis=1)
        return (rest < force) & (self._distance > 0.0), away
