"""Locks of files, and waiting for the disk: the one place that knows `fcntl`, which POSIX systems alone have.

Elsewhere there are no locks here: two runs that write one file are not told apart, drafts that killed processes left
stay, and trajectories are written in another way (`wgflow.trajectory.hdf5`).
"""

from __future__ import annotations

import errno
import os

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

AVAILABLE = fcntl is not None
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)  # what file systems without locks answer


def lock_alone(descriptor: int) -> None:
    """Lock an open file against all others.

    Raises
    ------
    BlockingIOError
        If another process, or another descriptor of this one, has it locked.
    OSError
        With a number of `NO_LOCKS` where there are no locks.
    """
    _lock(descriptor, alone=True)


def lock_shared(descriptor: int) -> None:
    """Lock an open file as readers do, against those who want it alone; raises as `lock_alone`."""
    _lock(descriptor, alone=False)


def _lock(descriptor: int, *, alone: bool) -> None:
    if not AVAILABLE:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)


def sync(descriptor: int) -> None:
    """Wait until the bytes of a file are on the disk; raises OSError if they cannot be brought there."""
    if AVAILABLE and hasattr(fcntl, "F_FULLFSYNC"):  # macOS, where a plain sync leaves them in the memory of the disk
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)
