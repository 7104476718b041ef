"""What a sweep of ten thousand runs costs beside the runs: checking them, and gathering their files into one dataset.

Files are copies of that of one small run, 150 KB each and 1.5 GB together, in the system's folder for temporary files.
They are read while the process may open but a few files more than it has open: nothing is kept open. Memory is what the
process holds more afterwards; beside it stands what the arrays of the dataset take. Times depend on the machine.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import wgflow
from wgflow.app.sweeps import Plan, make_plan
from wgflow.app.sweeps.api import read_outcomes
from wgflow.app.sweeps.folder import prepare_folder
from wgflow.app.sweeps.gather import gather, write_dataset
from wgflow.app.sweeps.runs import read_outcome
from wgflow.app.validation import Row, Setting, measured, within
from wgflow.system import resident_memory
from wgflow.trajectory.schema import SCALARS

Result = TypeVar("Result")

PROBLEM = {
    "problem": {"kind": "quadratic", "target": [[1.0, 0.0], [0.0, 0.5]]},
    "domain": {"kind": "circle", "cells": 64},
    "solver": {"kind": "particles", "t_end": 0.1},
    "particles": {"count": 5},
    "output": {"snapshots": 21},
}
SPARE_FILES = 16  # that may be open beside those that are
MEBIBYTE = 2.0**20
RUN_BYTES = 4096  # of memory that a run may take beside its numbers, for a small object and some arrays
FIXED_BYTES = 32 * MEBIBYTE  # for libraries that are loaded, and what the system keeps


def lay_out(plan: Plan, folder: Path) -> int:
    """Put the files of all runs into a folder; gives the bytes of one."""
    prepare_folder(plan, folder)
    first = plan.file(folder, 0)
    wgflow.run(plan.problem(0), first)
    for index in range(1, plan.count):
        shutil.copyfile(first, plan.file(folder, index))
    return first.stat().st_size


@contextmanager
def few_files() -> Iterator[None]:
    """Let this process open some more files than it has open, and no more."""
    limits, most = resource.getrlimit(resource.RLIMIT_NOFILE), max(int(file.name) for file in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (most + SPARE_FILES, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@dataclass(frozen=True)
class Cost:
    """Seconds, seconds of the processor, and bytes of memory that some work took."""

    seconds: float
    processor: float
    memory: float

    def row(self, what: str, count: int) -> Row:
        """A row of what it took for all runs."""
        beside = f"{1e3 * self.processor / count:.2f} ms of processor time each"
        return measured(f"{count} runs, {what}: seconds", self.seconds, beside)


def timed(work: Callable[[], Result]) -> tuple[Result, Cost]:
    """Do some work; gives what it gives, and its cost."""
    memory, processor, started = resident_memory() or 0, time.process_time(), time.perf_counter()
    found = work()
    cost = Cost(time.perf_counter() - started, time.process_time() - processor, (resident_memory() or 0) - memory)
    return found, cost


def rows_of(plan: Plan, folder: Path) -> Iterator[Row]:
    """Check, read, gather and write."""
    count = plan.count
    yield timed(plan.check)[1].row("check all problems", count)
    yield timed(plan.memory)[1].row("estimate the memory of all", count)
    with few_files():
        outcomes, reading = timed(lambda: read_outcomes(plan, folder))
        dataset, gathering = timed(lambda: gather(plan, outcomes))
        runs, opening = timed(lambda: wgflow.open_many(str(folder / "*.h5")))
    yield reading.row("read all files", count)
    yield gathering.row("put them into a dataset", count)
    yield timed(lambda: write_dataset(dataset, folder))[1].row("write it", count)
    yield timed(lambda: wgflow.open_sweep(folder))[1].row("read the dataset again", count)
    yield opening.row("open_many of their files", count)
    numbers = count * runs.sizes["time"] * len(SCALARS) * 8
    allowed = (2 * numbers + count * RUN_BYTES + FIXED_BYTES) / MEBIBYTE
    memory = (reading.memory + gathering.memory) / MEBIBYTE
    beside = f"numbers alone: {numbers / MEBIBYTE:.1f}; {SPARE_FILES} files could be open at once"
    yield within(f"{count} runs, memory of outcomes and dataset: MiB", memory, allowed, beside)


def validate(setting: Setting, *, runs: int | None = None) -> Iterator[Row]:
    """Time and memory of gathering many runs.

    Parameters
    ----------
    setting : Setting
        How to run.
    runs : int or None
        Number of runs; 10000 by default, 100 in quick runs.
    """
    count = runs or (100 if setting.quick else 10_000)
    plan = make_plan(
        PROBLEM, {"solver.reaction": [0.5 * number for number in range(4)], "initial.seed": range(count // 4)}
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        size = lay_out(plan, folder)
        read_outcome(plan, folder, 0)  # what is loaded at first use
        wgflow.open_many([plan.file(folder, 0)])
        yield measured(f"{count} runs: KB of the file of each", size / 1e3)
        yield from rows_of(plan, folder)
        whole = [timed(lambda: wgflow.load(plan.file(folder, 0)))[1].processor for _ in range(20)]
        yield measured("a whole trajectory: milliseconds of processor time to load it", 1e3 * min(whole))
