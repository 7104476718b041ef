"""Sweeps of which a worker, the scheduler (the process that was called) or the whole group of processes is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import xarray

from wgflow import open_sweep

VICTIMS = ("worker", "scheduler", "group")
COMMAND = [sys.executable, "-m", "wgflow.app.cli", "sweep", "teacher", "--over", "initial.seed=0:8", "--quiet"]
SETTINGS = ("solver.kind=particles", "particles.count=400", "solver.t_end=2.0", "output.snapshots=41")
PATIENCE = 600.0  # seconds
LATEST = 3.0  # seconds after the first file of a run until something is killed


def begin(folder: Path) -> subprocess.Popen[bytes]:
    """Begin a sweep, or continue it, in a group of processes of its own."""
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    command = [*COMMAND, *settings, "--workers", "2", "-o", str(folder)]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill(victim: str, process: subprocess.Popen[bytes], generator: random.Random) -> None:
    """Kill a part of a sweep, and wait for the processes that must end with it."""
    family = psutil.Process(process.pid).children(recursive=True)
    workers = [child for child in family if "spawn_main" in " ".join(child.cmdline())]
    if victim == "worker":
        if workers:
            generator.choice(workers).kill()
        return
    if victim == "scheduler":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)
    psutil.wait_procs(family, PATIENCE)


def faults_after_kill(victim: str, folder: Path, whole: xarray.Dataset, generator: random.Random) -> list[str]:
    """What is wrong with a sweep of which a part is killed at a random instant, after the same command continued it."""
    process, deadline = begin(folder), time.monotonic() + PATIENCE
    while not list(folder.glob("*.h5")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(generator.uniform(0.0, LATEST))
    if process.poll() is None:
        kill(victim, process, generator)
    code = process.wait(PATIENCE)
    if victim != "worker" or code != 0:
        code = begin(folder).wait(PATIENCE)
    faults = [] if code == 0 else [f"the command that continues ended with code {code}"]
    left = sorted(path.name for path in folder.iterdir() if path.name.startswith("."))
    faults += [f"{', '.join(left)} are left"] if left else []
    found = open_sweep(folder)
    return faults + [f"{name} differs" for name in whole.data_vars if not found[name].equals(whole[name])]
