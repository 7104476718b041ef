"""Ranks of MPI: the one module that imports mpi4py."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from math import prod
from typing import Any, TypeVar

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from wgflow.typing import FloatArray, IntArray

T = TypeVar("T")
FAILED = 1  # the tag of a message that says that its sender ends
PATIENCE = 2.0  # seconds in which ranks that end for the same reason hear of each other
POLL = 0.01


@dataclass(eq=False)
class _Rows:
    """Rows of all ranks, of which this one has its part, and the others once a message has brought them."""

    part: FloatArray
    counts: Sequence[int]
    found: FloatArray = field(default_factory=lambda: np.empty(0))


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
            self._bring(waiting)
        return rows.found

    def _bring(self, waiting: Sequence[_Rows]) -> None:
        """Exchange some rows by one message."""
        if len(waiting) == 1:
            waiting[0].found = self.gathered(waiting[0].part, waiting[0].counts)
            return
        by_rank, places = _layout(tuple((prod(rows.part.shape[1:]), tuple(rows.counts)) for rows in waiting))
        numbers = np.empty(sum(by_rank))
        self._world.Allgatherv(np.concatenate([rows.part.ravel() for rows in waiting]), [numbers, by_rank])
        for rows, place in zip(waiting, places, strict=True):
            rows.found = numbers[place].reshape(-1, *rows.part.shape[1:])

    def collected(self, part: NDArray[Any], counts: Sequence[int]) -> NDArray[Any] | None:
        """The same, known to rank 0 alone; None elsewhere."""
        found = np.empty((sum(counts), *part.shape[1:]), part.dtype) if self.rank == 0 else None
        sizes = _sizes(part, counts)
        self._world.Gatherv(np.ascontiguousarray(part), None if found is None else [found, sizes])
        return found

    def largest(self, values: FloatArray) -> FloatArray:
        """Largest one of each of some numbers (n,); NaN where any rank has NaN, which MPI does not promise itself."""
        return np.asarray(self.gathering(values[np.newaxis], [1] * self.size)().max(axis=0))

    def shifting(self, to_lower: FloatArray, to_upper: FloatArray, *, around: bool) -> Callable[[], Any]:
        """Begin to exchange arrays with the ranks below and above."""
        lower, upper = self.rank - 1, self.rank + 1
        if around:
            lower, upper = lower % self.size, upper % self.size
        lower = MPI.PROC_NULL if lower < 0 else lower
        upper = MPI.PROC_NULL if upper >= self.size else upper
        down, up, world = to_lower.copy(), to_upper.copy(), self._world
        requests = [world.Irecv(to_upper, upper, 0), world.Irecv(to_lower, lower, 1)]
        requests += [world.Isend(down, lower, 0), world.Isend(up, upper, 1)]
        return partial(MPI.Request.Waitall, requests)

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


@cache
def _layout(rows: tuple[tuple[int, tuple[int, ...]], ...]) -> tuple[list[int], list[IntArray]]:
    """How many numbers each rank sends, and where the numbers of each rows are in what comes, rank after rank.

    ``rows`` has pairs of the width and the count of each rank.
    """
    sizes = np.array([[width * count for count in counts] for width, counts in rows])
    owners = np.repeat(np.tile(np.arange(len(rows)), sizes.shape[1]), sizes.T.ravel())
    return sizes.sum(axis=0).tolist(), [np.flatnonzero(owners == owner) for owner in range(len(rows))]


def _sizes(part: NDArray[Any], counts: Sequence[int]) -> list[int]:
    """Numbers of entries of each rank."""
    row = prod(part.shape[1:])
    return [count * row for count in counts]
