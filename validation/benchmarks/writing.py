"""What a trajectory file costs: the time of writing snapshots over the time of the run, for flows in space.

Riccati's flow, or the network of the shipped problem regression_box, whose steps are cheaper.

The time of writing is that between the call that takes a snapshot and its return, checksums and compression included;
the kernel brings the pages to the disk later. The time of the run is that of its steps and of writing. Beside it stands
the bare write of as many bytes to a new file, which costs most where the kernel has to get the memory for its pages.

    python validation/benchmarks/writing.py [--problem riccati|regression_box] [--cells 128]
                                           [--snapshots 100] [--t-end 1.0]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from wgflow import Trajectory, open_problem, run
from wgflow.trajectory import FileRecorder
from wgflow.typing import FloatArray

PROBLEMS = {  # and what makes the first one, shipped in the plane, a problem in space
    "riccati": [
        "problem.target=[[0.6, 0.0, 0.0], [0.0, 0.3, 0.0], [0.0, 0.0, 0.15]]",
        "domain.bounds=[[-4.0, 4.0], [-4.0, 4.0], [-4.0, 4.0]]",
        "initial.covariance=0.3",
    ],
    "regression_box": [],
}


def timed_run(problem: str, settings: list[str], path: Path) -> tuple[Trajectory, list[float]]:
    """Run the problem; gives the seconds of each snapshot too."""
    plain, seconds = FileRecorder.append, list[float]()

    def append(*values: Any, **options: Any) -> None:
        started = time.perf_counter()
        plain(*values, **options)
        seconds.append(time.perf_counter() - started)

    with mock.patch.object(FileRecorder, "append", append):
        return run(open_problem(problem, [*PROBLEMS[problem], *settings]), path), seconds


def bare_write(path: Path, values: FloatArray, count: int) -> float:
    """Seconds that each of some bare writes of an array takes."""
    with path.open("wb", buffering=0) as file:
        started = time.perf_counter()
        for _ in range(count):
            file.write(values.data)
        return (time.perf_counter() - started) / count


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", choices=list(PROBLEMS), default="riccati")
    parser.add_argument("--cells", type=int, default=128, help="cells along each axis")
    parser.add_argument("--snapshots", type=int, default=100, help="number of snapshots")
    parser.add_argument("--t-end", type=float, default=1.0, help="last time")
    options = parser.parse_args()
    settings = [f"domain.shape={[options.cells] * 3}", f"solver.t_end={options.t_end}"]
    settings.append(f"output.snapshots={options.snapshots}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.h5"
        flow, seconds = timed_run(options.problem, settings, path)
        size = path.stat().st_size
        bare = bare_write(Path(folder) / "bare", np.ones(options.cells**3), len(seconds))
    total, steps = flow.attributes["run_seconds"], flow.attributes["accepted_steps"]
    print(f"{options.cells}^3 cells, {steps} steps, {len(seconds)} snapshots, {size / 2**20:.0f} MiB")
    print(
        f"a step {1e3 * (total - sum(seconds)) / steps:.0f} ms, a snapshot {1e3 * sum(seconds) / len(seconds):.0f} ms, "
        f"a bare write of it {1e3 * bare:.0f} ms"
    )
    print(f"writing over the run: {100.0 * sum(seconds) / total:.1f} %")


if __name__ == "__main__":
    main()
