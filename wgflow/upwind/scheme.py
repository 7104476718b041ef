"""What all finite-volume schemes in space offer, and how they hand arrays to their kernels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wgflow.domains import Domain
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray

Combination = tuple[float, float, float, float, float]
"""Factors (a, b, c, d, e): a stage from u to w is watched for the sizes of ``a start + b u + c w`` and of ``d u + e w -
start``."""

NOTHING: Combination = (0.0, 0.0, 0.0, 0.0, 0.0)  # to be watched for

TWO_POINT, MIDPOINT = "two_point", "midpoint"
VELOCITIES = (TWO_POINT, MIDPOINT)  # through a face


class Stage(NamedTuple):
    """A stage of a step, as the arguments of `SpaceScheme.euler_stage`."""

    density: FloatArray
    potential: FloatArray
    start: FloatArray
    weights: tuple[float, float]
    step: float
    result: FloatArray


class StageWatch(NamedTuple):
    """What a stage from a density u to w says about the step that it belongs to.

    Parameters
    ----------
    loss_rate : float
        See `SpaceScheme.loss_rate`; 0 of a steady potential.
    error, change : float
        L1 norms of the two combinations of densities.
    mass, mass_after : float
        Masses of the density at the start of the step and of w.
    paired : float
        Integral of a steady potential over w, which is F there.
    """

    loss_rate: float
    error: float
    change: float
    mass: float
    mass_after: float
    paired: float


class SpaceScheme(ABC):
    """Right-hand side of the flow on a mesh: upwind transport and reaction.

    A subclass sets the shape ``(sheets, ...)`` that its kernels know arrays in, and the kernels of a stage and of the
    loss rate; it says what these get besides arrays of cells. One whose stage has at hand what it is watched for
    overrides `checked_stage`, `paired_stage`, `watched_stage`, `state_sums`, `loss_rate` and `extremes`.
    One whose cells are shared by ranks overrides `watching_stage`, `settle` and `_refresh` too.

    Parameters
    ----------
    domain : Domain
        The cells.
    """

    _shape: tuple[int, ...]
    _stage: Callable[..., None]
    _largest_loss_rate: Callable[..., float]

    def __init__(self, domain: Domain) -> None:
        self._loops = RowBlocks.of(domain)
        self._volumes = np.ascontiguousarray(domain.base.volumes).ravel()

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
        self.settle()
        rho, phi, old, new = self._shaped(density, potential, start, result)
        self._stage(rho, phi, old, weights, *self._stage_arguments(phi, step), new)
        self._refresh(result)

    def _refresh(self, result: FloatArray) -> None:  # noqa: B027 - nothing to do where all rows are here
        """Begin to fetch rows of a result that others have found."""

    def settle(self) -> None:  # noqa: B027 - nothing to do where all rows are here
        """Wait for those rows; stages do, and whoever else reads or changes them must."""

    def checked_stage(self, stage: Stage) -> float:
        """Do a stage as `euler_stage` does, and give the loss rate of its potential."""
        self.euler_stage(*stage)
        return self.loss_rate(stage.potential)

    def paired_stage(self, stage: Stage) -> float:
        """Do a stage as `euler_stage` does, and give the integral of its potential over the result.

        It has the bits that `watched_stage` gives of a steady potential.
        """
        return self.watched_stage(stage, NOTHING, steady=True).paired

    def watched_stage(self, stage: Stage, combination: Combination, *, steady: bool) -> StageWatch:
        """Do a stage as `euler_stage` does, and tell what it says about the step.

        Of a ``steady`` potential, which does not depend on the density, the loss rate is known; of others nobody asks
        for the integral over the result.
        """
        self.euler_stage(*stage)
        fields = (stage.start, stage.density, stage.result, stage.potential)
        sums = self._loops.step_sums(*fields, self._volumes, combination)
        return StageWatch(0.0 if steady else self.loss_rate(stage.potential), *sums.tolist())

    def watching_stage(self, stage: Stage, combination: Combination, *, steady: bool) -> Callable[[], StageWatch]:
        """Do what `watched_stage` does; what is given back waits for what other ranks say, until the next such stage.

        Until then sums may be gathered, which travel with it.
        """
        found = self.watched_stage(stage, combination, steady=steady)
        return lambda: found

    def state_sums(self, density: FloatArray, potential: FloatArray) -> tuple[float, float]:
        """Mass of a density, and the integral of a potential over it, to the bits of a stage that leads there."""
        same = (density, density, density, potential)
        sums = self._loops.step_sums(*same, self._volumes, NOTHING)
        return float(sums[3]), float(sums[4])

    def loss_rate(self, potential: FloatArray) -> float:
        """Largest relative loss rate r of a cell: with ``step * r <= 1`` a stage keeps densities nonnegative (rule P).

        It is that of the reconstruction, and of the velocities of a stage.
        """
        phi = potential.reshape(self._shape)
        return self._largest_loss_rate(phi, *self._loss_arguments(phi))

    def extremes(self, potential: FloatArray) -> tuple[float, float]:
        """The loss rate, and the least value of the potential."""
        return self.loss_rate(potential), self._loops.extrema(potential)[0]

    def _shaped(self, *fields: FloatArray) -> Sequence[FloatArray]:
        """Arrays in the shape that kernels know them in; most have it."""
        shape = self._shape
        return fields if fields[0].shape == shape else [values.reshape(shape) for values in fields]

    @abstractmethod
    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:
        """What the kernel of a stage gets between the weights and the result."""

    def _loss_arguments(self, potential: FloatArray) -> tuple[Any, ...]:  # noqa: ARG002
        """What the kernel of the loss rate gets after the potential."""
        return ()
