"""The folder for what is expensive to make twice: compiled kernels and large meshes.

Kernels are kept as pickles, and whoever can write one runs code as the user who reads it. So the folder is the user's
own and closed to all others, or there is none.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import stat
import tempfile
from functools import cache
from pathlib import Path

# Not a warning: this is met while modules are imported, which must succeed where warnings are errors.
log = logging.getLogger("wgflow")


@cache
def cache_folder() -> str | None:
    """Folder for what is expensive to make twice, closed to all other users; chosen once in a process.

    Returns
    -------
    str or None
        ``wgflow/private`` in ``XDG_CACHE_HOME`` or ``~/.cache``; else a folder of the user in the temporary directory;
        else a fresh one, which is removed at the end of the process; None where there can be none. One line is logged
        where nothing is kept for the next process.
    """
    refused = []
    for candidate in (_in_home, _in_temporary):
        try:
            return str(_private(candidate()))
        except (OSError, RuntimeError) as error:  # RuntimeError: a user without a home
            refused.append(str(error))
    folder = _fresh()
    kept = "for this process alone" if folder else "not at all"
    log.warning(
        "warning: compiled kernels are kept %s (%s); set XDG_CACHE_HOME to a folder of your own",
        kept,
        "; ".join(refused),
    )
    return folder


def _in_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wgflow" / "private"


def _in_temporary() -> Path:
    user = os.geteuid() if hasattr(os, "geteuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"wgflow-{user}"


def _private(folder: Path) -> Path:
    """Make a folder where there is none; raises OSError unless it is the user's own and nobody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = os.lstat(folder)  # a link may lead to a folder that others have filled
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(f"{folder} is a link or a file")
    if hasattr(os, "geteuid"):  # elsewhere modes say nothing, and temporary directories are the user's own
        if found.st_uid != os.geteuid():
            raise PermissionError(f"{folder} belongs to another user")
        if found.st_mode & 0o077:
            raise PermissionError(f"{folder} is open to other users; `chmod 700` after a look at what it holds")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be written")
    return folder


def _fresh() -> str | None:
    """A new folder that is removed when this process ends, or None where there can be none."""
    try:
        folder = tempfile.mkdtemp(prefix="wgflow-")
    except OSError:
        return None
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # forked children use it too, and end earlier
        shutil.rmtree(folder, ignore_errors=True)


@cache
def say_once(what: str) -> None:
    """Log a line, once in a process."""
    log.warning("warning: %s", what)
