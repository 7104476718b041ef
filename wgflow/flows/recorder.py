"""What a run hands its snapshots to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wgflow.domains import Domain
from wgflow.flows.evolution import Checkpoint, Snapshot
from wgflow.flows.steps import StepRow
from wgflow.typing import FloatArray


class Recorder(Protocol):
    """Takes the snapshots of a run."""

    def append(
        self,
        snapshot: Snapshot,
        spent: Mapping[str, float],
        checkpoint: Checkpoint | None = None,
        *,
        scheduled: bool = True,
    ) -> None:
        """Keep a snapshot, what the run has spent, and at an output what it goes on from.

        A snapshot that is not scheduled is the last one of a run that stopped.
        """

    def keep(self, checkpoint: Checkpoint, spent: Mapping[str, float]) -> None:
        """Keep the state between two snapshots in the place of that before, for the run to go on from."""

    def note(self, step: StepRow) -> None:
        """Keep the numbers of a step, see `wgflow.flows.steps.step_row`."""

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended."""

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:
        """After `finish`: go on with a larger domain, empty cells added to all densities; gives the last state."""
