"""The time loop: step by step to each output time, recording, observing, and stopping well."""

from __future__ import annotations

import math
import signal
import threading
import time as clock
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from wgflow.compilation import measure_compilation
from wgflow.errors import InputError
from wgflow.schemes import Evolution, Snapshot
from wgflow.trajectory import Recorder
from wgflow.trajectory.schema import COMPLETE, FAILED, INTERRUPTED
from wgflow.trajectory.steps import FULL_EVERY, step_row
from wgflow.typing import FloatArray

Observer = Callable[[Evolution], None]


@dataclass(frozen=True)
class Limits:
    """When a run stops before its last output time.

    Parameters
    ----------
    stationarity : float or None
        Stop once the dissipation -dF/dt of a step is below this; None never stops.
    wall_time : float or None
        Stop after this many seconds; None never stops.
    """

    stationarity: float | None = None
    wall_time: float | None = None

    def __post_init__(self) -> None:
        for name in ("stationarity", "wall_time"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0.0):
                raise InputError(f"{name} = {value!r} is not allowed; give a positive number, or leave it out")


@dataclass(frozen=True)
class Observers:
    """Who is told what: each step (progress) and each snapshot (table)."""

    step: Sequence[Observer] = ()
    snapshot: Sequence[Callable[[Snapshot], None]] = ()


@dataclass
class _Interruption:
    """Set by the first Ctrl-C or SIGTERM; the loop ends after the step in progress."""

    signal: int | None = field(default=None)


@contextmanager
def _interruptible() -> Iterator[_Interruption]:
    """Turn SIGINT and SIGTERM into a flag while a run goes on (in the main thread only)."""
    interruption = _Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def note(number: int, frame: object) -> None:  # noqa: ARG001
        interruption.signal = number

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def evolve(
    evolution: Evolution,
    times: FloatArray,
    recorder: Recorder,
    *,
    limits: Limits | None = None,
    observers: Observers | None = None,
    record_start: bool = True,
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
        When to stop early.
    observers : Observers, optional
        Who is told of steps and snapshots.
    record_start : bool
        Whether the current state is the first snapshot.

    Returns
    -------
    str
        Why the run stopped: "t_end", "stationary" or "wall_time".

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C or SIGTERM, once the recorder is closed.
    ComputationError
        If a step or a write failed; what was recorded before is kept.
    """
    started = clock.perf_counter()
    reason = "error"
    with _interruptible() as interruption, measure_compilation() as compiled:
        try:
            reason = _advance(
                evolution,
                times,
                recorder,
                limits or Limits(),
                observers or Observers(),
                record_start,
                interruption,
            )
        finally:
            elapsed = clock.perf_counter() - started
            recorder.finish(_ending(evolution, reason, elapsed, compiled()))
    if reason == INTERRUPTED:
        raise KeyboardInterrupt
    return reason


def _advance(
    evolution: Evolution,
    times: FloatArray,
    recorder: Recorder,
    limits: Limits,
    observers: Observers,
    record_start: bool,
    interruption: _Interruption,
) -> str:
    deadline = math.inf if limits.wall_time is None else clock.perf_counter() + limits.wall_time
    threshold = -math.inf if limits.stationarity is None else limits.stationarity
    if record_start:
        _record(evolution.snapshot(), recorder, observers)
    for target in times:
        evolution.begin_interval(float(target))
        number = 0
        while evolution.time < target:
            before = evolution.energy
            evolution.step()
            number += 1
            for observe in observers.step:
                observe(evolution)
            stationary = before - evolution.energy < threshold * evolution.step_size
            reason = _reason_to_stop(interruption, stationary, deadline)
            last = reason is not None or evolution.time >= target
            snapshot = evolution.snapshot() if last or number % FULL_EVERY == 0 else None
            recorder.note(step_row(evolution, before, snapshot))
            if snapshot is not None and last:
                scheduled = reason != INTERRUPTED or evolution.time >= target
                _record(snapshot, recorder, observers, scheduled=scheduled)
            if reason is not None:
                return reason
    return "t_end"


def _reason_to_stop(interruption: _Interruption, stationary: bool, deadline: float) -> str | None:
    """Why to stop after a step, if there is a reason."""
    if interruption.signal is not None:
        return INTERRUPTED
    if stationary:
        return "stationary"
    return "wall_time" if clock.perf_counter() > deadline else None


def _record(snapshot: Snapshot, recorder: Recorder, observers: Observers, *, scheduled: bool = True) -> None:
    recorder.append(snapshot, scheduled=scheduled)
    for observe in observers.snapshot:
        observe(snapshot)


def _ending(evolution: Evolution, reason: str, elapsed: float, compiled: float) -> dict[str, Any]:
    status = {"error": FAILED, INTERRUPTED: INTERRUPTED}.get(reason, COMPLETE)
    return {
        "status": status,
        "stop_reason": reason,
        "accepted_steps": evolution.counts.accepted,
        "rejected_steps": evolution.counts.rejected,
        "evaluations": evolution.counts.evaluations,
        "compile_seconds": compiled,
        "run_seconds": elapsed - compiled,
    }
