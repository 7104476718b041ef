"""The runs of a sweep: done once, continued where they stopped, and what is kept of each in memory."""

from __future__ import annotations

import threading
import time as clock
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from wgflow.app.sweeps.launching import launch
from wgflow.app.sweeps.plan import Plan
from wgflow.errors import FlowWarning, InputError, WgflowError
from wgflow.flows.endings import COMPLETE, FAILED
from wgflow.flows.labels import FLOW_LABELS, Labels
from wgflow.problems import Problem, run
from wgflow.trajectory import Trajectory
from wgflow.trajectory.scalars import read_scalars
from wgflow.typing import FloatArray

# A scheduler may give a process several runs at once, but not all libraries underneath allow that.
_ALONE = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and its scalars.

    Parameters
    ----------
    index : int
        Number of the run.
    status : str
        Status of its trajectory, e.g. "complete" or "failed".
    message : str
        The error or the warnings; empty if there were none.
    reached_end : bool
        Whether the last snapshot is the last output time, and not where the run stopped early.
    time : array, shape (T,)
        Times of the snapshots.
    scalars : mapping of str to array, shape (T,)
        Scalars of the trajectory.
    labels : Labels
        What time and scalars are.
    """

    index: int
    status: str
    message: str = ""
    reached_end: bool = True
    time: FloatArray = field(default_factory=lambda: np.empty(0))
    scalars: Mapping[str, FloatArray] = field(default_factory=dict)
    labels: Labels = FLOW_LABELS


class Watcher(Protocol):
    """Is told how a sweep goes on."""

    def begin(self, total: int, finished: int) -> None:
        """Hear how many runs there are, and how many were finished before."""

    def note(self, outcome: Outcome) -> None:
        """Hear how a run ended."""


def read_outcome(plan: Plan, folder: Path, index: int) -> Outcome | None:
    """Read what there is of a run; None where its file does not exist or holds no snapshot."""
    path = plan.file(folder, index)
    if not path.exists():
        return None
    try:
        return _outcome(index, read_scalars(path))
    except InputError:
        return None


def carry_out_share(plan: Plan, folder: Path, share: Sequence[int], seconds: float) -> list[Outcome]:
    """Carry out the runs of a share one after another, until they have taken the given time.

    Parameters
    ----------
    plan : Plan
        The sweep.
    folder : Path
        Its folder.
    share : sequence of int
        Numbers of the runs.
    seconds : float
        No further run begins after this time; the first always does.

    Returns
    -------
    list of Outcome
        Those of the first runs of the share, at least one.
    """
    started, outcomes = clock.perf_counter(), []
    with _ALONE:
        for index in share:
            outcomes.append(carry_out_run(plan, folder, index))
            if clock.perf_counter() - started > seconds:
                break
    return outcomes


def carry_out_run(plan: Plan, folder: Path, index: int) -> Outcome:
    """Do a run, unless its file says that it is complete; errors become its outcome."""
    found = read_outcome(plan, folder, index)
    if found is not None and found.status == COMPLETE:
        return found
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FlowWarning)
        try:
            outcome = _launched(plan, folder, index) if plan.launcher else _done_here(plan, folder, index)
        except Exception as error:  # whatever went wrong here must not stop the other runs
            text = str(error) if isinstance(error, WgflowError) else f"{type(error).__name__}: {error}"
            return replace(read_outcome(plan, folder, index) or Outcome(index, FAILED), status=FAILED, message=text)
    heard = dict.fromkeys(str(warning.message) for warning in caught if issubclass(warning.category, FlowWarning))
    return replace(outcome, message="; ".join(filter(None, (outcome.message, *heard))))


def _done_here(plan: Plan, folder: Path, index: int) -> Outcome:
    return _outcome(index, _finish(plan.problem(index), plan.file(folder, index)))


def _launched(plan: Plan, folder: Path, index: int) -> Outcome:
    message = launch(plan, folder, index)
    return replace(_outcome(index, read_scalars(plan.file(folder, index))), message=message)


def _finish(problem: Problem, path: Path) -> Trajectory:
    """Continue the run in a file, or do it (anew, where the file cannot be continued)."""
    if path.exists():
        try:
            trajectory = run(problem, path, resume=True)
        except InputError:
            pass
        else:
            if trajectory.status == COMPLETE:
                return trajectory
    return run(problem, path, overwrite=True)


def _outcome(index: int, trajectory: Trajectory) -> Outcome:
    return Outcome(
        index,
        trajectory.status,
        reached_end=trajectory.attributes.get("stop_reason") == "t_end",
        time=np.asarray(trajectory.time),
        scalars={name: np.asarray(values) for name, values in trajectory.scalars.items()},
        labels=trajectory.labels,
    )
