"""The one place that sets numba's flags and the folder of its disk cache.

Kernels are module-level functions on plain arrays. They are compiled on first use and kept in the
user's cache folder, so a second process starts at once and the source tree is never written to.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

# Threads that wait for others must soon sleep: where something else runs on the machine, spinning ones hold up those
# that they wait for, and a step takes up to 60 times longer. OpenMP reads this when numba loads it.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import numba
from numba import config
from numba.core import event

Function = TypeVar("Function", bound=Callable[..., Any])

# Flags that keep NaN and infinity meaningful (no "nnan", no "ninf") and never reorder a sum.
_FAST_MATH = {"contract", "nsz", "arcp"}

_kernels: list[Any] = []


def cache_folder() -> str:
    """Folder for what is expensive to make twice: the user's cache, or a temporary folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    shared = Path(tempfile.gettempdir()) / f"wgflow-cache-{os.getuid()}"
    for candidate in (Path(home) / "wgflow", shared):
        try:
            candidate.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(candidate, os.W_OK) and (candidate != shared or _is_private(candidate)):
            return str(candidate)
    return tempfile.mkdtemp(prefix="wgflow-cache-")


def _is_private(folder: Path) -> bool:
    """Whether a folder is nobody else's: compiled code from it is run, and in a shared place anybody could plant it."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022


@contextmanager
def _numba_cache_in(folder: str) -> Iterator[None]:
    """Let numba choose ``folder`` for the kernels decorated meanwhile, and only for them."""
    previous = config.CACHE_DIR
    config.CACHE_DIR = folder
    try:
        yield
    finally:
        config.CACHE_DIR = previous


def _compile(function: Function, **flags: Any) -> Function:
    with _numba_cache_in(config.CACHE_DIR or cache_folder()):
        dispatcher = numba.njit(cache=True, error_model="numpy", **flags)(function)
    _kernels.append(dispatcher)
    return dispatcher


def kernel(function: Function) -> Function:
    """Compile a kernel whose sums keep their order (conservation laws, fluxes, updates)."""
    return _compile(function, fastmath=_FAST_MATH)


def inlined_kernel(function: Function) -> Function:
    """Compile a part of kernels that is copied into them, so that their compile-time constants are its own."""
    return _compile(function, fastmath=_FAST_MATH, inline="always")


def reduction(function: Function) -> Function:
    """Compile a kernel whose sums may be reordered, so that they vectorise (moments, norms)."""
    return _compile(function, fastmath=_FAST_MATH | {"reassoc"})


def parallel_kernel(function: Function) -> Function:
    """Compile a kernel whose ``prange`` loops run on all cores; results do not depend on their number."""
    return _compile(function, fastmath=_FAST_MATH, parallel=True)


def compilation_count() -> int:
    """Count the compilations of this process that the disk cache did not save."""
    if config.DISABLE_JIT:
        return 0
    return sum(sum(dispatcher.stats.cache_misses.values()) for dispatcher in _kernels)


@contextmanager
def measure_compilation() -> Iterator[Callable[[], float]]:
    """Give a function that returns the seconds spent compiling since the context was entered."""
    with event.install_recorder("numba:compile") as recorder:
        yield lambda: _outermost_seconds(recorder.buffer)


def _outermost_seconds(records: list[Any]) -> float:
    """Sum of the durations of compilations that are not part of another compilation."""
    depth, started, total = 0, 0.0, 0.0
    for when, record in records:
        if record.is_start:
            started = when if depth == 0 else started
            depth += 1
        else:
            depth -= 1
            total += when - started if depth == 0 else 0.0
    return total
