"""Runs that are killed again and again: every file opens, every announced snapshot is intact, every run resumes.

Each run has one leg or several. A leg is ended by SIGKILL, at a random instant or inside a random write, of which a
part is done, or by SIGTERM; the next one resumes. After each the file must be in order by all checks of
`wgflow info --check`, hold at least the snapshots that the legs have announced, with the bits of the run that was not
killed, and open by h5py and xarray; after the last it resumes to the end with the same bits in all snapshots, scalars
and steps. The state between two snapshots is kept every few milliseconds, so that legs begin there. Most legs are
copies of this process, which has all kernels at hand; the others are processes of their own, which know but the file.

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
from contextlib import suppress
from ctypes import c_long
from multiprocessing.context import ForkContext, ForkServerContext
from pathlib import Path
from typing import Literal
from unittest import mock

import numpy as np
import xarray

from wgflow import Observers, Trajectory, load, open_problem, run
from wgflow.problems import Problem
from wgflow.trajectory.checking import check_trajectory
from wgflow.trajectory.raw_file import PAGE

TEACHER = ("teacher", "domain.cells=128")
STIFF = ("fokker_planck", "domain.shape=[64]", "output.spacing=linear")
JKO = ("solver.kind=jko", "jko.tau=0.02")
SOLVERS = {  # the problem and its settings
    "finite_volume": TEACHER,
    "implicit": STIFF,
    "particles": (*TEACHER, "solver.kind=particles"),
    "sgd": (*TEACHER, "solver.kind=particles", "particles.method=mirror", "particles.step=0.005", "particles.batch=5"),
    "langevin": (*STIFF, "solver.kind=particles", "particles.step=0.005"),
    "characteristics": (*TEACHER, "solver.kind=characteristics"),
    "jko": (*TEACHER, *JKO, "jko.modes=8"),
    "jko_grid": (*TEACHER, *JKO, "jko.modes=8", "jko.representation=grid", "domain.cells=32"),
    "jko_linearised": (*STIFF, *JKO, "jko.scheme=linearised"),
}
RUNS, QUICK_RUNS = 200, 3
SETTINGS = ("solver.t_end=0.75", "output.snapshots=16", "output.checkpoint=0.003", "particles.count=60")
MOST_LEGS = 5  # that are ended before the last one
TERMINATED = 0.15  # share of the legs that end by SIGTERM
FRESH = 0.05  # share of the legs in processes of their own
EARLY = 0.1  # share of the runs that may be killed before their first snapshot
TELL_EVERY = 20  # runs between two lines about how far a campaign is
Engine = Literal["h5netcdf", "netcdf4"]
Result = tuple[Counter[str], list[str]]
LONGEST = 1800.0  # seconds, on a machine that others use too, until a run that is not killed counts as stuck


def problem_of(solver: str) -> Problem:
    """A small problem with a solver."""
    source, *settings = SOLVERS[solver]
    return open_problem(source, [*SETTINGS, *settings])


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

    with mock.patch("os.pwrite", write), suppress(KeyboardInterrupt):
        run(problem_of(solver), path, resume=path.exists(), observers=Observers(snapshot=[count]))


def end_one(solver: str, path: Path, generator: random.Random, seconds: float, writes: int) -> tuple[int, str]:
    """Run a leg in a child process that is ended; gives the number of announced snapshots and how it ended."""
    fresh, copied = multiprocessing.get_context("forkserver"), multiprocessing.get_context("fork")
    context: ForkContext | ForkServerContext = fresh if generator.random() < FRESH else copied
    announced = context.RawValue(c_long, 0)
    terminated, early = generator.random() < TERMINATED, generator.random() < EARLY
    inside = not terminated and generator.random() < 0.5
    fatal = generator.randrange(1, writes + 1) if inside else 0
    child = context.Process(target=compute, args=(solver, path, announced, fatal))
    child.start()
    if inside:
        child.join(LONGEST)
    else:
        while announced.value == 0 and child.is_alive() and not early:
            time.sleep(0.001)
        child.join(generator.uniform(0.0, seconds))
        (child.terminate if terminated else child.kill)()
        child.join(LONGEST)
    if child.exitcode not in (0, -signal.SIGKILL, -signal.SIGTERM):
        raise RuntimeError(f"a run ended with code {child.exitcode}")
    if terminated:
        return announced.value, "by SIGTERM"
    return announced.value, "finished" if child.exitcode == 0 else "inside a write" if inside else "at an instant"


def measure(solver: str, path: Path) -> tuple[float, int]:
    """Seconds and number of writes of a run that is not killed."""
    started = time.perf_counter()
    with mock.patch("os.pwrite", side_effect=os.pwrite) as counted:
        run(problem_of(solver), path)
    return time.perf_counter() - started, counted.call_count


def differs(found: Trajectory, whole: Trajectory, count: int) -> list[str]:
    """Names of what differs between the first snapshots of two runs."""
    pairs = {**found.scalars, **found.fields, "time": found.time}
    wanted = {**whole.scalars, **whole.fields, "time": whole.time}
    return [name for name in wanted if not np.array_equal(np.asarray(pairs[name])[:count], wanted[name][:count])]


def faults_of(path: Path, whole: Trajectory, announced: int, engine: Engine) -> list[str]:
    """What is wrong with the file that a leg left, which xarray opens with one of its engines."""
    faults = [f"{check.name}: {check.found}" for check in check_trajectory(path) if not check.passed]
    part = load(path)
    if part.scheduled < announced:
        faults.append(f"{announced} snapshots were announced, {part.scheduled} are there")
    faults += [f"{name} differs" for name in differs(part, whole, part.scheduled)]
    steps = len(part.steps["time"])
    faults += [
        f"{name} of the steps differs"
        for name, values in whole.steps.items()
        if not np.array_equal(part.steps[name], values[:steps], equal_nan=True)
    ]
    with xarray.open_dataset(path, engine=engine) as dataset:
        if dataset.sizes["time"] != len(part.time):
            faults.append(f"xarray sees {dataset.sizes['time']} snapshots of {len(part.time)}")
    return faults


def faults_at_the_end(solver: str, path: Path, whole: Trajectory) -> list[str]:
    """What is wrong with the run that resumes a file, and finishes."""
    resumed = run(problem_of(solver), path, resume=True)
    found = [f"{name} differs after resuming" for name in differs(resumed, whole, len(whole.time))]
    if len(resumed.time) != len(whole.time) or resumed.status != "complete":
        found.append(f"{len(resumed.time)} snapshots and status {resumed.status} after resuming")
    for name, values in whole.steps.items():
        if not np.array_equal(resumed.steps[name], values, equal_nan=True):
            found.append(f"{name} of the steps differs after resuming")
    return found + [f"{check.name}: {check.found}" for check in check_trajectory(path) if not check.passed]


def end_often(solver: str, path: Path, generator: random.Random, whole: Trajectory, cost: tuple[float, int]) -> Result:
    """End the legs of a run, and let the last one finish; how they ended, and all faults."""
    outcomes, faults, announced, legs = Counter[str](), [], 0, generator.randint(1, MOST_LEGS)
    for leg in range(1, legs + 1):
        left = 1.0 - announced / len(whole.time)  # of the run, which the leg may yet do
        more, ending = end_one(solver, path, generator, left * cost[0], max(1, int(left * cost[1])))
        outcomes[ending] += 1
        announced += more
        last = leg == legs or ending == "finished"
        if path.exists():
            found = faults_of(path, whole, announced, "h5netcdf" if last else "netcdf4")
        else:
            found = [f"no file, but {announced} snapshots were announced"] if announced else []
        faults += [f"ended {ending}: {fault}" for fault in found]
        if last:
            break
    faults += faults_at_the_end(solver, path, whole) if path.exists() else []
    return outcomes, faults


def campaign(solver: str, runs: int, seed: int, folder: Path) -> bool:
    """End the legs of many runs of a solver; whether all files were as they must be."""
    generator = random.Random(f"{solver} {seed}")
    whole = run(problem_of(solver))  # so that the time of the next one does not hold the compilation
    cost = measure(solver, folder / f"{solver}.h5")
    outcomes, passed = Counter[str](), True
    for number in range(runs):
        path = folder / f"{solver}-{number}.h5"
        ended, faults = end_often(solver, path, generator, whole, cost)
        for fault in faults:
            print(f"      run {number}, {fault}")
        outcomes, passed = outcomes + ended, passed and not faults
        path.unlink(missing_ok=True)
        if (number + 1) % TELL_EVERY == 0:
            state = "all" if passed else "not all"
            print(f"      {solver}: {number + 1} runs, {outcomes.total()} legs, {state} passed", flush=True)
    told = ", ".join(f"{count} {ending}" for ending, count in sorted(outcomes.items()))
    verdict = "PASS" if passed else "FAIL"
    print(f"{verdict}  {solver}: {runs} runs in {outcomes.total()} ended legs, {told}", flush=True)
    return passed


def main() -> int:
    """Run the campaigns; 0 if nothing was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs of each solver")
    parser.add_argument("--runs", type=int, help=f"runs of each solver; {RUNS} by default")
    parser.add_argument("--seed", type=int, default=0, help="seed of the instants")
    parser.add_argument("--solver", nargs="+", choices=list(SOLVERS), default=list(SOLVERS), help="all by default")
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
