"""The name of an output: whether it may be used, and how a new file gets it."""

from __future__ import annotations

import os
from pathlib import Path

import h5py

from wgflow.errors import InputError
from wgflow.paths import kind_of, reason_of
from wgflow.trajectory.growing_file import open_locked


def check_output(path: Path, *, overwrite: bool = False) -> None:
    """Raise InputError, before any work, if a file cannot be created or must not be replaced."""
    found = kind_of(path, "output")
    if found == "folder":
        raise InputError(f"output {path} is a folder; give the name of a file, e.g. {path / 'run.h5'}")
    if found == "other":
        raise InputError(f"output {path} is not a regular file; choose another path")
    if found == "file" and not overwrite:
        raise _exists(path)
    if found == "file":
        _check_replaceable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = path if found == "file" else path.with_name(f".{path.name}.{os.getpid()}")
        with probe.open("ab"):
            pass
        if probe != path:
            probe.unlink()
    except OSError as error:
        raise InputError(f"output {path} cannot be written: {reason_of(error)}; choose another path") from None


def _exists(path: Path) -> InputError:
    return InputError(
        f"output {path} exists; choose another name (-o), continue it (--resume, resume=True), or replace it "
        "(--overwrite, overwrite=True)"
    )


def _check_replaceable(path: Path) -> None:
    """Raise InputError unless a file is a trajectory that nobody is writing (or empty)."""
    if path.stat().st_size == 0:
        return
    if is_locked(path):
        raise InputError(
            f"output {path} is being written by another run, or open in another program; wait, or choose another path"
        )
    try:
        with h5py.File(path, "r") as file:
            known = "schema_version" in file.attrs
    except OSError:
        known = h5py.is_hdf5(path)  # a damaged trajectory may be replaced
    if not known:
        raise InputError(f"output {path} is not a trajectory and is not replaced; choose another path")


def is_locked(path: Path) -> bool:
    """Whether a run (or another program) holds the lock of a file."""
    try:
        os.close(open_locked(path))
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def publish(draft: Path, path: Path, *, overwrite: bool) -> None:
    """Give a new file its name at once.

    Raises
    ------
    InputError
        If another file took the name in the meantime.
    OSError
        If the folder is gone.
    """
    if overwrite:
        draft.replace(path)
        return
    try:
        os.link(draft, path)  # unlike a change of name, it never replaces a file
    except FileExistsError:
        raise _exists(path) from None
    except PermissionError:  # a file system without links
        draft.rename(path)
    else:
        draft.unlink()
