"""Runs that are killed at random instants: every file opens, every announced snapshot is intact, every run resumes.

Each run is killed by SIGKILL, at a random instant or inside a random write, of which a part is done. Then its file must
be in order by all checks of `wgflow info --check`, hold at least the snapshots that the run had announced, with the
bits of the run that was not killed, open by h5py and xarray, and resume to the end with the same bits in all
snapshots, scalars and steps.

    python validation/reliability.py [--quick] [--runs N] [--seed S] [--solver KIND ...]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from ctypes import c_long
from pathlib import Path
from unittest import mock

import numpy as np
import xarray

from wgflow import Observers, Trajectory, load, open_problem, run
from wgflow.problems import Problem
from wgflow.trajectory.checking import check_trajectory
from wgflow.trajectory.raw_file import PAGE

SOLVERS = ("finite_volume", "particles", "characteristics")
RUNS, QUICK_RUNS = 200, 3
SETTINGS = ("domain.cells=128", "solver.t_end=1.5", "output.snapshots=76", "particles.count=60")
EARLY = 0.1  # share of the runs that may be killed before their first snapshot
LONGEST = 120.0  # seconds until a run that is not killed counts as stuck


def problem_of(solver: str) -> Problem:
    """The teacher problem, small, by a solver."""
    return open_problem("teacher", [*SETTINGS, f"solver.kind={solver}"])


def compute(solver: str, path: Path, announced: c_long, fatal_write: int) -> None:
    """What a child process does: run, count the snapshots that are announced, and die inside a write if told so."""
    plain, writes = os.pwrite, 0

    def write(descriptor: int, content: bytes | memoryview, place: int) -> int:
        nonlocal writes
        writes += 1
        if writes == fatal_write:
            pages = -(-(place + len(content)) // PAGE) - place // PAGE  # a kill falls between two of them
            part = max(0, (place // PAGE + random.randrange(pages)) * PAGE - place)
            if part > 0:
                plain(descriptor, content[:part], place)
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(descriptor, content, place)

    def count(_: object) -> None:
        announced.value += 1

    with mock.patch("os.pwrite", write):
        run(problem_of(solver), path, observers=Observers(snapshot=[count]))


def kill_one(solver: str, path: Path, generator: random.Random, seconds: float, writes: int) -> tuple[int, str]:
    """Run in a child process that is killed; gives the number of announced snapshots and how it ended."""
    context = multiprocessing.get_context("forkserver")
    announced = context.RawValue(c_long, 0)
    inside, early = generator.random() < 0.5, generator.random() < EARLY
    fatal = generator.randrange(1, writes + 1) if inside else 0
    child = context.Process(target=compute, args=(solver, path, announced, fatal))
    child.start()
    if inside:
        child.join(LONGEST)
    else:
        while announced.value == 0 and child.is_alive() and not early:
            time.sleep(0.001)
        child.join(generator.uniform(0.0, seconds))
        child.kill()
        child.join()
    if child.exitcode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"a run ended with code {child.exitcode}")
    return announced.value, "finished" if child.exitcode == 0 else "inside a write" if inside else "at an instant"


def count_writes(solver: str, path: Path) -> int:
    """Number of writes of a run that is not killed."""
    with mock.patch("os.pwrite", side_effect=os.pwrite) as counted:
        run(problem_of(solver), path)
    return counted.call_count


def differs(found: Trajectory, whole: Trajectory, count: int) -> list[str]:
    """Names of what differs between the first snapshots of two runs."""
    pairs = {**found.scalars, **found.fields, "time": found.time}
    wanted = {**whole.scalars, **whole.fields, "time": whole.time}
    return [name for name in wanted if not np.array_equal(np.asarray(pairs[name])[:count], wanted[name][:count])]


def faults_of(solver: str, path: Path, whole: Trajectory, announced: int) -> list[str]:
    """What is wrong with the file that a killed run left, and with the run that resumes it."""
    faults = [f"{check.name}: {check.found}" for check in check_trajectory(path) if not check.passed]
    part = load(path)
    count = len(part.time)
    if count < announced:
        faults.append(f"{announced} snapshots were announced, {count} are there")
    faults += [f"{name} differs" for name in differs(part, whole, count)]
    with xarray.open_dataset(path, engine="h5netcdf") as dataset:
        if dataset.sizes["time"] != count:
            faults.append(f"xarray sees {dataset.sizes['time']} snapshots of {count}")
    resumed = run(problem_of(solver), path, resume=True)
    faults += [f"{name} differs after resuming" for name in differs(resumed, whole, len(whole.time))]
    for name, values in whole.steps.items():
        if not np.array_equal(resumed.steps[name], values, equal_nan=True):
            faults.append(f"{name} of the steps differs after resuming")
    return faults


def campaign(solver: str, runs: int, seed: int, folder: Path) -> bool:
    """Kill many runs of a solver; whether all files were as they must be."""
    generator = random.Random(f"{solver} {seed}")
    run(problem_of(solver))  # so that the time of the next one does not hold the compilation
    started = time.perf_counter()
    whole = run(problem_of(solver))
    seconds, writes = time.perf_counter() - started, count_writes(solver, folder / f"{solver}.h5")
    outcomes, passed = Counter[str](), True
    for number in range(runs):
        path = folder / f"{solver}-{number}.h5"
        announced, ending = kill_one(solver, path, generator, seconds, writes)
        outcomes[ending] += 1
        if not path.exists():
            outcomes["before the first snapshot"] += 1
            faults = [f"no file, but {announced} snapshots were announced"] if announced else []
        else:
            faults = faults_of(solver, path, whole, announced)
            path.unlink()
        for fault in faults:
            print(f"      run {number}, killed {ending}: {fault}")
        passed = passed and not faults
    told = ", ".join(f"{count} {ending}" for ending, count in sorted(outcomes.items()))
    print(f"{'PASS' if passed else 'FAIL'}  {solver}: {runs} runs, {told}", flush=True)
    return passed


def main() -> int:
    """Run the campaigns; 0 if nothing was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs of each solver")
    parser.add_argument("--runs", type=int, help=f"runs of each solver; {RUNS} by default")
    parser.add_argument("--seed", type=int, default=0, help="seed of the instants")
    parser.add_argument("--solver", nargs="+", choices=SOLVERS, default=SOLVERS, help="all by default")
    options = parser.parse_args()
    runs = options.runs or (QUICK_RUNS if options.quick else RUNS)
    # Killed processes leave semaphores of numba behind, which the tracker of resources removes, and mentions.
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:multiprocessing.resource_tracker"
    multiprocessing.get_context("forkserver").set_forkserver_preload(["wgflow.problems", "scipy.integrate"])
    with tempfile.TemporaryDirectory() as folder:
        passed = [campaign(solver, runs, options.seed, Path(folder)) for solver in options.solver]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
