"""Runs that several ranks compute together: which part each of them has, and one recorder for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from wgflow.domains import Domain
from wgflow.domains.slab import shared_by
from wgflow.errors import ComputationError, InputError, WgflowError
from wgflow.finite_volume import STEPPERS
from wgflow.flows import Checkpoint, Snapshot
from wgflow.flows.recorder import Recorder
from wgflow.flows.steps import StepRow
from wgflow.functionals import Functional
from wgflow.functionals.sharing import check_shared
from wgflow.ranks.communicator import Communicator
from wgflow.ranks.world import world
from wgflow.runs.shared_fields import SharedField, SharedFields
from wgflow.system.launchers import ONE_RANK, refuse_ranks
from wgflow.trajectory import Trajectory, read_trajectory
from wgflow.trajectory.checkpoint import control_at_output, is_at_output
from wgflow.typing import FloatArray


class KeepingRecorder(Recorder, Protocol):
    """A recorder that gives the trajectory in the end."""

    def trajectory(self) -> Trajectory:
        """The trajectory so far."""


def needs_one_rank(stepper: str, *, grow: bool, estimate: bool) -> dict[str, bool]:
    """What of a run by finite volumes only one rank can do, and whether it is wanted."""
    return {
        f"stepper = {stepper!r}": STEPPERS[stepper].implicit,
        "a box that grows": grow,
        "an estimate of errors": estimate,
    }


def share_out(functional: Functional, domain: Domain, refused: Mapping[str, bool], reach: int) -> Domain:
    """The part of a domain that this rank computes by explicit finite volumes.

    Parameters
    ----------
    functional : Functional
        The functional F.
    domain : Domain
        The whole.
    refused : mapping of str to bool
        What only one rank can do, and whether it is wanted.
    reach : int
        Rows of cells beside one that a stage looks at, see `wgflow.upwind.discretisation.reach_of`.

    Raises
    ------
    InputError
        If there are several ranks, and something of the run is for one.
    """
    ranks = world()
    if ranks.size == 1:
        return domain
    check_refused(refused)
    part = shared_by(domain, ranks, reach)
    check_shared(functional, ranks.size)
    return part


def check_refused(refused: Mapping[str, bool]) -> None:
    """Raise InputError, naming the first, where something is wanted for which there are too many ranks."""
    for what, wanted in refused.items():
        if wanted:
            refuse_ranks(what, ONE_RANK)


def shared_recorder(make: Callable[[], KeepingRecorder], domain: Domain | None, path: Path | None) -> KeepingRecorder:
    """A recorder for all ranks, made where it is needed: on rank 0, or without a file on each of them.

    Parameters
    ----------
    make : callable
        Makes the recorder of one process.
    domain, path
        See `SharedRecorder`.

    Raises
    ------
    InputError
        Where ``make`` does, on all ranks.
    """
    ranks = world()
    if ranks.size == 1:
        return make()
    ranks.wait()  # all have looked at what there is before the file changes
    found: KeepingRecorder | None = None
    error: WgflowError | None = None
    try:
        if ranks.rank == 0 or path is None:
            found = make()
    except (ComputationError, InputError) as failure:
        error = failure
    error = ranks.told(error)
    if error is not None:
        raise error
    return SharedRecorder(found, domain, ranks, path)


class SharedRecorder:
    """Hands what the ranks hold together to the recorder of rank 0, and its errors to all of them.

    Parameters
    ----------
    recorder : Recorder or None
        That of rank 0; None on the others.
    domain : Domain
        The part of this rank; of flows of particles, which each rank holds as a whole, where they live.
    ranks : Communicator
        The ranks.
    path : Path or None
        The file; without one each rank keeps all in memory.
    """

    def __init__(
        self, recorder: KeepingRecorder | None, domain: Domain | None, ranks: Communicator, path: Path | None
    ) -> None:
        self._recorder, self._ranks, self._path = recorder, ranks, path
        self._fields = SharedFields(domain)
        self._last_output: Checkpoint = {}

    def append(
        self,
        snapshot: Snapshot,
        spent: Mapping[str, float],
        checkpoint: Checkpoint | None = None,
        *,
        scheduled: bool = True,
    ) -> None:
        """Keep a snapshot of all ranks."""
        if checkpoint is not None and is_at_output(checkpoint):
            checkpoint = control_at_output(checkpoint)
        shown, kept = self._share(snapshot.fields), None if checkpoint is None else self._share(checkpoint)
        self._last_output = kept or self._last_output
        self._on_first(
            lambda recorder: recorder.append(replace(snapshot, fields=shown), spent, kept, scheduled=scheduled)
        )
        self._fields.keep(self._last_output)

    def keep(self, checkpoint: Checkpoint, spent: Mapping[str, float]) -> None:
        """Keep the state of all ranks between two snapshots."""
        kept = self._share(checkpoint)
        self._on_first(lambda recorder: recorder.keep(kept, spent))
        self._fields.keep(self._last_output)

    def note(self, step: StepRow) -> None:
        """Keep the numbers of a step, which all ranks know; the file takes them with the next snapshot."""
        self._on_first(lambda recorder: recorder.note(step), tell=False)

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended, perhaps by an error of this rank alone: no other is asked."""
        self._on_first(lambda recorder: recorder.finish(attributes), tell=False)

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:  # noqa: ARG002
        """Raise ComputationError: no box grows on several ranks."""
        raise ComputationError("a box that grows is not available on several ranks")

    def trajectory(self) -> Trajectory:
        """The trajectory, read from the file where another rank has written it."""
        self._ranks.wait()
        if self._recorder is not None:
            return self._recorder.trajectory()
        if self._path is None:
            raise ComputationError("this rank keeps no trajectory")
        return read_trajectory(self._path)[0]

    def _share(self, values: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Arrays by name as all ranks have them: fields that rank 0 asks for, or without a file whole on each."""
        found = self._fields.share(values)
        if self._path is not None:
            return found
        return {name: field.everywhere() if isinstance(field, SharedField) else field for name, field in found.items()}

    def _on_first(self, task: Callable[[KeepingRecorder], None], *, tell: bool = True) -> None:
        """Do something where the recorder is; its errors are those of all ranks."""
        error: WgflowError | None = None
        try:
            if self._recorder is not None:
                task(self._recorder)
        except (ComputationError, InputError) as found:
            error = found
        if tell and self._path is not None:
            error = self._fields.serve(self._ranks) if self._recorder is None else self._ranks.told(error)
        if error is not None:
            raise error
