r"""Convolution with the arc-cosine kernel on a circle of N cells in O(N), on all cores.

On each side of a target the kernel :math:`2 \pi k(d) = \sin|d| + (\pi - |d|) \cos d` is a sum of products of functions
of target and source. Its sums over the half circle behind and the one ahead are differences of four prefix sums, of
the masses times cos, sin, angle cos and angle sin; two transforms would need O(N log N).
"""

from __future__ import annotations

import numpy as np

from wgflow.domains import Circle
from wgflow.networks.kernels.circle_convolution import PARALLEL_CHUNK, SERIAL_CHUNK, combine_kernel, prefix_kernel
from wgflow.typing import FloatArray

PARALLEL_BLOCKS = 4
PARALLEL_THRESHOLD = 16_384


class ArcCosineConvolution:
    """Sums ``sum_j k(angle_i - angle_j) mass_j`` on a circle.

    Parameters
    ----------
    circle : Circle
        The circle with N cells.
    """

    def __init__(self, circle: Circle) -> None:
        cells = circle.cells
        large = cells >= PARALLEL_THRESHOLD
        chunk = PARALLEL_CHUNK if large else SERIAL_CHUNK
        self._prefix_sums, self._kernel_sums = prefix_kernel(chunk), combine_kernel(PARALLEL_BLOCKS if large else 1)
        cosine, sine = np.ascontiguousarray(circle.points.T)
        self._geometry = (circle.angles, cosine, sine)
        self._totals = np.empty(((cells + chunk - 1) // chunk + 1, 4))
        self._prefix = np.empty((4, cells + 1))

    def __call__(self, mass: FloatArray, values: FloatArray) -> None:
        """Write the sums for cell masses, shape (N,), into ``values``, shape (N,)."""
        self._prefix_sums(mass, *self._geometry, self._totals, self._prefix)
        self._kernel_sums(self._prefix, *self._geometry, values)
