r"""ReLU features of n data points on a circle of N cells in O(N + n).

The feature :math:`\max(\eta \cdot x_i, 0)` is linear in eta on the half circle around :math:`x_i` and zero
elsewhere. The ends of all half circles cut the circle into arcs; sums over arcs and one prefix sum over
the arcs give all moments, and one prefix sum of the coefficients gives the potential on each arc.
"""

from __future__ import annotations

import numpy as np

from wgflow.domains import Circle
from wgflow.networks.kernels.half_circles import arc_sums, half_circle_sums, linear_on_arcs, slopes_on_arcs
from wgflow.typing import FloatArray, IntArray

LONGEST_ARC = 2048  # cells; short arcs keep their sums accurate


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
        arc_sums(mass, self._cosine, self._sine, self._cuts, self._sums)
        half_circle_sums(self._sums, self._first, self._last, self._inputs, self._moments)
        return self._moments

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        slopes_on_arcs(coefficients, self._inputs, self._first, self._last, self._slopes)
        linear_on_arcs(self._slopes, self._cosine, self._sine, self._cuts, potential)


def _half_circle_cells(circle: Circle, inputs: FloatArray) -> tuple[IntArray, IntArray]:
    """First cell of each half circle and the one after its last, both in [0, N)."""
    direction = np.arctan2(inputs[:, 1], inputs[:, 0])
    first = np.floor((direction - 0.5 * np.pi) / circle.spacing - 0.5).astype(np.int64) + 1
    last = np.floor((direction + 0.5 * np.pi) / circle.spacing - 0.5).astype(np.int64) + 1
    return first % circle.cells, last % circle.cells
