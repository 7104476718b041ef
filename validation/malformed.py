"""Malformed input: every command ends within seconds by an exit code that means something, and writes all or nothing.

Problem files, command lines, data files and trajectories are changed in many ways, by chance but reproducibly, and
given to the command line, each with 10 s and 1 GB beyond what the process takes itself. Right are: an exit code 0, 1, 2
or 130; no traceback; for a code 2 at most three lines and no file written or changed; otherwise no file that is but
half-written; trajectories that are left pass all checks of `wgflow info --check`. The input of commands that end
otherwise is kept in the folder malformed-faulty.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from wgflow.app.validation import Row, Setting, agrees

from . import _malformed_commands, _malformed_data, _malformed_problems, _malformed_trajectories
from ._malformed_runner import Files, Outcome, Runner, faults_of, files_in

Cases = Callable[[Path, int, int], Iterator[tuple[str, list[str]]]]
Group = Literal["problems", "commands", "data", "trajectories"]
GROUPS: dict[Group, Cases] = {
    "problems": _malformed_problems.cases,
    "commands": _malformed_commands.cases,
    "data": _malformed_data.cases,
    "trajectories": _malformed_trajectories.cases,
}
COUNT, QUICK_COUNT = 500, 12  # of each group
SHARES = 2  # processes
SHOWN = 700  # characters of the end of what a faulty command printed


@dataclass
class Result:
    """How the commands of a group ended; of those with faults also what they were and printed."""

    codes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0


def try_share(group: Group, count: int, seed: int, folder: Path, kept: Path) -> Result:
    """Try commands of a group one after another, and keep the input of those with faults."""
    result, place, work = Result(), folder / "input", folder / "output"
    place.mkdir(parents=True)
    runner = Runner()
    for number, (label, arguments) in enumerate(GROUPS[group](place, count, seed)):
        work.mkdir(exist_ok=True)
        before = files_in(folder)
        outcome = runner.run(arguments, work, partial(_clear, folder, before))
        faults = faults_of(arguments, outcome, before, files_in(folder))
        result.codes["ended" if outcome.code is None else str(outcome.code)] += 1
        result.slowest = max(result.slowest, outcome.seconds)
        if faults:
            described = _described(f"{group} {seed}-{number}, {label}", arguments, outcome, faults)
            result.faults.append(described.encode("ascii", "backslashreplace").decode())
            shutil.copytree(place, kept / f"{group}-{seed}-{number}", symlinks=True, dirs_exist_ok=True)
        _clear(folder, before)
    runner.close()
    return result


def _described(name: str, arguments: Sequence[str], outcome: Outcome, faults: Sequence[str]) -> str:
    words = " ".join(word if len(word) < 100 else f"{word[:60]}...({len(word)})" for word in arguments)
    shown = ascii(outcome.printed[-SHOWN:]).replace("\\n", "\n        ")
    return f"{name}: {'; '.join(faults)}\n        wgflow {words!a}\n        {shown}"


def _clear(folder: Path, before: Files) -> None:
    """Remove what a command wrote."""
    for path in files_in(folder).keys() - before.keys():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def try_group(group: Group, count: int, seed: int, pool: ProcessPoolExecutor, setting: Setting) -> Row:
    """Try all commands of a group, and tell the faults that were found."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="malformed-") as folder:
        counts = [len(range(share, count, SHARES)) for share in range(SHARES)]
        tasks = [
            pool.submit(
                try_share, group, number, SHARES * seed + share, Path(folder) / str(share), setting.file("-faulty")
            )
            for share, number in enumerate(counts)
        ]
        results = [task.result() for task in tasks]
    faults = [fault for result in results for fault in result.faults]
    for fault in faults:
        setting.say(fault)
    codes = sum((result.codes for result in results), Counter[str]())
    told = ", ".join(f"{number} with {code}" for code, number in sorted(codes.items()))
    slowest, seconds = max(result.slowest for result in results), time.perf_counter() - started
    beside = f"{told}; slowest {slowest:.1f} s, all {seconds:.0f} s"
    return agrees(f"{group}: faults in {count} cases", len(faults), 0, beside).quote()


def validate(
    setting: Setting, *, count: int | None = None, seed: int = 0, groups: tuple[Group, ...] = tuple(GROUPS)
) -> Iterator[Row]:
    """Try all groups of commands.

    Parameters
    ----------
    setting : Setting
        How much is computed.
    count : int or None
        Cases of each group; 500 by default, 12 in quick runs.
    seed : int
        Of the changes.
    groups : tuple of str
        Which groups; all by default.
    """
    # Processes of their own begin afresh: those that run the commands are copies of them, without other threads.
    with ProcessPoolExecutor(SHARES, mp_context=get_context("spawn")) as pool:
        for group in groups:
            yield try_group(group, count or (QUICK_COUNT if setting.quick else COUNT), seed, pool, setting)
