"""What a validation found, as JSON: its rows with the command, the version and the date."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wgflow.app.validation.rows import Row
from wgflow.errors import InputError
from wgflow.system.drafts import replacing


@dataclass(frozen=True)
class Record:
    """What a validation found, and when and how.

    Attributes
    ----------
    validation : str
        Its name.
    command : str
        The command that finds it again.
    version : str
        Version of wgflow.
    date : str
        Day on which it ended, YYYY-MM-DD.
    seconds : float
        Wall-clock time.
    machine : mapping
        Processor, system and library versions.
    rows : tuple of Row
        In the order in which they were found.
    """

    validation: str
    command: str
    version: str
    date: str
    seconds: float
    machine: dict[str, str | int]
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether there are rows and all have passed."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    @property
    def rows_quoted(self) -> tuple[Row, ...]:
        """The rows that the table of all validations quotes."""
        return tuple(row for row in self.rows if row.quoted)


def write_record(record: Record, path: Path) -> None:
    """Write a record as JSON; a file there is replaced at once, or not at all."""
    content: dict[str, Any] = {**asdict(record), "passed": record.passed}
    content["rows"] = [row.as_json() for row in record.rows]
    with replacing(path) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def read_record(path: Path) -> Record:
    """Read a record back.

    Raises
    ------
    InputError
        If the file is no record of a validation.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        del content["passed"]
        return Record(**{**content, "rows": tuple(Row(**row) for row in content["rows"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no record of a validation ({error})") from None
