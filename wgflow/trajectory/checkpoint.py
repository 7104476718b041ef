"""What a run goes on from, bit by bit, as if it had not been interrupted: its state, and all step control.

It is an array of bytes in the file, ``checkpoint/state``: arrays by name in the format .npz of numpy, which has
checksums. Behind each output it is step control alone (`control_at_output`), since the snapshot holds the rest; between
two outputs it is replaced now and then by the whole state, with the control of the last output (`at_last_output`) for a
run that goes on to others. A kill between a snapshot and its control leaves the one of before, from which a run finds
it again.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import IO, Any, BinaryIO, Literal

import h5py
import numpy as np
from numpy.lib.format import dtype_to_descr, read_array_header_1_0, read_magic, write_array_header_1_0
from numpy.typing import NDArray

from wgflow.flows import Checkpoint
from wgflow.flows.endings import ACCUMULATED
from wgflow.text import named
from wgflow.trajectory import row_groups
from wgflow.trajectory.hdf5.hdf5_bytes import ADDRESS, DATASPACE, EXTENT, LAYOUT, UNDEFINED, RawFile
from wgflow.trajectory.locking import open_to_read
from wgflow.trajectory.npz import npz_bytes
from wgflow.trajectory.row_groups import chunk_shape, groups_of
from wgflow.trajectory.schema import FIELDS
from wgflow.typing import IntArray

STATE = "checkpoint/state"
SPENT = "spent"  # name of what ACCUMULATED counts in a checkpoint
ENTRY = 1024  # bytes of names and numbers that describe an array, at most
LAST_OUTPUT = "last_output/"  # begins the names of what belongs to the last output
BUFFER = 2**17  # bytes of a file that are read at once
RowsOf = Callable[[tuple[int, ...]], tuple[int, IntArray] | None]


def all_rows(shape: tuple[int, ...]) -> tuple[int, IntArray] | None:  # noqa: ARG001
    """All rows of arrays of any shape are wanted."""
    return None


class CheckpointStore:
    """The checkpoint in a file that is written: replaced as a whole, in two places by turns, at one instant.

    Parameters
    ----------
    raw : RawFile
        The file.
    variable : h5py.Dataset
        Its array of bytes, as the library sees it.
    """

    def __init__(self, raw: RawFile, variable: h5py.Dataset) -> None:
        found = {message.kind: message for message in raw.messages(h5py.h5o.get_info(variable.id).addr)}
        extents = found[DATASPACE].size - EXTENT  # the extent, and in most files the largest one behind it
        self.places = [(found[DATASPACE].place + EXTENT, extents), (found[LAYOUT].place + ADDRESS, 16)]
        self._raw = raw
        self._shown = self._spare = (UNDEFINED, 0)  # where bytes lie, and how many have room there
        if variable.size > 0:
            self._shown = (raw.number(self.places[1][0]), variable.size)

    def put(self, checkpoint: Checkpoint) -> None:
        """Let readers see another checkpoint with the next commit."""
        size = room = _room_for(checkpoint)
        content = b""
        if room <= row_groups.GROUP:
            content = npz_bytes({name: _whole(values) for name, values in checkpoint.items()})
            size = room = len(content)
        address, room = self._spare if room <= self._spare[1] else (self._raw.next_place, room)
        if content:
            self._raw.write(address, content)
        else:
            self._raw.write(address + room - 1, b"\0")  # the room is there, however much of it is taken
            size = write_packed(checkpoint, self._raw.stream(address))
        self._raw.claim(address, room)
        self._shown, self._spare = (address, room), self._shown
        self._show(address, size)

    def clear(self) -> None:
        """Let readers see none with the next commit."""
        self._show(UNDEFINED, 0)

    def _show(self, address: int, size: int) -> None:
        (extent, length), (layout, _) = self.places
        self._raw.patch(extent, size.to_bytes(8, "little") * (length // 8))
        self._raw.patch(layout, address.to_bytes(8, "little") + size.to_bytes(8, "little"))


def define_state(file: h5py.File, variable: h5py.Dataset) -> None:
    """Give the bytes of the checkpoint their name and labels; they are a dimension of netCDF of their own."""
    file[STATE] = variable
    variable.attrs["long_name"] = "state and step control that a run goes on from, in the format .npz of numpy"
    variable.attrs["units"] = "1"
    variable.make_scale(STATE.rpartition("/")[-1])


def is_at_output(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is one at the output that its run aims at."""
    return float(checkpoint["time"]) == float(checkpoint["end"])


def control_at_output(checkpoint: Checkpoint) -> Checkpoint:
    """Leave out of a checkpoint at an output what the snapshot holds."""
    return {name: values for name, values in checkpoint.items() if name not in FIELDS}


def as_last_output(control: Checkpoint) -> Checkpoint:
    """Control at an output under names that tell so, to go into a checkpoint behind it."""
    return {f"{LAST_OUTPUT}{name}": values for name, values in control.items()}


def at_last_output(checkpoint: Checkpoint) -> Checkpoint | None:
    """Step control of the last output in a checkpoint between two, without the fields of its snapshot, if it is there.

    Files of schema 2 do not hold it.
    """
    size = len(LAST_OUTPUT)
    found = {name[size:]: values for name, values in checkpoint.items() if name.startswith(LAST_OUTPUT)}
    return found or None


def control_of_last_output(checkpoint: Checkpoint) -> Checkpoint:
    """Step control of the last output in any checkpoint; empty where it holds none."""
    return control_at_output(checkpoint) if is_at_output(checkpoint) else at_last_output(checkpoint) or {}


def left_of(checkpoint: Checkpoint) -> Checkpoint:
    """What a file must know of the state that its run goes on from: control at the last output, and what was spent."""
    if is_at_output(checkpoint):
        return control_at_output(checkpoint)
    kept = ("time", "end", SPENT)
    return {name: values for name, values in checkpoint.items() if name in kept or name.startswith(LAST_OUTPUT)}


def counted(checkpoint: Checkpoint, spent: Mapping[str, float]) -> Checkpoint:
    """Checkpoint with what the run had spent when it was made."""
    return {**checkpoint, SPENT: np.array([spent[name] for name in ACCUMULATED])}


def write_packed(checkpoint: Checkpoint, stream: BinaryIO) -> int:
    """Write a checkpoint as `numpy.savez` does, a group of rows at a time; gives the number of bytes.

    Its arrays need not be here as a whole: what has a shape, a type and groups of rows will do.
    """
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, values in checkpoint.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                described = {"descr": dtype_to_descr(values.dtype), "fortran_order": False, "shape": values.shape}
                write_array_header_1_0(entry, described)
                for group in groups_of(values.shape, chunk_shape(values.shape)):
                    entry.write(np.ascontiguousarray(values[group]).tobytes())
    return stream.tell()


def _room_for(checkpoint: Checkpoint) -> int:
    """Bytes that a checkpoint takes at most: the same for all of the same names and shapes."""
    return sum(prod(values.shape) * values.dtype.itemsize + ENTRY for values in checkpoint.values()) + ENTRY


def _whole(values: NDArray[Any]) -> NDArray[Any]:
    """An array, or all of what has its rows elsewhere."""
    return values if isinstance(values, np.ndarray) else values[next(groups_of(values.shape, values.shape))]


class _StoredBytes(io.RawIOBase):
    """Bytes of a variable of a file as a stream, read as far as they are asked for.

    Parameters
    ----------
    variable : h5py.Dataset
        The bytes, shape (n,).
    """

    def __init__(self, variable: h5py.Dataset) -> None:
        self._variable, self._place = variable, 0

    def readable(self) -> bool:
        """They can be read."""
        return True

    def seekable(self) -> bool:
        """They can be read from any place on."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._variable.size}[whence]
        if self._place < 0:
            raise ValueError(f"there is no byte {self._place}")
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as bytes are left; gives how many there were."""
        found = self._variable[self._place : self._place + len(buffer)].tobytes()
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)


def unpacked(content: BinaryIO, size: int, rows_of: RowsOf) -> Checkpoint | None:
    """Checkpoint of some bytes; None where there are none.

    Parameters
    ----------
    content : binary file
        The bytes.
    size : int
        How many there are.
    rows_of : callable
        Gives the axis and the numbers of the rows that are wanted of arrays of some shape, which are read a group of
        rows at a time; None for all of them.

    Raises
    ------
    ValueError
        If the bytes are damaged.
    """
    if size == 0:
        return None
    try:
        with np.load(content, allow_pickle=False) as archive:
            whole = sum(entry.file_size for entry in archive.zip.infolist())
            if whole > size:  # nothing is compressed there
                raise ValueError(f"{whole} bytes are said to lie in {size}")
            return {name: _array_of(archive.zip, name, rows_of) for name in archive.files}
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, LookupError, EOFError) as error:
        raise ValueError(f"the checkpoint is damaged ({named(error, 200)})") from None


def _array_of(archive: zipfile.ZipFile, name: str, rows_of: RowsOf) -> NDArray[Any]:
    """An array in an archive, or the rows of it that are wanted."""
    with archive.open(f"{name}.npy") as entry:
        read_magic(entry)
        shape, by_columns, kind = read_array_header_1_0(entry)
        if kind.hasobject:
            raise ValueError(f"{name!r} holds no numbers")
        if prod(shape) * kind.itemsize > archive.getinfo(f"{name}.npy").file_size:
            raise ValueError(f"{name!r} is said to have the shape {shape}, for which there are too few bytes")
        wanted = None if by_columns else rows_of(shape)
        if wanted is None:
            found = _read(entry, shape, kind, "F" if by_columns else "C")
        else:
            found = _read_rows(entry, shape, kind, *wanted)
        if entry.read(1):
            raise ValueError("there are more bytes than numbers")
    return found


def _read(entry: IO[bytes], shape: Sequence[int], kind: np.dtype[Any], order: Literal["C", "F"] = "C") -> NDArray[Any]:
    """The next array of a part of an archive."""
    content = np.empty(prod(shape) * kind.itemsize, np.uint8)
    for first in range(0, content.size, BUFFER):  # all at once would be put together piece by piece
        piece = content[first : first + BUFFER]
        piece[:] = np.frombuffer(entry.read(piece.size), np.uint8)
    return content.view(kind).reshape(shape, order=order)


def _read_rows(
    entry: IO[bytes], shape: tuple[int, ...], kind: np.dtype[Any], axis: int, rows: IntArray
) -> NDArray[Any]:
    """Some rows of the next array of a part of an archive, of which there is no more than a group at a time."""
    found = np.empty((*shape[:axis], len(rows), *shape[axis + 1 :]), kind)
    for group in groups_of(shape, chunk_shape(shape)):
        values = _read(entry, [part.stop - part.start for part in group], kind)
        first, end = group[axis].start, group[axis].stop
        here: Any = np.flatnonzero((rows >= first) & (rows < end))
        found[(*group[:axis], here, *group[axis + 1 :])] = values.take(rows[here] - first, axis)
    return found


def stored_checkpoint(file: h5py.File, rows_of: RowsOf = all_rows) -> Checkpoint | None:
    """Checkpoint in an open file, None where there is none; raises ValueError where it is damaged."""
    if STATE not in file:
        return None
    variable = file[STATE]
    return unpacked(io.BufferedReader(_StoredBytes(variable), BUFFER), variable.size, rows_of)


def read_checkpoint(path: Path, rows_of: RowsOf = all_rows) -> Checkpoint | None:
    """Read the checkpoint of a trajectory file; None where there is none, or a damaged one: a run can do without.

    Parameters
    ----------
    path : Path
        The file.
    rows_of : callable
        See `unpacked`.
    """
    try:
        with open_to_read(path) as file:
            return stored_checkpoint(file, rows_of)
    except (OSError, ValueError, RuntimeError):
        return None
