"""Runs that several ranks compute together: which part each of them has, and one recorder for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wgflow.domains import Domain
from wgflow.domains.slab import Slab, shared_by, slab_of, whole_of
from wgflow.errors import ComputationError, InputError, WgflowError
from wgflow.finite_volume import STEPPERS
from wgflow.flows import Checkpoint, Snapshot
from wgflow.flows.recorder import Recorder
from wgflow.flows.steps import StepRow
from wgflow.functionals import Functional
from wgflow.functionals.sharing import check_shared
from wgflow.ranks.communicator import Communicator
from wgflow.ranks.world import world
from wgflow.system.launchers import ONE_RANK, refuse_ranks
from wgflow.trajectory import Trajectory, read_trajectory
from wgflow.trajectory.checkpoint import control_at_output, is_at_output
from wgflow.trajectory.row_groups import chunk_shape, groups_of
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


def part_of(domain: Domain | None, values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What a slab holds of arrays by name: of those of cells, which are of the whole box, its rows."""
    slab = None if domain is None else slab_of(domain)
    if domain is None or slab is None:
        return dict(values)
    whole = whole_of(domain).shape
    return {name: slab.part(array) if np.shape(array) == whole else array for name, array in values.items()}


def _field_of(domain: Domain | None, values: NDArray[Any]) -> Any:
    """An array of the cells of a slab as one of all ranks; others, which each of them has, as they are."""
    slab = None if domain is None else slab_of(domain)
    return values if domain is None or slab is None or values.shape != domain.shape else SharedField(values, slab)


def whole_checkpoint(domain: Domain | None, checkpoint: Checkpoint) -> Checkpoint:
    """A checkpoint with arrays of all cells, on rank 0, of that of this rank."""
    found = {name: _field_of(domain, values) for name, values in checkpoint.items()}
    return {name: values.on_first() if isinstance(values, SharedField) else values for name, values in found.items()}


class SharedField:
    """An array of cells of which each rank holds its rows: rank 0 gets any part of it when all ask for that.

    Parameters
    ----------
    values : array, shape (..., *slab.shape)
        What this rank holds.
    slab : Slab
        Its rows.
    """

    def __init__(self, values: NDArray[Any], slab: Slab) -> None:
        self._slab, self._axis = slab, values.ndim - len(slab.shape)
        self._own = slab.within(values)
        self._first = int(sum(slab.counts[: slab.communicator.rank]))
        self.shape: tuple[int, ...] = (*values.shape[: self._axis], *slab.whole.shape)
        self._left = list(groups_of(self.shape, chunk_shape(self.shape)))

    def __getitem__(self, group: tuple[slice, ...]) -> NDArray[Any]:
        """A group of rows, on rank 0; each is asked for once, in the order of the file."""
        self._left.remove(group)
        found = self._collected(group, self._slab.communicator.collected)
        return np.empty(0) if found is None else found

    def drain(self) -> None:
        """Take part in handing over what is left."""
        while self._left:
            self[self._left[0]]

    def everywhere(self) -> NDArray[Any]:
        """The whole array, on all ranks."""
        return np.ascontiguousarray(self._collected(self._all, self._slab.communicator.gathered))

    def on_first(self) -> NDArray[Any]:
        """The whole array on rank 0, and an empty one elsewhere."""
        found = self._collected(self._all, self._slab.communicator.collected)
        return np.empty(0) if found is None else np.ascontiguousarray(found)

    @property
    def _all(self) -> tuple[slice, ...]:
        return tuple(slice(0, n) for n in self.shape)

    def _collected(self, group: tuple[slice, ...], collect: Callable[..., Any]) -> Any:
        rows = group[self._axis]
        ends = np.concatenate([[0], np.cumsum(self._slab.counts)])
        counts = np.diff(ends.clip(rows.start, rows.stop)).tolist()
        own = slice(max(rows.start - self._first, 0), max(rows.stop - self._first, 0))
        part = self._own[(*group[: self._axis], own, *group[self._axis + 1 :])]
        found = collect(np.ascontiguousarray(np.moveaxis(part, self._axis, 0)), counts)
        return None if found is None else np.moveaxis(found, 0, self._axis)


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


def laid_out(first: Snapshot, domain: Domain | None) -> Snapshot:
    """A snapshot with the shapes of those of all ranks; its fields have values where one chunk of a file holds them."""
    slab = None if domain is None else slab_of(domain)
    if slab is None:
        return first

    def whole(values: NDArray[Any]) -> NDArray[Any]:
        field = SharedField(values, slab)
        small = chunk_shape(field.shape) == field.shape
        return field.everywhere() if small else np.broadcast_to(0.0, field.shape)

    return replace(first, fields={name: whole(values) for name, values in first.fields.items()})


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
        self._domain = domain

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
        kept = None if checkpoint is None else self._whole(checkpoint)
        fields = {name: self._shared(values) for name, values in snapshot.fields.items()}
        shown = replace(snapshot, fields=fields)
        self._on_first(lambda recorder: recorder.append(shown, spent, kept, scheduled=scheduled), fields)

    def keep(self, checkpoint: Checkpoint, spent: Mapping[str, float]) -> None:
        """Keep the state of all ranks between two snapshots."""
        whole = self._whole(checkpoint)
        self._on_first(lambda recorder: recorder.keep(whole, spent))

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

    def _shared(self, values: NDArray[Any]) -> Any:
        """An array of cells as one of all ranks; other arrays, which each of them has, as they are."""
        field = _field_of(self._domain, values)
        return field.everywhere() if self._path is None and isinstance(field, SharedField) else field

    def _whole(self, checkpoint: Checkpoint) -> Checkpoint:
        """A checkpoint with arrays of all cells, on rank 0, or without a file on all."""
        if self._path is None:
            return {name: self._shared(values) for name, values in checkpoint.items()}
        return whole_checkpoint(self._domain, checkpoint)

    def _on_first(
        self, task: Callable[[KeepingRecorder], None], fields: Mapping[str, Any] | None = None, *, tell: bool = True
    ) -> None:
        """Do something where the recorder is; its errors are those of all ranks."""
        error: WgflowError | None = None
        try:
            if self._recorder is not None:
                task(self._recorder)
        except (ComputationError, InputError) as found:
            error = found
        for field in (fields or {}).values():
            if isinstance(field, SharedField):
                field.drain()
        if tell and self._path is not None:
            error = self._ranks.told(error)
        if error is not None:
            raise error
