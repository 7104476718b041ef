"""What each step of a run gives, noted at the cost of a few numbers."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

import numpy as np

from wgflow.flows.evolution import Evolution
from wgflow.typing import FloatArray

# Columns of the table of steps. Stochastic descent does not know the whole risk and J, other than at outputs.
STEP_SCALARS: Mapping[str, str] = {
    "time": "time after the step",
    "step_size": "size of the step",
    "energy": "functional F, regularisation included",
    "dissipation": "decrease of F over the step size",
    "risk": "risk R, regularisation left out; NaN where only samples of it are known",
    "mass": "total mass of the measure",
    "min_potential": "minimum of the first variation J; NaN where only samples of it are known",
}

COLUMNS = len(STEP_SCALARS)
BUFFERED = 4096  # steps kept in memory at most before a file takes them

StepRow = tuple[float, ...]


def step_row(evolution: Evolution, before: float) -> StepRow:
    """Numbers of the last step, in the order of ``STEP_SCALARS``.

    Parameters
    ----------
    evolution : Evolution
        The solver after the step.
    before : float
        F before the step.
    """
    size, energy = evolution.step_size, evolution.energy
    return (evolution.time, size, energy, (before - energy) / size, *evolution.scalars())


class StepTable:
    """Rows of numbers in a row of memory, eight bytes each."""

    def __init__(self) -> None:
        self._numbers = array("d")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._numbers) // COLUMNS

    def append(self, row: StepRow) -> None:
        """Append a row."""
        self._numbers.extend(row)

    def columns(self) -> Mapping[str, FloatArray]:
        """Copies of the columns by name, each of shape (n,)."""
        table = np.array(self._numbers).reshape(-1, COLUMNS)
        return {name: np.ascontiguousarray(table[:, number]) for number, name in enumerate(STEP_SCALARS)}

    def drop_after(self, time: float) -> None:
        """Forget the steps that lead beyond a time."""
        while self._numbers and self._numbers[-COLUMNS] > time:
            del self._numbers[-COLUMNS:]

    def clear(self) -> None:
        """Forget all rows."""
        del self._numbers[:]
