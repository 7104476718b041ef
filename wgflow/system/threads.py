"""How many threads compute: the one place that decides, for kernels and Fourier transforms alike.

Kernels run on the threads of numba, which takes ``NUMBA_NUM_THREADS``, or as many as there are cores that the process
may use. Where ``OMP_NUM_THREADS`` allows fewer and nothing else is said, numba takes those; each of several ranks takes
one, unless one of the two says otherwise.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

from wgflow.system.launchers import LAUNCH


def available_cores() -> int:
    """Count the cores that this process may use; others may be there, but not for it."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def _follow_openmp() -> None:
    """Let numba take the number of threads of OpenMP, where it is smaller and numba has not been told its own."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # of nested teams, the outermost
    if not first.isdecimal() or "NUMBA_NUM_THREADS" in os.environ or "numba" in sys.modules:
        return
    if 0 < int(first) < available_cores():
        os.environ["NUMBA_NUM_THREADS"] = first


def _share_cores() -> None:
    """Let each of several ranks compute on one thread, where nobody has said how many there are to be."""
    if LAUNCH.several and "OMP_NUM_THREADS" not in os.environ:
        os.environ.setdefault("NUMBA_NUM_THREADS", "1")


# All are read when numba is loaded. Threads that wait for others must soon sleep: where something else runs on the
# machine, spinning ones hold up those that they wait for, and a step takes up to 60 times longer. Some tenth of a
# millisecond lets them wait for what Python does between two kernels: waking them costs a third of a step on 512^2.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
_follow_openmp()
_share_cores()

import numba
from numba import config

Part = TypeVar("Part")

_helpers: ThreadPoolExecutor | None = None
_lost = False  # whether this process was forked from one whose threads it does not have


def thread_count() -> int:
    """Threads that kernels and transforms may use now.

    Returns
    -------
    int
        What ``numba.set_num_threads`` set, or else ``NUMBA_NUM_THREADS``, ``OMP_NUM_THREADS`` or the cores that this
        process may use; 1 in a process that was forked from one whose threads had begun.
    """
    if _lost:
        return 1
    # To ask numba would start its threads, and a process that forks later would have them for nothing.
    return numba.get_num_threads() if _started() else int(config.NUMBA_NUM_THREADS)


def threads_lost() -> bool:
    """Whether this process was forked from one whose threads had begun: it has none, and cannot begin its own."""
    return _lost


def share_out(work: Callable[[Iterable[Part]], None], parts: Sequence[Part]) -> None:
    """Do the parts of a task on all threads: for work that leaves Python's lock to others most of the time.

    Parameters
    ----------
    work : callable
        Does some of the parts, one after the other; called once on each thread.
    parts : sequence
        The parts, which do not depend on each other.
    """
    shares = max(min(thread_count(), len(parts)), 1)
    given = [_threads().submit(work, parts[number::shares]) for number in range(1, shares)]
    try:
        work(parts[::shares])
    finally:  # nothing goes on behind the back of who interrupts this
        errors = [done.exception() for done in given]
    for error in errors:
        if error is not None:
            raise error


def _threads() -> ThreadPoolExecutor:
    """Threads beside this one, begun when they are needed and kept."""
    global _helpers
    if _helpers is None:
        from concurrent.futures import ThreadPoolExecutor

        _helpers = ThreadPoolExecutor(max(int(config.NUMBA_NUM_THREADS) - 1, 1), "wgflow")
    return _helpers


def _started() -> bool:
    try:
        numba.threading_layer()
    except ValueError:
        return False
    return True


def _note_fork() -> None:
    global _lost, _helpers
    _lost, _helpers = _lost or _started(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
