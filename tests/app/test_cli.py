"""The command line as a user types it: what each command prints and leaves behind."""

from __future__ import annotations

import signal
import sys
import time

import pytest

import wgflow
from tests.processes import start_interruptible
from wgflow.app.cli import _exit_code
from wgflow.errors import InputError

pytestmark = pytest.mark.usefixtures("without_layout")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run the command line in a folder of its own; gives what was printed to stdout."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["wgflow", *arguments])
        code = _exit_code()
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    return run


SMALL = ["--set", "domain.cells=64", "--set", "solver.t_end=0.5", "--set", "output.times=[0.25]"]


def test_list_names_the_problems(command):
    printed = command("list")
    for name in ("el_nino", "quadratic", "quadratic_sphere", "riccati", "teacher"):
        assert name in printed


def test_run_info_plot(command, tmp_path):
    printed = command("run", "teacher", *SMALL, "--plot", "figure.png")
    for word in ("time", "risk", "mass", "min J", "accepted", "computing", "teacher.h5", "figure.png"):
        assert word in printed
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    printed = command("info", "teacher.h5")
    for word in ("status complete", "density (3, 2, 64)", "gaussian_teacher", "cells = 64"):
        assert word in printed
    command("plot", "teacher.h5", "-o", "other.pdf")
    assert (tmp_path / "other.pdf").read_bytes().startswith(b"%PDF")
    command("plot", "teacher.h5")
    assert (tmp_path / "teacher.png").exists()


def test_info_checks_a_file(command, tmp_path, monkeypatch, capsys):
    command("run", "quadratic", *SMALL, "-q")
    printed = command("info", "--check", "quadratic.h5")
    assert printed.count("ok ") == len(printed.splitlines()) == 11
    content = bytearray((tmp_path / "quadratic.h5").read_bytes())
    content[content.index(b"long_name")] ^= 1
    (tmp_path / "quadratic.h5").write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["wgflow", "info", "--check", "quadratic.h5"])
    assert _exit_code() == 2
    shown = capsys.readouterr()
    assert shown.out.startswith("FAULT  seal")
    assert "error: quadratic.h5 has 1 fault; seal: its headers" in shown.err


def test_animate_makes_a_film(command, tmp_path):
    command("run", "quadratic", *SMALL, "-q")
    assert "film        quadratic.gif" in command("animate", "quadratic.h5")
    assert (tmp_path / "quadratic.gif").read_bytes().startswith(b"GIF89a")
    assert command("animate", "quadratic.h5", "-o", "two.gif", "--frames", "2", "--rate", "5", "--quiet") == ""
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.h5", "-o", "film.avi"], "allowed are .gif, .mp4"),
        (["nothing.h5"], "nothing.h5 does not exist"),
        (["nothing.h5", "--frames", "0"], "frames = 0"),
        (["nothing.h5", "-o", "nowhere/film.gif"], "the folder nowhere does not exist"),
    ],
)
def test_animate_names_what_is_wrong(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["wgflow", "animate", *arguments])
    assert _exit_code() == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_quiet_says_nothing(command):
    assert command("run", "quadratic", *SMALL, "--quiet") == ""


def test_earlier_output_is_kept_unless_told_otherwise(command, tmp_path):
    command("run", "quadratic", *SMALL, "-q")
    before = (tmp_path / "quadratic.h5").read_bytes()
    command("run", "quadratic", *SMALL, "-q")
    assert (tmp_path / "quadratic.h5").read_bytes() == before
    assert (tmp_path / "quadratic-2.h5").exists()
    command("run", "quadratic", *SMALL, "-q", "--overwrite", "--set", "solver.t_end=0.3")
    assert wgflow.load("quadratic.h5").time[-1] == 0.3


@pytest.mark.parametrize("problem", ["teacher", "el_nino"])
def test_three_methods_compare(command, tmp_path, problem):
    few = ["--set", "particles.count=60", "--set", "particles.tolerance=1e-4"]
    for kind in ("finite_volume", "particles", "characteristics"):
        command("run", problem, *SMALL, *few, "-q", "-o", f"{kind}.h5", "--set", f"solver.kind={kind}")
    for other, drawn in (("particles", ["-o", "comparison.png"]), ("characteristics", [])):
        printed = command("compare", "finite_volume.h5", f"{other}.h5", *drawn)
        assert "times  3 in both (0, " in printed
        for word in ("risk A", "risk B", "mass A", "predictors", "kernel", "W1", "W2"):
            assert word in printed
        assert len([line for line in printed.splitlines() if line.strip()[:1].isdigit()]) == 3
    assert (tmp_path / "comparison.png").exists()


def test_a_run_that_has_nothing_left_to_do_says_so(command):
    file = (*SMALL, "-o", "run.h5")
    assert "nothing was left" not in command("run", "quadratic", *file)
    said = "nothing was left to do: the run had ended by {} at t = {}; a {} one goes on, --set solver.{}=..."
    assert said.format("t_end", 0.5, "later", "t_end") in command("run", "quadratic", *file, "--resume")
    assert "nothing was left" not in command("run", "quadratic", *file, "--resume", "--set", "solver.t_end=0.6")
    assert "nothing was left" not in command("run", "quadratic", *file, "--resume")  # a warning says it
    rest = ("--set", "solver.t_end=9", "--set", "solver.stationarity=1e9")
    command("run", "quadratic", *file, "--resume", *rest)
    reached = f"{wgflow.load('run.h5').time[-1]:g}"
    said = said.format("stationarity", reached, "smaller", "stationarity")
    assert said in command("run", "quadratic", *file, "--resume", *rest)
    assert command("run", "quadratic", *file, "--resume", *rest, "-q") == ""


def test_validations_are_listed(command):
    assert "sphere_vs_particles" in command("validate")


@pytest.mark.parametrize("number", [signal.SIGINT, getattr(signal, "SIGUSR1", signal.SIGTERM)])
def test_interrupted_run_says_how_to_go_on(tmp_path, number):
    process = start_interruptible(["-m", "wgflow", "run", "el_nino", "-o", "run.h5"], cwd=tmp_path)
    deadline = time.monotonic() + 600.0
    while not (tmp_path / "run.h5").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "wgflow run el_nino -o run.h5 --resume" in errors
    assert "Traceback" not in errors
    part = wgflow.load(tmp_path / "run.h5")
    assert part.status == "interrupted"
    assert part.scheduled in {len(part.time), len(part.time) - 1}


@pytest.mark.parametrize("number", [signal.SIGTERM, getattr(signal, "SIGUSR1", signal.SIGTERM)])
def test_signals_before_the_first_step_end_a_run_as_later_ones_do(tmp_path, monkeypatch, capsys, number):
    def open_problem(*_, **__):
        signal.raise_signal(number)
        time.sleep(5.0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("wgflow.problems.open_problem", open_problem)
    monkeypatch.setattr(sys, "argv", ["wgflow", "run", "quadratic"])
    assert _exit_code() == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(tmp_path, monkeypatch):
    """An error goes on to Python, which shows where it comes from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WGFLOW_DEBUG", "")  # which is restored afterwards
    monkeypatch.setattr(sys, "argv", ["wgflow", "--debug", "info", "nothing.h5"])
    with pytest.raises(InputError, match="does not exist"):
        _exit_code()


def test_estimates_are_announced_shown_and_drawn(command):
    printed = command("run", "quadratic", *SMALL, "--estimate", "-o", "a.h5", "--plot", "a.png")
    assert "estimate    runs on 32 cells and 16 cells first, about 31% more time" in printed
    assert "errors at t = 0.5" in printed
    assert "density (L1)" in printed
    assert "density (L1)" in command("info", "a.h5")
    command("run", "quadratic", *SMALL, "-o", "b.h5", "-q")
    assert "errors at" not in command("info", "b.h5")
    header = command("compare", "a.h5", "b.h5", "-o", "c.png").splitlines()[3]
    assert "error A" in header
    assert "error B" not in header


def test_errors_that_are_not_resolved_are_shown_as_such(command):
    printed = command("run", "quadratic", *SMALL, "--set", "domain.cells=12", "--estimate")
    assert "not resolved" in printed
    assert "density (L1)" not in printed
