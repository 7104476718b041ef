"""Reading a file while a run writes to it."""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from wgflow.errors import InputError

Result = TypeVar("Result")

ATTEMPTS, PAUSE = 50, 0.01  # seconds
TICK = 10_000_000  # nanoseconds by which the system may tell of two changes as one

# The HDF5 library shares what it knows of a file among all who have it open in a process: one that opens it while
# another reads would find the lengths of some variables as they were before, and those of others as they are now.
_turn = threading.RLock()


def read_steadily(path: Path, read: Callable[[], Result]) -> Result:
    """Read a file, and once more where the reading failed and the file had changed meanwhile.

    A file is whole at every instant, but a reader that takes its length at one instant and its content at a later one
    may find addresses beyond the end that it knows. Threads take turns.

    Raises
    ------
    InputError
        What ``read`` raises on a file that does not change.
    """
    for _ in range(ATTEMPTS):
        before = _version(path)
        try:
            with _turn:
                return read()
        except InputError:
            if _version(path) == before and not _is_young(before):
                raise
            clock.sleep(PAUSE)
    with _turn:
        return read()


def _version(path: Path) -> tuple[int, int] | None:
    """What changes when something is written; None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _is_young(version: tuple[int, int] | None) -> bool:
    """Whether the last change is so near that another one may have the same time."""
    return version is not None and 0 <= clock.time_ns() - version[0] < TICK
