"""Paths that a user names: what is there, and whether a file can be written there, told before any work is done.

The methods of `pathlib.Path` that ask what is there raise for names that are too long and for folders that may not be
searched; here these are errors of the input that say so.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from wgflow.errors import InputError
from wgflow.text import named, shown

LONGEST = 400  # characters of a path in a message

Kind = Literal["file", "folder", "other", "missing"]


def kind_of(path: Path, role: str) -> Kind:
    """Say what is at a path, behind links.

    Parameters
    ----------
    path : Path
        Where to look.
    role : str
        What the path is for, for messages: "data", "figure", ...

    Raises
    ------
    InputError
        If the system cannot say: the name is too long, a folder may not be searched, links go round in circles.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except (OSError, ValueError) as error:  # ValueError: a null character
        raise InputError(f"{role} {_short(path)} cannot be reached: {reason_of(error)}; choose another path") from None
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"


def resolved(folder: Path, text: str, role: str) -> Path:
    """Give the path that a file in a folder names; ~ is a home folder.

    Raises
    ------
    InputError
        If it is empty, holds a null character, or names the home folder of nobody.
    """
    if not text.strip() or "\0" in text:
        raise InputError(f"{role} = {shown(text)} names no file; give its path, relative to the problem file")
    try:
        return folder / Path(text).expanduser()
    except RuntimeError as error:
        raise InputError(f"{role} = {shown(text)}: {error}; write the path in full") from None


def check_target(path: Path, role: str, endings: Collection[str]) -> Path:
    """Give a path if a file can be written there.

    Parameters
    ----------
    path : Path
        Of the file; an existing one will be replaced.
    role : str
        What it is, for messages: "figure", "film", ...
    endings : collection of str
        Allowed ones, in lower case.

    Raises
    ------
    InputError
        If the ending is another one, a folder is in the way, or the folder of the file does not exist or may not be
        written.
    """
    if path.suffix.lower() not in endings:
        found = f"the ending {shown(path.suffix)}" if path.suffix else "no ending"
        raise InputError(
            f"{role} {_short(path)} has {found}; allowed {'is' if len(endings) == 1 else 'are'} {', '.join(endings)}"
        )
    found_kind = kind_of(path, role)
    if found_kind == "folder":
        raise InputError(f"{role} {_short(path)} is a folder; give the name of a file")
    if kind_of(path.parent, role) != "folder":
        raise InputError(
            f"{role} {_short(path)}: the folder {_short(path.parent)} does not exist; make it, or choose another"
        )
    if not os.access(path.parent, os.W_OK | os.X_OK) or (found_kind != "missing" and not os.access(path, os.W_OK)):
        raise InputError(f"{role} {_short(path)} cannot be written: permission denied; choose another path")
    return path


def _short(path: Path) -> str:
    return named(path, LONGEST)


def reason_of(error: Exception) -> str:
    """What the system says of an error."""
    return getattr(error, "strerror", None) or str(error)
