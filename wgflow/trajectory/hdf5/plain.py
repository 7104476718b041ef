"""A trajectory file that the HDF5 library itself appends to, where it cannot be done byte by byte.

The library writes headers, index and data when and in the order that it wants. So the file is whole behind each
announcement, and not in between: its seal, which is renewed with each, tells a reader.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from wgflow.errors import InputError
from wgflow.flows import Checkpoint
from wgflow.system.file_locks import sync
from wgflow.trajectory.checkpoint import STATE, define_state
from wgflow.trajectory.hdf5.appender import GrowingFile, growing_variables
from wgflow.trajectory.hdf5.integrity import seal_of
from wgflow.trajectory.npz import npz_bytes
from wgflow.trajectory.row_groups import groups_of
from wgflow.trajectory.schema import SEAL


class PlainVariable:
    """A variable of a `PlainFile`: a table of numbers, or a field, which has a checksum."""

    def __init__(self, variable: h5py.Dataset) -> None:
        self._variable = variable

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self._variable.shape[0])

    def append(self, values: NDArray[Any]) -> None:
        """Append the rows of a table, shape (k,), or one row of a field."""
        first = self.rows
        if self._variable.fletcher32:
            self._variable.resize(first + 1, axis=0)
            for group in groups_of(values.shape, self._variable.chunks[1:]):
                self._variable[(first, *group)] = values[group]
        else:
            self._variable.resize(first + len(values), axis=0)
            self._variable[first:] = values

    def truncate(self, rows: int) -> None:
        """Take back the rows behind the first few."""
        self._variable.resize(min(rows, self.rows), axis=0)


class PlainCheckpoint:
    """The checkpoint of a `PlainFile`: its bytes get a new variable each time, since their number changes."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def put(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint."""
        self._replace(np.frombuffer(npz_bytes(checkpoint), dtype="u1"))

    def clear(self) -> None:
        """Leave none."""
        self._replace(np.empty(0, dtype="u1"))

    def _replace(self, content: NDArray[np.uint8]) -> None:
        with _as_of_the_system():
            del self._file[STATE]
            define_state(self._file, self._file.create_dataset(None, data=content))


class PlainFile:
    """A trajectory file open for appending by the HDF5 library: an `AppendableFile` that a kill can damage.

    Parameters
    ----------
    descriptor : int
        Descriptor of the file, open for reading and writing; it is closed with this object.
    lost : str
        Why it is not appended to byte by byte.
    durable : bool
        Whether `settle` waits for the disk.
    """

    def __init__(self, descriptor: int, lost: str, *, durable: bool = False) -> None:
        self.descriptor, self.lost, self.durable = descriptor, lost, durable
        # The same file, whatever its name leads to by now.
        self._content = os.fdopen(os.dup(descriptor), "r+b")
        self._file = h5py.File(self._content, "r+", libver=("earliest", "latest"))
        self.variables = {variable.name[1:]: PlainVariable(variable) for variable in growing_variables(self._file)}
        self.checkpoint = PlainCheckpoint(self._file) if STATE in self._file else None

    def append(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Append rows to some variables."""
        with _as_of_the_system():
            for name, values in rows.items():
                self.variables[name].append(np.asarray(values))

    def announce(self, names: Iterable[str]) -> None:  # noqa: ARG002 - the library writes all that it has
        """Let readers see all rows, all attributes and the checkpoint, and renew the seal."""
        with _as_of_the_system():
            self._flush()
            self._seal()
            self._flush()

    def _flush(self) -> None:
        self._file.flush()
        self._content.flush()

    def _seal(self) -> None:
        """Seal as much of the file as was sealed before, as it is now."""
        seen = GrowingFile(self.descriptor)
        self._file.attrs.modify(SEAL, seal_of(seen, int(self._file.attrs[SEAL][0])))

    def truncate(self, names: Iterable[str], rows: int) -> None:
        """Take back the rows of some variables behind the first few."""
        with _as_of_the_system():
            for name in names:
                self.variables[name].truncate(rows)
        self.announce([])
        self.settle()

    def number(self, name: str) -> float:
        """Value of an attribute that is a number."""
        return float(self._file.attrs[name])

    def set_attributes(self, values: Mapping[str, str | float]) -> None:
        """Change attributes with the next announcement; raises InputError where one cannot change."""
        for name, value in values.items():
            if name not in self._file.attrs:
                raise InputError(f"the file has no attribute {name}")
            kind = self._file.attrs.get_id(name).dtype
            with _as_of_the_system():
                self._file.attrs.modify(name, np.array(value, dtype=kind))

    def settle(self) -> None:
        """Wait until all that was announced is on the disk, if the file is durable."""
        if self.durable:
            sync(self.descriptor)

    def close(self) -> None:
        """Close the file and give back its lock."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor < 0:
            return
        try:
            with _as_of_the_system():
                self._file.close()
                self._content.close()
        finally:
            with suppress(OSError):
                self._content.close()
            os.close(descriptor)


@contextmanager
def _as_of_the_system() -> Iterator[None]:
    """Raise as OSError what the library makes of a disk that does not take its bytes."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(errno.EIO, f"the HDF5 library cannot write ({error})") from error
