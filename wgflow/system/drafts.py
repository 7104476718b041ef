"""Files that get their name when they are whole: drafts that nobody can foresee, beside the place that they take.

In a folder in which others may write, a name that can be guessed may be a link that somebody planted, and writing to it
would overwrite what the link leads to. So drafts have random names, are new (``O_EXCL``) and no links
(``O_NOFOLLOW``). Where the place itself is a symbolic link, what it leads to is replaced, and the link stays.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from wgflow.system.file_locks import NO_LOCKS, lock_alone, lock_shared

KEPT = 80  # characters of a name that a draft takes over: names have at most 255 bytes
TOKEN_BYTES = 8
ATTEMPTS = 16


def target_of(path: Path) -> Path:
    """The file that a path leads to, behind all symbolic links, whether it exists or not.

    Raises
    ------
    OSError
        If links lead in a circle, or to something that is neither a file nor missing.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return target


def create_draft(target: Path) -> tuple[int, Path]:
    """Create a locked draft beside a file, and remove those that killed processes left there.

    It may be read and written by nobody who may not read and write the file that it is to replace, if there is one.

    Parameters
    ----------
    target : Path
        The file whose place it is to take, as `target_of` gives it.

    Returns
    -------
    int
        Descriptor, open for reading and writing, with a shared lock as readers take it, where there are locks.
    Path
        The draft.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    descriptor, draft = _claim(target, _create_file)
    with suppress(FileNotFoundError):
        os.fchmod(descriptor, os.fstat(descriptor).st_mode & target.stat().st_mode & 0o777)
    return descriptor, draft


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that takes a place at the end of the context; after an error the place is as it was.

    Parameters
    ----------
    path : Path
        The place; a file there is replaced.

    Yields
    ------
    binary file, open for reading and writing

    Raises
    ------
    OSError
        If the place cannot be written.
    """
    target = target_of(path)
    descriptor, draft = create_draft(target)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def replacing_by_name(path: Path) -> Iterator[Path]:
    """Do as `replacing` for libraries that want a name: one in a new folder that is closed to all other users.

    Parameters
    ----------
    path : Path
        The place; a file there is replaced.

    Yields
    ------
    Path
        A file that does not exist yet, of the same name.

    Raises
    ------
    OSError
        If the place cannot be written.
    """
    target = target_of(path)
    descriptor, folder = _claim(target, _create_folder)
    try:
        draft = folder / path.name
        yield draft
        with suppress(FileNotFoundError):
            draft.chmod(draft.stat().st_mode & target.stat().st_mode & 0o777)
        draft.replace(target)
    finally:
        os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def removed_after_errors(descriptor: int, draft: Path) -> Iterator[None]:
    """Close and remove a draft if anything goes wrong."""
    try:
        yield
    except BaseException:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
        raise


def remove_drafts(target: Path) -> None:
    """Remove the drafts of a file that killed processes left: those that nobody has locked, if there are locks."""
    known = re.compile(rf"\.{re.escape(target.name[:KEPT])}\.[0-9a-f]{{{2 * TOKEN_BYTES}}}\.draft")
    with suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if known.fullmatch(entry.name):
                _remove_unlocked(Path(entry.path))


def _remove_unlocked(draft: Path) -> None:
    """Remove a file or folder unless somebody has it locked; whatever else speaks against it, it stays."""
    with suppress(OSError):
        descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            lock_alone(descriptor)
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                shutil.rmtree(draft)
            elif stat.S_ISREG(mode):
                draft.unlink()
        finally:
            os.close(descriptor)


def _claim(target: Path, create: Callable[[Path], int]) -> tuple[int, Path]:
    """Create something new with a random name beside a file, and lock it; gives its descriptor and its path."""
    remove_drafts(target)
    for _ in range(ATTEMPTS):
        draft = target.with_name(f".{target.name[:KEPT]}.{secrets.token_hex(TOKEN_BYTES)}.draft")
        try:
            descriptor = create(draft)
        except FileExistsError:
            continue
        try:
            if _lock(descriptor) and os.fstat(descriptor).st_nlink > 0:  # else another process took it for left behind
                return descriptor, draft
        except OSError:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            raise
        os.close(descriptor)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))


def _create_file(draft: Path) -> int:
    return os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def _create_folder(draft: Path) -> int:
    draft.mkdir(mode=0o700)
    return os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _lock(descriptor: int) -> bool:
    """Take the lock of a reader, where there are locks; gives whether nobody else has it alone."""
    try:
        lock_shared(descriptor)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return True
