"""The name of an output: whether it may be used, and how a new file gets it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import h5py

from wgflow.errors import InputError
from wgflow.system.drafts import create_draft, target_of
from wgflow.system.paths import kind_of, reason_of
from wgflow.trajectory.locking import check_locks, is_locked, open_to_read

NO_LINKS = (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS)  # what file systems without links answer


def default_output(problem: Path, *, resume: bool, overwrite: bool) -> Path:
    """PROBLEM.h5 in the current folder, or PROBLEM-2.h5 and so on where that exists and must be kept."""
    first = Path(f"{problem.stem}.h5")
    if resume or overwrite or kind_of(first, "output") == "missing":
        return first
    number = 2
    while kind_of(Path(f"{problem.stem}-{number}.h5"), "output") != "missing":
        number += 1
    return Path(f"{problem.stem}-{number}.h5")


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
        _try_to_write(path)
    except OSError as error:
        raise InputError(f"output {path} cannot be written: {reason_of(error)}; choose another path") from None


def _try_to_write(path: Path) -> None:
    target = target_of(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        with target.open("ab"):
            pass
    descriptor, draft = create_draft(target)
    try:
        check_locks(descriptor, path)
    finally:
        os.close(descriptor)
        draft.unlink(missing_ok=True)


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
        with open_to_read(path) as file:
            known = "schema_version" in file.attrs
    except (OSError, RuntimeError, LookupError, ValueError):
        known = h5py.is_hdf5(path)  # a damaged trajectory may be replaced
    if not known:
        raise InputError(f"output {path} is not a trajectory and is not replaced; choose another path")


def publish(draft: Path, target: Path, *, overwrite: bool) -> None:
    """Give a new file its name at once.

    Raises
    ------
    InputError
        If another file took the name in the meantime.
    OSError
        If the folder is gone.
    """
    if overwrite:
        draft.replace(target)
        return
    try:
        _take_name(draft, target)
    except FileExistsError:
        raise _exists(target) from None


def _take_name(draft: Path, target: Path) -> None:
    """Give a file a name that nothing has; raises FileExistsError where something has it, a link too."""
    try:
        os.link(draft, target)  # unlike a change of name, it never replaces a file
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW))
        draft.replace(target)
    else:
        draft.unlink()


def rescue(descriptor: int, target: Path) -> Path:
    """Write what a removed file held to its old name, or a similar one if that is taken; gives the name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    saved = target.with_name(f"{target.name}.{os.getpid()}.rescued") if os.path.lexists(target) else target
    with os.fdopen(os.dup(descriptor), "rb") as old, saved.open("xb") as new:
        old.seek(0)
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())
    return saved
