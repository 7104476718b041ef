"""Tables of numbers in .csv files that may be anything, read line by line."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from wgflow.errors import InputError
from wgflow.text import named, shown
from wgflow.typing import FloatArray

LONGEST_LINE = 2**22  # characters: files without ends of lines are no tables
SHOWN_NAMES = 200  # characters


def read_csv(path: Path) -> dict[str, FloatArray]:
    """Read the columns of a .csv file with a header line; empty lines and those that begin with # do not count.

    Raises
    ------
    InputError
        If the file cannot be read, has no header or no numbers, or a line has another number of columns or holds
        something that is no number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read_table(path, _Lines(path, file))
    except UnicodeDecodeError as error:
        raise InputError(f"data {path} cannot be read: {error}; save it as UTF-8") from None
    except (OSError, csv.Error) as error:
        raise InputError(f"data {path} cannot be read: {error}") from None


class _Lines:
    """The lines of a table, counted.

    Parameters
    ----------
    path : Path
        For messages.
    file : text file
        What to read.
    """

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path, self._file = path, file
        self.number = 0  # of the last line that was read, from 1
        self.given = 0  # lines that count

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(LONGEST_LINE + 1):
            self.number += 1
            if len(line) > LONGEST_LINE:
                raise InputError(
                    f"data {self._path}: line {self.number} has more than {LONGEST_LINE} characters; give a table "
                    "with a line for each row"
                )
            if line.strip() and line[0] != "#":
                self.given += 1
                yield line


def _read_table(path: Path, lines: _Lines) -> dict[str, FloatArray]:
    rows = csv.reader(lines)
    header = [name.strip() for name in next(rows, [])]
    values, count = array("d"), 0
    for count, row in enumerate(rows, start=1):
        if lines.given != count + 1:
            break
        if count == 1:
            _check_header(path, header)
        values.extend(_numbers(path, lines.number, header, row))
    if lines.given < 2:
        raise InputError(f"data {path} holds no data: a header line and at least one line of numbers are needed")
    if lines.given != count + 1:
        raise InputError(f"data {path} has a quoted value that runs over a line; allowed are plain numbers")
    table = np.frombuffer(values).reshape(count, len(header))
    return dict(zip(header, table.T.copy(), strict=True))


def _check_header(path: Path, header: list[str]) -> None:
    if len(set(header)) != len(header):
        names = named(", ".join(header), SHOWN_NAMES)
        raise InputError(f"data {path}: two columns have the same name; header: {names}")
    if all(_is_number(name) for name in header):
        raise InputError(f"data {path} has no header: its first line holds numbers; add a line with column names")


def _numbers(path: Path, line: int, header: list[str], row: list[str]) -> Iterator[float]:
    """The numbers of a row; raises InputError where it has others."""
    if len(row) != len(header):
        raise InputError(
            f"data {path}: line {line} has {len(row)} columns, the header has {len(header)}; make them equal"
        )
    for name, text in zip(header, row, strict=True):
        if not _is_number(text):
            raise InputError(f"data {path}: line {line}, column {shown(name)} holds {shown(text)}; allowed are numbers")
        yield float(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
