"""Runs of a sweep that are processes of their own, started by a launcher such as ``mpiexec -n 4``."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wgflow.app.console import warnings_as_lines
from wgflow.app.sweeps import guard
from wgflow.app.sweeps.folder import read_plan
from wgflow.app.sweeps.plan import Plan
from wgflow.errors import ComputationError, InputError
from wgflow.problems import run
from wgflow.system.signals import INTERRUPTED_CODE
from wgflow.text import shown

BAD_INPUT = 2  # an exit code of the command line
COMMAND = "sweep-run"
ERROR, WARNING = "error: ", "warning: "  # what lines of it begin with
SHOWN_LINES = 3  # of what else a launcher says


def parse_launcher(launcher: str | Sequence[str], *, here: bool) -> tuple[str, ...]:
    """Words of a launcher, of its text as a shell would read it.

    Parameters
    ----------
    launcher : str or sequence of str
        The command, empty for none.
    here : bool
        Whether it is started on this machine, where its program must be found then.

    Raises
    ------
    InputError
        If it cannot be read or found.
    """
    try:
        words = tuple(shlex.split(launcher) if isinstance(launcher, str) else map(str, launcher))
    except (TypeError, ValueError) as error:
        raise InputError(f"launcher = {shown(launcher)} cannot be read ({error}); give e.g. 'mpiexec -n 4'") from None
    if words and here and shutil.which(words[0]) is None:
        raise InputError(f"launcher {words[0]!r} is not found; install it, or give its path")
    return words


def launch(plan: Plan, folder: Path, index: int) -> str:
    """Continue the run of a file by the launcher of the plan, or do it (anew, where it cannot be continued).

    Returns
    -------
    str
        Its warnings.

    Raises
    ------
    ComputationError
        If it failed, with what it said.
    """
    code, lines = BAD_INPUT, [""]
    if plan.file(folder, index).exists():
        code, lines = _start(plan, folder, index, "--resume")
    if code == BAD_INPUT:
        code, lines = _start(plan, folder, index, "--overwrite")
    if code not in (0, INTERRUPTED_CODE):
        raise ComputationError(_failure(plan, code, lines))
    return "; ".join(_said(WARNING, lines))


def _start(plan: Plan, folder: Path, index: int, how: str) -> tuple[int, list[str]]:
    """Start a run and wait for it; gives its exit code and the lines that it said."""
    flags = ["--force"] * plan.force + ["--allow-code"] * plan.allow_code
    run_command = [
        sys.executable,
        "-m",
        "wgflow",
        COMMAND,
        str(folder),
        str(plan.folder.resolve()),
        str(index),
        how,
        *flags,
    ]
    command = [sys.executable, str(Path(guard.__file__)), *plan.launcher, *run_command]
    ours, held = os.pipe()  # the other end is open as long as this process lives
    try:
        done = subprocess.run(command, stdin=ours, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(ours)
        os.close(held)
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    return done.returncode, [line.strip() for line in lines if line.strip()]


def _said(kind: str, lines: Sequence[str]) -> list[str]:
    """Texts of the lines of a kind, each once: several ranks may say the same."""
    return list(dict.fromkeys(line.removeprefix(kind) for line in lines if line.startswith(kind)))


def _failure(plan: Plan, code: int, lines: Sequence[str]) -> str:
    errors = _said(ERROR, lines)
    if errors:
        return "; ".join(errors)
    rest = f": {' / '.join(lines[-SHOWN_LINES:])}" if lines else ""
    return f"{shlex.join(plan.launcher)} ended with exit code {code}{rest}"


def run_launched(
    folder: Path, problem_folder: Path, index: int, *, resume: bool, force: bool, allow_code: bool
) -> None:
    """Do a run of the sweep in a folder, as one of the processes of a launcher.

    Parameters
    ----------
    folder : Path
        Folder of the sweep.
    problem_folder : Path
        Folder that paths in the problem are relative to.
    index : int
        Number of the run.
    resume : bool
        Whether its file is continued; else it is replaced.
    force, allow_code : bool
        See `Plan`.
    """
    plan = replace(read_plan(folder), folder=problem_folder, force=force, allow_code=allow_code)
    with warnings_as_lines(quiet=False):
        run(plan.problem(index), plan.file(folder, index), resume, overwrite=not resume, force=force)
