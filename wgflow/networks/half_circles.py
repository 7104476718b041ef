r"""ReLU features of n data points on a circle of N cells in O(N + n).

The feature :math:`\max(\eta \cdot x_i, 0)` is linear in eta on the half circle around :math:`x_i` and zero
elsewhere. The ends of all half circles cut the circle into arcs; sums over arcs and one prefix sum over
the arcs give all moments, and one prefix sum of the coefficients gives the potential on each arc.
"""

from __future__ import annotations

import numpy as np

from wgflow.compilation import kernel, reduction
from wgflow.domains import Circle
from wgflow.typing import FloatArray, IntArray

LONGEST_ARC = 2048  # cells; short arcs keep their sums accurate


@reduction
def _arc_sums(mass, cosine, sine, cuts, sums):
    """Running vector sums of ``mass * point`` up to each cut."""
    sums[0, :] = 0.0
    for arc in range(cuts.size - 1):
        weights = mass[cuts[arc] : cuts[arc + 1]]
        x, y = cosine[cuts[arc] : cuts[arc + 1]], sine[cuts[arc] : cuts[arc + 1]]
        sum_x, sum_y = 0.0, 0.0
        for k in range(weights.size):
            sum_x += weights[k] * x[k]
            sum_y += weights[k] * y[k]
        sums[arc + 1, 0] = sums[arc, 0] + sum_x
        sums[arc + 1, 1] = sums[arc, 1] + sum_y


@kernel
def _half_circle_sums(sums, first, last, inputs, moments):
    """Moment of each half circle; it runs through the origin of the angles where last <= first."""
    arcs = sums.shape[0] - 1
    for i in range(first.size):
        wrapped = 1.0 if last[i] < first[i] else 0.0
        for axis in range(2):
            inside = sums[last[i], axis] - sums[first[i], axis] + wrapped * sums[arcs, axis]
            moments[i] = inputs[i, axis] * inside + (moments[i] if axis == 1 else 0.0)


@kernel
def _slopes_on_arcs(coefficients, inputs, first, last, slopes):
    """Vector ``sum_i coefficient_i x_i`` over the half circles that hold each arc."""
    slopes[:, :] = 0.0
    for i in range(first.size):
        wrapped = 1.0 if last[i] < first[i] else 0.0
        for axis in range(2):
            slope = coefficients[i] * inputs[i, axis]
            slopes[first[i], axis] += slope
            slopes[last[i], axis] -= slope
            slopes[0, axis] += wrapped * slope
    for arc in range(1, slopes.shape[0]):
        slopes[arc, 0] += slopes[arc - 1, 0]
        slopes[arc, 1] += slopes[arc - 1, 1]


@kernel
def _linear_on_arcs(slopes, cosine, sine, cuts, potential):
    """Write ``point . slope`` into the cells of each arc."""
    for arc in range(cuts.size - 1):
        x, y = cosine[cuts[arc] : cuts[arc + 1]], sine[cuts[arc] : cuts[arc + 1]]
        values = potential[cuts[arc] : cuts[arc + 1]]
        slope_x, slope_y = slopes[arc, 0], slopes[arc, 1]
        for k in range(values.size):
            values[k] = x[k] * slope_x + y[k] * slope_y


class HalfCircles:
    """Moments and potentials of ReLU features on a circle.

    Parameters
    ----------
    circle : Circle
        The circle with N cells.
    inputs : array, shape (n, 2)
        Data points; a point at the origin has the feature zero.
    """

    def __init__(self, circle: Circle, inputs: FloatArray) -> None:
        self.count = len(inputs)
        self._inputs = np.ascontiguousarray(inputs)
        self._cosine, self._sine = np.ascontiguousarray(circle.points.T)
        first, last = _half_circle_cells(circle, inputs)
        regular = np.arange(0, circle.cells + LONGEST_ARC, LONGEST_ARC).clip(max=circle.cells)
        self._cuts = np.unique(np.concatenate([first, last, regular]))
        self._first = np.searchsorted(self._cuts, first)
        self._last = np.searchsorted(self._cuts, last)
        self._sums = np.empty((self._cuts.size, 2))
        self._slopes = np.empty((self._cuts.size, 2))
        self._moments = np.empty(self.count)

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``int Psi dmu``, shape (n,), of net cell masses, shape (N,); overwritten by the next call."""
        _arc_sums(mass, self._cosine, self._sine, self._cuts, self._sums)
        _half_circle_sums(self._sums, self._first, self._last, self._inputs, self._moments)
        return self._moments

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        _slopes_on_arcs(coefficients, self._inputs, self._first, self._last, self._slopes)
        _linear_on_arcs(self._slopes, self._cosine, self._sine, self._cuts, potential)


def _half_circle_cells(circle: Circle, inputs: FloatArray) -> tuple[IntArray, IntArray]:
    """First cell of each half circle and the one after its last, both in [0, N)."""
    direction = np.arctan2(inputs[:, 1], inputs[:, 0])
    first = np.floor((direction - 0.5 * np.pi) / circle.spacing - 0.5).astype(np.int64) + 1
    last = np.floor((direction + 0.5 * np.pi) / circle.spacing - 0.5).astype(np.int64) + 1
    return first % circle.cells, last % circle.cells
