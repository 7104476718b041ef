"""The memory that is estimated before a run, over the peak that is measured: shipped problems, and large ones.

Each run is a process of its own, whose peak the system counts (`resource.getrusage`); it stops soon after its first
step. Beside the whole process stands what it takes above its libraries, whose size is that after their import: arrays,
and kernels that are compiled. All of the first must lie within a factor 1.5, and those of large runs.

    wgflow validate memory [--only shipped|large] [--quick]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

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
    "sphere, features at all cells": ["penguins", "domain.cells=163842", TWO],
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
    unit = 1 if sys.platform == "darwin" else 1024
    return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def measured(name: str, problem: list[str]) -> dict[str, float]:
    """The same in a process of its own."""
    task = json.dumps({"source": problem[0], "settings": problem[1:], "in_memory": name in IN_MEMORY})
    done = subprocess.run([sys.executable, __file__, "--measure", task], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{name}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def report(name: str, found: dict[str, float]) -> bool:
    """Print a line of the table; gives whether the estimate is near enough."""
    ratio, added = found["estimate"] / found["peak"], found["peak"] - found["imported"]
    sizes = " ".join(f"{value / 2**20:8.0f}" for value in (found["estimate"], found["peak"]))
    above = f"{found['arrays'] / 2**20:8.0f} {added / 2**20:8.0f}"
    good = 1.0 / FACTOR <= ratio <= FACTOR
    print(f"{name:32s} {sizes} {ratio:6.2f}   {above}   {'PASS' if good else 'FAIL'}", flush=True)
    return good


def main(arguments: list[str] | None = None) -> int:
    """Measure and compare; gives 0 if all estimates are near enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("shipped", "large"))
    parser.add_argument("--quick", action="store_true", help="one of each kind")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure is not None:
        print(json.dumps(measure(**json.loads(options.measure))))
        return 0
    runs = {"shipped": {name: [name] for name in SHIPPED}, "large": LARGE}
    chosen = {name: run for kind, found in runs.items() if options.only in (None, kind) for name, run in found.items()}
    print(f"{'MiB':32s} estimate measured  ratio     arrays    added")
    wanted = {name: run for name, run in chosen.items() if not options.quick or name in QUICK}
    good = [report(name, measured(name, run)) for name, run in wanted.items()]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
