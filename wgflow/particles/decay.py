r"""Whether F falls along deterministic particles, as the flow says, up to what the errors of steps explain.

A step of a method with a tolerance moves each of the n numbers of a state by its error, whose root mean square is at
most the tolerance times the sizes :math:`s_i`, so that F is off by at most
:math:`\mathrm{tol} \sqrt n\, |(s_i\, \partial_i F)_i|_2`. A larger rise is an error of the step that its estimate did
not see. Near rest, where steps are as long as stability allows, estimates miss by factors of some hundreds now and
then; a rise there is nothing beside the fall of F so far, and the next steps undo it. Methods with steps of a given
size know no error: where theirs are too large for the flow, a warning says so.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np

from wgflow.errors import ComputationError, FlowWarning
from wgflow.flows.evolution import Checkpoint, numbers
from wgflow.functionals import Functional, ParticlePotential
from wgflow.typing import FloatArray

SAFETY = 100.0  # times the tolerance: outputs within a step are less exact than its end
NOTICEABLE = 0.01  # share of the fall of F so far that a rise must be to count


class DecayWatch:
    """Compares F after each step with F before.

    Parameters
    ----------
    functional : Functional
        The functional F.
    tolerance : float or None
        Local error of a step relative to the sizes of positions and log-weights; None where the method has none.
    """

    def __init__(self, functional: Functional, tolerance: float | None) -> None:
        self._round_off, self._tolerance = functional.round_off, tolerance
        self._highest, self._lowest, self._warned = -math.inf, math.inf, False

    def check(
        self,
        before: ParticlePotential,
        after: ParticlePotential,
        weights: FloatArray,
        sizes: Callable[[], FloatArray],
        time: float,
    ) -> None:
        """Compare two potentials; weights and sizes of what moves are those after the step.

        Raises
        ------
        ComputationError
            If F rose by more than the tolerance explains, and is noticeably above its least value so far.
        """
        rise = after.energy - before.energy
        self._highest, self._lowest = max(self._highest, before.energy), min(self._lowest, before.energy)
        if not rise > 0.0:
            return
        scale = abs(before.energy) + float(weights @ np.abs(after.potential))
        unseen = NOTICEABLE * (self._highest - self._lowest) + self._round_off * scale
        if not after.energy - self._lowest > unseen:
            return
        if self._tolerance is None:
            self._warn(before.energy, after.energy, time)
            return
        effect = max(_effect(found, weights, sizes()) for found in (before, after))
        if rise > SAFETY * self._tolerance * effect + self._round_off * scale:
            raise ComputationError(
                f"F rose from {before.energy:.6g} to {after.energy:.6g} in the step to t = {time:g}, by more than the "
                f"tolerance {self._tolerance:g} explains; choose a smaller one, and check gradients that are given"
            )

    def checkpoint(self) -> Checkpoint:
        """Copy the range of F so far."""
        return numbers(highest_energy=self._highest, lowest_energy=self._lowest)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint; files of earlier versions do not hold the range."""
        self._highest = float(checkpoint.get("highest_energy", -math.inf))
        self._lowest = float(checkpoint.get("lowest_energy", math.inf))

    def _warn(self, before: float, after: float, time: float) -> None:
        """Warn once that equal steps raise F."""
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"F rose from {before:.6g} to {after:.6g} in the step to t = {time:g}: steps of this size do not "
                "follow the flow, in which F falls; choose smaller ones",
                FlowWarning,
                stacklevel=2,
            )


def _effect(found: ParticlePotential, weights: FloatArray, sizes: FloatArray) -> float:
    """Change of F by errors of the sizes of all positions and log-weights."""
    slopes = np.concatenate([(weights[:, None] * found.gradient).ravel(), weights * found.potential])
    slopes *= sizes[: slopes.size]  # what a state holds beside these does not change F
    return math.sqrt(slopes.size * float(slopes @ slopes))
