"""The command ``wgflow sweep``: progress of all runs, failures at the end, and how to go on after Ctrl-C."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from wgflow.app.sweeps.api import carry_out
from wgflow.app.sweeps.axes import parse_over
from wgflow.app.sweeps.gather import DATASET
from wgflow.app.sweeps.launching import parse_launcher
from wgflow.app.sweeps.plan import make_plan
from wgflow.app.sweeps.watching import shown_runs
from wgflow.flows.endings import COMPLETE
from wgflow.system.signals import INTERRUPTED_CODE
from wgflow.system.terminal import say

UNSAID = {"--threads": (1,), "--launcher": ("",)}  # values of options that are those by default, where not None
SHOWN_RUNS = 20  # failures and warnings listed at the end; all are in the dataset


def sweep_command(
    problem: Path,
    over: Sequence[str],
    folder: Path,
    settings: Sequence[str],
    *,
    scheduler: str | None,
    workers: int | None,
    threads: int,
    quiet: bool,
    force: bool = False,
    allow_code: bool = False,
    launcher: str = "",
) -> int:
    """Carry out a sweep and show it; gives the exit code: 0 if all runs are complete, 130 after a signal, else 1."""
    words = parse_launcher(launcher, here=scheduler is None)
    plan = replace(make_plan(problem, parse_over(over), settings), allow_code=allow_code, launcher=words)
    try:
        with shown_runs(wanted=not quiet) as watcher:
            dataset = carry_out(
                plan, folder, scheduler=scheduler, workers=workers, threads=threads, force=force, watcher=watcher
            )
    except KeyboardInterrupt:
        options = {"--scheduler": scheduler, "--workers": workers, "--threads": threads, "--launcher": launcher}
        flags = ["--force"] * force + ["--allow-code"] * allow_code
        _say_continuation(problem, over, folder, settings, options, flags)
        return INTERRUPTED_CODE
    status, messages = dataset["status"].values.ravel(), dataset["message"].values.ravel()
    failed = np.flatnonzero(status != COMPLETE)
    warned = np.flatnonzero((status == COMPLETE) & (messages != ""))
    for title, runs in (("warning", warned[: 0 if quiet else None]), ("failed", failed)):
        _list_runs(title, [f"{plan.name(int(index))}: {messages[index]}" for index in runs])
    if not quiet:
        say(f"runs        {plan.count}: {plan.count - failed.size} complete, {failed.size} failed")
        say(f"dataset     {folder / DATASET}")
    return 1 if failed.size else 0


def _list_runs(title: str, lines: Sequence[str]) -> None:
    for line in lines[:SHOWN_RUNS]:
        say(f"{title:11s} {line}", error=True)
    if len(lines) > SHOWN_RUNS:
        say(f"{title:11s} and {len(lines) - SHOWN_RUNS} more, see `message` in the dataset", error=True)


def _say_continuation(
    problem: Path,
    over: Sequence[str],
    folder: Path,
    settings: Sequence[str],
    options: Mapping[str, str | int | None],
    flags: Sequence[str],
) -> None:
    words = ["wgflow", "sweep", str(problem)]
    words += [word for option in over for word in ("--over", option)]
    words += [word for setting in settings for word in ("--set", setting)]
    for option, value in options.items():
        words += [] if value in UNSAID.get(option, (None,)) else [option, str(value)]
    command = shlex.join([*words, *flags, "-o", str(folder)])
    say(f"interrupted; the runs so far are in {folder}. Continue with: {command}", error=True)
