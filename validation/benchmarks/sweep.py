"""Cost of a sweep: its runs on one worker against the same runs in a plain loop, and what starting and gathering take.

The runs of a few ms are where scheduling could cost most. Times depend on the machine; the overhead is a ratio of two
times of one process each, the best of some rounds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Client

import wgflow
from wgflow.app.sweeps import Plan, make_plan
from wgflow.app.sweeps.api import read_outcomes
from wgflow.app.sweeps.cluster import connect
from wgflow.app.sweeps.gather import gather, write_dataset
from wgflow.app.sweeps.runs import Outcome
from wgflow.app.sweeps.scheduling import TASK_SECONDS, dispatch
from wgflow.app.validation import Row, Setting, measured

LOOP, SWEEP = "plain loop", "sweep on one worker"
PROBLEM = {
    "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
    "domain": {"kind": "circle", "cells": 64},
    "solver": {"kind": "particles", "t_end": 0.1},
    "output": {"snapshots": 2},
}


def loop_seconds(plan: Plan, folder: Path) -> float:
    """Seconds of all runs, one after another in this process."""
    folder.mkdir()
    started = time.perf_counter()
    for index in range(plan.count):
        wgflow.run(plan.problem(index), plan.file(folder, index))
    return time.perf_counter() - started


def processor_seconds(client: Client) -> float:
    """Processor time so far of this process, in which the scheduler runs, and of the worker."""
    return time.process_time() + sum(client.run(time.process_time).values())


def trip_seconds(client: Client) -> float:
    """Seconds from handing out a task that does nothing to hearing its end: what each task of a sweep costs."""
    started = time.perf_counter()
    client.submit(int, pure=False).result()
    return time.perf_counter() - started


@dataclass
class Times:
    """Wall and processor times of the parts of a sweep, by their names, of each round."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, started: float) -> None:
        """Note the time since a part began."""
        self.wall.setdefault(name, []).append(time.perf_counter() - started)


def one_round(client: Client, plan: Plan, place: Path, number: int, times: Times) -> dict[int, Outcome]:
    """Do all runs in a loop, and as a sweep; gives the outcomes of the latter."""
    before = time.process_time()
    times.wall.setdefault(LOOP, []).append(loop_seconds(plan, place / f"loop{number}"))
    times.processor.setdefault(LOOP, []).append(time.process_time() - before)
    folder = place / f"sweep{number}"
    folder.mkdir()
    before, started = processor_seconds(client), time.perf_counter()
    outcomes = {outcome.index: outcome for outcome in dispatch(client, plan, folder, range(plan.count), 1)}
    times.note(SWEEP, started)
    times.processor.setdefault(SWEEP, []).append(processor_seconds(client) - before)
    return outcomes


def time_all(plan: Plan, place: Path, rounds: int, times: Times) -> list[float]:
    """Time all parts; gives the seconds of round trips of a task."""
    loop_seconds(plan, place / "warm")  # compiles, or loads what was compiled
    started = time.perf_counter()
    plan.check()
    times.note("check all problems", started)
    started = time.perf_counter()
    with connect(None, 1, 1) as client:
        (place / "first").mkdir()
        list(dispatch(client, plan, place / "first", range(plan.count), 1))
        times.note("start a worker, first round", started)
        for number in range(rounds):
            outcomes = one_round(client, plan, place, number, times)
        trips = [trip_seconds(client) for _ in range(50)]
    started = time.perf_counter()
    write_dataset(gather(plan, outcomes), place)
    times.note("gather and write sweep.nc", started)
    started = time.perf_counter()
    read_outcomes(plan, place / f"sweep{rounds - 1}")
    times.note("read all runs again", started)
    return trips


def rows_of(runs: int, times: Times, trips: list[float]) -> Iterator[Row]:
    """The shortest time of each part, and what scheduling adds."""
    for name, values in times.wall.items():
        yield measured(f"{runs} runs, {name}: seconds", min(values), f"{1e3 * min(values) / runs:.3f} ms per run")
    for name, kind in (("time", times.wall), ("processor time of all processes", times.processor)):
        overhead = min(kind[SWEEP]) / min(kind[LOOP]) - 1.0
        yield measured(f"{runs} runs: what scheduling adds, in {name}", overhead)
    trip = statistics.median(trips)
    beside = f"{trip / TASK_SECONDS:.1%} of its {TASK_SECONDS:g} s"
    yield measured("round trip of a task that does nothing: milliseconds", 1e3 * trip, beside)


def validate(setting: Setting, *, runs: int | None = None, rounds: int | None = None) -> Iterator[Row]:
    """Time a sweep.

    Parameters
    ----------
    setting : Setting
        How to run.
    runs : int or None
        Number of runs; 400 by default, 40 in quick runs.
    rounds : int or None
        How often; 3 by default, 1 in quick runs.
    """
    count, times = runs or (40 if setting.quick else 400), Times()
    plan = make_plan(PROBLEM, {"initial.seed": range(count)}, ["particles.count=5"])
    with tempfile.TemporaryDirectory() as scratch:
        trips = time_all(plan, Path(scratch), rounds or (1 if setting.quick else 3), times)
    yield from rows_of(count, times, trips)
