"""What a trajectory file costs: the time of writing snapshots over the time of the run, for flows in space.

Riccati's flow, or the network of the shipped problem regression_box, whose steps are cheaper.

The time of writing is that between the call that takes a snapshot and its return, checksums and compression included;
the kernel brings the pages to the disk later. The time of the run is that of its steps and of writing. Beside it stands
the bare write of as many bytes to a new file, which costs most where the kernel has to get the memory for its pages.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import numpy as np

from wgflow import Trajectory, open_problem, run
from wgflow.app.validation import Row, Setting, measured
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


def validate(
    setting: Setting,
    *,
    problem: Literal["riccati", "regression_box"] = "riccati",
    cells: int | None = None,
    snapshots: int = 100,
    t_end: float = 1.0,
) -> Iterator[Row]:
    """Time a run and its writing.

    Parameters
    ----------
    setting : Setting
        How to run.
    problem : "riccati" or "regression_box"
        Which flow.
    cells : int or None
        Number of cells along each axis; 128 by default, 32 in quick runs.
    snapshots : int
        How many are written.
    t_end : float
        Last time.
    """
    along = cells or (32 if setting.quick else 128)
    settings = [f"domain.shape={[along] * 3}", f"solver.t_end={t_end}", f"output.snapshots={snapshots}"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.h5"
        trajectory, seconds = timed_run(problem, settings, path)
        size = path.stat().st_size
        bare = bare_write(Path(folder) / "bare", np.ones(along**3), len(seconds))
    total, steps = trajectory.attributes["run_seconds"], trajectory.attributes["accepted_steps"]
    what = f"{problem}, {along}^3 cells, {len(seconds)} snapshots, {steps} steps"
    yield measured(f"{what}: writing over the run", sum(seconds) / total, f"{size / 2**20:.0f} MiB").quote()
    yield measured(f"{what}: milliseconds of a snapshot", 1e3 * sum(seconds) / len(seconds)).quote()
    yield measured(f"{what}: milliseconds of a bare write of its density", 1e3 * bare).quote()
    yield measured(f"{what}: milliseconds of a step", 1e3 * (total - sum(seconds)) / steps)
