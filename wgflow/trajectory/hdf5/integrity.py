"""The seal of a trajectory file: a checksum of all that does not change while it grows.

Chunks of snapshots have checksums of their own, and so have rows of scalars. The seal covers what was there before:
headers, names, attributes, coordinates and data. It lies in an attribute, an array of integers: the size of the part
that is sealed, its CRC-32, and the place and size of each stretch in it that may change and is left out.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from wgflow.flows.endings import ACCUMULATED
from wgflow.trajectory.hdf5.appender import GrowingFile, growing_variables
from wgflow.trajectory.hdf5.hdf5_bytes import END_OF_FILE, FORMAT, OPENED, RawFile
from wgflow.trajectory.schema import INTERRUPTED_AT, SEAL

CHANGING = ("status", "stop_reason", "problem", "history", *ACCUMULATED, INTERRUPTED_AT, SEAL)


def reserve_seal(file: h5py.File) -> None:
    """Make room for the seal of a file that is complete but for its snapshots."""
    attributes = sum(name in file.attrs for name in CHANGING[:-1]) + 1
    stretches = 2 + attributes + 2 * len(list(growing_variables(file))) + 2  # two of the checkpoint
    file.attrs[SEAL] = np.zeros(2 + 2 * stretches, dtype=np.int64)


def put_seal(file: GrowingFile) -> None:
    """Seal a file as it is now."""
    file.raw.patch(file.slot(SEAL).place, seal_of(file, file.raw.end).tobytes())
    file.raw.commit()


def seal_of(file: GrowingFile, size: int) -> NDArray[np.int64]:
    """Seal of the first bytes of a file as they are now, of the length that was reserved."""
    slots = file.raw.attributes()
    places = [(OPENED, 4), (END_OF_FILE, 8), *file.places(file.variables)]
    places += [(slots[name].place, slots[name].size) for name in CHANGING if name in slots]
    places += file.checkpoint.places if file.checkpoint is not None else []
    places = [(place, length) for place, length in places if place + length <= size]
    seal = np.zeros(slots[SEAL].size // 8, dtype="<i8")
    seal[: 2 + 2 * len(places)] = [size, _checksum(file.raw, size, places), *np.ravel(places)]
    return seal


def check_seal(path: Path) -> bool:
    """Compare a file with its seal, before the HDF5 library sees it.

    Returns
    -------
    bool
        Whether there is a seal; files of other formats have none.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If file and seal differ, or the seal cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return _compare(descriptor)
    except (struct.error, MemoryError, OverflowError) as error:
        raise ValueError(f"its headers are damaged ({error})") from None
    finally:
        os.close(descriptor)


def _compare(descriptor: int) -> bool:
    if os.pread(descriptor, len(FORMAT), 0) != FORMAT:
        return False
    raw = RawFile(descriptor)
    if raw.read(raw.root, 1) != b"\x01":  # files of schema 1 have a newer kind of header
        return False
    slot = raw.attributes().get(SEAL)
    if slot is None:
        return False
    content = np.frombuffer(raw.read(slot.place, slot.size // 8 * 8), dtype="<i8").tolist()
    if len(content) < 2:
        raise ValueError("its seal is damaged")
    size, found, *places = content
    if sum(map(abs, places[1::2])) > size:
        raise ValueError("its seal is damaged")
    if _checksum(raw, size, list(zip(places[::2], places[1::2], strict=False))) != found:
        raise ValueError("its headers, attributes, coordinates or data are damaged, or another program changed them")
    return True


def _checksum(raw: RawFile, size: int, places: list[tuple[int, int]]) -> int:
    content = bytearray(raw.read(0, size))
    for place, length in places:
        if not 0 <= place <= place + length <= size:
            raise ValueError("its seal is damaged")
        content[place : place + length] = bytes(length)
    return zlib.crc32(content)
