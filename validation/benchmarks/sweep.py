"""Cost of a sweep: its runs on one worker against the same runs in a plain loop, and what starting and gathering take.

The runs of a few ms are where scheduling could cost most. Times depend on the machine; the overhead is a ratio of two
times of one process each, the best of some rounds.

    python validation/benchmarks/sweep.py [--runs 400] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from distributed import Client

import wgflow
from wgflow.app.sweeps import Plan, make_plan
from wgflow.app.sweeps.api import read_outcomes
from wgflow.app.sweeps.cluster import connect
from wgflow.app.sweeps.gather import gather, write_dataset
from wgflow.app.sweeps.scheduling import TASK_SECONDS, dispatch

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


def report(runs: int, seconds: dict[str, list[float]], processor: dict[str, list[float]], trips: list[float]) -> None:
    """Print the shortest time of each part, and what scheduling adds."""
    print(f"{runs} runs")
    for name, values in seconds.items():
        each = 1e3 * min(values) / runs
        print(f"{name:28s} {min(values):7.3f} s {each:8.3f} ms per run")
    overhead = min(seconds["sweep, one worker"]) / min(seconds["plain loop"]) - 1.0
    print(f"overhead of scheduling       {overhead:7.1%}")
    overhead = min(processor["sweep"]) / min(processor["plain loop"]) - 1.0
    print(f"the same in processor time   {overhead:7.1%} (of all processes; tells on a busy machine)")
    trip = statistics.median(trips)
    print(f"round trip of a task         {1e3 * trip:7.1f} ms, {trip / TASK_SECONDS:.1%} of its {TASK_SECONDS:g} s")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    plan = make_plan(PROBLEM, {"initial.seed": range(arguments.runs)}, ["particles.count=5"])
    seconds: dict[str, list[float]] = {}
    processor: dict[str, list[float]] = {}

    def note(name: str, started: float) -> None:
        seconds.setdefault(name, []).append(time.perf_counter() - started)

    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        loop_seconds(plan, place / "warm")  # compiles, or loads what was compiled
        started = time.perf_counter()
        plan.check()
        note("check all problems", started)
        started = time.perf_counter()
        with connect(None, 1, 1) as client:
            (place / "first").mkdir()
            list(dispatch(client, plan, place / "first", range(plan.count), 1))
            note("start a worker, first round", started)
            for number in range(arguments.rounds):
                before = time.process_time()
                seconds.setdefault("plain loop", []).append(loop_seconds(plan, place / f"loop{number}"))
                processor.setdefault("plain loop", []).append(time.process_time() - before)
                folder = place / f"sweep{number}"
                folder.mkdir()
                before, started = processor_seconds(client), time.perf_counter()
                outcomes = {outcome.index: outcome for outcome in dispatch(client, plan, folder, range(plan.count), 1)}
                note("sweep, one worker", started)
                processor.setdefault("sweep", []).append(processor_seconds(client) - before)
            trips = [trip_seconds(client) for _ in range(50)]
        started = time.perf_counter()
        write_dataset(gather(plan, outcomes), place)
        note("gather and write sweep.nc", started)
        started = time.perf_counter()
        read_outcomes(plan, folder)
        note("read all runs again", started)
    report(arguments.runs, seconds, processor, trips)


if __name__ == "__main__":
    main()
