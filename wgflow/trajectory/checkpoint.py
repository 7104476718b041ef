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
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
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

STATE = "checkpoint/state"
SPENT = "spent"  # name of what ACCUMULATED counts in a checkpoint
ENTRY = 1024  # bytes of names and numbers that describe an array, at most
LAST_OUTPUT = "last_output/"  # begins the names of what belongs to the last output


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


def unpacked(content: bytes) -> Checkpoint | None:
    """Checkpoint of some bytes; None where there are none.

    Raises
    ------
    ValueError
        If the bytes are damaged.
    """
    if not content:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            whole = sum(entry.file_size for entry in archive.zip.infolist())
            if whole > len(content):  # nothing is compressed there
                raise ValueError(f"{whole} bytes are said to lie in {len(content)}")
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, LookupError, EOFError) as error:
        raise ValueError(f"the checkpoint is damaged ({named(error, 200)})") from None


def stored_checkpoint(file: h5py.File) -> Checkpoint | None:
    """Checkpoint in an open file, None where there is none; raises ValueError where it is damaged."""
    return unpacked(file[STATE][:].tobytes()) if STATE in file else None


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Read the checkpoint of a trajectory file; None where there is none, or a damaged one: a run can do without."""
    try:
        with open_to_read(path) as file:
            return stored_checkpoint(file)
    except (OSError, ValueError, RuntimeError):
        return None
