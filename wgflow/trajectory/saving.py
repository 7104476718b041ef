"""Writing a trajectory to a file after its run, as the run would have written it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from wgflow.errors import InputError
from wgflow.flows import Checkpoint
from wgflow.flows.endings import ACCUMULATED, FAILED, INTERRUPTED, RUNNING
from wgflow.flows.steps import STEP_COLUMNS, StepRow
from wgflow.trajectory.checkpoint import SPENT, control_of_last_output
from wgflow.trajectory.lazy_field import source_of
from wgflow.trajectory.named_functionals import FUNCTIONAL, StoredFunctional, describe_functional
from wgflow.trajectory.provenance import history_line
from wgflow.trajectory.reader import read_trajectory
from wgflow.trajectory.schema import INTERRUPTED_AT
from wgflow.trajectory.trajectory import Trajectory
from wgflow.trajectory.writer import FileRecorder

# What the end of a run says, and what only the file that holds a problem's data may say.
ENDING = ("status", "stop_reason", INTERRUPTED_AT, *ACCUMULATED)
OF_PROBLEMS = ("problem", "data_sha256", FUNCTIONAL)


def save_trajectory(trajectory: Trajectory, path: Path, *, overwrite: bool = False) -> Path:
    """Write a trajectory to a new file and give its path; see `Trajectory.save`."""
    _check_source(trajectory, path)
    problem, functional = trajectory.problem, trajectory.functional
    parts = StoredFunctional() if problem is not None or functional is None else describe_functional(functional)
    recorder = FileRecorder.create(
        path,
        trajectory[0],
        domain=trajectory.domain,
        sign=trajectory.sign,
        attributes={**_described(trajectory.attributes, has_problem=problem is not None), **parts.attributes},
        data=parts.arrays if problem is None else problem.data_arrays(),
        labels=trajectory.labels,
        overwrite=overwrite,
    )
    ending = {"status": FAILED, "stop_reason": "error", **_spent(trajectory)}
    try:
        _write(trajectory, recorder)
        ending |= _ending(trajectory)
    finally:
        recorder.finish(ending)
    return path


def in_present_order(trajectory: Trajectory, path: Path) -> Trajectory:
    """Write the file that a trajectory is read from anew, with the cells of a sphere in the present order; read it."""
    target = path.resolve()
    with TemporaryDirectory(dir=target.parent, prefix=".wgflow-") as folder:
        save_trajectory(trajectory, Path(folder) / target.name).replace(target)
    return read_trajectory(path)[0]


def _check_source(trajectory: Trajectory, path: Path) -> None:
    """Raise InputError where a trajectory would take the place of the file that it reads its fields from."""
    for values in trajectory.fields.values():
        source = source_of(values)
        if source is not None and path.exists() and path.samefile(source):
            raise InputError(f"{path} is the file that this trajectory is read from; choose another path")


def _described(attributes: Mapping[str, Any], *, has_problem: bool) -> dict[str, Any]:
    """Attributes of a new file: those of the run, but not how it ended, nor a problem whose data are not at hand."""
    left_out = ENDING if has_problem else (*ENDING, *OF_PROBLEMS)
    history = "\n".join([*([str(attributes["history"])] if "history" in attributes else []), history_line()])
    return {**{name: value for name, value in attributes.items() if name not in left_out}, "history": history}


def _spent(trajectory: Trajectory) -> dict[str, float]:
    return {name: trajectory.attributes.get(name, 0) for name in ACCUMULATED}


def _ending(trajectory: Trajectory) -> dict[str, str]:
    """How the run ended; of a run that goes on, its trajectory so far is one that was interrupted."""
    status = INTERRUPTED if trajectory.status == RUNNING else trajectory.status
    reason = str(trajectory.attributes.get("stop_reason", "t_end"))
    return {"status": status, "stop_reason": INTERRUPTED if reason == RUNNING else reason}


def _write(trajectory: Trajectory, recorder: FileRecorder) -> None:
    """Hand on steps, snapshots and what the run would go on from, in the order in which it gave them."""
    steps, kept = _rows(trajectory), trajectory.checkpoint
    counts = np.diff(np.searchsorted(trajectory.steps.get("time", np.empty(0)), trajectory.time, "right"), prepend=0)
    at_output = (None if kept is None else control_of_last_output(kept)) or None
    for index, (snapshot, count) in enumerate(zip(trajectory, counts, strict=True)):
        for step in islice(steps, count):
            recorder.note(step)
        scheduled = index < trajectory.scheduled
        if not scheduled and kept is not None:
            recorder.keep(kept, _spent_at(kept))
        ends = at_output is not None and snapshot.time == float(at_output["time"])
        recorder.append(snapshot, _spent_at(at_output), at_output if ends else None, scheduled=scheduled)
    for step in steps:  # of a run that failed behind its last snapshot
        recorder.note(step)


def _rows(trajectory: Trajectory) -> Iterator[StepRow]:
    """The steps one after another."""
    columns = [np.asarray(trajectory.steps.get(name, ())).tolist() for name in STEP_COLUMNS]
    return (StepRow(*row) for row in zip(*columns, strict=True))


def _spent_at(checkpoint: Checkpoint | None) -> dict[str, float]:
    """What a run had spent at a checkpoint."""
    spent = [0.0] * len(ACCUMULATED) if checkpoint is None else checkpoint[SPENT].tolist()
    return dict(zip(ACCUMULATED, spent, strict=True))
