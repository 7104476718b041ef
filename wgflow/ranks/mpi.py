"""Ranks of MPI: the one module that imports mpi4py."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from functools import cache, partial
from math import prod
from typing import Any, TypeVar

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from wgflow.typing import FloatArray

T = TypeVar("T")
FAILED = 1  # the tag of a message that says that its sender ends
PATIENCE = 2.0  # seconds in which ranks that end for the same reason hear of each other
POLL = 0.01


class _Rows:
    """Rows of all ranks, of which this one has its part, and the others once a message has brought them."""

    __slots__ = ("found", "part", "shapes")
    found: FloatArray

    def __init__(self, part: FloatArray, counts: Sequence[int]) -> None:
        self.part, self.shapes = part, (part.shape, *counts)


class _Gathering:
    """A message to all with rows of some shapes, prepared once: what it takes anew costs more than what MPI does.

    Parameters
    ----------
    world : mpi4py.MPI.Comm
        The ranks.
    rows : tuple of (shape, count, count, ...)
        Shapes of the parts of this rank, and how many rows each rank has.
    """

    def __init__(self, world: Any, *rows: tuple[Any, ...]) -> None:
        sizes = np.array([[prod(shape[1:]) * count for count in counts] for shape, *counts in rows])
        longest = int(sizes.sum(axis=0).max())  # all send as much: some of it nothing
        sent, self._received = np.zeros(longest), np.zeros(world.size * longest)
        columns, all_ranks = np.arange(longest), longest * np.arange(world.size)[:, None]
        self._sent, self._places = [], []
        for last, size, (shape, *_) in zip(np.cumsum(sizes, axis=0), sizes, rows, strict=True):
            first = last - size
            self._sent.append(sent[first[world.rank] : last[world.rank]].reshape(shape))
            places = (all_ranks + columns)[(columns >= first[:, None]) & (columns < last[:, None])]
            self._places.append(places.reshape(-1, *shape[1:]))
        self._exchange = partial(world.Allgather, (sent, longest, MPI.DOUBLE), (self._received, longest, MPI.DOUBLE))

    def __call__(self, waiting: Sequence[_Rows]) -> None:
        """Exchange the rows."""
        for k, rows in enumerate(waiting):
            self._sent[k][...] = rows.part
        self._exchange()
        for k, rows in enumerate(waiting):
            rows.found = self._received[self._places[k]]


class _Shift:
    """Messages to the ranks below and above and from there, prepared once.

    Parameters
    ----------
    world : mpi4py.MPI.Comm
        The ranks.
    shape, kind : tuple of int, numpy.dtype
        Of the array that each gets.
    around : bool
        Whether the first and the last rank are neighbours.
    """

    def __init__(self, world: Any, shape: tuple[int, ...], kind: np.dtype[Any], around: bool) -> None:
        self.sent, received = np.empty((2, *shape), kind), np.empty((2, *shape), kind)
        self.received: list[NDArray[Any] | None] = [None, None]
        self._requests = []
        for side, other in enumerate((world.rank - 1, world.rank + 1)):
            if around or 0 <= other < world.size:
                other %= world.size
                self.received[side] = received[side]
                self._requests.append(world.Recv_init(received[side], other, 1 - side))
                self._requests.append(world.Send_init(self.sent[side], other, side))

    def begin(self) -> None:
        """Send what is to be sent."""
        MPI.Prequest.Startall(self._requests)

    def end(self) -> list[NDArray[Any] | None]:
        """What has come from below and from above; None where nobody is."""
        MPI.Request.Waitall(self._requests)
        return self.received


class MpiCommunicator:
    """Ranks of an MPI communicator.

    Parameters
    ----------
    world : mpi4py.MPI.Comm, optional
        The communicator; by default that of all processes that one launcher started.
    """

    def __init__(self, world: Any = None) -> None:
        given = MPI.COMM_WORLD if world is None else world
        self._world = given.Dup()
        self._failures = given.Dup()  # apart: there others may still wait for numbers
        self.rank, self.size = self._world.rank, self._world.size
        self._waiting: list[_Rows] = []
        self._gathering = cache(partial(_Gathering, self._world))
        self._idle_shifts: dict[tuple[Any, ...], list[_Shift]] = {}
        self._shifts: list[_Shift] = []  # also those given up by a run that failed, whose messages may still come

    def gathered(self, part: NDArray[Any], counts: Sequence[int]) -> NDArray[Any]:
        """Rows of all ranks in their order, known to all."""
        found = np.empty((sum(counts), *part.shape[1:]), part.dtype)
        sizes = _sizes(part, counts)
        self._world.Allgatherv(np.ascontiguousarray(part), [found, sizes])
        return found

    def gathering(self, part: FloatArray, counts: Sequence[int]) -> Callable[[], FloatArray]:
        """Rows of numbers of all ranks in their order, which travel with the next ones that one cannot do without."""
        rows = _Rows(part, counts)
        self._waiting.append(rows)
        return partial(self._brought, rows)

    def _brought(self, rows: _Rows) -> FloatArray:
        if rows in self._waiting:
            waiting, self._waiting = self._waiting, []
            self._gathering(*[each.shapes for each in waiting])(waiting)
        return rows.found

    def collected(self, part: NDArray[Any], counts: Sequence[int]) -> NDArray[Any] | None:
        """The same, known to rank 0 alone; None elsewhere."""
        found = np.empty((sum(counts), *part.shape[1:]), part.dtype) if self.rank == 0 else None
        sizes = _sizes(part, counts)
        self._world.Gatherv(np.ascontiguousarray(part), None if found is None else [found, sizes])
        return found

    def largest(self, values: FloatArray) -> FloatArray:
        """Largest one of each of some numbers (n,); NaN where any rank has NaN, which MPI does not promise itself."""
        return np.asarray(self.gathering(values[np.newaxis], [1] * self.size)().max(axis=0))

    def shifting(
        self, to_lower: NDArray[Any], to_upper: NDArray[Any], *, around: bool
    ) -> Callable[[], Sequence[NDArray[Any] | None]]:
        """Begin to exchange arrays with the ranks below and above."""
        key = to_lower.shape, to_lower.dtype, around
        idle = self._idle_shifts.setdefault(key, [])
        shift = idle.pop() if idle else self._new_shift(*key)
        shift.sent[0], shift.sent[1] = to_lower, to_upper
        shift.begin()

        def end() -> Sequence[NDArray[Any] | None]:
            idle.append(shift)
            return shift.end()

        return end

    def _new_shift(self, *key: Any) -> _Shift:
        self._shifts.append(_Shift(self._world, *key))
        return self._shifts[-1]

    def dealt(self, parts: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]]) -> list[NDArray[Any]]:
        """Give each rank its part, and get one of the given shape from each."""
        sent = np.concatenate([part.ravel() for part in parts])
        sizes = [prod(shape) for shape in shapes]
        found = np.empty(sum(sizes), sent.dtype)
        self._world.Alltoallv([sent, [part.size for part in parts]], [found, sizes])
        pieces = np.split(found, np.cumsum(sizes)[:-1])
        return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def told(self, value: T) -> T:
        """What rank 0 has."""
        found: T = self._world.bcast(value)
        return found

    def telling(self, *numbers: float) -> Callable[[], Sequence[float]]:
        """The numbers that rank 0 has: each sends its own, and those of the others are not looked at."""
        rows = self.gathering(np.array([numbers]), [1] * self.size)
        return lambda: rows()[0].tolist()

    def wait(self) -> None:
        """Go on when all are here."""
        self._world.Barrier()

    def share_failure(self) -> tuple[bool, bool]:
        """Tell the others that this rank ends with an error, and hear who else does.

        Returns
        -------
        bool
            Whether this rank is the one that prints.
        bool
            Whether all end: else those that do not must be ended, see `end_all`.
        """
        others = [rank for rank in range(self.size) if rank != self.rank]
        sent = [self._failures.isend(None, rank, FAILED) for rank in others]
        failed, deadline = {self.rank}, clock.monotonic() + PATIENCE
        while len(failed) < self.size and clock.monotonic() < deadline:
            status = MPI.Status()
            if self._failures.iprobe(MPI.ANY_SOURCE, FAILED, status):
                self._failures.recv(None, status.source, FAILED)
                failed.add(status.source)
            else:
                clock.sleep(POLL)
        everyone = len(failed) == self.size
        if everyone:
            MPI.Request.waitall(sent)
        return self.rank == min(failed), everyone

    def end_all(self, code: int) -> None:
        """End all ranks at once."""
        self._world.Abort(code)


def _sizes(part: NDArray[Any], counts: Sequence[int]) -> list[int]:
    """Numbers of entries of each rank."""
    row = prod(part.shape[1:])
    return [count * row for count in counts]
