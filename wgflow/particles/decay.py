r"""Whether F falls along deterministic particles, as the flow says, up to what the errors of steps explain.

A step of a method with a tolerance moves each of the n numbers of a state by its error, whose root mean square is at
most the tolerance times the sizes :math:`s_i`, so that F is off by at most
:math:`\mathrm{tol} \sqrt n\, |(s_i\, \partial_i F)_i|_2`. A larger rise is an error of the step that its estimate did
not see. Methods with steps of a given size know no error: where theirs are too large for the flow, a warning says so.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np

from wgflow.errors import ComputationError, FlowWarning
from wgflow.functionals import Functional, ParticlePotential
from wgflow.typing import FloatArray

SAFETY = 10.0  # times the tolerance: outputs within a step are less exact than its end
NOTICEABLE = 0.01  # share of the fall of F so far that a rise must be to be worth a warning


def extent_of(points: FloatArray) -> float:
    """Standard deviation of points (m, p); where they are at one place, its distance from the origin, else 1."""
    deviation = np.sqrt(points.var(axis=0).sum())
    return float(deviation) or float(np.abs(points).max()) or 1.0


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
            If F rose by more than the tolerance explains.
        """
        rise = after.energy - before.energy
        self._highest, self._lowest = max(self._highest, before.energy), min(self._lowest, before.energy)
        if not rise > 0.0:
            return
        scale = abs(before.energy) + float(weights @ np.abs(after.potential))
        if self._tolerance is None:
            self._warn(before.energy, after.energy, self._round_off * scale, time)
            return
        effect = max(_effect(found, weights, sizes()) for found in (before, after))
        if rise > SAFETY * self._tolerance * effect + self._round_off * scale:
            raise ComputationError(
                f"F rose from {before.energy:.6g} to {after.energy:.6g} in the step to t = {time:g}, by more than the "
                f"tolerance {self._tolerance:g} explains; choose a smaller one, and check gradients that are given"
            )

    def _warn(self, before: float, after: float, round_off: float, time: float) -> None:
        """Warn once where equal steps raise F by a noticeable share of its fall so far."""
        if not self._warned and after - before > NOTICEABLE * (self._highest - self._lowest) + round_off:
            self._warned = True
            warnings.warn(
                f"F rose from {before:.6g} to {after:.6g} in the step to t = {time:g}: steps of this size do not "
                "follow the flow, in which F falls; choose smaller ones",
                FlowWarning,
                stacklevel=2,
            )


def _effect(found: ParticlePotential, weights: FloatArray, sizes: FloatArray) -> float:
    """Change of F by errors of the sizes of all positions and log-weights."""
    slopes = np.concatenate([(weights[:, None] * found.gradient).ravel(), weights * found.potential]) * sizes
    return math.sqrt(slopes.size * float(slopes @ slopes))
