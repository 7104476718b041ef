"""The time loop: step by step to each output time, recording, observing, and stopping well."""

from __future__ import annotations

import math
import time as clock
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from wgflow.compilation import measure_compilation
from wgflow.errors import ComputationError, FlowWarning, InputError, WgflowError
from wgflow.flows import Checkpoint, Evolution, Snapshot
from wgflow.flows.endings import COMPLETE, FAILED, INTERRUPTED, UNTIL
from wgflow.flows.recorder import Recorder
from wgflow.flows.steps import step_row
from wgflow.flows.stopping import Until, is_reached
from wgflow.ranks.world import world
from wgflow.system.signals import Interruption, interruptible
from wgflow.text import shown
from wgflow.typing import FloatArray

Observer = Callable[[Evolution], None]


Result = TypeVar("Result")

STEPS_TO_SETTLE = 1000  # in which step control finds its size
MOST_STEPS = 1e9  # to the next output, beyond which nobody waits for it


class RunInterrupt(KeyboardInterrupt):
    """Ctrl-C has ended a run well: its recorder is closed, and holds all that there is."""


@dataclass(frozen=True)
class Limits:
    """When a run stops before its last output time, and how often it keeps its state between two.

    Parameters
    ----------
    stationarity : float or None
        Stop once the dissipation -dF/dt of a step is below this; None never stops.
    wall_time : float or None
        Stop after this many seconds; None never stops.
    checkpoint : float or None
        Keep the state of intervals that take longer after each of so many seconds, so that a run which is killed goes
        on from there; None keeps it at outputs alone.
    since : float or None
        Reading of ``time.perf_counter`` from which ``wall_time`` counts, so that what came before the first step is
        part of it; None for the first step.
    until : callable or None
        Stop after the first step whose `wgflow.flows.stopping.State` it finds true for: its ``time``, ``step_size``,
        ``energy``, ``risk``, ``mass``, ``min_potential`` and ``measure``.

    Examples
    --------
    >>> wgflow.Limits(stationarity=1e-3)
    Limits(stationarity=0.001, wall_time=None, checkpoint=None, since=None, until=None)

    `wgflow.solve` and the like have arguments of the same names:

    >>> flow = wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), 100.0, stationarity=1e-3)
    >>> flow.attributes["stop_reason"], bool(flow.time[-1] < 100.0)
    ('stationary', True)
    """

    stationarity: float | None = None
    wall_time: float | None = None
    checkpoint: float | None = None
    since: float | None = None
    until: Until | None = None

    def __post_init__(self) -> None:
        if self.until is not None and not callable(self.until):
            raise InputError(
                f"until = {shown(self.until)} is not allowed; give a function of the state, or leave it out"
            )
        for name in ("stationarity", "wall_time", "checkpoint"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0.0):
                raise InputError(f"{name} = {value!r} is not allowed; give a positive number, or leave it out")


@dataclass(frozen=True)
class Observers:
    """Functions that a run calls while it goes on, in the order given; what they give back is not looked at.

    Parameters
    ----------
    step : sequence of callable
        Called after each step that was kept, with the flow itself, e.g. a `JkoFlow`: it has ``time``, ``step_size``,
        ``energy``, and ``measure``, a density or `Particles` that the next step overwrites.
    snapshot : sequence of callable
        Called at each output, the start included, with its `Snapshot`.
    start : sequence of callable
        Called, where a run goes on that began before, with the flow at the state from which it does.
    begin : sequence of callable
        Called without arguments once all is checked, and work begins.

    Examples
    --------
    >>> risks = []
    >>> watch = wgflow.Observers(snapshot=[lambda snapshot: risks.append(snapshot.risk)])
    >>> flow = wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), 1.0, observers=watch)
    >>> len(risks), bool(risks[-1] == flow.risk[-1])
    (101, True)
    """

    step: Sequence[Observer] = ()
    snapshot: Sequence[Callable[[Snapshot], None]] = ()
    start: Sequence[Observer] = ()
    begin: Sequence[Callable[[], None]] = ()

    def tell_begin(self) -> None:
        """Tell that work begins."""
        for tell in self.begin:
            tell()

    def joined(self, others: Observers) -> Observers:
        """These and others, who are told after these."""
        return Observers(
            [*self.step, *others.step],
            [*self.snapshot, *others.snapshot],
            [*self.start, *others.start],
            [*self.begin, *others.begin],
        )


def evolve(
    evolution: Evolution,
    times: FloatArray,
    recorder: Recorder,
    *,
    limits: Limits | None = None,
    observers: Observers | None = None,
    record_start: bool = True,
    within: bool = False,
) -> str:
    """Carry a flow through its output times and record each.

    Parameters
    ----------
    evolution : Evolution
        The solver with its state at the time before ``times[0]``.
    times : array
        Increasing output times after the current one; each is met exactly.
    recorder : Recorder
        Takes the snapshots, and the attributes that say how the run ended; it is closed in any case.
    limits : Limits, optional
        When to stop early, and how often to keep the state between two outputs.
    observers : Observers, optional
        Who is told of steps and snapshots.
    record_start : bool
        Whether the current state is the first snapshot.
    within : bool
        Whether the solver aims at ``times[0]`` already: it goes on within that interval.

    Returns
    -------
    str
        Why the run stopped: "t_end", "stationary", "until" or "wall_time".

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, SIGTERM, SIGHUP or SIGUSR1, once the recorder is closed; where they came too late to stop the
        run, it is complete. An error in the meantime is its message.
    ComputationError
        If a step or a write failed; what was recorded before is kept.
    """
    reason = "error"
    with interruptible() as interruption, measure_compilation() as compiled:
        loop = _Loop(evolution, recorder, limits or Limits(), observers or Observers(), interruption, compiled)
        try:
            if record_start:
                loop.record()
            else:
                loop.tell_start()
            reason = loop.advance(times, within=within)
            loop.agree_on_signals()
        except WgflowError as error:
            if interruption.signal is None:
                raise
            reason = INTERRUPTED  # in a step that failed, or after which a box grows
            raise KeyboardInterrupt(str(error)) from error
        finally:
            status = {"error": FAILED, INTERRUPTED: INTERRUPTED}.get(reason, COMPLETE)
            _finish(recorder, {"status": status, "stop_reason": reason, **loop.spent()})
        if interruption.signal is not None:
            raise RunInterrupt if interruption.by_hand else KeyboardInterrupt
    return reason


def _finish(recorder: Recorder, ending: Mapping[str, Any]) -> None:
    """Close a recorder; where it cannot take how the run ended, the error that ended the run is the one to tell."""
    try:
        recorder.finish(ending)
    except ComputationError as error:
        if ending["status"] == INTERRUPTED:
            raise KeyboardInterrupt(str(error)) from error
        if ending["status"] != FAILED:
            raise


class _Found(NamedTuple):
    """What holds after a step, on all ranks."""

    signal: int | None
    reached: bool
    late: bool
    due: bool


class _Loop:
    """The loop over output times and steps, with what it must know at each step."""

    def __init__(
        self,
        evolution: Evolution,
        recorder: Recorder,
        limits: Limits,
        observers: Observers,
        interruption: Interruption,
        compiled: Callable[[], float],
    ) -> None:
        self._evolution, self._recorder, self._observers = evolution, recorder, observers
        self._interruption, self._compiled = interruption, compiled
        self._started = clock.perf_counter()
        since = self._started if limits.since is None else limits.since
        self._deadline = math.inf if limits.wall_time is None else since + limits.wall_time
        self._threshold = -math.inf if limits.stationarity is None else limits.stationarity
        self._until = limits.until
        self._every = math.inf if limits.checkpoint is None else limits.checkpoint
        self._due = self._started + self._every
        self._ranks, self._done = world(), 0

    def advance(self, times: FloatArray, *, within: bool) -> str:
        """Go to each output time; gives why the run stopped."""
        for target in times:
            if not within:
                self._compute(partial(self._evolution.begin_interval, float(target)))
            within = False
            while self._evolution.time < target:
                reason = self._step(float(target))
                if reason == INTERRUPTED and self._evolution.time >= times[-1]:
                    return "t_end"  # nothing is left to continue, and yet whoever called must know
                if reason is not None:
                    return reason
        return "t_end"

    def _step(self, target: float) -> str | None:
        """Do a step, and tell and keep what is to be told and kept; gives why to stop, if there is a reason."""
        evolution, before = self._evolution, self._evolution.energy
        self._compute(evolution.step)
        for observe in self._observers.step:
            observe(evolution)
        stationary = before - evolution.energy < self._threshold * evolution.step_size
        now, arrived = clock.perf_counter(), evolution.time >= target
        found = self._found(now)
        reason = self._reason_to_stop(found, stationary=stationary)
        # At outputs a snapshot evaluates J where the step has not; in between the table must not depend on stops.
        snapshot = self._compute(evolution.snapshot) if arrived else None
        self._recorder.note(step_row(evolution, before))
        self._warn_of_endless_steps(target)
        if snapshot is not None:
            self._keep_output(snapshot, now)
        elif reason is not None:
            self._stop(reason)
        elif found.due:
            self._recorder.keep(evolution.checkpoint(), self.spent())
            self._due = now + self._every
        return reason

    def _warn_of_endless_steps(self, target: float) -> None:
        """Say so, once steps have their size, where the next output is not in reach of them."""
        self._done += 1
        if self._done != STEPS_TO_SETTLE:
            return
        time, size = self._evolution.time, self._evolution.step_size
        if target - time > MOST_STEPS * size:
            warnings.warn(
                f"after {self._done} steps the flow is at t = {time:.3g}; of the size of the last one, {size:.1e}, "
                f"{(target - time) / size:.1e} more lead to the output at t = {target:g}: velocities are very large "
                "for these times, choose other units or factors",
                FlowWarning,
                stacklevel=2,
            )

    def _compute(self, task: Callable[[], Result]) -> Result:
        """Do a part of a step; numbers beyond what floats can hold, wherever they are met, are a failed computation."""
        try:
            return task()
        except WgflowError:
            raise
        except (ArithmeticError, ValueError) as error:  # of linear algebra and integrators too
            raise ComputationError(
                f"the step from t = {self._evolution.time:.6g} failed: {error}; numbers of the problem are too large "
                "or too small: choose other units, or smaller factors"
            ) from error

    def record(self) -> None:
        """Keep the state at the start as a snapshot: step control begins there."""
        self._tell(self._compute(self._evolution.snapshot), None, clock.perf_counter())

    def tell_start(self) -> None:
        """Tell of the state from which the run goes on, which was recorded before."""
        for observe in self._observers.start:
            observe(self._evolution)

    def _keep_output(self, snapshot: Snapshot, now: float) -> None:
        """Keep a snapshot with the step control from which the run goes on."""
        self._tell(snapshot, self._evolution.checkpoint(), now)

    def _tell(self, snapshot: Snapshot, checkpoint: Checkpoint | None, now: float) -> None:
        self._recorder.append(snapshot, self.spent(), checkpoint)
        self._due = now + self._every
        for observe in self._observers.snapshot:
            observe(snapshot)

    def _stop(self, reason: str) -> None:
        """Keep the state between two outputs: what the run goes on from, and what there is to see of it."""
        checkpoint, spent = self._evolution.checkpoint(), self.spent()
        snapshot = self._evolution.snapshot()  # may cost an evaluation that a run which goes on has not
        if reason == "stationary":  # the last one; a guard of walls may still want the run to go on
            for observe in self._observers.snapshot:
                observe(snapshot)
        self._recorder.keep(checkpoint, spent)
        self._recorder.append(snapshot, spent, scheduled=False)

    def agree_on_signals(self) -> None:
        """Let all ranks know of a signal that came to one of them in the last step."""
        if self._ranks.size > 1:
            votes = np.array([float(self._interruption.signal or 0)])
            self._interruption.signal = int(self._ranks.largest(votes)[0]) or None

    def _found(self, now: float) -> _Found:
        """What holds after a step: signals and conditions of any rank, and what the clock of rank 0 says."""
        reached = self._until is not None and is_reached(self._until, self._evolution)
        found = _Found(self._interruption.signal, reached, now > self._deadline, now > self._due)
        if self._ranks.size == 1:
            return found
        clocks = (found.late, found.due) if self._ranks.rank == 0 else (False, False)
        here = np.array((found.signal or 0, reached, *clocks), dtype=np.float64)
        signal, *others = self._ranks.largest(here).tolist()
        self._interruption.signal = int(signal) or None
        return _Found(self._interruption.signal, *map(bool, others))

    def _reason_to_stop(self, found: _Found, *, stationary: bool) -> str | None:
        if found.signal is not None:
            return INTERRUPTED
        if stationary:
            return "stationary"
        if found.reached:
            return UNTIL
        return "wall_time" if found.late else None

    def spent(self) -> dict[str, float]:
        """What the run has taken so far."""
        counts, compiled = self._evolution.counts, self._compiled()
        return {
            "accepted_steps": counts.accepted,
            "rejected_steps": counts.rejected,
            "evaluations": counts.evaluations,
            "compile_seconds": compiled,
            "run_seconds": clock.perf_counter() - self._started - compiled,
        }
