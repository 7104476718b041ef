"""Cost of a step of small runs, most of which is not arithmetic, and of all that a process does before its first step.

Each run is done several times over, its outputs and their file among it, and counts with its shortest time per step
that was kept. The start is that of ``wgflow run``, and the whole that of ``wgflow run el_nino``, in processes whose
kernels are in the cache. Times are those of the processor, which other processes change less than those of the clock.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from wgflow import Observers, open_problem, run
from wgflow.app.validation import Row, Setting, measured

REPETITIONS, QUICK_REPETITIONS = 7, 2
STARTS, QUICK_STARTS = 5, 1
ONE_STEP = ["--set", "solver.t_end=1e-6", "--set", "output.first=1e-7", "--set", "output.snapshots=2"]

EXPLICIT = ["finite_volume.stepper=ssprk43", "finite_volume.tolerance=1e-4"]
RUNS: dict[str, tuple[str, list[str]]] = {
    "regression on 2 x 1024 cells of a circle": ("el_nino", ["solver.t_end=4", "output.snapshots=21"]),
    "a teacher on 2 x 64 cells of a circle": ("teacher", ["domain.cells=64", "output.snapshots=21"]),
    "a teacher on 2 x 4096 cells of a circle": ("teacher", ["solver.t_end=1", "output.snapshots=6"]),
    "Fokker-Planck on 80 cells of a box": (
        "fokker_planck", ["domain.shape=[80]", "solver.t_end=0.5", "output.snapshots=21", *EXPLICIT],
    ),
    "stochastic descent of 32 neurons": (
        "teacher",
        ["solver.kind=particles", "particles.method=euler", "particles.count=32", "particles.step=0.01",
         "particles.batch=16", "solver.t_end=10", "output.snapshots=21"],
    ),
}  # fmt: skip


def seconds_of_step(problem: str, settings: list[str], repetitions: int) -> float:
    """Shortest time of a run over its steps; the first one, which may compile, does not count."""
    prepared, durations, begun = open_problem(problem, settings), list[float](), list[float]()
    observers = Observers(begin=[lambda: begun.append(time.process_time())])
    with TemporaryDirectory() as folder:
        for _ in range(repetitions + 1):
            trajectory = run(prepared, Path(folder) / "run.h5", overwrite=True, observers=observers)
            durations.append((time.process_time() - begun[-1]) / int(trajectory.attributes["accepted_steps"]))
    return min(durations[1:])


def seconds_of_command(settings: list[str], repetitions: int) -> float:
    """Least time of the processor that ``wgflow run el_nino`` takes; the first one does not count."""
    used = []
    with TemporaryDirectory() as folder:
        output = str(Path(folder) / "run.h5")
        command = [sys.executable, "-m", "wgflow", "run", "el_nino", "--quiet", "--overwrite", "-o", output, *settings]
        for _ in range(repetitions + 1):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(used[1:])


def validate(setting: Setting) -> Iterator[Row]:
    """Time five runs, and the start and the whole of one; quick, fewer times."""
    repetitions, starts = (QUICK_REPETITIONS, QUICK_STARTS) if setting.quick else (REPETITIONS, STARTS)
    for name, (problem, settings) in RUNS.items():
        yield measured(f"{name}: microseconds a step", 1e6 * seconds_of_step(problem, settings, repetitions))
    yield measured("start of wgflow run: seconds of the processor", seconds_of_command(ONE_STEP, starts)).quote()
    yield measured("wgflow run el_nino: seconds of the processor", seconds_of_command([], starts)).quote()
