"""What all finite-volume schemes in space offer, and how they hand arrays to their kernels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from wgflow.typing import FloatArray


class SpaceScheme(ABC):
    """Right-hand side of the flow on a mesh: upwind transport and reaction.

    A subclass sets the shape ``(sheets, ...)`` that its kernels know arrays in, and the kernels of a stage and of the
    loss rate; it says what these get besides arrays of cells.
    """

    _shape: tuple[int, ...]
    _stage: Callable[..., None]
    _largest_loss_rate: Callable[..., float]

    def euler_stage(
        self,
        density: FloatArray,
        potential: FloatArray,
        start: FloatArray,
        weights: tuple[float, float],
        step: float,
        result: FloatArray,
    ) -> None:
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``."""
        rho, phi, old, new = (values.reshape(self._shape) for values in (density, potential, start, result))
        self._stage(rho, phi, old, weights, *self._stage_arguments(phi, step), new)

    def loss_rate(self, potential: FloatArray) -> float:
        """Largest relative loss rate r of a cell: with ``step * r <= 1`` a stage keeps densities nonnegative (rule P).

        It is that of the reconstruction, and of the velocities of a stage.
        """
        phi = potential.reshape(self._shape)
        return self._largest_loss_rate(phi, *self._loss_arguments(phi))

    @abstractmethod
    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:
        """What the kernel of a stage gets between the weights and the result."""

    @abstractmethod
    def _loss_arguments(self, potential: FloatArray) -> tuple[Any, ...]:
        """What the kernel of the loss rate gets after the potential."""
