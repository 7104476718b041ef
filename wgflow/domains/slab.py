"""The rows of a box that one of several ranks computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from wgflow.domains.base import Domain
from wgflow.domains.box import Box
from wgflow.domains.geometry import Flat
from wgflow.domains.partition import RowPartition, block_bounds
from wgflow.domains.signed import Signed
from wgflow.errors import InputError
from wgflow.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from wgflow.ranks.communicator import Communicator

GHOSTS = 2  # rows of the neighbours that stages of first and second order look at

Number = TypeVar("Number", bound=np.generic)


def most_ranks(shape: tuple[int, ...], ghosts: int = GHOSTS) -> int:
    """Largest number of ranks that may share the cells of a box.

    Each has whole blocks, and at least as many rows as its neighbours look at.
    """
    blocks = len(block_bounds(shape)) - 1
    return blocks // -(-ghosts // (shape[0] // blocks))


class SlabPartition(RowPartition):
    """The blocks of a slab, which combines what those of all slabs give, in their order in the box.

    Parameters
    ----------
    whole, shape : tuple of int
        Shapes of the box and of the arrays of the slab.
    bounds : array, shape (blocks + 1,)
        First row of each block in the arrays, and the end of the last one.
    counts : sequence of int
        Number of blocks of each rank.
    communicator : Communicator
        The ranks.
    """

    def __init__(
        self,
        whole: tuple[int, ...],
        shape: tuple[int, ...],
        bounds: IntArray,
        counts: list[int],
        communicator: Communicator,
    ) -> None:
        super().__init__(shape, bounds)
        self.whole = whole
        self._counts, self._communicator = counts, communicator

    def sums(self, partial: FloatArray) -> FloatArray:
        """Sums of what all blocks of the box give, in their order."""
        return self.summing(partial)()

    def largest(self, partial: FloatArray) -> FloatArray:
        """Largest of what all blocks of the box give."""
        return self.bounding(partial)()

    def summing(self, partial: FloatArray) -> Callable[[], FloatArray]:
        """Begin to gather what all blocks of the box give."""
        gathered, add = self._communicator.gathering(partial, self._counts), super().sums
        return lambda: add(gathered())

    def bounding(self, partial: FloatArray) -> Callable[[], FloatArray]:
        """Begin to gather what all ranks give."""
        here, ranks = super().largest(partial), self._communicator
        gathered, largest = ranks.gathering(here[np.newaxis], [1] * ranks.size), super().largest
        return lambda: largest(gathered())


class Slab(Box):
    """Some rows of a box along its first axis: those of a rank, between ghost rows that it shares with its neighbours.

    Arrays of cells hold the ghost rows too, so that whatever is computed cell by cell needs no message; sums over cells
    are those of the whole box. Beyond a true wall there are none.

    Parameters
    ----------
    whole : Box
        The box, of two or three dimensions.
    communicator : Communicator
        The ranks; this one has its share of the blocks of rows.
    ghosts : int
        Rows of each neighbour that its arrays hold too.

    Attributes
    ----------
    own : slice
        Rows of its own in its arrays.
    rows : array of int, shape (shape[0],)
        Rows of the box that its arrays hold.
    counts : list of int
        Number of rows of their own of all ranks.

    Raises
    ------
    InputError
        If there are more ranks than rows for them, or the box has one axis.
    """

    def __init__(self, whole: Box, communicator: Communicator, ghosts: int = GHOSTS) -> None:
        check_ranks(whole, communicator.size, ghosts)
        starts, rank, size = block_bounds(whole.shape), communicator.rank, communicator.size
        shares = [(len(starts) - 1) * k // size for k in range(size + 1)]
        first, last = int(starts[shares[rank]]), int(starts[shares[rank + 1]])
        around = whole.periodic[0]
        below, above = ghosts * (around or rank > 0), ghosts * (around or rank < size - 1)
        known: dict[str, Any] = {
            "_whole": whole,
            "communicator": communicator,
            "ghosts": ghosts,
            "own": slice(below, below + last - first),
            "rows": np.arange(first - below, last + above) % whole.shape[0],
            "counts": [int(starts[b] - starts[a]) for a, b in pairwise(shares)],
            "bounds": whole.bounds,
            "shape": (below + last - first + above, *whole.shape[1:]),
            "periodic": (False, *whole.periodic[1:]),
            "_starts": starts[shares[rank] : shares[rank + 1] + 1] - first + below,
            "_blocks": [b - a for a, b in pairwise(shares)],
            "_begun": [],
        }
        for name, value in known.items():
            object.__setattr__(self, name, value)

    _whole: Box
    communicator: Communicator
    ghosts: int
    own: slice
    rows: IntArray
    counts: list[int]
    _starts: IntArray
    _blocks: list[int]
    _begun: list[Callable[[], None]]

    @property
    def whole(self) -> Box:
        """The box."""
        return self._whole

    @property
    def partition(self) -> SlabPartition:
        """The blocks of its own rows."""
        return SlabPartition(self.whole.shape, self.shape, self._starts, self._blocks, self.communicator)

    @cached_property
    def geometry(self) -> Flat:
        """That of the box."""
        return self.whole.geometry

    @property
    def walls(self) -> tuple[tuple[int, int], ...]:
        """Those of the box."""
        return self.whole.walls

    def outermost_rows(self, end: int) -> IntArray:
        """Those of the box, where the slab has them."""
        return np.flatnonzero(self.rows == self.whole.outermost_rows(end)[0])

    @property
    def spacing(self) -> tuple[float, ...]:
        """That of the box."""
        return self.whole.spacing

    @property
    def axes(self) -> tuple[FloatArray, ...]:
        """Cell centres along each axis; those of ghost rows beyond a periodic end are the centres at the other end."""
        first, *others = self.whole.axes
        return (first[self.rows], *others)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Those of the box, and the rows."""
        return {**self.whole.parameters, "rows": self.rows.tolist()}

    def within(self, values: NDArray[Number]) -> NDArray[Number]:
        """Own rows of an array of cells, shape (..., *shape): a view."""
        axis = values.ndim - len(self.shape)
        return np.moveaxis(np.moveaxis(values, axis, 0)[self.own], 0, axis)

    def part(self, values: NDArray[Number]) -> NDArray[Number]:
        """What the slab holds of an array of the cells of the box, shape (..., *whole.shape)."""
        return np.ascontiguousarray(np.take(values, self.rows, axis=values.ndim - len(self.shape)))

    def refresh(self, values: NDArray[Any]) -> None:
        """Begin to fill the ghost rows of an array of cells, shape (..., *shape), with what the neighbours have there.

        They are filled by `settle`; until then sums may be gathered, and other rows be read.
        """
        self.settle()
        below, lower, upper, above = self._edges
        finish = self.communicator.shifting(values[lower], values[upper], around=self.whole.periodic[0])

        def fill() -> None:
            from_below, from_above = finish()
            if from_below is not None:
                values[below] = from_below
            if from_above is not None:
                values[above] = from_above

        self._begun.append(fill)

    @cached_property
    def _edges(self) -> tuple[Any, ...]:
        """Places in arrays (..., *shape) of ghost rows below, of own rows that others look at, and of those above."""
        first, end, ghosts = self.own.start, self.own.stop, self.ghosts
        rows = (slice(first), slice(first, first + ghosts), slice(end - ghosts, end), slice(end, None))
        return tuple((..., row, *(slice(None),) * (len(self.shape) - 1)) for row in rows)

    def settle(self) -> None:
        """Fill the ghost rows that are still on their way."""
        while self._begun:
            self._begun.pop()()


def check_ranks(box: Box, size: int, ghosts: int) -> None:
    """Raise InputError unless a number of ranks, whose arrays hold some rows of each neighbour, may share a box."""
    if len(box.shape) == 1:
        raise InputError(
            f"a box of one dimension is not shared by {size} ranks: run it without mpiexec, where its kernels take all "
            "cores as threads"
        )
    most = most_ranks(box.shape, ghosts)
    if size > most:
        raise InputError(
            f"{box.shape[0]} rows of cells along the first axis are shared by at most {most} ranks; found {size}: "
            f"start {most}, or let the longest axis be the first"
        )


def slab_of(domain: Domain) -> Slab | None:
    """The slab that a domain is, signed or not; None where it is a whole."""
    base = domain.base
    return base if isinstance(base, Slab) else None


def refuse_slab(domain: Domain, what: str) -> None:
    """Raise InputError where a domain is a part of one: ``what`` needs it as a whole."""
    slab = slab_of(domain)
    if slab is not None:
        raise InputError(
            f"{what} is not available on {slab.communicator.size} ranks: run without mpiexec, where its sums take all "
            "cores as threads"
        )


def whole_of(domain: Domain) -> Domain:
    """The domain of which one is a slab, signed or not; the domain itself where it is a whole."""
    slab = slab_of(domain)
    if slab is None:
        return domain
    return slab.whole if domain.sheets == 1 else Signed(slab.whole)


def shared_by(domain: Domain, communicator: Communicator, ghosts: int = GHOSTS) -> Domain:
    """The part of a domain that this rank computes: a slab of a box, signed or not; all of it on one rank.

    Parameters
    ----------
    domain : Domain
        The whole.
    communicator : Communicator
        The ranks.
    ghosts : int
        Rows of each neighbour that a slab holds too.

    Raises
    ------
    InputError
        If the domain is no box of two or three dimensions, or there are too many ranks for it.
    """
    if communicator.size == 1:
        return domain
    if type(domain.base) is not Box:
        raise InputError(
            f"the domain {domain.kind!r} is not shared by {communicator.size} ranks, as boxes of two and three "
            "dimensions are: run it without mpiexec, where its kernels take all cores as threads"
        )
    slab = Slab(domain.base, communicator, ghosts)
    return slab if domain.sheets == 1 else Signed(slab)
