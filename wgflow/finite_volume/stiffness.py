r"""Largest decay rate of the flow, for the energy bound of explicit steps.

To first order the potential of a flow obeys :math:`\dot J = -H D J` with the Hessian H of F and the mobility
operator :math:`D v = -\alpha\,\mathrm{div}(\rho \nabla v) + \beta \rho v`. An Euler step lowers F if
:math:`\Delta t \le 2/\lambda_{\max}(HD)`, which a few power iterations estimate at the cost of a stage each.
"""

from __future__ import annotations

import numpy as np

from wgflow.functionals import GridFunctional
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray
from wgflow.upwind.scheme import SpaceScheme

FIRST_ITERATIONS = 8


class StiffnessEstimate:
    """Power iteration for the largest eigenvalue of H D, kept warm from step to step.

    Attributes
    ----------
    vector : array of float32, shape ``domain.shape``
        Its vector, whose last digits count for nothing: runs keep it with each output.
    largest : float
        The largest eigenvalue as far as it is known.
    """

    def __init__(self, functional: GridFunctional, scheme: SpaceScheme) -> None:
        self._functional, self._scheme, self._blocks = functional, scheme, RowBlocks.of(functional.domain)
        shape = functional.domain.shape
        self.vector = np.zeros(shape, dtype=np.float32)
        self._image, self._rate = np.empty(shape), np.empty(shape)
        self.largest = 0.0

    def restart(self, density: FloatArray, potential: FloatArray) -> None:
        """Begin anew from the potential itself, the direction in which the flow moves."""
        size = self._size(potential)
        np.multiply(potential, 1.0 / size if size > 0.0 else 0.0, out=self.vector)
        for _ in range(FIRST_ITERATIONS):
            self.refine(density)

    def refine(self, density: FloatArray) -> None:
        """Do one iteration at the given density; the curvature is that of the last evaluation of F."""
        self._image[...] = self.vector
        step = self._suitable_step()
        self._scheme.euler_stage(density, self._image, density, (-1.0, 1.0), step, self._rate)
        size = self._size(self._rate)
        self._scheme.settle()
        if size == 0.0:
            return
        self._rate /= size
        dissipating = self._blocks.multiplying(self._image, self._rate)
        self._functional.hessian(self._rate, self._image)
        dissipated = -dissipating()
        gaining = self._blocks.multiplying(self._rate, self._image)
        image_size, gained = self._size(self._image), gaining()
        if dissipated > 0.0 and image_size > 0.0:
            self.largest = gained / dissipated * (size / step)
            np.multiply(self._image, -1.0 / image_size, out=self.vector)

    def _size(self, values: FloatArray) -> float:
        """Largest of the sizes of some values."""
        low, high = self._blocks.extrema(values)
        return max(-low, high)

    def _suitable_step(self) -> float:
        """Step that changes densities by a share of themselves at least, in any unit: rounding then takes no digits."""
        fastest = self._scheme.loss_rate(self._image)
        if fastest == 0.0:
            np.negative(self._image, out=self._rate)
            fastest = self._scheme.loss_rate(self._rate)
        return 1.0 / fastest if fastest > 0.0 else 1.0
