"""What the cells of a text table mean: numbers with decimal points or commas, and the separators between them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

import numpy as np

from wgflow.errors import InputError
from wgflow.problems.columns import Columns, Commas
from wgflow.text import shown
from wgflow.typing import FloatArray

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_QUOTED = re.compile(r'"[^"]*"')
_WITH_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")
_LIKE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
NAN = float("nan")


def is_number(text: str) -> bool:
    """Whether a cell is a number with a decimal point, or none."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def has_decimal_comma(text: str) -> bool:
    """Whether a cell is a number with a decimal comma."""
    return _WITH_COMMA.fullmatch(text.strip()) is not None


def numbers_between(line: str) -> list[str]:
    """Separators in a line by which all of its cells are numbers; of a single number, the empty one."""
    if is_number(line):
        return [""]
    return [mark for mark in SEPARATORS if mark in line and _are_numbers(line, mark)]


def _are_numbers(line: str, separator: str) -> bool:
    [cells] = csv.reader([line], delimiter=separator)
    return all(is_number(cell) or (separator != "," and has_decimal_comma(cell)) for cell in cells)


def find_separator(source: str, header: str) -> str:
    """What separates the columns of a table, by its first line.

    Parameters
    ----------
    source : str
        What a message calls the table.
    header : str
        The line; quoted names may hold separators.

    Raises
    ------
    InputError
        If several could.
    """
    unquoted = _QUOTED.sub("", header)
    found = numbers_between(header) or [mark for mark in SEPARATORS if mark in unquoted]
    if len(found) > 1:
        marks = " and ".join(SEPARATORS[mark] for mark in found)
        raise InputError(
            f"{source}: the header {shown(header.strip())} has {marks}, either of which may separate columns; use one, "
            "or put names that hold the other in quotes"
        )
    return (found or [","])[0] or ","


class CellReader:
    """Reads rows of cells, and remembers which columns hold something else than numbers.

    Parameters
    ----------
    header : list of str
        Names of the columns.
    separator : str
        What separates cells; numbers have no decimal commas beside commas.
    """

    def __init__(self, header: list[str], separator: str) -> None:
        self._header, self._with_commas = header, separator != ","
        self._faults: dict[str, str] = {}
        self._points: dict[str, int] = {}
        self._commas: dict[str, Commas] = {}

    def read(self, line: int, row: Sequence[str]) -> list[float]:
        """Numbers of a row; NaN where there is none, which is a fault of the column."""
        if not self._with_commas:
            try:
                values = [float(text) for text in row]
            except ValueError:
                pass
            else:
                if not any("_" in text for text in row):
                    return values
        return [self._number(line, name, text) for name, text in zip(self._header, row, strict=True)]

    def _number(self, line: int, name: str, text: str) -> float:
        if name in self._faults:
            return NAN
        if is_number(text):
            if self._with_commas and "." in text:
                self._points.setdefault(name, line)
                self._check_mark(line, name, text)
            return float(text)
        if self._with_commas and has_decimal_comma(text):
            return self._with_comma(line, name, text.strip())
        self._faults[name] = f"line {line}, column {shown(name)} holds {shown(text)}; allowed are numbers" + (
            " with a decimal point, where commas separate columns" if has_decimal_comma(text) else ""
        )
        return NAN

    def _with_comma(self, line: int, name: str, text: str) -> float:
        clear = _LIKE_THOUSANDS.fullmatch(text) is None
        known = self._commas.get(name)
        if known is None or (clear and not known.clear):
            self._commas[name] = Commas(line, text, clear)
        self._check_mark(line, name, text)
        return float(text.replace(",", "."))

    def _check_mark(self, line: int, name: str, text: str) -> None:
        if name in self._points and name in self._commas:
            self._faults[name] = (
                f"line {line}, column {shown(name)} holds {shown(text)}, but others there have the other decimal mark; "
                "write all with points"
            )

    def columns(self, source: str, table: FloatArray) -> Columns:
        """The columns of a table, shape (n, columns)."""
        values = dict(zip(self._header, np.ascontiguousarray(table.T), strict=True))
        return Columns(source, values, self._faults, self._points, self._commas)
