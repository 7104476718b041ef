"""What ranks tell each other, and the communicator of a process that is alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from wgflow.typing import FloatArray

T = TypeVar("T")


class Communicator(Protocol):
    """Several ranks, each of which calls the same methods in the same order.

    Nothing here adds numbers: sums are gathered as parts and added in a fixed order by all, so that results do not
    depend on the number of ranks.
    """

    @property
    def rank(self) -> int:
        """Number of this rank, from 0 on."""

    @property
    def size(self) -> int:
        """Number of ranks."""

    def gathered(self, part: NDArray[Any], counts: Sequence[int]) -> NDArray[Any]:
        """Rows of all ranks in their order, known to all.

        Parameters
        ----------
        part : array, shape (counts[rank], ...)
            The rows of this rank.
        counts : sequence of int
            Number of rows of each rank.
        """

    def gathering(self, part: FloatArray, counts: Sequence[int]) -> Callable[[], FloatArray]:
        """Rows of numbers of all ranks in their order, which need not be known at once.

        They wait for the next message to all, and travel with it; what is given back sends them where none has gone
        yet. Until then the array must be left alone.

        Parameters
        ----------
        part, counts
            See `gathered`.
        """

    def collected(self, part: NDArray[Any], counts: Sequence[int]) -> NDArray[Any] | None:
        """The same, known to rank 0 alone; None elsewhere."""

    def largest(self, values: FloatArray) -> FloatArray:
        """Largest one of each of some numbers (n,); NaN where any rank has NaN."""

    def shifting(
        self, to_lower: NDArray[Any], to_upper: NDArray[Any], *, around: bool
    ) -> Callable[[], Sequence[NDArray[Any] | None]]:
        """Begin to send arrays of one shape to the ranks below and above; what is given back gives what these sent.

        Until then other messages may go on. The first and the last rank are neighbours where it goes around; else
        nothing comes from beyond them, None. What comes is to be copied before the next exchange begins.
        """

    def dealt(self, parts: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]]) -> list[NDArray[Any]]:
        """Give each rank its part, and get one of the given shape from each."""

    def told(self, value: T) -> T:
        """What rank 0 has, whatever the others have."""

    def telling(self, *numbers: float) -> Callable[[], Sequence[float]]:
        """The numbers that rank 0 has, whatever the others have; they travel as in `gathering`."""

    def wait(self) -> None:
        """Go on when all are here."""


class Alone:
    """The communicator of a process that is alone: it has everything, and tells nobody."""

    rank, size = 0, 1

    def gathered(self, part: NDArray[Any], counts: Sequence[int]) -> NDArray[Any]:  # noqa: ARG002
        """The rows themselves."""
        return part

    def gathering(self, part: FloatArray, counts: Sequence[int]) -> Callable[[], FloatArray]:  # noqa: ARG002
        """The rows themselves."""
        return lambda: part

    def collected(self, part: NDArray[Any], counts: Sequence[int]) -> NDArray[Any]:  # noqa: ARG002
        """The rows themselves."""
        return part

    def largest(self, values: FloatArray) -> FloatArray:
        """The numbers themselves."""
        return values

    def shifting(
        self, to_lower: NDArray[Any], to_upper: NDArray[Any], *, around: bool
    ) -> Callable[[], Sequence[NDArray[Any] | None]]:
        """Swap both where it goes around: above is what is below."""
        found = (to_upper.copy(), to_lower.copy()) if around else (None, None)
        return lambda: found

    def dealt(self, parts: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]]) -> list[NDArray[Any]]:  # noqa: ARG002
        """The only part."""
        return list(parts)

    def told(self, value: T) -> T:
        """The value itself."""
        return value

    def telling(self, *numbers: float) -> Callable[[], Sequence[float]]:
        """The numbers themselves."""
        return lambda: numbers

    def wait(self) -> None:
        """Nobody else is there."""


ALONE = Alone()
