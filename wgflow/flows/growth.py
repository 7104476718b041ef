"""Runs on boxes that grow: where mass comes near a wall, cells are added and the run goes on from its last output."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from wgflow.domains import Box, Domain, Signed
from wgflow.errors import ComputationError
from wgflow.flows import Evolution
from wgflow.flows.endings import ACCUMULATED, FAILED
from wgflow.flows.loop import Limits, Observers, evolve
from wgflow.flows.recorder import Recorder
from wgflow.flows.walls import WallReachedError, WallRule, guarded
from wgflow.typing import FloatArray

SHARE = 0.25  # of the cells of an axis that are added at a side
MOST_CELLS = 2**27
LEAST_WALL_TIME = 1e-9  # seconds: ends a run after its next step

Restart = Callable[[Domain, float, FloatArray], Evolution]


@dataclass(frozen=True)
class RunSetup:
    """How a run is watched and where it lives.

    Parameters
    ----------
    domain : Domain or None
        Where the measure lives.
    walls : WallRule or None
        What to do at the walls of a box.
    restart : callable or None
        Gives a solver on a larger domain, from a time and a density; needed where the box may grow.
    admit : callable or None
        Raises ComputationError where a larger domain takes more memory than there is; the run then ends as it was.
    """

    domain: Domain | None
    walls: WallRule | None = None
    restart: Restart | None = None
    admit: Callable[[Domain], None] | None = None


def enlarged(domain: Domain, sides: Sequence[tuple[int, int]]) -> tuple[Domain, list[tuple[int, int]]]:
    """Add whole cells at some sides of a box.

    Parameters
    ----------
    domain : Domain
        Box or signed box.
    sides : sequence of (axis, end)
        Where to add cells; end 0 is the lower one, 1 the upper one.

    Returns
    -------
    Domain
        The larger box, with cells of the same size in the same places.
    list of (int, int)
        Numbers of cells added at the ends of each axis of a density.

    Raises
    ------
    ComputationError
        If the box would become too large, or the domain is none.
    """
    box = domain.base.lattice
    if box is None or not domain.base.walls:
        raise ComputationError(f"a {domain.kind} cannot grow")
    added = [[0, 0] for _ in box.shape]
    for axis, end in sides:
        added[axis][end] = math.ceil(SHARE * box.shape[axis])
    bounds = [
        (low - before * width, high + after * width)
        for (low, high), (before, after), width in zip(box.bounds, added, box.spacing, strict=True)
    ]
    shape = [count + sum(ends) for count, ends in zip(box.shape, added, strict=True)]
    if math.prod(shape) > MOST_CELLS:
        raise ComputationError(f"the box would grow to {' x '.join(map(str, shape))} cells; choose larger cells")
    larger = Box(bounds, shape, box.periodic)
    padding = [(before, after) for before, after in added]
    return (larger, padding) if domain.sheets == 1 else (Signed(larger), [(0, 0), *padding])


def limits_left(limits: Limits | None, seconds: float) -> Limits | None:
    """Limits of a run after it has taken some seconds, which are counted already where they name their start."""
    if limits is None or limits.wall_time is None or limits.since is not None:
        return limits
    return replace(limits, wall_time=max(limits.wall_time - seconds, LEAST_WALL_TIME))


def evolve_on(
    run_setup: RunSetup,
    evolution: Evolution,
    times: FloatArray,
    recorder: Recorder,
    *,
    limits: Limits | None = None,
    observers: Observers | None = None,
    record_start: bool = True,
    within: bool = False,
) -> Domain | None:
    """Carry a flow through its output times as `evolve` does, on larger and larger boxes where it must be.

    Returns
    -------
    Domain or None
        Where the flow lives in the end.

    Raises
    ------
    ComputationError, KeyboardInterrupt
        As `evolve` does; WallReachedError where a box must not grow.
    """
    domain, started = run_setup.domain, clock.perf_counter()
    while True:
        watched = observers or Observers()
        if domain is not None:
            watched = guarded(observers, domain, run_setup.walls)
        try:
            evolve(
                evolution,
                times,
                recorder,
                limits=limits,
                observers=watched,
                record_start=record_start,
                within=within,
            )
        except WallReachedError as reached:
            if domain is None or run_setup.restart is None or run_setup.walls is None or not run_setup.walls.grow:
                raise
            domain, padding = enlarged(domain, reached.sides)
            if run_setup.admit is not None:
                run_setup.admit(domain)
            time, evolution = _restarted(run_setup.restart, domain, recorder, padding)
            times, record_start, within = times[times > time], False, False
            limits, started = limits_left(limits, clock.perf_counter() - started), clock.perf_counter()
        else:
            return domain


def _restarted(
    restart: Restart, domain: Domain, recorder: Recorder, padding: list[tuple[int, int]]
) -> tuple[float, Evolution]:
    """Go on from the last output on a larger domain; gives its time and the solver."""
    time, density = recorder.enlarge(domain, padding)
    nothing = dict.fromkeys(ACCUMULATED, 0.0)
    try:
        evolution = restart(domain, time, density)
        evolution.begin_interval(time)  # where it stands at an output, which a file must know
        # The solver counts these too, but not the one that begins here in another process.
        recorder.keep(evolution.checkpoint(), {**nothing, "evaluations": evolution.counts.evaluations})
    except BaseException:
        with suppress(ComputationError):
            recorder.finish({"status": FAILED, "stop_reason": "error", **nothing})
        raise
    return time, evolution
