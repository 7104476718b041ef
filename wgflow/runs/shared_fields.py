"""Arrays of cells of which each of several ranks holds its rows, as one rank writes or reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wgflow.domains import Domain
from wgflow.domains.slab import Slab, slab_of, whole_of
from wgflow.flows import Checkpoint, Snapshot
from wgflow.ranks.communicator import Communicator
from wgflow.trajectory.row_groups import chunk_shape
from wgflow.typing import IntArray


def rows_in(domain: Domain | None, shape: tuple[int, ...]) -> tuple[int, IntArray] | None:
    """Axis and rows that a slab holds of arrays of the cells of its box; None of other arrays, and where it is none."""
    slab = None if domain is None else slab_of(domain)
    if domain is None or slab is None or shape != whole_of(domain).shape:
        return None
    return domain.sheets - 1, slab.rows


def part_of(domain: Domain | None, values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What a slab holds of arrays by name: of those of the cells of its box, its rows."""
    found = {name: (array, rows_in(domain, np.shape(array))) for name, array in values.items()}
    return {name: array if rows is None else array.take(rows[1], rows[0]) for name, (array, rows) in found.items()}


def part_at(domain: Domain | None, field: NDArray[Any], index: int) -> NDArray[Any]:
    """What a slab holds of a snapshot of a field, shape (T, ...): of a file only those rows are read."""
    wanted = rows_in(domain, np.shape(field)[1:])
    if wanted is None:
        return field[index]
    axis, rows = wanted
    runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
    ahead = (slice(None),) * axis
    places: list[Any] = [(index, *ahead, slice(int(run[0]), int(run[-1]) + 1)) for run in runs]
    return np.concatenate([field[place] for place in places], axis=axis)


class SharedField:
    """An array of cells of which each rank holds its rows.

    Rank 0 gets a group of rows by an index, while all others are in `SharedFields.serve`.

    Parameters
    ----------
    values : array, shape (..., *slab.shape)
        What this rank holds.
    slab : Slab
        Its rows.
    number : int
        The number by which rank 0 asks for it.
    """

    def __init__(self, values: NDArray[Any], slab: Slab, number: int) -> None:
        self._slab, self._axis, self._number = slab, values.ndim - len(slab.shape), number
        self._own = slab.within(values)
        self._first = int(sum(slab.counts[: slab.communicator.rank]))
        self.shape: tuple[int, ...] = (*values.shape[: self._axis], *slab.whole.shape)
        self.dtype = values.dtype

    def __getitem__(self, group: tuple[slice, ...]) -> NDArray[Any]:
        """A group of rows, on rank 0."""
        self._slab.communicator.told((self._number, group))
        return self.handed_over(group)

    def handed_over(self, group: tuple[slice, ...]) -> NDArray[Any]:
        """A group of rows on rank 0, and an empty array elsewhere; all ask for it at once."""
        found = self._collected(group, self._slab.communicator.collected)
        return np.empty(0) if found is None else found

    def everywhere(self) -> NDArray[Any]:
        """The whole array, on all ranks."""
        return np.ascontiguousarray(self._collected(self._all, self._slab.communicator.gathered))

    def on_first(self) -> NDArray[Any]:
        """The whole array on rank 0, and an empty one elsewhere."""
        return np.ascontiguousarray(self.handed_over(self._all))

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


class SharedFields:
    """Numbers fields in the order in which all ranks make them, and hands rank 0 what it asks for.

    Parameters
    ----------
    domain : Domain or None
        The part of this rank; of flows of particles, which each rank holds as a whole, where they live.
    """

    def __init__(self, domain: Domain | None) -> None:
        self._domain, self._slab = domain, None if domain is None else slab_of(domain)
        self._known: dict[int, SharedField] = {}
        self._count = 0

    def share(self, values: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Arrays by name, those of the cells of a slab as fields of all ranks; others, which each has, as they are."""
        return {name: self._shared(array) for name, array in values.items()}

    def keep(self, *kept: Mapping[str, Any]) -> None:
        """Forget all other fields."""
        fields = {id(field) for values in kept for field in values.values()}
        self._known = {number: field for number, field in self._known.items() if id(field) in fields}

    def serve(self, ranks: Communicator) -> Any:
        """Hand rank 0 groups of rows as long as it asks for them; gives what it tells in the end."""
        asked: Any = ranks.told(None)
        while isinstance(asked, tuple):
            number, group = asked
            self._known[number].handed_over(group)
            asked = ranks.told(None)
        return asked

    def _shared(self, values: NDArray[Any]) -> Any:
        if self._domain is None or self._slab is None or values.shape != self._domain.shape:
            return values
        self._count += 1
        self._known[self._count] = SharedField(values, self._slab, self._count)
        return self._known[self._count]


def whole_checkpoint(domain: Domain | None, checkpoint: Checkpoint) -> Checkpoint:
    """A checkpoint with arrays of all cells, on rank 0, of that of this rank."""
    found = SharedFields(domain).share(checkpoint)
    return {name: values.on_first() if isinstance(values, SharedField) else values for name, values in found.items()}


def laid_out(first: Snapshot, domain: Domain | None) -> Snapshot:
    """A snapshot with the shapes of those of all ranks; its fields have values where one chunk of a file holds them."""

    def whole(field: Any) -> Any:
        if not isinstance(field, SharedField):
            return field
        return field.everywhere() if chunk_shape(field.shape) == field.shape else np.broadcast_to(0.0, field.shape)

    fields = SharedFields(domain).share(first.fields)
    return replace(first, fields={name: whole(values) for name, values in fields.items()})
