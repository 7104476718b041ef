"""Checksums and seals of trajectory files that were changed, made to fit again, as if by a writer."""

from __future__ import annotations

import warnings
import zlib
from pathlib import Path

import h5py
import numpy as np

from wgflow.flows.steps import STEP_COLUMNS
from wgflow.trajectory.hdf5.hdf5_bytes import RawFile
from wgflow.trajectory.schema import CHECKSUM, SCALARS, SEAL, STEPS, row_checksums

MOST_ROWS = 10**5  # of columns that get new checksums


def renew_checksums(file: h5py.File) -> None:
    """Let rows of numbers fit their checksums again, where there are such rows."""
    for group, names in ((file, ("time", *SCALARS)), (file.get(STEPS), STEP_COLUMNS)):
        try:
            if any(group[name].size > MOST_ROWS for name in names):
                continue
            columns = [group[name][:] for name in names]
            with warnings.catch_warnings(action="ignore"):  # of numbers that became complex
                group[CHECKSUM][:] = row_checksums(columns)
        except (KeyError, OSError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError):
            continue


def renew_seal(path: Path) -> None:
    """Let the seal fit again, where it can be found."""
    with path.open("r+b") as file:
        try:
            raw = RawFile(file.fileno())
            slot = raw.attributes()[SEAL]
            whole = raw.read(0, int(np.frombuffer(raw.read(slot.place, 8), dtype="<i8")[0]))
        except (KeyError, ValueError, OverflowError, MemoryError):  # it was changed itself
            return
        _, _, *places = np.frombuffer(raw.read(slot.place, slot.size // 8 * 8), dtype="<i8").tolist()
        content = bytearray(whole)
        for place, length in zip(places[::2], places[1::2], strict=False):
            content[place : place + length] = bytes(length)
        raw.write(slot.place + 8, np.int64(zlib.crc32(content)).tobytes())
