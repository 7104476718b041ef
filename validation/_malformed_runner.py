"""Command lines of `wgflow` in a process with limits, one after another, and what is wrong with how each ended.

A process of its own has loaded wgflow and runs the commands of a group one after another, so that each costs
milliseconds; it is ended where a command lasts too long, and another one begins. Numba's kernels may have to be
compiled first, which does not count: a command that lasts too long is tried again, with those that were finished.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from unittest import mock

from h5py import is_hdf5

from wgflow import InputError
from wgflow.trajectory.checking import check_trajectory

WAIT = 6.0  # wall-clock over processor time: other work on the machine
SECONDS, MEMORY = 10.0, 2**30  # that a command may take, beyond what the process has when it begins
ATTEMPTS = 4  # of a command that lasts too long, each with more kernels compiled
FRESH_AFTER = 200  # commands of a process
EXIT_CODES = (0, 1, 2, 130)
MOST_LINES = 3  # of an error
UNFINISHED = ("partial", "tmp", "draft", "rescued")  # parts of names that only unfinished files have
Files = dict[Path, tuple[int, int]]


LABELS = ("shapes", "dimensions", "names, units")  # what a run that goes on in a mutated file leaves as it is


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code (None where it was ended from outside) and what it printed."""

    code: int | None
    printed: str = ""
    seconds: float = 0.0


class _SweepStart(KeyboardInterrupt):
    """Ends a sweep where its first run would begin: its processes are for other tests."""


def _no_cluster(*_: object) -> None:
    raise _SweepStart


def _limit_memory() -> None:
    """Allow as much address space as there is now, and `MEMORY` more."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    if pages:
        limit = pages * os.sysconf("SC_PAGESIZE") + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _serve(pipe: Connection, scratch: Path) -> None:
    """What the process does: run command lines, with its output in a file, and tell their exit codes."""
    mock.patch("wgflow.app.sweeps.api.connect", _no_cluster).start()
    printed = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    stack = os.open(scratch.with_name("stack"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    while True:
        try:
            arguments, folder = pipe.recv()
        except EOFError:
            return
        os.ftruncate(printed, 0)
        os.lseek(printed, 0, os.SEEK_SET)
        os.chdir(folder)
        os.ftruncate(stack, 0)
        pipe.send(_run(arguments, stack))


def _run(arguments: list[str], stack: int) -> int:
    """Exit code of a command line, with the traceback that Python would show."""
    import resource

    from wgflow.app import cli

    code: object = 0
    _limit_memory()
    faulthandler.dump_traceback_later(0.9 * SECONDS, file=stack)  # where a command hangs
    with mock.patch.object(sys, "argv", ["wgflow", *arguments]):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        except BaseException:  # whatever leaves the command line: this is what is looked for
            traceback.print_exc()
            code = 1
    resource.setrlimit(resource.RLIMIT_AS, (resource.getrlimit(resource.RLIMIT_AS)[1],) * 2)
    faulthandler.cancel_dump_traceback_later()
    os.environ.pop("WGFLOW_DEBUG", None)
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    return code if isinstance(code, int) else 0 if code is None else 1


class Runner:
    """Runs command lines in a process with limits.

    Parameters
    ----------
    seconds : float
        How long one may take.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._scratch = Path(tempfile.mkdtemp(prefix="malformed-")) / "printed"
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self._scratch), daemon=True)
        self._process.start()
        other.close()
        self._count = 0

    def _stop(self) -> int | None:
        self._pipe.close()
        self._process.kill()
        self._process.join()
        return self._process.exitcode

    def close(self) -> None:
        """End the process."""
        self._stop()
        shutil.rmtree(self._scratch.parent)

    def run(self, arguments: list[str], folder: Path, clear: Callable[[], None]) -> Outcome:
        """Run a command line in a folder; `clear` removes what one that lasted too long has left."""
        for attempt in range(ATTEMPTS):
            if attempt > 0:
                clear()
            outcome = self._try(arguments, folder)
            if outcome.code is not None:
                break
        return outcome

    def _answers(self, started: float) -> bool:
        """Wait for the end of a command; false if it lasts too long.

        Its time is that of the processor, where it computes: other work on the machine must not count.
        """
        before = _processor_seconds(self._process.pid or 0)
        while not self._pipe.poll(0.5):
            waited = time.perf_counter() - started
            computed = _processor_seconds(self._process.pid or 0) - before
            if computed > self._seconds or waited > WAIT * self._seconds:
                return False
        return True

    def _try(self, arguments: list[str], folder: Path) -> Outcome:
        if self._count >= FRESH_AFTER:
            self._stop()
            self._start()
        self._count += 1
        started = time.perf_counter()
        self._pipe.send((arguments, folder))
        code: int | None = None
        died = False
        try:
            code = self._pipe.recv() if self._answers(started) else None
        except (EOFError, ConnectionError):
            died = True
        printed = self._scratch.read_bytes().decode("utf-8", "replace")
        if code is None:
            printed += "".join(reversed(self._scratch.with_name("stack").read_text().splitlines(keepends=True)))
            self._process.join(1.0 if died else 0.0)
            code = self._process.exitcode if died else None
            self._stop()
            self._start()
        return Outcome(code, printed, time.perf_counter() - started)


def _processor_seconds(process: int) -> float:
    """Processor time that a process has taken."""
    with suppress(OSError):
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def files_in(folder: Path) -> Files:
    """All files and folders below a folder, with what changes when they are written."""
    found = {}
    for base, folders, names in os.walk(folder):
        for name in (*folders, *names):
            status = (Path(base) / name).lstat()
            found[Path(base) / name] = (0, 0) if name in folders else (status.st_size, status.st_mtime_ns)
    return found


def faults_of(arguments: Sequence[str], outcome: Outcome, before: Files, after: Files) -> list[str]:
    """Say what is wrong with how a command ended; empty if nothing is."""
    if outcome.code is None:
        return ["hangs"]
    faults = []
    if outcome.code not in EXIT_CODES:
        faults.append(f"ends with code {outcome.code}")
    if "Traceback" in outcome.printed or "Error ignored" in outcome.printed:
        faults.append("shows a traceback")
    lines = outcome.printed.splitlines()
    checked = "info" in arguments and "--check" in arguments  # which prints what it finds, and then the error
    if outcome.code == 2 and not checked and not 1 <= len(lines) <= MOST_LINES:
        faults.append(f"prints {len(lines)} lines")
    if any(not character.isprintable() for line in lines for character in line.replace("\t", " ")):
        faults.append("prints control characters")
    asked = {Path(word).name for word in arguments}
    changed = [path for path, status in after.items() if before.get(path) != status]
    changed += [path for path in before if path not in after]
    if outcome.code == 2 and changed:
        faults.append(f"is refused, but wrote {', '.join(path.name for path in changed)}")
    found = (_unfinished(path, outcome, asked, LABELS if path in before else ()) for path in changed if path in after)
    return faults + [fault for fault in found if fault]


def _unfinished(path: Path, outcome: Outcome, asked: Collection[str], given: Collection[str]) -> str:
    """Say why a file is but half-written, or nothing; checks that were ``given`` are not its doing."""
    if path.is_dir() or outcome.code == 2:
        return ""
    strange = path.name.startswith(".") or any(word in path.name for word in UNFINISHED)
    if strange and path.name not in asked:
        return f"leaves {path.name}"
    if path.suffix == ".h5" or is_hdf5(path):
        try:
            wrong = [check.name for check in check_trajectory(path) if not check.passed and check.name not in given]
        except InputError as error:
            return f"leaves {path.name} unreadable: {error}"
        return f"leaves {path.name} with wrong {', '.join(wrong)}" if wrong else ""
    if outcome.code == 1 and path.name not in {"sweep.toml", "sweep.nc"}:
        return f"fails, but wrote {path.name}"
    return f"leaves an empty {path.name}" if path.stat().st_size == 0 else ""
