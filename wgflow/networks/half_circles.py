r"""ReLU features of n data points on a circle of N cells in O(N + n).

The feature :math:`\max(\eta \cdot x_i, 0)` is linear in eta on the half circle around :math:`x_i` and zero
elsewhere. The ends of all half circles cut the circle into arcs; sums over arcs and one prefix sum over
the arcs give all moments, and one prefix sum of the coefficients gives the potential on each arc.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wgflow.domains import Circle
from wgflow.networks.kernels.half_circles import half_circle_moments, half_circle_potential, half_circle_square
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
        first, last = _half_circle_cells(circle, inputs)
        regular = np.arange(0, circle.cells + LONGEST_ARC, LONGEST_ARC).clip(max=circle.cells)
        cuts, place = np.unique(np.concatenate([first, last, regular]), return_inverse=True)
        # Unsigned, as kernels would ask of each signed index whether it counts from the end.
        ends = place[: 2 * self.count].reshape(2, self.count).astype(np.uint32)
        self._arcs = (np.ascontiguousarray(circle.points.T), cuts, ends, np.empty((cuts.size, 2)))
        self._moments, self._net = np.empty(self.count), np.empty(circle.cells)
        self._volume = float(circle.volumes[0])

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``int Psi dmu``, shape (n,), of net cell masses, shape (N,); overwritten by the next call."""
        half_circle_moments(mass, self._inputs, *self._arcs, self._moments)
        return self._moments

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        half_circle_potential(coefficients, self._inputs, *self._arcs, potential)

    def square_risk(
        self, targets: FloatArray, weights: FloatArray, prediction: FloatArray, coefficients: FloatArray
    ) -> HalfCircleSquare:
        """See `wgflow.functionals.moments.Moments`: one kernel, as calls take as long as small circles."""
        fixed = (self._volume, targets, weights, self._net, prediction, coefficients)
        return HalfCircleSquare((self._inputs, *self._arcs, *fixed))


class HalfCircleSquare(NamedTuple):
    """A square risk by sums over half circles; ``prepared`` is what its kernel gets before density and potential."""

    prepared: tuple[Any, ...]

    def __call__(self, density: FloatArray, potential: FloatArray) -> float:
        """Write J into a potential, shape (sheets, N), and give the risk."""
        risk: float = half_circle_square(*self.prepared, density, potential)
        return risk


def _half_circle_cells(circle: Circle, inputs: FloatArray) -> tuple[IntArray, IntArray]:
    """First cell of each half circle and the one after its last, both in [0, N)."""
    direction = np.arctan2(inputs[:, 1], inputs[:, 0])
    first = np.floor((direction - 0.5 * np.pi) / circle.spacing - 0.5).astype(np.int64) + 1
    last = np.floor((direction + 0.5 * np.pi) / circle.spacing - 0.5).astype(np.int64) + 1
    return first % circle.cells, last % circle.cells
