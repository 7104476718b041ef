"""A trajectory file that grows: rows are appended to its variables, then announced to readers all at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import h5py
import numpy as np
from numpy.typing import NDArray

from wgflow.errors import InputError
from wgflow.flows.endings import ENDINGS
from wgflow.trajectory.checkpoint import STATE, CheckpointStore
from wgflow.trajectory.hdf5.btree import Chunk, ChunkIndex
from wgflow.trajectory.hdf5.fletcher import fletcher32
from wgflow.trajectory.hdf5.hdf5_bytes import DATASPACE, EXTENT, INDEX, LAYOUT, REFERENCE, UNDEFINED, RawFile, Slot
from wgflow.trajectory.locking import open_locked
from wgflow.trajectory.row_groups import groups_of
from wgflow.trajectory.schema import STEPS

TABLE_ROWS = 512  # rows in a chunk of a table: they fill a page


def growing_variables(file: h5py.File) -> Iterator[h5py.Dataset]:
    """All variables with an unlimited first axis."""
    groups = [file, *([file[STEPS]] if STEPS in file else [])]
    for variable in (item for group in groups for item in [*group.values()] if isinstance(item, h5py.Dataset)):
        if variable.maxshape and variable.maxshape[0] is None:
            yield variable


def memory_file(**options: Any) -> h5py.File:
    """A new HDF5 file that lives in memory."""
    return h5py.File(f"wgflow-{uuid4()}", "w", driver="core", backing_store=False, **options)


# Gives the mask of skipped filters, and the bytes of a chunk, in one piece or several.
_Encode = Callable[[NDArray[Any]], tuple[Any, ...]]


def _append_checksum(values: NDArray[Any]) -> tuple[int, memoryview, bytes]:
    """A chunk that is not compressed, and its checksum."""
    return 0, values.data.cast("B"), int(fletcher32(values.reshape(-1).view("<u2"))).to_bytes(4, "little")


class _Encoder:
    """Gives a chunk as the filters of a variable store it, by the HDF5 library and in memory."""

    def __init__(self, variable: h5py.Dataset) -> None:
        filters = ("shuffle", "compression", "compression_opts", "fletcher32")
        self._options = {name: getattr(variable, name) for name in ("chunks", "dtype", *filters)}

    @cached_property
    def _chunk(self) -> h5py.Dataset:
        return memory_file().create_dataset("chunk", shape=self._options["chunks"], **self._options)

    def __call__(self, values: NDArray[Any]) -> tuple[int, bytes]:
        self._chunk[0] = values
        self._chunk.flush()
        mask, content = self._chunk.id.read_direct_chunk((0,) * self._chunk.ndim)
        return int(mask), content


class GrowingVariable:
    """A variable of a `GrowingFile`: a table of numbers, or a field with a checksum, whose rows have their own chunks.

    Parameters
    ----------
    raw : RawFile
        The file.
    variable : h5py.Dataset
        The variable as the library sees it.
    """

    def __init__(self, raw: RawFile, variable: h5py.Dataset) -> None:
        header = h5py.h5o.get_info(variable.id).addr
        self.header_size = int.from_bytes(raw.read(header + 8, 4), "little")  # of its first block, without attributes
        places = {message.kind: message.place for message in raw.messages(header)}
        self.extent_place = places[DATASPACE] + EXTENT
        self.index_place = places[LAYOUT] + INDEX
        self.rows = variable.shape[0]
        self._raw, self._rank = raw, variable.ndim
        self._announced = (-1, -1)  # rows and index of the last time
        self._index = ChunkIndex(raw, self._rank, raw.number(self.index_place), self.rows)
        self._dtype, self._chunk = variable.dtype, variable.chunks[1:]
        self._encode: _Encode | None = None
        if variable.fletcher32:
            self._encode = _Encoder(variable) if variable.compression else _append_checksum

    def append(self, values: NDArray[Any]) -> None:
        """Append the rows of a table, shape (k,), or one row of a field, of which one chunk at a time is taken."""
        if self._encode is None:
            self._append_rows(np.ascontiguousarray(values, dtype=self._dtype))
            return
        for group in groups_of(values.shape, self._chunk):
            mask, *parts = self._encode(self._filled(values[group]))
            address = self._raw.allocate(*parts)
            places = tuple(part.start for part in group)
            self._index.append(Chunk(self.rows, self.rows + 1, address, self._raw.end - address, mask, places))
        self.rows += 1

    def _filled(self, values: NDArray[Any]) -> NDArray[Any]:
        """A chunk with some values, which are fewer where it is the last one along an axis."""
        if values.shape == self._chunk:
            return np.ascontiguousarray(values, dtype=self._dtype)
        filled = np.zeros(self._chunk, self._dtype)
        filled[tuple(slice(n) for n in values.shape)] = values
        return filled

    def _append_rows(self, values: NDArray[Any]) -> None:
        while values.size > 0:
            first = self.rows % TABLE_ROWS
            part, values = values[: TABLE_ROWS - first], values[TABLE_ROWS - first :]
            if first == 0:
                size = TABLE_ROWS * part.itemsize
                address = self._raw.allocate(part.tobytes().ljust(size, b"\0"))
                self._index.append(Chunk(self.rows, self.rows + TABLE_ROWS, address, size))
            else:
                self._raw.write(self._index.last_chunk + first * part.itemsize, part.tobytes())
            self.rows += part.size

    def announce(self) -> None:
        """Let readers see all rows with the next commit."""
        shown = (self.rows, self._index.root if self.rows > 0 else UNDEFINED)
        for number, before, place in zip(shown, self._announced, (self.extent_place, self.index_place), strict=True):
            if number != before:
                self._raw.patch(place, number.to_bytes(8, "little"))
        self._announced = shown

    def drop_behind(self) -> None:
        """After a commit of fewer rows: take the chunks behind them out of the index."""
        self._index = ChunkIndex(self._raw, self._rank, self._index.root, self.rows)


class GrowingFile:
    """A trajectory file open for appending byte by byte: an `AppendableFile` that is whole at every instant.

    Parameters
    ----------
    place : Path or int
        The file, or a descriptor of it that is open for reading and writing, and locked; rows that were appended but
        not announced are dropped.
    durable : bool
        Whether what is announced survives a loss of power, see `RawFile`.

    Raises
    ------
    BlockingIOError, OSError
        As `open_locked`.
    ValueError
        If the file is damaged.
    """

    lost = ""

    def __init__(self, place: Path | int, *, durable: bool = False) -> None:
        descriptor = place if isinstance(place, int) else open_locked(place)
        try:
            self.raw = RawFile(descriptor, durable=durable)
            # The same file, whatever its name leads to by now.
            with os.fdopen(os.dup(descriptor), "rb") as content, h5py.File(content, "r") as file:
                found = [
                    (variable.name[1:], GrowingVariable(self.raw, variable)) for variable in growing_variables(file)
                ]
                # Files of earlier versions have no place for one.
                self.checkpoint = CheckpointStore(self.raw, file[STATE]) if STATE in file else None
                self._known = self._strings(file)
            self.variables = dict(found)
            self._slots = self.raw.attributes()
        except BaseException:
            if not isinstance(place, int):
                os.close(descriptor)
            raise

    def _strings(self, file: h5py.File) -> dict[str, bytes]:
        """References to the strings that the file holds anyway."""
        slot = self.raw.attributes()["endings"]
        references = self.raw.read(slot.place, REFERENCE.size * len(ENDINGS))
        return {
            str(text): references[REFERENCE.size * number :][: REFERENCE.size]
            for number, text in enumerate(file.attrs["endings"])
        }

    @property
    def descriptor(self) -> int:
        """Descriptor of the file, which holds its lock."""
        return self.raw.descriptor

    @property
    def durable(self) -> bool:
        """Whether what is announced survives a loss of power."""
        return self.raw.durable

    def settle(self) -> None:
        """Wait until all that was announced is on the disk, if the file is durable."""
        self.raw.settle()

    def unshare_strings(self) -> None:
        """Give attributes strings of their own: the library frees what an attribute led to when it changes that."""
        shared = {reference: text for text, reference in self._known.items()}
        slots = [slot for name, slot in self._slots.items() if slot.is_string and name != "endings"]
        found = {slot.place: self.raw.read(slot.place, REFERENCE.size) for slot in slots}
        own = {place: shared[reference] for place, reference in found.items() if reference in shared}
        if own:
            self.raw.set_strings(own)
            self.raw.commit()

    def places(self, names: Iterable[str]) -> list[tuple[int, int]]:
        """Places and sizes of what changes in the headers of some variables while they grow."""
        chosen = [self.variables[name] for name in names]
        return [(place, 8) for variable in chosen for place in (variable.extent_place, variable.index_place)]

    @property
    def attributes(self) -> Collection[str]:
        """Names of all attributes."""
        return self._slots.keys()

    def slot(self, name: str) -> Slot:
        """Where an attribute lies."""
        return self._slots[name]

    def append(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Append rows to some variables; readers do not see them yet."""
        for name, values in rows.items():
            self.variables[name].append(values)

    def announce(self, names: Iterable[str]) -> None:
        """Let readers see all rows of some variables, and all attributes, at once."""
        for name in names:
            self.variables[name].announce()
        self.raw.commit()

    def truncate(self, names: Iterable[str], rows: int) -> None:
        """Take back the rows of some variables behind the first few."""
        chosen = [self.variables[name] for name in names if self.variables[name].rows > rows]
        for variable in chosen:
            variable.rows = rows
            variable.announce()
        self.raw.commit()
        self.settle()
        for variable in chosen:
            variable.drop_behind()

    def number(self, name: str) -> float:
        """Value of an attribute that is a number."""
        slot = self._slots[name]
        return float(np.frombuffer(self.raw.read(slot.place, 8), dtype="<f8" if slot.is_real else "<i8")[0])

    def set_attributes(self, values: Mapping[str, str | float]) -> None:
        """Change attributes with the next commit; raises InputError where one cannot change."""
        new: dict[int, str] = {}
        for name, value in values.items():
            if name not in self._slots:
                raise InputError(f"the file has no attribute {name}")
            slot = self._slots[name]
            if isinstance(value, str) and value in self._known:
                self.raw.patch(slot.place, self._known[value])
            elif isinstance(value, str):
                new[slot.place] = value
            else:
                self.raw.patch(slot.place, np.array(value, dtype="<f8" if slot.is_real else "<i8").tobytes())
        if new:
            self.raw.set_strings(new)

    def close(self) -> None:
        """Close the file and give back its lock."""
        self.raw.close()
