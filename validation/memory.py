"""The memory that is estimated before a run, over the peak that is measured: shipped problems, and large ones.

Each run is a process of its own, whose peak the system counts; it stops soon after its first step. Beside the whole
process stands what it takes above its libraries, whose size is that after their import: arrays, and kernels that are
compiled. All of the first must lie within a factor 1.5, and those of large runs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from wgflow.app.validation import Row, Setting, between

FACTOR = 1.5
SECONDS = 1.0  # wall time of a run, which ends after the step that passes it
SHIPPED = (
    "aggregation",
    "clusters",
    "deconvolution",
    "el_nino",
    "fokker_planck",
    "keller_segel",
    "network",
    "penguins",
    "quadratic_sphere",
    "riccati",
    "teacher",
    "teacher_jko",
)
TWO = "output.snapshots=2"
DESCENT = ("solver.kind=particles", "particles.method=euler", "particles.step=0.01", "particles.batch=10")
LARGE: dict[str, list[str]] = {
    "plane, quadratic features": ["riccati", "domain.shape=[2000, 1000]", TWO],
    "space, network on data": ["regression_box", "domain.shape=[128, 128, 128]", TWO],
    "plane, interaction by FFT": ["aggregation", "domain.shape=[1000, 1000]", TWO],
    "signed circle, teacher": ["teacher", "domain.cells=1000000", TWO],
    "sphere, network on data": ["penguins", "domain.cells=163842", TWO],
    "sphere, quadratic features": ["quadratic_sphere", "domain.cells=163842", TWO],
    "line, implicit": ["fokker_planck", "domain.shape=[1000000]", 'output.spacing="linear"', TWO],
    "plane, implicit, fill-in": ["keller_segel", "domain.shape=[500, 500]", "finite_volume.stepper=tr_bdf2", TWO],
    "line, linearised JKO": ["fokker_planck", "domain.shape=[400000]", "solver.kind=jko", TWO],
    "particles of JKO": ["riccati_jko", "particles.count=200000", TWO],
    "particles, descent": ["teacher_box", *DESCENT, "particles.count=2000000", TWO],
    "particles, adaptive": ["teacher_box", "solver.kind=particles", "particles.count=200000", TWO],
    "samples of a batch": ["network", "particles.count=1000", "particles.batch=1000000", TWO],
    "snapshots in memory": ["teacher", "domain.cells=100000", "output.snapshots=301", "solver.t_end=1e-4"],
}
IN_MEMORY = {"snapshots in memory"}
QUICK = ("fokker_planck", "plane, quadratic features")


def measure(source: str, settings: list[str], *, in_memory: bool) -> dict[str, float]:
    """Run a problem in this process; gives its estimate and its peak, all in bytes."""
    import wgflow.app.console  # what the command line loads
    from wgflow.problems import open_problem, run

    assert wgflow.app.console
    imported = peak()
    wanted = [] if in_memory else [f"solver.wall_time={SECONDS}"]
    problem = open_problem(source, [*settings, *wanted])
    found = problem.memory(in_memory=in_memory)
    with tempfile.TemporaryDirectory() as folder:
        run(problem, None if in_memory else Path(folder) / "run.h5")
    return {"estimate": found.total, "arrays": found.arrays, "imported": imported, "peak": peak()}


def peak() -> float:
    """Largest resident size of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # what Linux says of resources includes the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return 1024.0 * float(line.split()[1])
    import resource  # which Windows lacks

    unit = 1 if sys.platform == "darwin" else 1024
    return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def measure_apart(name: str, problem: list[str]) -> dict[str, float]:
    """Measure in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, problem[0], problem[1:], in_memory=name in IN_MEMORY).result()


def row_of(name: str, found: dict[str, float]) -> Row:
    """Whether the estimate of a run is near enough."""
    added = found["peak"] - found["imported"]
    sizes = [found["estimate"], found["peak"], found["arrays"], added]
    beside = "{:.0f} over {:.0f} MiB; arrays {:.0f} MiB, above libraries {:.0f}".format(*(x / 2**20 for x in sizes))
    what = f"{name}: estimated over measured memory"
    return between(what, found["estimate"] / found["peak"], 1.0 / FACTOR, FACTOR, beside)


def validate(setting: Setting, *, only: Literal["shipped", "large"] | None = None) -> Iterator[Row]:
    """Measure and compare; quick, one of each kind.

    Parameters
    ----------
    setting : Setting
        How to run.
    only : "shipped", "large" or None
        Which runs; all by default.
    """
    kinds = {"shipped": {name: [name] for name in SHIPPED}, "large": LARGE}
    for kind in [only] if only else kinds:
        names = [name for name in kinds[kind] if not setting.quick or name in QUICK]
        ratios = []
        for name in names:
            row = row_of(name, measure_apart(name, kinds[kind][name]))
            ratios.append(float(row.value))
            yield row
        what = f"memory, estimated over measured, {len(names)} {kind} runs"
        yield between(f"{what}: least", min(ratios), 1.0 / FACTOR, FACTOR).quote()
        yield between(f"{what}: largest", max(ratios), 1.0 / FACTOR, FACTOR).quote()
