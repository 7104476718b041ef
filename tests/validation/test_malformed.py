"""A share of the malformed input, and what is said of commands that end as none should."""

from __future__ import annotations

import itertools
import sys
from functools import partial

import pytest

from wgflow.app.validation.finding import import_shipped, load_validation

malformed, runner = load_validation("malformed"), import_shipped("_malformed_runner")
Outcome, faults_of, files_in = runner.Outcome, runner.faults_of, runner.files_in
COUNTS = {"problems": 11, "commands": 11, "data": 12}


@pytest.mark.parametrize("group", COUNTS)
def test_a_share_of_the_cases(group, tmp_path, capfd, monkeypatch):
    """In this process, and without limits; runs that are not refused are left to the validation."""
    from wgflow.app import cli

    def refuse(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    work = tmp_path / "output"
    work.mkdir()
    place = tmp_path / "input"
    place.mkdir()
    monkeypatch.chdir(work)
    found = malformed.GROUPS[group](place, COUNTS[group], 7)
    first, refused = next(found), 0
    for name in (
        "problems.run",
        "app.sweeps.api.connect",
        "app.console.say_resumable",
        "app.report.write_report",
        "plotting.save_figure",
        "plotting.animate_trajectory",
    ):
        monkeypatch.setattr(f"wgflow.{name}", refuse)
    for label, arguments in itertools.chain([first], found):
        before = files_in(place)
        monkeypatch.setattr(sys, "argv", ["wgflow", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capfd.readouterr()
        outcome = Outcome(int(end.value.code or 0), captured.out + captured.err)
        assert faults_of(arguments, outcome, before, files_in(place)) == [], (label, arguments, outcome.printed)
        refused += outcome.code == 2
    assert refused > 0.5 * COUNTS[group]


def test_a_process_with_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "ATTEMPTS", 1)
    (tmp_path / "text.toml").write_text("x")
    process = runner.Runner(seconds=1.5)
    try:
        refused = process.run(["run", "text.toml"], tmp_path, partial(print, end=""))
        assert refused.code == 2
        assert len(refused.printed.splitlines()) == 1
        long = ["run", "teacher", "-o", "x.h5", "--set", "solver.t_end=1e6", "--set", "output.snapshots=2"]
        lasting = process.run(long, tmp_path, partial(print, end=""))
        assert lasting.code is None
        assert faults_of([], lasting, {}, {}) == ["hangs"]
        assert process.run(["cite", "x"], tmp_path, partial(print, end="")).code == 2
    finally:
        process.close()


@pytest.mark.parametrize(
    ("outcome", "name", "fault"),
    [
        (Outcome(3), None, "ends with code 3"),
        (Outcome(-11), None, "ends with code -11"),
        (Outcome(1, "Traceback (most recent call last):\n"), None, "shows a traceback"),
        (Outcome(2, "a\nb\nc\nd\n"), None, "prints 4 lines"),
        (Outcome(2, ""), None, "prints 0 lines"),
        (Outcome(1, "error: \x1b[31m\n"), None, "prints control characters"),
        (Outcome(2, "error\n"), "x.csv", "is refused, but wrote x.csv"),
        (Outcome(0, ""), ".x.csv", "leaves .x.csv"),
        (Outcome(0, ""), "sweep.partial", "leaves sweep.partial"),
        (Outcome(0, ""), "x.h5", "leaves x.h5 unreadable"),
        (Outcome(1, "error\n"), "x.png", "fails, but wrote x.png"),
        (Outcome(1, "error\n"), None, ""),
        (Outcome(0, ""), "x.png", ""),
    ],
)
def test_faults_are_seen(outcome, name, fault, tmp_path):
    before = files_in(tmp_path)
    if name is not None:
        (tmp_path / name).write_text("text")
    found = faults_of([], outcome, before, files_in(tmp_path))
    assert all(text.startswith(fault) for text in found)
    assert len(found) == (1 if fault else 0)


def test_the_cases_are_the_same_for_a_seed(tmp_path):
    drawn = []
    for _ in range(2):
        drawn.append([])
        for label, _arguments in itertools.islice(malformed.GROUPS["data"](tmp_path, 20, 3), 20):
            names = sorted(path.name for path in tmp_path.iterdir())
            drawn[-1].append((label, [(name, (tmp_path / name).stat().st_size) for name in names]))
            for path in tmp_path.iterdir():
                path.unlink()
    assert drawn[0] == drawn[1]
