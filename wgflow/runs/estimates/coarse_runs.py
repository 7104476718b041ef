"""Coarse runs: what they are, and carrying them out in memory at the output times of the run that they are for."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from wgflow.errors import WgflowError
from wgflow.flows import Evolution, Snapshot
from wgflow.flows.growth import RunSetup, evolve_on
from wgflow.flows.loop import Limits
from wgflow.flows.walls import WallRule
from wgflow.system.stages import tell_stage
from wgflow.trajectory import MemoryRecorder
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class CoarseRun:
    """A coarse run to carry out.

    Parameters
    ----------
    name : str
        What distinguishes it, e.g. "2048 cells".
    cost : float
        Guess of what it costs, over the cost of the run that it is for.
    prepare : callable
        Gives its solver at time 0, and where that lives.
    """

    name: str
    cost: float
    prepare: Callable[[], tuple[Evolution, RunSetup]]


@dataclass(frozen=True)
class Outputs:
    """What a coarse run gave.

    Parameters
    ----------
    run : CoarseRun
        The run.
    snapshots : tuple of Snapshot
        Its snapshots; those before a failure.
    signs : array, shape (m,), or None
        Sign of each particle.
    run_setup : RunSetup or None
        Where it lived; None where its solver could not be prepared.
    seconds : float
        What it took.
    failure : str
        Why it was refused or failed; empty where it was not.
    """

    run: CoarseRun
    snapshots: tuple[Snapshot, ...] = ()
    signs: FloatArray | None = None
    run_setup: RunSetup | None = None
    seconds: float = 0.0
    failure: str = ""

    def at(self, times: FloatArray) -> list[Snapshot | None]:
        """Snapshots at some times; the last one behind the end of a run that was stationary, None behind others."""
        known = {snapshot.time: snapshot for snapshot in self.snapshots}
        behind = self.snapshots[-1] if self.snapshots and not self.failure else None
        end = self.snapshots[-1].time if self.snapshots else np.inf
        return [known.get(float(time), behind if time > end else None) for time in times]


def carry_out_coarse_run(run: CoarseRun, times: FloatArray, limits: Limits) -> Outputs:
    """Do a coarse run; whatever refuses or stops it is told in its outputs.

    Parameters
    ----------
    run : CoarseRun
        The run.
    times : array
        Output times after 0.
    limits : Limits
        When the run that it is for stops early, by the clock too where that began before it.
    """
    started = clock.perf_counter()
    memory, failure, signs, run_setup = MemoryRecorder(), "", None, None
    tell_stage(f"coarse run with {run.name}")
    try:
        evolution, run_setup = run.prepare()
        signs = getattr(evolution, "signs", None)
        evolve_on(without_wall_warnings(run_setup), evolution, times, memory, limits=_limits_of_coarse_run(limits))
        if memory.attributes["stop_reason"] == "wall_time":
            failure = f"wall_time = {limits.wall_time:g} was over"
    except WgflowError as error:
        failure = str(error)
    return Outputs(run, tuple(memory.snapshots), signs, run_setup, clock.perf_counter() - started, failure)


def _limits_of_coarse_run(limits: Limits) -> Limits:
    """Those of the whole run: its coarse runs may not take longer than its clock allows."""
    wall_time = None if limits.since is None else limits.wall_time
    return Limits(limits.stationarity, wall_time, since=limits.since)


def without_wall_warnings(run_setup: RunSetup) -> RunSetup:
    """RunSetup that stops at walls as another does, but neither warns nor grows."""
    return replace(run_setup, walls=None if run_setup.walls is None else WallRule(run_setup.walls.limit))
