"""Where a trajectory comes from: versions, machine, command and data."""

from __future__ import annotations

import hashlib
import platform
import shlex
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from wgflow.system.threads import thread_count
from wgflow.typing import FloatArray


def describe_machine() -> dict[str, str | int]:
    """Versions of what computes, and where it does."""
    return {
        "python_version": platform.python_version(),
        "numpy_version": np.__version__,
        "numba_version": version("numba"),
        "h5py_version": version("h5py"),
        "host": f"{socket.gethostname()} ({platform.system()} {platform.machine()})",
        "threads": thread_count(),
    }


def describe_data(data: Mapping[str, FloatArray]) -> dict[str, str]:
    """SHA-256 of arrays: of the names, types, shapes and bytes, in the order of the names; nothing without arrays."""
    if not data:
        return {}
    digest = hashlib.sha256()
    for name in sorted(data):
        values = np.ascontiguousarray(data[name])
        digest.update(f"{name} {values.dtype.str} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return {"data_sha256": digest.hexdigest()}


def history_line() -> str:
    """Date and command of a run, in the form of the CF attribute ``history``."""
    words = shlex.join([sys.argv[0] or "python", *sys.argv[1:]])
    command = words.encode("utf-8", "backslashreplace").decode("utf-8")  # names of files need not be text
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} wgflow {version('wgflow')}: {command}"
