"""Locks of trajectory files, as the HDF5 library takes them: exclusive for writers, shared for readers."""

from __future__ import annotations

import errno
import os
import time as clock
from pathlib import Path

import h5py

from wgflow.errors import InputError
from wgflow.system import file_locks
from wgflow.system.file_locks import NO_LOCKS, lock_alone, lock_shared

PATIENCE = 0.5  # seconds to wait for a lock
SWITCH = "HDF5_USE_FILE_LOCKING"  # the variable by which the HDF5 library is told not to lock


def open_locked(path: Path) -> int:
    """Open a file that nobody else has open for reading with a lock, or for writing; others may then only read it.

    Raises
    ------
    BlockingIOError
        If another process has the file open.
    OSError
        If it cannot be opened for writing.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        _lock(descriptor)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            os.close(descriptor)
            raise
    return descriptor


def _lock(descriptor: int) -> None:
    """Lock against all, then against writers; readers that only look in now and then are waited for."""
    deadline = clock.monotonic() + PATIENCE
    while True:
        try:
            lock_alone(descriptor)
            break
        except BlockingIOError:
            if clock.monotonic() > deadline:
                raise
            clock.sleep(0.02)
    lock_shared(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a run (or another program) holds the lock of a file."""
    try:
        os.close(open_locked(path))
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def open_to_read(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises
    ------
    InputError
        If it lies on a file system without locks, and the HDF5 library was not told so.
    OSError
        If it cannot be opened otherwise.
    """
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if error.errno in NO_LOCKS:
            raise without_locks(path) from None
        raise


def check_locks(descriptor: int, path: Path) -> None:
    """Raise InputError where the file system has no locks, and the HDF5 library was not told so."""
    if not file_locks.AVAILABLE:  # which says nothing of the file system
        return
    setting = os.environ.get(SWITCH, "").upper()
    try:
        lock_shared(descriptor)
    except OSError as error:
        known = setting in {"FALSE", "0"} or (setting == "BEST_EFFORT" and error.errno == errno.ENOSYS)
        if error.errno in NO_LOCKS and not known:
            raise without_locks(path) from None


def without_locks(path: Path) -> InputError:
    """Error that says what to do where there are no locks."""
    return InputError(
        f"{path} lies on a file system without locks, which the HDF5 library wants: set {SWITCH}=FALSE in the "
        "environment (two runs must then not write one file), or use another folder"
    )
