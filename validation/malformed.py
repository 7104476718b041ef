"""Malformed input: every command ends within seconds by an exit code that means something, and writes all or nothing.

Problem files, command lines, data files and trajectories are changed in many ways, by chance but reproducibly, and
given to the command line, each with 10 s and 1 GB beyond what the process takes itself. Right are: an exit code 0, 1, 2
or 130; no traceback; for a code 2 at most three lines and no file written or changed; otherwise no file that is but
half-written; trajectories that are left pass all checks of `wgflow info --check`.

    python validation/malformed.py [--quick] [--count N] [--seed S] [--group NAME ...] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ._malformed_runner import Files, Outcome, Runner, faults_of, files_in

GROUPS = [
    name
    for name in ("problems", "commands", "data", "trajectories")
    if importlib.util.find_spec(f"_malformed_{name}") is not None
]
COUNT, QUICK_COUNT = 500, 24  # of each group
SHARES = 2  # processes
SHOWN = 700  # characters of the end of what a faulty command printed


@dataclass
class Result:
    """How the commands of a group ended."""

    codes: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    slowest: float = 0.0


def try_share(group: str, count: int, seed: int, folder: Path, kept: Path | None) -> Result:
    """Try commands of a group one after another."""
    result, place, work = Result(), folder / "input", folder / "output"
    place.mkdir(parents=True)
    runner = Runner()
    module = importlib.import_module(f"_malformed_{group}")
    for number, (label, arguments) in enumerate(module.cases(place, count, seed)):
        work.mkdir(exist_ok=True)
        before = files_in(folder)
        outcome = runner.run(arguments, work, partial(_clear, folder, before))
        faults = faults_of(arguments, outcome, before, files_in(folder))
        result.codes["ended" if outcome.code is None else str(outcome.code)] += 1
        result.slowest = max(result.slowest, outcome.seconds)
        if faults:
            result.faults += 1
            name = f"{group} {seed}-{number}, {label}"
            described = _described(name, arguments, outcome, faults)
            print("      " + described.encode("ascii", "backslashreplace").decode(), flush=True)
            if kept is not None:
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


def try_group(group: str, count: int, seed: int, kept: Path | None) -> bool:
    """Try all commands of a group; whether none had a fault."""
    started, context = time.perf_counter(), multiprocessing.get_context("fork")
    with (
        tempfile.TemporaryDirectory(prefix="malformed-") as folder,
        ProcessPoolExecutor(SHARES, mp_context=context) as pool,
    ):
        counts = [len(range(share, count, SHARES)) for share in range(SHARES)]
        tasks = [
            pool.submit(try_share, group, number, SHARES * seed + share, Path(folder) / str(share), kept)
            for share, number in enumerate(counts)
        ]
        results = [task.result() for task in tasks]
    faults = sum(result.faults for result in results)
    codes = sum((result.codes for result in results), Counter[str]())
    told = ", ".join(f"{number} with {code}" for code, number in sorted(codes.items()))
    slowest, seconds = max(result.slowest for result in results), time.perf_counter() - started
    verdict = "PASS" if faults == 0 else "FAIL"
    print(f"{verdict}  {group}: {count} cases, {told}; {faults} faults; slowest {slowest:.1f} s, all {seconds:.0f} s",
          flush=True)  # fmt: skip
    return faults == 0


def main() -> int:
    """Try all groups; 0 if no command had a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_COUNT} cases of each group")
    parser.add_argument("--count", type=int, help=f"cases of each group; {COUNT} by default")
    parser.add_argument("--seed", type=int, default=0, help="seed of the changes")
    parser.add_argument("--group", nargs="+", choices=GROUPS, default=GROUPS, help="all by default")
    parser.add_argument("--keep", type=Path, help="folder for the input of faulty cases")
    options = parser.parse_args()
    count = options.count or (QUICK_COUNT if options.quick else COUNT)
    passed = [try_group(group, count, options.seed, options.keep) for group in options.group]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
