"""Coarse runs: what they are, and carrying them out in memory at the output times of the run that they are for."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from wgflow.errors import WgflowError
from wgflow.growth import Course, evolve_on
from wgflow.schemes import Evolution, Snapshot
from wgflow.timeloop import Limits
from wgflow.trajectory import MemoryRecorder
from wgflow.typing import FloatArray
from wgflow.walls import WallRule

SHORTENED = 1.15  # what steps may be shorter by than wanted, so that they fill the time between two outputs
SAME = 1e-9  # relative difference of lengths that count as one

Step = Callable[[float], float]


@dataclass(frozen=True)
class Trial:
    """A coarse run to carry out.

    Parameters
    ----------
    name : str
        What distinguishes it, e.g. "2048 cells".
    cost : float
        Guess of what it costs, over the cost of the run that it is for.
    prepare : callable
        Gives its solver at time 0, and where that lives.
    step : callable, optional
        Size of the steps of the run that it is for, at a time, where it is prescribed.
    factor : int
        What its own steps are longer by.
    """

    name: str
    cost: float
    prepare: Callable[[], tuple[Evolution, Course]]
    step: Step | None = None
    factor: int = 1

    def times(self, times: FloatArray) -> FloatArray:
        """Output times that leave room for its steps: those that would cut them to the length of others are left out.

        Parameters
        ----------
        times : array
            Output times after 0 of the run that it is for.

        Returns
        -------
        array
            Some of them, the last one included; those of a factor 4 are among those of a factor 2.
        """
        if self.step is None:
            return times
        kept = np.append(0.0, times)
        for doubled in range(self.factor.bit_length() - 1):
            kept = _thinned(kept, self.step, 2.0**doubled)
        return kept[1:]


def _thinned(times: FloatArray, step: Step, factor: float) -> FloatArray:
    """Times between which steps fit that are twice as long as those that a run of a factor makes there."""
    kept = [0]
    for index in range(1, len(times)):
        last = kept[-1]
        size = min(factor * step(float(times[last])), float(times[last + 1] - times[last]))
        room = (times[index] - times[last]) / (2.0 * size)
        if np.ceil(room * (1.0 - SAME)) <= SHORTENED * room:
            kept.append(index)
    if kept[-1] != len(times) - 1:
        kept = [*kept[: max(len(kept) - 1, 1)], len(times) - 1]
    return times[kept]


@dataclass(frozen=True)
class Outputs:
    """What a coarse run gave.

    Parameters
    ----------
    trial : Trial
        The run.
    snapshots : tuple of Snapshot
        Its snapshots; those before a failure.
    signs : array, shape (m,), or None
        Sign of each particle.
    course : Course or None
        Where it lived; None where its solver could not be prepared.
    seconds : float
        What it took.
    failure : str
        Why it was refused or failed; empty where it was not.
    """

    trial: Trial
    snapshots: tuple[Snapshot, ...] = ()
    signs: FloatArray | None = None
    course: Course | None = None
    seconds: float = 0.0
    failure: str = ""

    def at(self, times: FloatArray) -> list[Snapshot | None]:
        """Snapshots at some times; the last one behind the end of a run that was stationary, None behind others."""
        known = {snapshot.time: snapshot for snapshot in self.snapshots}
        behind = self.snapshots[-1] if self.snapshots and not self.failure else None
        end = self.snapshots[-1].time if self.snapshots else np.inf
        return [known.get(float(time), behind if time > end else None) for time in times]


def carry_out(trial: Trial, times: FloatArray, limits: Limits) -> Outputs:
    """Do a coarse run; whatever refuses or stops it is told in its outputs.

    Parameters
    ----------
    trial : Trial
        The run.
    times : array
        Output times after 0.
    limits : Limits
        When the run that it is for stops early; its time on the clock is not limited by them.
    """
    started = clock.perf_counter()
    memory, failure, signs, course = MemoryRecorder(), "", None, None
    try:
        evolution, course = trial.prepare()
        signs = getattr(evolution, "signs", None)
        evolve_on(quiet(course), evolution, trial.times(times), memory, limits=Limits(limits.stationarity))
    except WgflowError as error:
        failure = str(error)
    return Outputs(trial, tuple(memory.snapshots), signs, course, clock.perf_counter() - started, failure)


def quiet(course: Course) -> Course:
    """Course that stops at walls as another does, but neither warns nor grows."""
    return replace(course, walls=None if course.walls is None else WallRule(course.walls.limit))
