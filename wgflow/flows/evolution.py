"""What every solver shows to the time loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from wgflow.flows.labels import Labels
from wgflow.functionals.grid import GridFunctional
from wgflow.measures import Particles
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray

Checkpoint = Mapping[str, NDArray[Any]]
"""Arrays by name that determine the rest of a run: the state, ``time``, the output that it aims at (``end``), and all
step control."""


def numbers(**values: float) -> dict[str, FloatArray]:
    """Numbers as arrays of a checkpoint."""
    return {name: np.array(value, dtype=np.float64) for name, value in values.items()}


class Scalars(NamedTuple):
    """Numbers of the current state beside F: the risk R, the total mass and the minimum of J."""

    risk: float
    mass: float
    min_potential: float


@dataclass(frozen=True)
class Snapshot:
    """The state of a flow at one time.

    Parameters
    ----------
    time, step_size : float
        Time, and the size of the step that led there (0 at the start).
    energy, risk, mass, min_potential : float
        F, F without its regularisation, total mass, and the minimum of J over the domain or particles.
    fields : mapping of str to array
        The arrays that a trajectory stores for each snapshot, by name.
    """

    time: float
    step_size: float
    energy: float
    risk: float
    mass: float
    min_potential: float
    fields: Mapping[str, FloatArray] = field(repr=False)


@dataclass(frozen=True)
class FlowState:
    """Where a flow stands: its time and the fields of its last snapshot."""

    time: float
    fields: Mapping[str, FloatArray]


class GridScalars:
    """Gives the scalars of a flow on a grid.

    Parameters
    ----------
    functional : GridFunctional
        F bound to its domain.
    """

    def __init__(self, functional: GridFunctional) -> None:
        self._penalty, self._blocks = functional.penalty, RowBlocks.of(functional.domain)
        self._volumes = np.ascontiguousarray(functional.domain.base.volumes).ravel()

    def __call__(self, density: FloatArray, potential: FloatArray, energy: float) -> Scalars:
        """Scalars of a density with its potential, both of shape ``domain.shape``, and F."""
        mass, least = self._blocks.product(density, self._volumes), self._blocks.extrema(potential)[0]
        return Scalars(energy - self._penalty(density), mass, least)


@dataclass
class StepCounts:
    """Accepted and rejected steps and evaluations of J so far."""

    accepted: int = 0
    rejected: int = 0
    evaluations: int = 0


class Evolution(Protocol):
    """A solver that holds a state and advances it step by step."""

    counts: StepCounts

    @property
    def labels(self) -> Labels:
        """What its outputs are; `wgflow.flows.labels.FLOW_LABELS` where they are those of the flow itself."""

    @property
    def time(self) -> float:
        """Current time."""

    @property
    def energy(self) -> float:
        """F of the current state."""

    @property
    def step_size(self) -> float:
        """Time since what was shown before."""

    @property
    def measure(self) -> FloatArray | Particles:
        """Where the mass is now: the density, or the particles; not a copy, and overwritten by the next steps."""

    def begin_interval(self, end: float) -> None:
        """Aim at the next output, at the time ``end``; it changes no later state."""

    def scalars(self) -> Scalars:
        """Scalars of the current state, at no cost to speak of; NaN where they would cost an evaluation of J."""

    def checkpoint(self) -> Checkpoint:
        """Copy what determines the rest of the run; the fields of a snapshot have their names in it."""

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on, with counts from 0, from a checkpoint that has the state of this solver, at an output or between two.

        Raises
        ------
        LookupError
            If it holds something else.
        """

    def step(self) -> None:
        """Advance what is shown by one accepted step, at most to the next output, which is met exactly."""

    def snapshot(self) -> Snapshot:
        """Copy the current state, which does not change it: now and then it is done between two outputs as well."""
