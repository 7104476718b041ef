"""Printing where nobody reads, no disk takes it or no terminal is left: it never stops what it tells of."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys

import pytest
from rich.progress import Progress

import wgflow
from wgflow.app.cli import _exit_code
from wgflow.app.sweeps.runs import Outcome
from wgflow.app.sweeps.watching import _Lines
from wgflow.system.terminal import Printer, make_console, say


class Lost(io.StringIO):
    """A stream that takes some writes, and then fails as the system says."""

    encoding = "utf-8"

    def __init__(self, error: Exception, takes: int = 0, terminal: bool = False) -> None:
        super().__init__()
        self.error, self.takes, self.terminal = error, takes, terminal

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.takes -= 1
        if self.takes < 0:
            raise self.error
        return super().write(text)


FAILURES = {
    "reader gone": BrokenPipeError(errno.EPIPE, "Broken pipe"),
    "disk full": OSError(errno.ENOSPC, "No space left on device"),
    "terminal gone": OSError(errno.EIO, "Input/output error"),
    "closed": ValueError("I/O operation on closed file"),
}


@pytest.mark.parametrize(
    ("name", "terminal", "takes"),
    [("reader gone", False, 3), ("disk full", False, 0), ("terminal gone", True, 3), ("closed", True, 0)],
)
def test_a_run_goes_on(tmp_path, monkeypatch, name, terminal, takes):
    error = FAILURES[name]
    settings = ["--set", "domain.cells=16", "--set", "solver.t_end=0.2", "--set", "output.snapshots=11"]
    out, err = Lost(error, takes, terminal), Lost(error, takes, terminal)
    monkeypatch.setattr(sys, "argv", ["wgflow", "run", "teacher", "-o", str(tmp_path / "run.h5"), *settings])
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert _exit_code() == 0
    assert (len(out.getvalue().splitlines()), out.takes < 0) == (takes, True)
    assert wgflow.load(tmp_path / "run.h5").status == "complete"


def test_a_sweep_goes_on(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Lost(FAILURES["reader gone"]))
    lines = _Lines()
    lines.begin(2, 0)
    lines.note(Outcome(0, "complete"))


def test_bars_go_on_where_the_terminal_is_gone(monkeypatch):
    lost = Lost(FAILURES["terminal gone"], takes=3, terminal=True)
    monkeypatch.setattr(sys, "stderr", lost)
    with Progress(console=make_console(), transient=True) as bar:
        task = bar.add_task("runs", total=3)
        for _ in range(3):
            bar.update(task, advance=1, refresh=True)
            say("a line beside the bar", error=True)
    assert lost.takes < 0
    assert sys.stderr is lost


def test_characters_that_a_stream_does_not_know_are_escaped():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Printer(stream).write("caf\u00e9 \udcff\n")
    assert raw.getvalue() == b"caf\\xe9 \\udcff\n"


def test_processes_without_streams_are_silent(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    say("nothing")
    assert not Printer(None).isatty()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")  # noqa: PTH110
def test_the_program_ends_well_on_a_full_disk():
    """What Python still holds at its end is not complained of."""
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "wgflow", "list"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_closed_streams_are_not_given_to_files():
    code = (
        "import os, wgflow.system.terminal as t\n"
        "copy = os.dup(1)\n"
        "for number in range(3): os.close(number)\n"
        "t.open_missing_streams()\n"
        "os.write(copy, b'%d' % os.open(os.devnull, os.O_RDONLY))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(done.stdout) > 2
