"""Validations as a library: rows, options, records, and the command that runs them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import pytest

from wgflow import InputError, __version__
from wgflow.app.cli import _exit_code
from wgflow.app.validation import Row, Setting, agrees, at_least, between, measured, run_validation, running, within
from wgflow.app.validation.finding import benchmark_names, load_validation, validation_names
from wgflow.app.validation.options import parse_options
from wgflow.app.validation.records import read_record


def sample(setting: Setting, *, count: int = 3, fast: bool = False, solvers: tuple[str, ...] = ("a",)) -> Iterator[Row]:
    """Stands for a validation."""
    yield within("count less 3", count - 3.0, 0.5, "beside").quote()
    yield measured("fast", str(fast), setting.file().name)
    yield agrees("solvers", len(solvers), 1)
    yield measured("never", math.inf)


@pytest.mark.parametrize(
    ("row", "passed"),
    [
        (within("x", -0.1, 0.1), True),
        (within("x", -0.11, 0.1), False),
        (within("x", math.nan, 0.1), False),
        (at_least("x", 2.0, 2.0), True),
        (at_least("x", 1.9, 2.0), False),
        (at_least("x", math.nan, 2.0), False),
        (between("x", 2.0, 1.0, 2.0), True),
        (between("x", 0.9, 1.0, 2.0), False),
        (agrees("x", 3, 3), True),
        (agrees("x", True, False), False),
        (measured("x", math.nan), True),
    ],
)
def test_rows_know_whether_they_pass(row, passed):
    assert row.passed is passed
    assert row.verdict == ("" if row.asked == "" else "PASS" if passed else "FAIL")


def test_every_validation_that_ships_is_a_function_of_a_setting():
    for name in [*validation_names(), *benchmark_names()]:
        module = load_validation(name)
        assert callable(module.validate), name
        assert module.__doc__, name
    assert "orders" in validation_names()
    assert "benchmarks.circle" in benchmark_names()


def test_options_are_read_as_the_function_types_them():
    found = parse_options(sample, ["count=7", "fast=true", "solvers=a, b"])
    assert found == {"count": 7, "fast": True, "solvers": ("a", "b")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count", "no assignment; write --set KEY=VALUE"),
        ("count=many", "--set count = 'many' is not allowed; allowed is a valid integer"),
        ("coun=1", "did you mean 'count'"),
        ("setting=1", "unknown to this validation"),
    ],
)
def test_options_that_do_not_fit_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse_options(sample, [text])


def test_what_a_validation_finds_is_written_with_its_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(running, "function_of", lambda _: sample)
    folder = tmp_path / "made" / "here"
    record = run_validation("sample", quick=True, output=folder, assignments=["count=4"])
    assert not record.passed
    content = json.loads((folder / "sample.json").read_text())
    assert content["command"] == "wgflow validate sample --quick --set count=4"
    assert content["version"] == __version__
    assert [row["passed"] for row in content["rows"]] == [False, True, True, True]
    assert content["rows"][0]["value"] == 1.0
    assert content["rows"][3]["value"] == "inf"
    assert "host" not in content["machine"]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("FAIL  count less 3")
    assert printed[-1].startswith("1 of 2 passed")
    assert read_record(folder / "sample.json").rows[:3] == record.rows[:3]


def test_a_file_that_is_no_record_is_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"rows": 3}')
    with pytest.raises(InputError, match="no record of a validation"):
        read_record(path)


@pytest.mark.parametrize("arguments", [["nosuch"], ["boxes", "--all"], ["boxes", "--set", "x=1"]])
def test_what_the_command_cannot_do_is_bad_input(arguments, monkeypatch):
    monkeypatch.setattr("sys.argv", ["wgflow", "validate", *arguments])
    assert _exit_code() == 2
