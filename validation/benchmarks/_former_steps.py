"""Explicit steps as those of version 0.1: three stages, by the rules P and E alone, with a pass for each of them."""

from __future__ import annotations

import numpy as np

from wgflow import Box
from wgflow.finite_volume.explicit import ENERGY_SAFETY, POSITIVITY_SAFETY, REFINE_EVERY
from wgflow.finite_volume.runge_kutta import SSPRK3
from wgflow.flows.evolution import GridScalars, StepCounts
from wgflow.functionals import Functional
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray

from ._former_stage import BLOCKS, euler_stage, largest_loss_rate

FIRST_ITERATIONS = 8


class FormerSteps:
    """Steps of SSPRK3.

    Parameters
    ----------
    functional : Functional
        What moves the density; where its J does not depend on the density, it is evaluated at each stage all the same.
    box : Box
        The cells.
    density : array, shape ``box.shape``
        Density at the start.
    """

    def __init__(self, functional: Functional, box: Box, density: FloatArray) -> None:
        self._functional = functional.on_grid(box)
        self._mobility = 1.0 / np.array(box.spacing) ** 2
        self._buffers, self._largest = np.zeros((BLOCKS, 3, box.shape[1] + 1)), np.zeros(BLOCKS)
        self._scalars, self.time, self.counts = GridScalars(self._functional), 0.0, StepCounts()
        self._density, self._results = density.copy(), [np.empty(box.shape) for _ in range(3)]
        self._potential, self._rate, self._image = (np.empty(box.shape) for _ in range(3))
        self._energy, self._stiffest = self._functional.evaluate(self._density, self._potential), 0.0
        self._vector = self._potential / max(float(np.abs(self._potential).max()), 1e-300)
        for _ in range(FIRST_ITERATIONS):
            self._refine()

    def step(self) -> None:
        """Do one."""
        if self.counts.accepted % REFINE_EVERY == REFINE_EVERY - 1:
            self._refine()
        size = min(
            POSITIVITY_SAFETY / max(self._loss_rate(), 1e-300), 2.0 * ENERGY_SAFETY / max(self._stiffest, 1e-300)
        )
        density = self._density
        for index, weights in enumerate(SSPRK3.stages):
            if index > 0:
                self._loss_rate()
            result = self._results[index]
            self._stage(density, self._potential, weights, size, result)
            self._energy, density = self._functional.evaluate(result, self._potential), result
        self._density, self._results[2] = density, self._density
        self.time, self.counts.accepted = self.time + size, self.counts.accepted + 1

    @property
    def density(self) -> FloatArray:
        """That at the last step."""
        return self._density

    def scalars(self) -> object:
        """Numbers of the row of a step."""
        return self._scalars(self._density, self._potential, self._energy)

    def _stage(
        self, density: FloatArray, potential: FloatArray, weights: tuple[float, float], size: float, result: FloatArray
    ) -> None:
        euler_stage(density, potential, self._density, weights, size, self._mobility, self._buffers, result)

    def _loss_rate(self) -> float:
        return float(largest_loss_rate(self._potential, self._mobility, self._buffers, self._largest))

    def _refine(self) -> None:
        """Do an iteration for the largest decay rate."""
        self._stage(self._density, self._vector, (-1.0, 1.0), 1.0, self._rate)
        self._functional.hessian(self._rate, self._image)
        dissipated = -inner_product(self._vector.ravel(), self._rate.ravel())
        image_size = float(np.abs(self._image).max())
        if dissipated > 0.0 and image_size > 0.0:
            self._stiffest = inner_product(self._rate.ravel(), self._image.ravel()) / dissipated
            np.multiply(self._image, -1.0 / image_size, out=self._vector)
