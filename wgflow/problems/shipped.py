"""Problem files that ship with wgflow."""

from __future__ import annotations

import difflib
from pathlib import Path

from wgflow.errors import InputError
from wgflow.system.paths import kind_of

HDF5 = b"\x89HDF\r\n\x1a\n"  # how a trajectory begins


def shipped_folder(name: str) -> Path:
    """Folder or file of the source tree, or of the installed package, e.g. ``data/problems``."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_shipped"  # beside an installed package there are folders of others
    return (installed if installed.is_dir() else package.parent) / name


def shipped_problems() -> list[Path]:
    """All problem files that ship, by name."""
    return sorted(shipped_folder("data/problems").glob("*.toml"))


def refuse_trajectory(path: Path) -> None:
    """Raise InputError where a file is no problem but the trajectory of one, and say how its run goes on."""
    with path.open("rb") as file:
        if file.read(len(HDF5)) != HDF5:
            return
    raise InputError(
        f"{path} is a trajectory, not a problem file: wgflow.load reads it; wgflow.run(PROBLEM, output={str(path)!r}, "
        "resume=True), or `wgflow run PROBLEM.toml -o FILE --resume`, continues the run of a problem file, and "
        "the call that began it, with resume=True, one from Python"
    )


def find_problem_file(path: Path) -> Path:
    """Give the file itself if it exists, or the shipped problem of that name.

    Raises
    ------
    InputError
        If there is neither; the closest name is suggested.
    """
    found = kind_of(path, "problem file")
    if found == "file":
        return path
    if found == "folder":
        raise InputError(f"problem file {path} is a folder; give a .toml file")
    if found == "other":
        raise InputError(f"problem file {path} is not a regular file; give a .toml file")
    shipped = {file.stem: file for file in shipped_problems()}
    if path.parent == Path() and path.stem in shipped and path.suffix in {"", ".toml"}:
        return shipped[path.stem]
    guesses = difflib.get_close_matches(path.stem, shipped, n=1)
    hint = f"; did you mean {guesses[0]!r}?" if guesses else ""
    raise InputError(f"problem file {path} does not exist{hint}; `wgflow list` shows those that ship")
