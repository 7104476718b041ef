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
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ctypes import c_long
from multiprocessing.context import ForkContext, ForkServerContext
from pathlib import Path
from typing import Literal
from unittest import mock

import numpy as np

from wgflow import Observers, Trajectory, load, open_problem, run
from wgflow.app.sweeps.cluster import check_libraries
from wgflow.app.validation import Row, Setting, agrees, measured
from wgflow.errors import MissingExtraError, WgflowError
from wgflow.flows.endings import COUNTS as RUN_COUNTS
from wgflow.problems import Problem
from wgflow.trajectory.checking import check_trajectory
from wgflow.trajectory.hdf5.hdf5_bytes import PAGE

from ._faults import KINDS, UNNOTICED, arm, disarm, faulty_process
from ._power_loss import count_lost
from ._processes import environment

TEACHER = ("teacher", "domain.cells=128")
STIFF = ("fokker_planck", "domain.shape=[64]", "output.spacing=linear")
JKO = ("solver.kind=jko", "jko.tau=0.02")
Solver = Literal[
    "finite_volume",
    "implicit",
    "particles",
    "sgd",
    "langevin",
    "characteristics",
    "jko",
    "jko_grid",
    "jko_linearised",
]
SOLVERS: dict[Solver, tuple[str, ...]] = {  # the problem and its settings
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
Part = Literal["kills", "power", "faults", "sweeps"]
PARTS: tuple[Part, ...] = ("kills", "power", "faults", "sweeps")
COUNTS: dict[Part, tuple[int, int]] = {"kills": (60, 3), "power": (300, 20), "faults": (6, 1), "sweeps": (20, 1)}
QUICK_PARTS: tuple[Part, ...] = ("kills", "power", "faults")
QUICK_SOLVERS: tuple[Solver, ...] = ("finite_volume", "jko_linearised")
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


def problem_of(solver: Solver, *more: str) -> Problem:
    """A small problem with a solver."""
    source, *settings = SOLVERS[solver]
    return open_problem(source, [*SETTINGS, *settings, *more])


def compute(solver: Solver, path: Path, announced: c_long, fatal_write: int) -> None:
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


def end_one(solver: Solver, path: Path, generator: random.Random, seconds: float, writes: int) -> tuple[int, str]:
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


def measure(solver: Solver, path: Path) -> tuple[float, int]:
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
    import xarray

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


def faults_at_the_end(solver: Solver, path: Path, whole: Trajectory) -> list[str]:
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


def end_often(
    solver: Solver, path: Path, generator: random.Random, whole: Trajectory, cost: tuple[float, int]
) -> Result:
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


def campaign(solver: Solver, runs: int, seed: int, folder: Path, setting: Setting) -> Row:
    """End the legs of many runs of a solver, and count those whose files were not as they must be."""
    generator = random.Random(f"{solver} {seed}")
    whole = run(problem_of(solver))  # so that the time of the next one does not hold the compilation
    cost = measure(solver, folder / f"{solver}.h5")
    outcomes, losers = Counter[str](), 0
    for number in range(runs):
        path = folder / f"{solver}-{number}.h5"
        ended, faults = end_often(solver, path, generator, whole, cost)
        for fault in faults:
            setting.say(f"{solver}: run {number}, {fault}")
        outcomes, losers = outcomes + ended, losers + bool(faults)
        path.unlink(missing_ok=True)
        if (number + 1) % TELL_EVERY == 0:
            setting.say(f"{solver}: {number + 1} runs, {outcomes.total()} legs, {losers} runs with losses")
    told = ", ".join(f"{count} {ending}" for ending, count in sorted(outcomes.items()))
    beside = f"{outcomes.total()} ended legs, {told}"
    return agrees(f"{solver}: of {runs} runs that are killed, those with losses", losers, 0, beside).quote()


def power_campaign(solver: Solver, states: int, seed: int, folder: Path, setting: Setting) -> Row:
    """Lose the power of a durable run again and again; all announced snapshots must be intact each time."""
    count = 0

    def faults(path: Path, whole: Trajectory, announced: int) -> list[str]:
        nonlocal count
        count += 1
        found = faults_of(path, whole, announced, "h5netcdf")
        return found + (faults_at_the_end(solver, path, whole) if count % RESUMED == 1 else [])

    generator = random.Random(f"power {solver} {seed}")
    found = count_lost(problem_of(solver, "output.durable=true"), folder, states, generator, faults)
    return counted(f"{solver}: faults after {states} losses of power", found, setting).quote()


def fault_campaign(solver: Solver, trials: int, seed: int, folder: Path) -> list[str]:
    """Let writes of a run fail in all ways, each some times; what was not told, or lost.

    It runs in a process with the library for faults.
    """
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
    return found + ([f"{', '.join(left)} are left"] if left else [])


def faults_of_fault(
    solver: Solver, problem: Problem, path: Path, whole: Trajectory, kind: str, first: int
) -> list[str]:
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


def sweep_campaign(kills: int, seed: int, folder: Path, setting: Setting) -> Iterator[Row]:
    """Kill parts of sweeps; the same command must complete each to the same numbers."""
    import xarray

    from ._sweep_kills import PATIENCE, VICTIMS, begin, faults_after_kill

    reference = folder / "whole"
    code = begin(reference).wait(PATIENCE)
    if code != 0:
        yield agrees("sweeps: exit code of one that is not killed", code, 0)
        return
    whole = xarray.load_dataset(reference / "sweep.nc", engine="h5netcdf")
    for victim in VICTIMS:
        generator, found = random.Random(f"{victim} {seed}"), list[str]()
        for number in range(kills):
            found += faults_after_kill(victim, folder / f"{victim}-{number}", whole, generator)
        yield counted(f"sweeps: faults after {kills} times {victim} killed", found, setting)


def counted(what: str, faults: list[str], setting: Setting) -> Row:
    """Count faults, and say what they are."""
    for fault in faults:
        setting.say(f"{what}: {fault}")
    return agrees(what, len(faults), 0)


def write_faults(solvers: Sequence[Solver], trials: int, seed: int, folder: Path, setting: Setting) -> Iterator[Row]:
    """Let writes fail, in a process that has the library for it."""
    with faulty_process(folder) as pool:
        if pool is None:
            yield measured("faults of writes", "left out", "they need Linux and a C compiler")
            return
        for solver in solvers:
            (folder / solver).mkdir()
            found = pool.submit(fault_campaign, solver, trials, seed, folder / solver).result()
            yield counted(f"{solver}: faults after {trials} failing writes of each kind", found, setting).quote()


def carry_out(
    part: Part, solvers: Sequence[Solver], count: int, seed: int, folder: Path, setting: Setting
) -> Iterator[Row]:
    """Carry out a part."""
    if part == "kills":
        yield from (campaign(solver, count, seed, folder, setting) for solver in solvers)
    elif part == "power":
        yield from (power_campaign(solver, count, seed, folder, setting) for solver in solvers)
    elif part == "faults":
        yield from write_faults(solvers, count, seed, folder, setting)
    else:
        yield from sweep_campaign(count, seed, folder, setting)


def check_readers() -> None:
    """Raise MissingExtraError unless all that reads files back and carries out sweeps is installed."""
    check_libraries()
    try:
        import netCDF4  # noqa: F401
    except ImportError:
        raise MissingExtraError("netCDF4", "conventions", "the validation of reliability") from None


def validate(
    setting: Setting,
    *,
    parts: tuple[Part, ...] = (),
    solvers: tuple[Solver, ...] = (),
    count: int | None = None,
    seed: int = 0,
) -> Iterator[Row]:
    """Carry out all parts; quick, few times each with two solvers, and without sweeps.

    Parameters
    ----------
    setting : Setting
        How much is computed.
    parts : tuple of str
        Which parts alone.
    solvers : tuple of str
        Whose runs alone.
    count : int or None
        Runs that are killed, losses of power, faults of each kind, and sweeps for each kind of kill.
    seed : int
        Of the instants.
    """
    check_readers()
    chosen = solvers or (QUICK_SOLVERS if setting.quick else tuple(SOLVERS))
    # Killed processes leave semaphores of numba behind, which the tracker of resources removes, and mentions.
    unmentioned = {"PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker"}
    with environment(unmentioned), tempfile.TemporaryDirectory() as name:
        multiprocessing.get_context("forkserver").set_forkserver_preload(["wgflow.problems", "scipy.integrate"])
        for part in parts or (QUICK_PARTS if setting.quick else PARTS):
            folder = Path(name) / part
            folder.mkdir()
            number = COUNTS[part][setting.quick] if count is None else count
            yield from carry_out(part, chosen, number, seed, folder, setting)
