"""Runs of sweeps that a launcher starts: with a script in its place, which takes the number of ranks and starts one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

import wgflow
from wgflow.app.sweeps import guard, make_plan
from wgflow.app.sweeps.launching import parse_launcher
from wgflow.app.sweeps.runs import carry_out_run
from wgflow.errors import InputError

from .test_runs import BOX, stop_after

STAND_IN = """#!/bin/sh
shift 2
echo "$@" >> {log}
echo "a word of the launcher" >&2
exec "$@"
"""


@pytest.fixture
def launcher(tmp_path):
    """A launcher like mpiexec; its log holds the commands that it started."""
    script = tmp_path / "launcher"
    script.write_text(STAND_IN.format(log=tmp_path / "log"))
    script.chmod(0o755)
    return str(script), "-n", "2"


@pytest.fixture
def folder(tmp_path):
    """A folder of a sweep."""
    (tmp_path / "sweep").mkdir()
    return tmp_path / "sweep"


def planned(problem, over, launcher, folder):
    """The plan of a sweep whose folder is there, as workers have it."""
    from wgflow.app.sweeps.folder import prepare_folder

    plan = replace(make_plan(problem, over), launcher=launcher)
    prepare_folder(plan, folder)
    return plan


def test_launched_runs_are_continued(problem, launcher, folder, tmp_path):
    plan = planned(problem, {"initial.seed": [0, 1]}, launcher, folder)
    stop_after(plan, 1, plan.file(folder, 1), 2)
    outcome, wanted = carry_out_run(plan, folder, 1), wgflow.run(plan.problem(1))
    assert (outcome.index, outcome.status, outcome.message, outcome.reached_end) == (1, "complete", "", True)
    np.testing.assert_array_equal(outcome.time, wanted.time)
    for name, values in wanted.scalars.items():
        np.testing.assert_array_equal(outcome.scalars[name], values)
    assert (tmp_path / "log").read_text().split()[-2:] == ["1", "--resume"]


def test_errors_and_warnings_of_launched_runs_are_their_messages(launcher, folder, tmp_path):
    """Where a file cannot be continued, those of the second attempt."""
    plan = planned(BOX, {"domain.wall_limit": [2e-3, 1.0]}, launcher, folder)
    plan.file(folder, 1).write_bytes(b"")
    found = [carry_out_run(plan, folder, index) for index in (0, 1)]
    started = [line.split()[-2:] for line in (tmp_path / "log").read_text().splitlines()]
    assert started == [["0", "--overwrite"], ["1", "--resume"], ["1", "--overwrite"]]
    for outcome, status, message in zip(
        found, ("failed", "complete"), ("wall_limit = 0.002", "upper end"), strict=True
    ):
        assert (outcome.status, outcome.message.count(message)) == (status, 1)
        plan.file(folder, outcome.index).unlink()
        here = carry_out_run(replace(plan, launcher=()), folder, outcome.index)
        assert (here.status, here.message) == (outcome.status, outcome.message)


@pytest.mark.parametrize(
    ("launcher", "message"),
    [
        (("false", "-n", "2"), "false -n 2 ended with exit code 1"),
        (
            ("sh", "-c", "echo no slots >&2; exit 3"),
            "sh -c 'echo no slots >&2; exit 3' ended with exit code 3: no slots",
        ),
        (("sh", "-c", "kill -9 $$"), "sh -c 'kill -9 $$' ended with exit code 137"),
        (("/nowhere/mpiexec",), "/nowhere/mpiexec cannot be started: No such file or directory"),
    ],
)
def test_launchers_that_fail_are_named(problem, folder, launcher, message):
    outcome = carry_out_run(planned(problem, {"initial.seed": [0]}, launcher, folder), folder, 0)
    assert (outcome.status, outcome.message) == ("failed", message)


def test_launchers_are_commands():
    assert parse_launcher("", here=True) == ()
    assert parse_launcher("sh -c 'a b'", here=True) == ("sh", "-c", "a b")
    assert parse_launcher(["srun", "-n", 4], here=False) == ("srun", "-n", "4")
    for launcher, message in (("mpi 'exec", "cannot be read"), (3, "cannot be read"), ("nowhere -n 2", "is not found")):
        with pytest.raises(InputError, match=message):
            parse_launcher(launcher, here=True)


def ends(process):
    """Whether a process that is no child ends, sooner or later."""
    deadline = time.monotonic() + 600.0
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


KILLED = """
import os, subprocess, sys
ours, held = os.pipe()
guard = subprocess.Popen([sys.executable, {guard!r}, "sh", "-c", "echo $$; sleep 60 & wait"], stdin=ours)
guard.wait()
"""


@pytest.mark.parametrize("who", ["worker", "guard"])
def test_what_was_launched_ends_with_its_worker(who):
    """However that ends; and with its guard, where that is asked to."""
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(guard=guard.__file__)], stdout=subprocess.PIPE, text=True
    )
    launched = int(worker.stdout.readline())
    assert os.getsid(launched) == launched
    if who == "worker":
        worker.kill()
    else:
        above = subprocess.run(
            ["ps", "-o", "ppid=", "-p", str(launched)], stdout=subprocess.PIPE, text=True, check=True
        )
        os.kill(int(above.stdout), signal.SIGTERM)
    assert ends(launched)
    worker.stdout.read()  # until all who have it are gone, what was launched beside the shell too
    worker.communicate()


def test_what_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(guard, "GRACE_SECONDS", 0.1)
    command = ["sh", "-c", "trap '' TERM; echo ready; sleep 60; sleep 60"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    guard.end(process.pid)
    assert process.communicate() == (b"", None)
    assert process.returncode == -signal.SIGKILL
    guard.end(process.pid)  # nothing is left
