"""Steps of a size that is planned: fixed, or growing in proportion to time, and halved where a step is not found.

Outputs change no step: one between two is met by a step aside (`wgflow.flows.whole_steps`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from wgflow.errors import ComputationError, InputError
from wgflow.flows.evolution import Checkpoint, StepCounts, numbers
from wgflow.flows.whole_steps import WholeSteps
from wgflow.typing import FloatArray

FEW_ITERATIONS, MANY_ITERATIONS = 5, 15  # of Newton: below, a halved step is doubled again; above, steps are halved
MAX_HALVINGS, MAX_DOUBLINGS = 40, 40
BASE = "base_"  # before the names of a state in checkpoints that is not the one that is shown

S = TypeVar("S")
FindStep = Callable[[S, float], tuple[S, int]]
"""Gives the state a step of some size after another, and the iterations of Newton's method; or raises StepError."""


class StepError(ComputationError):
    """A variational step that was not found; a smaller one may be."""


@dataclass(frozen=True)
class StepPlan:
    """How large steps are to be.

    Parameters
    ----------
    tau : float
        Size of the steps at time 0, positive.
    growth : float
        Steps grow with time t to ``tau + growth t``. It depends on the time alone, so that a run can be resumed.
    halve : bool
        Whether a step that is not found is halved; else it is an error.
    adapt : bool
        Whether steps also double beyond tau, as long as Newton's method needs few iterations.

    Raises
    ------
    InputError
        If tau or growth is not allowed.
    """

    tau: float
    growth: float = 0.0
    halve: bool = True
    adapt: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.tau < math.inf:
            raise InputError(f"tau = {self.tau!r} is not allowed; give the size of a step, positive")
        if not 0.0 <= self.growth < math.inf:
            raise InputError(f"growth = {self.growth!r} is not allowed; give a finite number >= 0")


class PlannedSteps(Generic[S]):
    """Whole steps of planned sizes, and the state at the end of the last one.

    Parameters
    ----------
    plan : StepPlan
        How large they are to be.
    time : float
        Time at the start.
    state : S
        State at the start.
    carry : bool
        Whether halvings of a step hold for the next ones; else each begins with the size that the time gives.

    Attributes
    ----------
    end : float
        Next output; infinity where steps need not meet any.
    halvings : int
        How often the steps are halved at present; negative where they are doubled.
    """

    def __init__(self, plan: StepPlan, time: float, state: S, *, carry: bool = True) -> None:
        self._plan, self._carry, self._steps = plan, carry, WholeSteps(time, state)
        self.end, self.halvings = math.inf, 0

    @property
    def base(self) -> S:
        """State from which the next step goes on."""
        return self._steps.state

    @property
    def time(self) -> float:
        """Time of that state."""
        return self._steps.time

    @property
    def size(self) -> float:
        """Size of the next whole step."""
        return (self._plan.tau + self._plan.growth * self.time) * 0.5**self.halvings

    def take(self, find: FindStep[S], counts: StepCounts) -> tuple[float, S]:
        """Give time and state at the end of a whole step, or at the next output, which changes no later step.

        Raises
        ------
        StepError
            If there is no step, or the first is not found and steps are not to be halved.
        """
        steps = self._steps
        if not steps.meet(self.end, self.size):
            if not steps.admit(self.end, self.size):
                return self.end, self._aside(find, steps.state, self.end - self.time, counts)
            self._take_whole(find, counts)
        return steps.shown_time(self.end, self.size), steps.state

    def checkpoint(self, shown: S, stored: Callable[[S], Checkpoint]) -> dict[str, FloatArray]:
        """Give what determines the next steps: times and sizes, and their state unless it is the one that is shown."""
        aside = {} if self.base is shown else {f"{BASE}{name}": values for name, values in stored(self.base).items()}
        return {**aside, **self._steps.checkpoint(), **numbers(end=self.end, halvings=self.halvings)}

    def restore(self, checkpoint: Checkpoint, shown: S, restored: Callable[[Checkpoint], S]) -> None:
        """Go on from a checkpoint and the state that it shows; ``restored`` makes another of what was stored."""
        aside = {name.removeprefix(BASE): values for name, values in checkpoint.items() if name.startswith(BASE)}
        self._steps.restore(checkpoint, restored(aside) if aside else shown)
        self.end, self.halvings = float(checkpoint["end"]), int(checkpoint["halvings"])

    def _take_whole(self, find: FindStep[S], counts: StepCounts) -> None:
        """Go on by a step of the present size, or by a smaller one after each that is not found."""
        for _ in range(MAX_HALVINGS):
            size = self.size
            try:
                state, iterations = find(self.base, size)
            except StepError:
                if not self._plan.halve:
                    raise
                counts.rejected += 1
                self.halvings += 1
            else:
                self._steps.add(size, state)
                self._learn(iterations)
                return
        raise self._failure(size)

    def _aside(self, find: FindStep[S], state: S, size: float, counts: StepCounts, depth: int = 0) -> S:
        """State a step after another, or two steps of half its size where it is not found, and so on."""
        if depth == MAX_HALVINGS:
            raise self._failure(size)
        try:
            return find(state, size)[0]
        except StepError:
            if not self._plan.halve:
                raise
            counts.rejected += 1
        middle = self._aside(find, state, 0.5 * size, counts, depth + 1)
        return self._aside(find, middle, 0.5 * size, counts, depth + 1)

    def _failure(self, size: float) -> StepError:
        return StepError(f"no variational step from t = {self.time:g} lowers F, down to a step of {size:.1e}")

    def _learn(self, iterations: int) -> None:
        """Learn from a step that was found."""
        if not self._carry:
            self.halvings = 0
        elif self._plan.halve and iterations > MANY_ITERATIONS:
            self.halvings += 1
        elif iterations < FEW_ITERATIONS and self.halvings > (-MAX_DOUBLINGS if self._plan.adapt else 0):
            self.halvings -= 1
