"""The plainest of recorders: memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.flows import Checkpoint, Snapshot
from wgflow.flows.endings import ACCUMULATED
from wgflow.flows.labels import FLOW_LABELS, Labels
from wgflow.flows.steps import StepRow, StepTable
from wgflow.trajectory.checkpoint import (
    as_last_output,
    control_at_output,
    control_of_last_output,
    counted,
    is_at_output,
)
from wgflow.trajectory.schema import INTERRUPTED_AT, SCALARS
from wgflow.trajectory.trajectory import Trajectory
from wgflow.typing import FloatArray


class MemoryRecorder:
    """Keeps snapshots in memory.

    Parameters
    ----------
    domain : Domain, optional
        Where the measure lives.
    sign : array, shape (m,), optional
        Sign of each particle.
    attributes : mapping, optional
        Attributes of the trajectory, beside those that say how the run ended.
    labels : Labels
        What the outputs are.
    """

    def __init__(
        self,
        domain: Domain | None = None,
        sign: FloatArray | None = None,
        attributes: Mapping[str, Any] | None = None,
        labels: Labels = FLOW_LABELS,
    ) -> None:
        self.snapshots: list[Snapshot] = []
        self.steps = StepTable()
        self.attributes: dict[str, Any] = dict(attributes or {})
        self._domain, self._sign, self._labels = domain, sign, labels
        self._checkpoint: Checkpoint | None = None

    def append(
        self,
        snapshot: Snapshot,
        spent: Mapping[str, float],
        checkpoint: Checkpoint | None = None,
        *,
        scheduled: bool = True,
    ) -> None:
        """Keep a snapshot, and at an output what the run goes on from."""
        if not scheduled:
            self.attributes[INTERRUPTED_AT] = len(self.snapshots)
        self.snapshots.append(snapshot)
        if checkpoint is not None:
            self._checkpoint = control_at_output(counted(checkpoint, spent))

    def keep(self, checkpoint: Checkpoint, spent: Mapping[str, float]) -> None:
        """Keep the state between two outputs, with the step control of the last one."""
        last = {} if self._checkpoint is None else control_of_last_output(self._checkpoint)
        now = counted(checkpoint, spent)
        self._checkpoint = control_at_output(now) if is_at_output(now) else {**now, **as_last_output(last)}

    def note(self, step: StepRow) -> None:
        """Keep the numbers of a step."""
        self.steps.append(step)

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended."""
        earlier = {name: self.attributes[name] for name in ACCUMULATED if name in self.attributes}
        self.attributes.update(attributes)
        self.attributes.update({name: value + attributes[name] for name, value in earlier.items()})

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:
        """Add empty cells to all densities; gives the last time and density."""
        self.snapshots = [
            replace(snapshot, fields={"density": np.pad(snapshot.fields["density"], list(padding))})
            for snapshot in self.snapshots
        ]
        self._domain = domain
        self.steps.drop_after(self.snapshots[-1].time)
        return self.snapshots[-1].time, self.snapshots[-1].fields["density"]

    def trajectory(self) -> Trajectory:
        """The trajectory so far."""
        return Trajectory(
            np.array([snapshot.time for snapshot in self.snapshots]),
            {name: np.array([getattr(snapshot, name) for snapshot in self.snapshots]) for name in SCALARS},
            {name: np.stack([s.fields[name] for s in self.snapshots]) for name in self.snapshots[0].fields},
            self._domain,
            self._sign,
            attributes=self.attributes,
            steps=self.steps.columns(),
            labels=self._labels,
            checkpoint=self._checkpoint,
        )
