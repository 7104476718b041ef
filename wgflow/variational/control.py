"""How large variational steps are: fixed, or growing in proportion to time, and smaller where one is not found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from wgflow.errors import ComputationError, InputError
from wgflow.schemes.evolution import StepCounts

FEW_ITERATIONS, MANY_ITERATIONS = 5, 15  # of Newton: below, a halved step is doubled again; above, steps are halved
MAX_HALVINGS, MAX_DOUBLINGS = 40, 40


class StepError(ComputationError):
    """A variational step that was not found; a smaller one may be."""


@dataclass(frozen=True)
class JkoOptions:
    """Options of variational steps.

    Parameters
    ----------
    tau : float
        Size of the steps at time 0, positive.
    growth : float
        Steps grow with time t to ``tau + growth t``. It depends on the time alone, so that a run can be resumed.
    order : int
        1 for the variational step itself; 2 for half a step, extrapolated along its geodesics.
    halve : bool
        Whether a step that is not found, or raises F, is halved; else it is an error.
    tolerance : float
        Largest duality gap of a step, relative to R before it.
    iterations : int
        Largest number of Newton iterations of a step.
    adapt : bool
        Whether steps also double beyond tau, between two outputs, as long as Newton's method needs few iterations.

    Raises
    ------
    InputError
        If an option is not allowed.
    """

    tau: float
    growth: float = 0.0
    order: int = 1
    halve: bool = True
    tolerance: float = 1e-13
    iterations: int = 20
    adapt: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.tau < math.inf:
            raise InputError(f"tau = {self.tau!r} is not allowed; give the size of a step, positive")
        if not 0.0 <= self.growth < math.inf:
            raise InputError(f"growth = {self.growth!r} is not allowed; give a finite number >= 0")
        if self.order not in (1, 2):
            raise InputError(f"order = {self.order!r} is not allowed; choose 1 or 2")
        if not 0.0 < self.tolerance < 1.0:
            raise InputError(f"tolerance = {self.tolerance!r} is not allowed; give a number between 0 and 1")


class StepControl:
    """Sizes of the steps between two outputs.

    Parameters
    ----------
    options : JkoOptions
        What the user wants.
    end : float
        End of the interval; infinity where steps need not meet any.

    Attributes
    ----------
    halvings : int
        How often the steps are halved at present; negative where they are doubled.
    """

    def __init__(self, options: JkoOptions, end: float) -> None:
        self._options, self.end, self.halvings = options, end, 0

    def size(self, time: float) -> float:
        """Size of the step from a time on; steps of one size divide what is left evenly."""
        largest = (self._options.tau + self._options.growth * time) * 0.5**self.halvings
        left = self.end - time
        if left == math.inf:
            return largest
        return left / max(1, math.ceil(left / largest * (1.0 - 1e-12)))

    def take(self, advance: Callable[[float], None], time: float, counts: StepCounts) -> None:
        """Advance from a time by a step of the present size, or by a smaller one after each that is not found.

        Raises
        ------
        StepError
            If there is none, or the first is not found and steps are not to be halved.
        """
        for _ in range(MAX_HALVINGS):
            size = self.size(time)
            try:
                advance(size)
            except StepError:
                if not self._options.halve:
                    raise
                counts.rejected += 1
                while self.size(time) == size:  # which the end of the interval may bound, not tau
                    self.halvings += 1
            else:
                return
        raise StepError(f"no variational step from t = {time:g} lowers F, down to a step of {size:.1e}")

    def accept(self, iterations: int) -> None:
        """Learn from a step that was found."""
        if self._options.halve and iterations > MANY_ITERATIONS:
            self.halvings += 1
        elif iterations < FEW_ITERATIONS and self.halvings > (-MAX_DOUBLINGS if self._options.adapt else 0):
            self.halvings -= 1
