"""Whole steps, which outputs do not move, and steps aside that meet the outputs between two of them.

Nothing follows a step aside: the next step begins where the last whole one ended. States at common times are therefore
the same, bit by bit, for any outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from wgflow.flows.evolution import numbers
from wgflow.typing import FloatArray

COINCIDENCE = 1e-9  # of a step: an output that near to the end of a whole step has its state, since times are rounded

S = TypeVar("S")


class WholeSteps(Generic[S]):
    """The state at the end of the last whole step, and its time, which is counted so that it does not drift.

    Parameters
    ----------
    time : float
        Time at the start.
    state : S
        State at the start.
    size : float
        Size of the steps, where it is known.

    Attributes
    ----------
    state : S
        State at the end of the last whole step.
    done : int
        Number of steps of the present size so far.
    """

    def __init__(self, time: float, state: S, size: float = 0.0) -> None:
        self.state, self.done = state, 0
        self._begun, self._size = time, size

    @property
    def time(self) -> float:
        """End of the last whole step."""
        return self._begun + self.done * self._size

    def meet(self, end: float, size: float) -> bool:
        """Whether a time is that of the state already, or before it, next to steps of a size."""
        return end <= self.time + COINCIDENCE * size

    def admit(self, end: float, size: float) -> bool:
        """Whether a whole step of a size does not go beyond a time."""
        return self.time + size <= end + COINCIDENCE * size

    def shown_time(self, end: float, size: float) -> float:
        """Time of the state; the time ``end`` itself where that is the same next to steps of a size."""
        return end if self.meet(end, size) else self.time

    def add(self, size: float, state: S) -> None:
        """Go on to the state at the end of another whole step."""
        if size != self._size:
            self._begun, self._size, self.done = self.time, size, 0
        self.state, self.done = state, self.done + 1

    def checkpoint(self) -> dict[str, FloatArray]:
        """Give what the time is counted from."""
        return numbers(whole_begun=self._begun, whole_size=self._size, whole_steps=self.done)

    def restore(self, checkpoint: Mapping[str, FloatArray], state: S) -> None:
        """Go on from a state at the time of a checkpoint."""
        self._begun, self._size = float(checkpoint["whole_begun"]), float(checkpoint["whole_size"])
        self.state, self.done = state, int(checkpoint["whole_steps"])
