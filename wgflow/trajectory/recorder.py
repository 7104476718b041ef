"""What a run hands its snapshots to, and the plainest that takes them: memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from wgflow.domains import Domain
from wgflow.schemes import Checkpoint, Snapshot
from wgflow.trajectory.schema import ACCUMULATED
from wgflow.trajectory.steps import StepRow, StepTable
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
        """Keep the numbers of a step, see `wgflow.trajectory.steps.step_row`."""

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended."""

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:
        """After `finish`: go on with a larger domain, empty cells added to all densities; gives the last state."""


class MemoryRecorder:
    """Keeps snapshots in memory."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []
        self.steps = StepTable()
        self.attributes: dict[str, Any] = {}

    def append(
        self,
        snapshot: Snapshot,
        spent: Mapping[str, float],  # noqa: ARG002
        checkpoint: Checkpoint | None = None,  # noqa: ARG002
        *,
        scheduled: bool = True,  # noqa: ARG002
    ) -> None:
        """Keep a snapshot."""
        self.snapshots.append(snapshot)

    def keep(self, checkpoint: Checkpoint, spent: Mapping[str, float]) -> None:
        """Keep nothing: a run in memory is not continued."""

    def note(self, step: StepRow) -> None:
        """Keep the numbers of a step."""
        self.steps.append(step)

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended."""
        earlier = {name: self.attributes[name] for name in ACCUMULATED if name in self.attributes}
        self.attributes.update(attributes)
        self.attributes.update({name: value + attributes[name] for name, value in earlier.items()})

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:  # noqa: ARG002
        """Add empty cells to all densities; gives the last time and density."""
        self.snapshots = [
            replace(snapshot, fields={"density": np.pad(snapshot.fields["density"], list(padding))})
            for snapshot in self.snapshots
        ]
        self.steps.drop_after(self.snapshots[-1].time)
        return self.snapshots[-1].time, self.snapshots[-1].fields["density"]
