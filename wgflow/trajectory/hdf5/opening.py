"""Which way a trajectory file is appended to: byte by byte, or by the HDF5 library where that would not be safe."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from wgflow.errors import FlowWarning
from wgflow.system import file_locks
from wgflow.trajectory.hdf5.appender import GrowingFile
from wgflow.trajectory.hdf5.hdf5_bytes import PAGE
from wgflow.trajectory.hdf5.integrity import CHANGING
from wgflow.trajectory.hdf5.interface import AppendableFile
from wgflow.trajectory.hdf5.plain import PlainFile
from wgflow.trajectory.schema import SEAL, STEPS

WITHOUT_LOCKS = "this system has no fcntl, whose locks keep others out meanwhile"


def open_to_append(path: Path, *, durable: bool = False) -> AppendableFile:
    """Open an existing trajectory file; what was appended to it but not announced is dropped.

    Raises
    ------
    BlockingIOError, OSError, ValueError
        As `GrowingFile`.
    """
    file = GrowingFile(path, durable=durable)
    try:
        return safest(file)
    except BaseException:
        file.close()
        raise


def safest(file: GrowingFile) -> AppendableFile:
    """Give a file that is open for appending byte by byte, or the same for the HDF5 library where that is not safe."""
    lost = WITHOUT_LOCKS if not file_locks.AVAILABLE else "" if announces_at_once(file) else _over_one_page()
    if not lost:
        return file
    file.unshare_strings()
    return PlainFile(file.descriptor, lost, durable=file.durable)


def _over_one_page() -> str:
    return f"the headers that change with each snapshot do not fit on one page of {PAGE} bytes"


def announces_at_once(file: GrowingFile) -> bool:
    """Whether all that readers learn of at one instant lies on one page, which the system writes as a whole.

    These are the attributes that change, on the first page; the lengths of all variables of snapshots, those of steps,
    and the place of the checkpoint, each on another one.
    """
    steps = [name for name in file.variables if name.startswith(STEPS)]
    groups = [file.places(name for name in file.variables if name not in steps), file.places(steps)]
    groups += [file.checkpoint.places] if file.checkpoint is not None else []
    slots = [file.slot(name) for name in CHANGING if name != SEAL and name in file.attributes]
    attributes = _pages((slot.place, slot.size) for slot in slots)
    return attributes == {0} and all(len(_pages(group)) == 1 and 0 not in _pages(group) for group in groups)


def _pages(places: Iterable[tuple[int, int]]) -> set[int]:
    """Pages on which some stretches of bytes lie."""
    return {page for place, size in places for page in (place // PAGE, (place + size - 1) // PAGE)}


def tell_what_is_lost(file: AppendableFile, path: Path) -> None:
    """Warn where a file is not whole at every instant."""
    if file.lost:
        warnings.warn(
            f"{path} is written by the HDF5 library, since {file.lost}: a kill while it writes can damage the file, "
            "snapshots included",
            FlowWarning,
            stacklevel=2,
        )
