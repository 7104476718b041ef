"""Sizes of steps from estimates of their error: one control for explicit and implicit methods, which it does not know.

A step is kept if its error is at most what is allowed. The sizes of the next ones follow the quotient of the two by a
proportional and integral rule, in which the quotient of the step before damps what would oscillate.

References
----------
Gustafsson, Lundh and Soederlind (1988), A PI stepsize control for the numerical solution of ordinary differential
equations, BIT 28.
Hairer and Wanner (1996), Solving Ordinary Differential Equations II, Section IV.2.
"""

from __future__ import annotations

import math

from wgflow.errors import InputError
from wgflow.flows.evolution import Checkpoint, numbers

PROPORTIONAL, INTEGRAL = 0.4, 0.7  # exponents of the quotients, over its order
SAFETY, LEAST_FACTOR, LARGEST_FACTOR = 0.9, 0.2, 5.0
SAFETY_OF_KEPT_SIZES = 0.75  # less than the other, so that as many steps are done
LEAST_QUOTIENT = 1e-8  # a step that errs less says no more about the next
GROWTH_AFTER_REFUSAL = 1.25
TOLERANCES = (1e-12, 0.1)


class StepController:
    """Proposes steps, and learns from those that were kept, those that err too much, and those that are not allowed.

    Its state goes on across outputs: a step that an output cuts short does not lower the aim.

    Parameters
    ----------
    order : int
        The quotient of error and allowed error falls with the step to this power.
    least_growth : float
        Factor from which on a larger step pays, where another size costs more than the step itself; until then steps
        keep their size. By default 1: all pay.

    Attributes
    ----------
    aim : float
        Step that the error allows; 0 where none is known, until `begin`.
    """

    def __init__(self, order: int, least_growth: float = 1.0) -> None:
        self._order, self._least_growth = order, least_growth
        self.aim = 0.0
        self._quotient = 1.0  # of the last step that no output cut
        self._limit = math.inf  # by the last refusal
        self._wanted = 0.0  # last proposal, but for the output

    def begin(self, step: float) -> None:
        """Aim at a first step."""
        self.aim = step

    def propose(self, remaining: float, bound: float = math.inf) -> float:
        """Next step, within a bound and the time that remains to the next output, which is met without a tiny step."""
        self._wanted = min(self.aim, self._limit, bound)
        return remaining if self._wanted >= remaining else min(self._wanted, 0.5 * remaining)

    def accept(self, step: float, quotient: float, growth: float | None = None) -> None:
        """Learn from a step that is kept.

        Parameters
        ----------
        step : float
            Its size.
        quotient : float
            Its error over the allowed one, at most 1.
        growth : float, optional
            What `growth` gives; of several ranks, on rank 0, whose processor may round powers in another way.
        """
        following = step * (self.growth(quotient) if growth is None else growth)
        quotient = max(quotient, LEAST_QUOTIENT)
        self._limit *= GROWTH_AFTER_REFUSAL
        if step < self._wanted:  # cut by an output
            self.aim = max(self.aim, following)
        else:
            self.aim, self._quotient = following, quotient

    def growth(self, quotient: float) -> float:
        """What a step of some quotient of error and allowed error allows the next one to grow by."""
        return min(max(self._growth(max(quotient, LEAST_QUOTIENT)), LEAST_FACTOR), LARGEST_FACTOR)

    def _growth(self, quotient: float) -> float:
        if self._least_growth == 1.0:
            return SAFETY * quotient ** (-INTEGRAL / self._order) * self._quotient ** (PROPORTIONAL / self._order)
        growth = SAFETY_OF_KEPT_SIZES * quotient ** (-1.0 / self._order)
        return 1.0 if 1.0 <= growth < self._least_growth else growth

    def reject(self, step: float, quotient: float) -> None:
        """Learn from a step whose error is not allowed; a quotient that is not finite says as little as possible."""
        factor = SAFETY * quotient ** (-1.0 / self._order) if math.isfinite(quotient) else 0.0
        self.aim = step * max(factor, LEAST_FACTOR)

    def refuse(self, step: float) -> None:
        """Learn from a step that lost positivity or raised F: halve it, and let the next ones grow slowly."""
        self._limit = 0.5 * step

    def checkpoint(self) -> Checkpoint:
        """Copy the state as numbers."""
        return numbers(aim=self.aim, last_quotient=self._quotient, step_limit=self._limit)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint; raises LookupError if it has no state of a controller."""
        self.aim, self._quotient = float(checkpoint["aim"]), float(checkpoint["last_quotient"])
        self._limit = float(checkpoint["step_limit"])


def check_tolerance(tolerance: float) -> float:
    """Give a tolerance of steps; raises InputError unless it lies in [1e-12, 0.1]."""
    least, largest = TOLERANCES
    if not least <= tolerance <= largest:
        raise InputError(f"tolerance = {tolerance!r} is not allowed; give a number from {least:g} to {largest:g}")
    return tolerance
