"""Runs that are killed again and again: every file opens, every announced snapshot is intact, every run resumes.

Each run has one leg or several. A leg is ended by SIGKILL, at a random instant or inside a random write, of which a
part is done, or by SIGTERM; the next one resumes. After each the file must be in order by all checks of
`wgflow info --check`, hold at least the snapshots that the legs have announced, with the bits of the run that was not
killed, and open by h5py and xarray; after the last it resumes to the end with the same bits in all snapshots, scalars
and steps. The state between two snapshots is kept every few milliseconds, so that legs begin there. Most legs are
copies of this process, which has all kernels at hand; the others are processes of their own, which know but the file.

Three more parts: losses of power during durable runs (`output.durable`), after which the writes since the last sync are
on the disk or not, in any order, and all snapshots that were announced must be intact; faults in the writes (errors of
the disk, short writes, interruptions); and sweeps of which a worker, the scheduler or all processes are killed.

    python validation/reliability.py [--quick] [--part kills power faults sweeps] [--runs N] [--states N] [--faults N]
                                     [--sweeps N] [--seed S] [--solver KIND ...]
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
from wgflow.errors import WgflowError
from wgflow.flows.endings import COUNTS as RUN_COUNTS
from wgflow.problems import Problem
from wgflow.trajectory.checking import check_trajectory
from wgflow.trajectory.hdf5.hdf5_bytes import PAGE

from ._faults import KINDS, UNNOTICED, arm, begin_again_with_shim, disarm, is_there
from ._power_loss import count_lost
from ._sweep_kills import PATIENCE, VICTIMS, begin, faults_after_kill

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
PARTS = ("kills", "power", "faults", "sweeps")
COUNTS = {"runs": (200, 3), "states": (250, 20), "faults": (40, 2), "sweeps": (200, 1)}  # in full, and with --quick
RESUMED = 25  # states after a loss of power, of which one is resumed to the end
SETTINGS = ("solver.t_end=0.75", "output.snapshots=16", "output.checkpoint=0.003", "particles.count=60")
MOST_LEGS = 5  # that are ended before the last one
TERMINATED = 0.15  # share of the legs that end by SIGTERM
FRESH = 0.05  # share of the legs in processes of their own
EARLY = 0.1  # share of the runs that may be killed before their first snapshot
TELL_EVERY = 20  # runs between two lines about how far a campaign is
Engine = Literal["h5netcdf", "netcdf4"]
Result = tuple[Counter[str], list[str]]
LONGEST = 1800.0  # seconds, on a machine that others use too, until a run that is not killed counts as stuck


def problem_of(solver: str, *more: str) -> Problem:
    """A small problem with a solver."""
    source, *settings = SOLVERS[solver]
    return open_problem(source, [*SETTINGS, *settings, *more])


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
    found = [
        f"{name} = {resumed.attributes[name]} after resuming, not {whole.attributes[name]}"
        for name in RUN_COUNTS
        if name in whole.attributes and resumed.attributes[name] != whole.attributes[name]
    ]
    found += [f"{name} differs after resuming" for name in differs(resumed, whole, len(whole.time))]
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


def power_campaign(solver: str, states: int, seed: int, folder: Path) -> bool:
    """Lose the power of a durable run again and again; whether all announced snapshots are intact each time."""
    count = 0

    def faults(path: Path, whole: Trajectory, announced: int) -> list[str]:
        nonlocal count
        count += 1
        found = faults_of(path, whole, announced, "h5netcdf")
        return found + (faults_at_the_end(solver, path, whole) if count % RESUMED == 1 else [])

    generator = random.Random(f"power {solver} {seed}")
    found = count_lost(problem_of(solver, "output.durable=true"), folder, states, generator, faults)
    return tell(f"{solver}: {states} losses of power", found)


def fault_campaign(solver: str, trials: int, seed: int, folder: Path) -> bool:
    """Let writes of a run fail in all ways, each some times; whether it is told, and nothing is lost."""
    generator, problem = random.Random(f"faults {solver} {seed}"), problem_of(solver, "output.durable=true")
    disarm()
    whole = run(problem, folder / f"{solver}-whole.h5")
    calls, found = disarm(), []
    for kind in KINDS:
        for number in range(trials):
            path = folder / f"{kind.replace(' ', '-')}-{number}.h5"
            fault = faults_of_fault(solver, problem, path, whole, kind, generator.randint(1, calls))
            found += [f"{kind}, {text}" for text in fault]
            path.unlink(missing_ok=True)
    left = sorted(path.name for path in folder.iterdir() if path.name.startswith("."))
    found += [f"{', '.join(left)} are left"] if left else []
    return tell(f"{solver}: {trials} times each {', '.join(KINDS)}", found)


def faults_of_fault(solver: str, problem: Problem, path: Path, whole: Trajectory, kind: str, first: int) -> list[str]:
    """What is wrong with a run of which a write fails, and with its file."""
    announced, error, made = [0], None, 0
    arm(kind, first)
    try:
        run(problem, path, observers=Observers(snapshot=[lambda _: announced.append(1)]))
    except WgflowError as raised:
        error = str(raised)
    finally:
        made = disarm()  # a run beside less other work keeps its state less often, and may end before the fault
    faults = [f"it fails: {error}"] if error is not None and kind in UNNOTICED else []
    if error is None and kind not in UNNOTICED and made >= first:
        faults.append(f"call {first}: no error is told")
    if error is not None and len(error.splitlines()) > 1:
        faults.append("the error has several lines")
    if not path.exists():
        return faults + ([f"no file, but {sum(announced)} snapshots were announced"] if sum(announced) else [])
    return faults + faults_of(path, whole, sum(announced), "h5netcdf") + faults_at_the_end(solver, path, whole)


def sweep_campaign(kills: int, seed: int, folder: Path) -> bool:
    """Kill parts of sweeps; whether the same command completes each to the same numbers."""
    reference = folder / "whole"
    if begin(reference).wait(PATIENCE) != 0:
        return tell("sweeps", ["one that is not killed fails"])
    whole, passed = xarray.load_dataset(reference / "sweep.nc", engine="h5netcdf"), True
    for victim in VICTIMS:
        generator, found = random.Random(f"{victim} {seed}"), list[str]()
        for number in range(kills):
            found += faults_after_kill(victim, folder / f"{victim}-{number}", whole, generator)
        passed &= tell(f"sweeps: {kills} times {victim} killed", found)
    return passed


def tell(what: str, faults: list[str]) -> bool:
    """Print a verdict, and the faults that were found; whether there are none."""
    for fault in faults:
        print(f"      {fault}")
    print(f"{'FAIL' if faults else 'PASS'}  {what}", flush=True)
    return not faults


def options_of() -> argparse.Namespace:
    """Options of the command line, with the counts that they leave out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few of each")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="all by default")
    told = {"runs": "runs of each solver that are killed", "states": "losses of power of each solver"}
    told |= {"faults": "faults of each kind for each solver", "sweeps": "sweeps that each kind of kill meets"}
    for name, (many, few) in COUNTS.items():
        parser.add_argument(f"--{name}", type=int, help=f"{told[name]}; {many} by default, {few} with --quick")
    parser.add_argument("--seed", type=int, default=0, help="seed of the instants")
    parser.add_argument("--solver", nargs="+", choices=list(SOLVERS), default=list(SOLVERS), help="all by default")
    options = parser.parse_args()
    for name, (many, few) in COUNTS.items():
        if getattr(options, name) is None:
            setattr(options, name, few if options.quick else many)
    return options


def carry_out(options: argparse.Namespace, folder: Path) -> bool:
    """Carry out the parts that were asked for, but for the faults; whether nothing was lost."""
    passed = True
    for solver in options.solver:
        if "kills" in options.part:
            passed &= campaign(solver, options.runs, options.seed, folder)
        if "power" in options.part:
            passed &= power_campaign(solver, options.states, options.seed, folder)
    if "sweeps" in options.part:
        passed &= sweep_campaign(options.sweeps, options.seed, folder)
    return passed


def carry_out_faults(folder: Path) -> bool:
    """Carry out the part with faults, in a process that has the library for them; whether nothing was lost."""
    code = begin_again_with_shim(folder)
    if code is None:
        print("SKIP  faults, which need Linux and a C compiler")
    return code in {0, None}


def main() -> int:
    """Run the campaigns; 0 if nothing was lost."""
    options = options_of()
    # Killed processes leave semaphores of numba behind, which the tracker of resources removes, and mentions.
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:multiprocessing.resource_tracker"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if is_there():
            (folder / "faults").mkdir()
            passed = [
                fault_campaign(solver, options.faults, options.seed, folder / "faults") for solver in options.solver
            ]
            return 0 if all(passed) else 1
        multiprocessing.get_context("forkserver").set_forkserver_preload(["wgflow.problems", "scipy.integrate"])
        done = carry_out(options, folder)
        return 0 if ("faults" not in options.part or carry_out_faults(folder)) and done else 1


if __name__ == "__main__":
    sys.exit(main())
