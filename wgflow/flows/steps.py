"""What each step of a run gives, noted at the cost of a few numbers."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from wgflow.flows.evolution import Evolution
from wgflow.typing import FloatArray

BUFFERED = 4096  # steps kept in memory at most before a file takes them


class StepRow(NamedTuple):
    """Numbers of one step, which are the columns of the table of steps; see `wgflow.flows.labels` for what they mean.

    Stochastic descent knows neither the whole risk nor J, other than at outputs: both are NaN there.
    """

    time: float
    step_size: float
    energy: float
    dissipation: float
    risk: float
    mass: float
    min_potential: float


STEP_COLUMNS = StepRow._fields


def step_row(evolution: Evolution, before: float) -> StepRow:
    """Numbers of the last step.

    Parameters
    ----------
    evolution : Evolution
        The solver after the step.
    before : float
        F before the step.
    """
    size, energy = evolution.step_size, evolution.energy
    return StepRow(evolution.time, size, energy, (before - energy) / size, *evolution.scalars())


class StepTable:
    """Rows of numbers in a row of memory, eight bytes each."""

    def __init__(self) -> None:
        self._numbers = array("d")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._numbers) // len(STEP_COLUMNS)

    def append(self, row: StepRow) -> None:
        """Append a row."""
        self._numbers.extend(row)

    def columns(self) -> Mapping[str, FloatArray]:
        """Copies of the columns by name, each of shape (n,)."""
        table = np.array(self._numbers).reshape(-1, len(STEP_COLUMNS))
        return {name: np.ascontiguousarray(column) for name, column in zip(STEP_COLUMNS, table.T, strict=True)}

    def drop_after(self, time: float) -> None:
        """Forget the steps that lead beyond a time."""
        width = len(STEP_COLUMNS)
        while self._numbers and StepRow(*self._numbers[-width:]).time > time:
            del self._numbers[-width:]

    def clear(self) -> None:
        """Forget all rows."""
        del self._numbers[:]
