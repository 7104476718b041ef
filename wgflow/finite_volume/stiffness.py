r"""Largest decay rate of the flow, for the energy bound of explicit steps.

To first order the potential of a flow obeys :math:`\dot J = -H D J` with the Hessian H of F and the mobility
operator :math:`D v = -\alpha\,\mathrm{div}(\rho \nabla v) + \beta \rho v`. An Euler step lowers F if
:math:`\Delta t \le 2/\lambda_{\max}(HD)`, which a few power iterations estimate at the cost of a stage each.
"""

from __future__ import annotations

import numpy as np

from wgflow.functionals import GridFunctional
from wgflow.reductions import inner_product
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
        self._functional, self._scheme = functional, scheme
        shape = functional.domain.shape
        self.vector = np.zeros(shape, dtype=np.float32)
        self._image, self._rate = np.empty(shape), np.empty(shape)
        self.largest = 0.0

    def restart(self, density: FloatArray, potential: FloatArray) -> None:
        """Begin anew from the potential itself, the direction in which the flow moves."""
        size = float(np.abs(potential).max())
        np.multiply(potential, 1.0 / size if size > 0.0 else 0.0, out=self.vector)
        for _ in range(FIRST_ITERATIONS):
            self.refine(density)

    def refine(self, density: FloatArray) -> None:
        """Do one iteration at the given density; the curvature is that of the last evaluation of F."""
        self._image[...] = self.vector
        step = self._suitable_step()
        self._scheme.euler_stage(density, self._image, density, (-1.0, 1.0), step, self._rate)
        size = float(np.abs(self._rate).max())
        if size == 0.0:
            return
        self._rate /= size
        dissipated = -inner_product(self._image.ravel(), self._rate.ravel())
        self._functional.hessian(self._rate, self._image)
        image_size = float(np.abs(self._image).max())
        if dissipated > 0.0 and image_size > 0.0:
            self.largest = inner_product(self._rate.ravel(), self._image.ravel()) / dissipated * (size / step)
            np.multiply(self._image, -1.0 / image_size, out=self.vector)

    def _suitable_step(self) -> float:
        """Step in which densities change by a share of themselves, in any unit: rounding then takes no digits."""
        np.negative(self._image, out=self._rate)
        fastest = max(self._scheme.loss_rate(self._image), self._scheme.loss_rate(self._rate))
        return 1.0 / fastest if fastest > 0.0 else 1.0
