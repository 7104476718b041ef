"""What a recorder asks of a trajectory file that it appends to, whichever way the bytes get there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from wgflow.flows import Checkpoint


class AppendableVariable(Protocol):
    """A variable with an unlimited first axis."""

    @property
    def rows(self) -> int:
        """Number of rows, with those that were appended but not announced."""


class CheckpointPlace(Protocol):
    """The place of what a run goes on from; readers see another one when the file announces."""

    def put(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint."""

    def clear(self) -> None:
        """Leave none."""


class AppendableFile(Protocol):
    """A trajectory file that is open for appending."""

    @property
    def lost(self) -> str:
        """Why the file is not whole at every instant; empty where it is."""

    @property
    def variables(self) -> Mapping[str, AppendableVariable]:
        """Variables that grow, by their names in the file."""

    @property
    def checkpoint(self) -> CheckpointPlace | None:
        """Place of the checkpoint; files of the first schema have none."""

    @property
    def descriptor(self) -> int:
        """Descriptor of the file, which holds its lock where there are locks."""

    @property
    def durable(self) -> bool:
        """Whether `settle` waits for the disk."""

    def append(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Append rows to some variables."""

    def announce(self, names: Iterable[str]) -> None:
        """Let readers see all rows of some variables, all attributes and the checkpoint."""

    def truncate(self, names: Iterable[str], rows: int) -> None:
        """Take back the rows of some variables behind the first few."""

    def number(self, name: str) -> float:
        """Value of an attribute that is a number."""

    def set_attributes(self, values: Mapping[str, str | float]) -> None:
        """Change attributes with the next announcement; raises InputError where one cannot change."""

    def settle(self) -> None:
        """Wait until all that was announced is on the disk, if the file is durable."""

    def close(self) -> None:
        """Close the file and give back its lock."""
