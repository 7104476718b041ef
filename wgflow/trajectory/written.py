"""What a recorder has written to its file, so that the trajectory of a run is handed on without reading it again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.flows import Snapshot
from wgflow.flows.labels import Labels
from wgflow.flows.steps import STEP_COLUMNS
from wgflow.trajectory.lazy_field import StoredField
from wgflow.trajectory.schema import FIELDS, INTERNAL, SCALARS
from wgflow.trajectory.structure import plain_attribute
from wgflow.trajectory.trajectory import Trajectory
from wgflow.typing import FloatArray

ROW = ("time", *SCALARS)


class Written:
    """The scalars, steps and attributes in a file, and what its fields look like; fields themselves stay there.

    Parameters
    ----------
    attributes : mapping
        Global attributes of the file.
    shapes : mapping of str to tuple of int
        Shape of one snapshot of each field.
    domain : Domain or None
        Where the measure lives.
    sign : array, shape (m,), or None
        Sign of each particle.
    labels : Labels
        What the outputs are.
    """

    def __init__(
        self,
        attributes: Mapping[str, Any],
        shapes: Mapping[str, tuple[int, ...]],
        domain: Domain | None,
        sign: FloatArray | None,
        labels: Labels,
    ) -> None:
        self.attributes = {name: plain_attribute(name, value) for name, value in attributes.items()}
        self.shapes, self.domain, self.sign, self.labels = dict(shapes), domain, sign, labels
        self._rows: list[tuple[float, ...]] = []
        self._steps: list[Mapping[str, FloatArray]] = []

    @classmethod
    def of(cls, earlier: Trajectory, count: int, time: float) -> Written:
        """What is left of a run that is continued at some time: its first snapshots, and the steps up to there."""
        shapes = {name: tuple(values.shape[1:]) for name, values in earlier.fields.items()}
        written = cls(earlier.attributes, shapes, earlier.domain, earlier.sign, earlier.labels)
        columns = [earlier.time, *(earlier.scalars[name] for name in SCALARS)]
        written._rows = list(zip(*(column[:count].tolist() for column in columns), strict=True))
        written._steps = [earlier.steps]
        written._drop_steps_after(time)
        return written

    @property
    def steps(self) -> int:
        """Number of steps."""
        return sum(len(columns["time"]) for columns in self._steps)

    def note(self, changed: Mapping[str, str | float]) -> None:
        """Take other values of attributes; numbers keep their types."""
        for name, value in changed.items():
            kind = type(self.attributes.get(name, value))
            self.attributes[name] = value if isinstance(value, str) else kind(value)

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """Take the scalars of a snapshot."""
        self._rows.append(tuple(float(getattr(snapshot, name)) for name in ROW))

    def add_steps(self, columns: Mapping[str, FloatArray]) -> None:
        """Take the columns of some steps."""
        self._steps.append(columns)

    def enlarge(self, domain: Domain, attributes: Mapping[str, Any]) -> None:
        """Take a larger domain and other attributes; steps behind the last snapshot are given up."""
        self.domain, self.shapes = domain, {"density": domain.shape}
        self.attributes = {name: plain_attribute(name, value) for name, value in attributes.items()}
        self._drop_steps_after(self._rows[-1][0])

    def _drop_steps_after(self, time: float) -> None:
        kept = [(columns, bisect_right(columns["time"], time)) for columns in self._steps]
        self._steps = [{name: values[:end] for name, values in columns.items()} for columns, end in kept if end > 0]

    def trajectory(self, path: Path) -> Trajectory:
        """The trajectory in the file, as `wgflow.trajectory.read_trajectory` reads it."""
        count, table = len(self._rows), dict(zip(ROW, np.array(self._rows).T.copy(), strict=True))
        rows = range(count)
        fields = {
            name: StoredField(path, f"/{name}", self.shapes[name], rows) for name in FIELDS if name in self.shapes
        }
        return Trajectory(
            table["time"],
            {name: table[name] for name in SCALARS},
            fields,  # type: ignore[arg-type]  # they behave like the arrays that they hold
            self.domain,
            self.sign,
            attributes={name: value for name, value in self.attributes.items() if name not in INTERNAL},
            steps=self._joined_steps(),
            labels=self.labels,
        )

    def _joined_steps(self) -> dict[str, FloatArray]:
        if not self._steps:
            return {name: np.empty(0) for name in STEP_COLUMNS}
        return {name: np.concatenate([columns[name] for columns in self._steps]) for name in STEP_COLUMNS}
