"""Writing a trajectory to a netCDF-4 file that is whole at every instant."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import ComputationError, InputError
from wgflow.flows import Checkpoint, Snapshot
from wgflow.flows.endings import ACCUMULATED, COUNTS, FAILED, RUNNING
from wgflow.flows.labels import FLOW_LABELS, Labels
from wgflow.flows.steps import BUFFERED, STEP_COLUMNS, StepRow, StepTable
from wgflow.system.drafts import create_draft, removed_after_errors, target_of
from wgflow.system.paths import reason_of
from wgflow.trajectory.checkpoint import (
    SPENT,
    as_last_output,
    at_last_output,
    control_at_output,
    is_at_output,
    read_checkpoint,
)
from wgflow.trajectory.definition import define, file_attributes
from wgflow.trajectory.dimensions import stored_data
from wgflow.trajectory.hdf5.hdf5_bytes import sync_folder
from wgflow.trajectory.hdf5.integrity import check_seal
from wgflow.trajectory.hdf5.interface import AppendableFile
from wgflow.trajectory.hdf5.opening import open_to_append, tell_what_is_lost
from wgflow.trajectory.locking import open_to_read
from wgflow.trajectory.output import check_output, publish, rescue
from wgflow.trajectory.provenance import history_line
from wgflow.trajectory.schema import CHECKSUM, INTERRUPTED_AT, SCALARS, STEP, STEPS, row_checksums
from wgflow.trajectory.trajectory import Trajectory
from wgflow.trajectory.written import Written
from wgflow.typing import FloatArray

STEP_NAMES = tuple(f"{STEPS}/{name}" for name in (*STEP_COLUMNS, CHECKSUM))


class FileRecorder:
    """Appends snapshots to a trajectory file.

    The file is complete and readable at every instant; its attribute ``status`` is "running" until `finish` sets
    another. It gets its name with its first snapshot. A durable one has all snapshots and states that it was given
    after a loss of power too, once `append` or `keep` have returned.
    """

    def __init__(
        self, file: AppendableFile, path: Path, written: Written, draft: Path | None = None, *, overwrite: bool = False
    ) -> None:
        self.path, self._target, self._written = path, target_of(path), written
        self._file, self._draft, self._overwrite = file, draft, overwrite
        self._fields = [name for name in file.variables if not name.startswith(STEPS)]
        self._columns = [name for name in file.variables if name.startswith(STEPS)]
        self._steps = StepTable()
        self._spent = self._earlier()
        self._last_output: Checkpoint = {}

    @classmethod
    def create(
        cls,
        path: Path,
        first: Snapshot,
        *,
        domain: Domain | None,
        sign: FloatArray | None = None,
        attributes: Mapping[str, Any] | None = None,
        data: Mapping[str, FloatArray] | None = None,
        labels: Labels = FLOW_LABELS,
        overwrite: bool = False,
        durable: bool = False,
    ) -> FileRecorder:
        """Create a file for snapshots that look like the first one (which is not written yet).

        Parameters
        ----------
        path : Path
            The new file.
        first : Snapshot
            A snapshot with the fields and shapes of all that follow.
        domain : Domain or None
            Gives the coordinates and cell volumes.
        sign : array, shape (m,), optional
            Sign of each particle.
        attributes : mapping, optional
            Global attributes, beside those that every file has.
        data : mapping of str to array, optional
            Arrays that rebuild the functional, kept in the group ``data``.
        labels : Labels
            What the outputs are.
        overwrite : bool
            Whether an existing file may be replaced.
        durable : bool
            Whether snapshots survive a loss of power, at the cost of waiting for the disk.

        Raises
        ------
        InputError
            If the file exists and must not be replaced, or cannot be written.
        """
        check_output(path, overwrite=overwrite)
        described = file_attributes(domain, {"history": history_line(), **(attributes or {})}, data or {})
        try:
            descriptor, draft = create_draft(target_of(path))
            with removed_after_errors(descriptor, draft):
                file = define(descriptor, first, domain, sign, described, data or {}, labels, durable=durable)
                tell_what_is_lost(file, path)
        except OSError as error:
            reason = reason_of(error)
            raise InputError(f"output {path} cannot be written: {reason}; choose another path") from None
        shapes = {name: values.shape for name, values in first.fields.items()}
        return cls(file, path, Written(described, shapes, domain, sign, labels), draft, overwrite=overwrite)

    @classmethod
    def reopen(
        cls,
        path: Path,
        earlier: Trajectory,
        attributes: Mapping[str, Any],
        *,
        time: float,
        checkpoint: Checkpoint | None = None,
        durable: bool = False,
    ) -> FileRecorder:
        """Open an existing file to append to it, with new global attributes; its counts of steps go on.

        What is in the file behind the time at which the run goes on is given up: steps, a snapshot that is not
        scheduled, and a checkpoint that is not that one.

        Parameters
        ----------
        path : Path
            The file.
        earlier : Trajectory
            What the caller has read of it.
        attributes : mapping
            Attributes that may have changed, such as the text of the problem.
        time : float
            Where the run goes on: at the last of these, or at the checkpoint.
        checkpoint : Checkpoint, optional
            What it goes on from.
        durable : bool
            As in `create`.

        Raises
        ------
        InputError
            If another run writes the file, or it cannot be continued.
        """
        try:
            if not check_seal(path):
                raise InputError(
                    f"trajectory {path} was written by an earlier version and can only be read; run the problem again, "
                    "or start another run from it ([initial] kind = 'file')"
                )
            file = open_to_append(path, durable=durable)
        except BlockingIOError:
            writer = "another run, or open in another program"
            raise InputError(f"trajectory {path} is being written by {writer}; wait for it") from None
        except InputError:
            raise
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"trajectory {path} cannot be continued: {reason_of(error)}") from None
        tell_what_is_lost(file, path)
        recorder = cls(file, path, Written.of(earlier, earlier.scheduled, time))
        try:
            recorder._start_anew(attributes, earlier.scheduled, time, checkpoint)
        except (OSError, ValueError, InputError) as error:
            file.close()
            raise InputError(f"trajectory {path} cannot be continued: {reason_of(error)}") from None
        return recorder

    def _start_anew(
        self, attributes: Mapping[str, Any], count: int, time: float, checkpoint: Checkpoint | None
    ) -> None:
        interrupted_at = int(self._file.number(INTERRUPTED_AT))
        if count != (self._count if interrupted_at < 0 else min(interrupted_at, self._count)):
            raise InputError("another run has continued it in the meantime")
        self._file.truncate(self._fields, count)
        self._replace_checkpoint(time, checkpoint)
        with open_to_read(self.path) as file:  # another run may have added to it in the meantime
            history = f"{file.attrs['history']}\n{history_line()}"
        changed = {name: value for name, value in attributes.items() if self._written.attributes.get(name) != value}
        self._file.truncate(self._columns, self._written.steps)
        self._note({**changed, "status": RUNNING, "stop_reason": RUNNING, INTERRUPTED_AT: -1, "history": history})
        self._file.announce([])
        self._file.settle()

    def _replace_checkpoint(self, time: float, checkpoint: Checkpoint | None) -> None:
        """Let the file hold what the run goes on from, before the steps that lead to another state are given up."""
        at_output = checkpoint is not None and is_at_output(checkpoint)
        if checkpoint is None and time == 0.0:
            # All steps are made again, and the file may have numbers of a snapshot that it does not announce.
            self._spent.update(dict.fromkeys(COUNTS, 0.0))
        if checkpoint is not None:
            self._last_output = control_at_output(checkpoint) if at_output else at_last_output(checkpoint) or {}
            if SPENT in checkpoint:
                self._spent = dict(zip(ACCUMULATED, checkpoint[SPENT].tolist(), strict=True))
        elif time == 0.0:  # all steps so far are given up, and those that take their place are counted
            self._spent = dict.fromkeys(ACCUMULATED, 0.0)
        stored = read_checkpoint(self.path)
        if at_output and (stored is None or float(stored["time"]) != time):
            self._show(self._last_output)
        elif stored is not None and float(stored["time"]) > time:
            self._show(None)

    @property
    def _count(self) -> int:
        return self._file.variables["time"].rows

    def _note(self, attributes: Mapping[str, str | float]) -> None:
        """Change attributes with the next commit."""
        self._file.set_attributes(attributes)
        self._written.note(attributes)

    def _earlier(self) -> dict[str, float]:
        """What the legs before this one have spent."""
        return {name: self._file.number(name) for name in ACCUMULATED}

    def _total(self, spent: Mapping[str, float]) -> dict[str, float]:
        """What all legs have spent."""
        return {name: self._spent[name] + value for name, value in spent.items()}

    def append(
        self,
        snapshot: Snapshot,
        spent: Mapping[str, float],
        checkpoint: Checkpoint | None = None,
        *,
        scheduled: bool = True,
    ) -> None:
        """Append a snapshot; raises ComputationError if the disk does not take it, or the file is gone.

        What an output goes on from is written behind it.
        """
        count = self._count
        scalars = {name: np.array([getattr(snapshot, name)], dtype=np.float64) for name in ("time", *SCALARS)}
        rows = {**snapshot.fields, **scalars, CHECKSUM: row_checksums(list(scalars.values()))}
        with self._told(f"snapshot at t = {snapshot.time:g} cannot be written"):
            self._write_steps()
            self._file.append(rows)
            self._note({**self._total(spent), **({} if scheduled else {INTERRUPTED_AT: count})})
            self._file.announce(self._fields)
            self._settle()
            if checkpoint is not None:
                self._put(checkpoint, spent)
            self._file.settle()
        self._written.add_snapshot(snapshot)

    def keep(self, checkpoint: Checkpoint, spent: Mapping[str, float]) -> None:
        """Write the state between two snapshots; raises ComputationError as `append` does."""
        with self._told(f"the state at t = {float(checkpoint['time']):g} cannot be written"):
            self._write_steps()
            self._put(checkpoint, spent)
            self._file.settle()
            self._settle()

    def _put(self, checkpoint: Checkpoint, spent: Mapping[str, float]) -> None:
        """Let the file hold what the run goes on from: control alone at an output, else with that of the last one."""
        total = self._total(spent)
        counted = {**checkpoint, SPENT: np.array([total[name] for name in ACCUMULATED])}
        if is_at_output(checkpoint):
            self._last_output = control_at_output(counted)
            self._show(self._last_output)
        else:
            self._show({**counted, **as_last_output(self._last_output)})

    def _show(self, checkpoint: Checkpoint | None) -> None:
        """Let readers see a checkpoint, or none; files of the first schema have no place for one."""
        store = self._file.checkpoint
        if store is None:
            return
        if checkpoint is None:
            store.clear()
        else:
            store.put(checkpoint)
        self._file.announce([])

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn errors of the system into ComputationError, which says what is kept."""
        count = self._count
        try:
            yield
        except OSError as error:
            self._steps.clear()
            raise ComputationError(
                f"{what} to {self.path}: {reason_of(error)}; the {count} snapshots before it are kept"
            ) from None

    def note(self, step: StepRow) -> None:
        """Keep the numbers of a step; the file takes them with the next snapshot, or when there are many."""
        self._steps.append(step)
        if len(self._steps) >= BUFFERED:
            with self._told(f"the steps up to t = {step.time:g} cannot be written"):
                self._write_steps()

    def _write_steps(self) -> None:
        if len(self._steps) == 0:
            return
        columns = self._steps.columns()
        checksums = row_checksums(list(columns.values()))
        self._file.append({f"{STEPS}/{CHECKSUM}": checksums})
        self._file.append({f"{STEPS}/{name}": values for name, values in columns.items()})
        self._number(len(self._steps))
        self._file.announce(self._columns)
        self._written.add_steps(columns)
        self._steps.clear()

    def _number(self, count: int) -> None:
        """Number some more steps; files of earlier versions do not."""
        if f"{STEPS}/{STEP}" in self._file.variables:
            first = self._file.variables[f"{STEPS}/{STEP}"].rows
            self._file.append({f"{STEPS}/{STEP}": np.arange(first, first + count)})

    def _settle(self) -> None:
        """Give the file its name if it has none yet; else look whether it is still there."""
        if self._draft is not None:
            self._file.settle()
            publish(self._draft, self._target, overwrite=self._overwrite)
            self._draft = None
            if self._file.durable:
                sync_folder(self._target.parent)
            return
        with suppress(FileNotFoundError):
            if os.path.samestat(self.path.stat(), os.fstat(self._file.descriptor)):
                return
        self._note({"status": FAILED, "stop_reason": "error"})
        self._file.announce([])
        saved = rescue(self._file.descriptor, self._target)
        raise ComputationError(f"{self.path} was removed or replaced during the run; all its snapshots are in {saved}")

    def enlarge(self, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:
        """Write the file anew with empty cells added to all densities, and go on with that; gives the last state.

        The new file takes the place of the old one with the state that `keep` is given next.
        """
        try:
            descriptor, draft = create_draft(self._target)
            with removed_after_errors(descriptor, draft):
                last = self._copy_to(descriptor, domain, padding)
        except OSError as error:
            raise ComputationError(
                f"{self.path} cannot be written with a larger box: {reason_of(error)}; its snapshots are kept"
            ) from None
        self._draft, self._overwrite = draft, True
        return last

    def _copy_to(self, descriptor: int, domain: Domain, padding: Sequence[tuple[int, int]]) -> tuple[float, FloatArray]:
        """Copy the file with empty cells added to all densities; gives the last time and density."""
        first = Snapshot(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, {"density": np.empty(domain.shape)})
        durable, written = self._file.durable, self._written
        with open_to_read(self.path) as old:
            data, changed = stored_data(old), {"status": RUNNING, "stop_reason": RUNNING}
            described = file_attributes(domain, {**written.attributes, **changed}, data)
            self._file = define(descriptor, first, domain, None, described, data, written.labels, durable=durable)
            self._spent = self._earlier()
            time = old["time"][:]
            for index in range(len(time)):
                density = np.pad(old["density"][index], list(padding))
                self._file.append({"density": density})
            self._file.append({name: old[name][:] for name in ("time", CHECKSUM, *SCALARS)})
            noted = int(np.searchsorted(old[f"{STEPS}/time"][:], time[-1], side="right"))
            self._file.append({name: old[name][:noted] for name in STEP_NAMES})
            self._number(noted)
            self._columns = [name for name in self._file.variables if name.startswith(STEPS)]
            self._file.announce([*self._columns, *self._fields])
        written.enlarge(domain, described)
        return float(time[-1]), density

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Note how the run ended and close the file; raises ComputationError if the disk does not take it."""
        try:
            with suppress(OSError):  # a full disk must not hide the error that ended the run
                self._write_steps()
            total = self._total({name: attributes[name] for name in ACCUMULATED})
            self._note({**attributes, **total})
            self._file.announce([])
            self._file.settle()
            self._file.close()
        except OSError as error:
            what = f"the end of the run cannot be noted in {self.path}"
            raise ComputationError(f"{what}: {reason_of(error)}; its {self._count} snapshots are kept") from None
        finally:
            with suppress(OSError):
                self._file.close()
                if self._draft is not None:
                    self._draft.unlink(missing_ok=True)

    def trajectory(self) -> Trajectory:
        """The trajectory in the file, after `finish`; only its fields are read, when they are asked for."""
        return self._written.trajectory(self.path)
