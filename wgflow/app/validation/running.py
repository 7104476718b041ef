"""Running validations: rows are printed while they come, and written as JSON at the end."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from wgflow.app.validation.finding import function_of, summary_of, validation_names
from wgflow.app.validation.options import options_of, parse_options
from wgflow.app.validation.records import Record, write_record
from wgflow.app.validation.rows import Row
from wgflow.app.validation.setting import Setting
from wgflow.errors import MissingExtraError, WgflowError
from wgflow.system.terminal import say
from wgflow.text import error_text
from wgflow.trajectory.provenance import describe_machine

DEFAULT_FOLDER = Path("validation_results")


def run_validation(
    name: str, *, quick: bool = False, output: Path = DEFAULT_FOLDER, assignments: Sequence[str] = ()
) -> Record:
    """Run a validation, print its rows while they come, and write them with its pictures.

    Parameters
    ----------
    name : str
        One of those that ship.
    quick : bool
        Coarse grids and few repetitions.
    output : Path
        Folder for NAME.json, NAME.png and what else it writes; made where it does not exist.
    assignments : sequence of str
        Its options, as KEY=VALUE.

    Returns
    -------
    Record

    Raises
    ------
    InputError
        If there is no such validation, it has no such option, or an option is not allowed.
    OSError
        If the folder cannot be written.
    """
    function = function_of(name)
    options = parse_options(function, assignments)
    output.mkdir(parents=True, exist_ok=True)
    setting = Setting(name, output, quick)
    begin = time.perf_counter()
    rows = tuple(_printed(function(setting, **options)))
    record = Record(
        validation=name,
        command=_command(name, quick, assignments),
        version=version("wgflow"),
        date=str(date.today()),
        seconds=round(time.perf_counter() - begin, 1),
        machine={key: value for key, value in describe_machine().items() if key != "host"},
        rows=rows,
    )
    write_record(record, setting.file(".json"))
    say(f"{_counted(record)} in {record.seconds:g} s: {setting.file('.json')}")
    return record


def run_all(*, quick: bool = False, output: Path = DEFAULT_FOLDER) -> bool:
    """Run all validations one after the other, whatever they find; gives whether all rows passed.

    One that needs an extra which is not installed is left out, and named at the end.
    """
    failed, left_out = [], []
    for name in validation_names():
        say(f"\n{name}: {summary_of(name)}")
        try:
            if not run_validation(name, quick=quick, output=output).passed:
                failed.append(name)
        except MissingExtraError as error:
            left_out.append(name)
            say(f"left out: {error_text(error)}")
        except WgflowError as error:
            failed.append(name)
            say(f"FAIL  {error_text(error)}")
    say(f"\n{len(validation_names()) - len(failed) - len(left_out)} validations passed")
    if left_out:
        say(f"left out: {', '.join(left_out)}")
    if failed:
        say(f"failed: {', '.join(failed)}")
    return not failed


def list_validations(names: Iterable[str]) -> None:
    """Print the names of validations with what each compares, and their options."""
    for name in names:
        say(f"{name:24s} {summary_of(name)}")
        options = options_of(function_of(name))
        if options:
            defaults = "  ".join(f"{key}={option.default}" for key, option in options.items())
            say(f"{'':24s} --set {defaults}")


def _printed(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        say(str(row))
        yield row


def _counted(record: Record) -> str:
    asked = [row for row in record.rows if row.asked]
    return f"{sum(row.passed for row in asked)} of {len(asked)} passed"


def _command(name: str, quick: bool, assignments: Sequence[str]) -> str:
    words = ["wgflow", "validate", name, *(["--quick"] if quick else [])]
    return shlex.join([*words, *(word for text in assignments for word in ("--set", text))])
