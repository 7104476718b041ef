"""Memory that this process may still take: what the machine has left, and the limits that are set on the process.

References
----------
Linux kernel documentation: Control Group v2 (``memory.max``), Memory Resource Controller (cgroup v1), proc(5).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
KIB = 1024


def free_memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Bytes that this process can still take; None where that is not known.

    The least of what the machine has available, what the control groups of the process leave (containers, batch
    systems, ``systemd-run -p MemoryMax=...``) and its limit of address space (``ulimit -v``). On other systems than
    Linux the library psutil tells, if it is installed.
    """
    known = [_available(proc), *_left_in_groups(proc, cgroups), _left_of_address_space(proc)]
    found = [size for size in known if size is not None]
    return max(min(found), 0) if found else None


def resident_memory(proc: Path = PROC) -> int:
    """Bytes that this process holds now; 0 where that is not known."""
    resident = _field(proc / "self/status", "VmRSS:")
    if resident is not None:
        return resident * KIB
    psutil = _psutil()
    return 0 if psutil is None else int(psutil.Process().memory_info().rss)


def _available(proc: Path) -> int | None:
    """What the machine has left without swapping."""
    available = _field(proc / "meminfo", "MemAvailable:")
    if available is not None:
        return available * KIB
    psutil = _psutil()
    return None if psutil is None else int(psutil.virtual_memory().available)


def _psutil() -> Any:
    """The library that knows other systems, where it is installed; else None."""
    try:
        return importlib.import_module("psutil")
    except ImportError:
        return None


def _left_in_groups(proc: Path, cgroups: Path) -> Iterator[int]:
    """What each control group with a limit leaves, those around it included."""
    for line in _text(proc / "self/cgroup").splitlines():
        _, controllers, inside = line.split(":", 2)
        if controllers == "":
            yield from _left_along(cgroups, inside, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _left_along(cgroups / "memory", inside, *names)


def _left_along(root: Path, inside: str, limit: str, usage: str, cache: str) -> Iterator[int]:
    """What is left in a group and in all that hold it; files that are cached there give way."""
    group = root / inside.lstrip("/")
    for folder in (group, *group.parents):
        most, used = _number(folder / limit), _number(folder / usage)
        if most is not None and used is not None:
            yield most - used + (_field(folder / "memory.stat", cache) or 0)
        if folder == root:
            return


def _left_of_address_space(proc: Path) -> int | None:
    """What ``ulimit -v`` leaves."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    used = _field(proc / "self/status", "VmSize:")
    return None if most == resource.RLIM_INFINITY or used is None else most - used * KIB


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _number(path: Path) -> int | None:
    """The number in a file; None for "max", or where there is no such file."""
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _field(path: Path, name: str) -> int | None:
    """The number behind a name in a table of names and numbers."""
    for line in _text(path).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return None
