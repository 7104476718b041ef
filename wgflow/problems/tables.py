"""Tables of numbers in text files that may be anything, read line by line."""

from __future__ import annotations

import csv
import gzip
import zlib
from array import array
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

import numpy as np

from wgflow.errors import InputError
from wgflow.problems.cells import CellReader, find_separator, is_number, numbers_between
from wgflow.problems.columns import SHOWN_NAMES, Columns
from wgflow.text import named
from wgflow.typing import FloatArray

LONGEST_LINE = 2**22  # characters: files without ends of lines are no tables
PACKED = ".gz"
LARGE, MOST_PACKED = 2**26, 50  # characters that a packed file may always hold; beyond, how many for each of its bytes


def read_csv(path: Path) -> dict[str, FloatArray]:
    """Read the columns of a table all of whose columns are numbers, see `read_table`.

    Raises
    ------
    InputError
        As `read_table` does, and if a column has no name or holds something that is no number.
    """
    table = read_table(path)
    table.check_names("")
    table.check_marks(table.names)
    return {name: table.numbers(name, "column") for name in table.names}


def ending_of(path: Path) -> str:
    """Ending of the name of a file in lower case; of packed ones, the one before .gz."""
    endings = [ending.lower() for ending in path.suffixes]
    return next(iter(endings[::-1][endings[-1:] == [PACKED] :]), "")


def read_table(path: Path) -> Columns:
    """Read a table with a header line; empty lines and those that begin with # do not count.

    Columns are separated by commas, semicolons or tabs, whichever the header has; beside semicolons and tabs numbers
    may have decimal commas. Where the first line that counts holds numbers, the names are those of the comment before
    it, as `numpy.savetxt` writes them. Files whose name ends in .gz are unpacked.

    Parameters
    ----------
    path : Path
        The file, in UTF-8.

    Returns
    -------
    Columns
        Those that hold something else than numbers have a fault.

    Raises
    ------
    InputError
        If the file cannot be read, has no header or no rows, its header leaves open what separates columns, or a line
        has another number of columns.
    """
    try:
        with _open(path) as file:
            return _read(_Lines(path, file))
    except UnicodeDecodeError as error:
        raise InputError(f"data {path} cannot be read: {error}; save it as UTF-8") from None
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise InputError(f"data {path} cannot be read: {error}") from None


def _open(path: Path) -> TextIO:
    if path.suffix.lower() == PACKED:
        return gzip.open(path, "rt", newline="", encoding="utf-8-sig")
    return path.open(newline="", encoding="utf-8-sig")


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
        self.source, self._file = f"data {path}", file
        self.only_tabs = ending_of(path) == ".tsv"
        self._limit = max(LARGE, MOST_PACKED * path.stat().st_size)
        self._length = 0  # of what was read, in characters
        self.number = 0  # of the last line that was read, from 1
        self.given = 0  # lines that count
        self.comment = ""  # the last one

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(LONGEST_LINE + 1):
            self.number += 1
            self._check(line)
            if line[0] == "#":
                self.comment = line.lstrip("#").strip()
            elif line.strip():
                self.given += 1
                yield line

    def _check(self, line: str) -> None:
        if len(line) > LONGEST_LINE:
            raise InputError(
                f"{self.source}: line {self.number} has more than {LONGEST_LINE} characters; give a table with a line "
                "for each row"
            )
        self._length += len(line)
        if self._length > self._limit:
            raise InputError(f"{self.source} unpacks to more than {MOST_PACKED} times its size; unpack it first")


def _read(lines: _Lines) -> Columns:
    first = next(iter(lines), "")
    separator, header, unread = _header(lines, first)
    rows = csv.reader(chain(unread, lines), delimiter=separator)
    cells = CellReader(header, separator)
    values, count, above = array("d"), 0, lines.given - len(unread)
    for count, row in enumerate(rows, start=1):
        if lines.given != count + above:
            raise _runs_over(lines)
        if len(row) != len(header):
            raise InputError(
                f"{lines.source}: line {lines.number} has {len(row)} columns, the header has {len(header)}; make them "
                "equal"
            )
        values.extend(cells.read(lines.number, row))
    if count == 0:
        raise InputError(f"{lines.source} holds no data: a header line and at least one line of numbers are needed")
    table = np.frombuffer(values).reshape(count, len(header))
    return cells.columns(lines.source, table)


def _runs_over(lines: _Lines) -> InputError:
    return InputError(f"{lines.source} has a quoted value that runs over a line; allowed are plain numbers")


def _header(lines: _Lines, first: str) -> tuple[str, list[str], list[str]]:
    """What separates columns, their names, and the lines that were read and hold numbers."""
    if first.count('"') % 2:
        raise _runs_over(lines)
    separator = "\t" if lines.only_tabs else find_separator(lines.source, first)
    [header] = csv.reader([first], delimiter=separator)
    if numbers_between(first):
        [names] = csv.reader([lines.comment], delimiter=separator)
        if len(names) != len(header) or any(map(is_number, names)):
            raise InputError(
                f"{lines.source} has no header: its first line holds numbers; add a line with column names"
            )
        return separator, _checked(lines, names), [first]
    if len(header) == 1 and len(first.split()) > 1 and all(map(is_number, first.split())):
        raise InputError(
            f"{lines.source}: line {lines.number} separates numbers by spaces; allowed are commas, semicolons and tabs "
            "(numpy.savetxt has delimiter=',')"
        )
    return separator, _checked(lines, header), []


def _checked(lines: _Lines, header: list[str]) -> list[str]:
    """Names of columns, stripped; those without one are called as in pandas."""
    names = [name.strip() or f"Unnamed: {place}" for place, name in enumerate(header)]
    if len(set(names)) != len(names):
        found = named(", ".join(names), SHOWN_NAMES)
        raise InputError(f"{lines.source}: two columns have the same name; header: {found}")
    return names
