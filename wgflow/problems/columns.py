"""Named columns of data, wherever they come from: those that are used must be numbers, the others may be anything."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from wgflow.errors import FlowWarning, InputError
from wgflow.text import named, shown
from wgflow.typing import FloatArray

SHOWN_NAMES = 200  # characters
CHOOSE = "choose columns by inputs and output of [problem.dataset]"
_UNNAMED = re.compile(r"Unnamed: \d+")  # what pandas calls a column without a name


@dataclass(frozen=True)
class Commas:
    """Where a column has decimal commas.

    Parameters
    ----------
    line : int
        Line of the first of them.
    text : str
        The number there.
    clear : bool
        Whether one of them cannot be a separator of thousands.
    """

    line: int
    text: str
    clear: bool


@dataclass(frozen=True)
class Columns:
    """Columns by name, in order.

    Parameters
    ----------
    source : str
        What messages call them, e.g. "data x.csv".
    values : mapping of str to array, shape (n,)
        Their numbers.
    faults : mapping of str to str
        What else columns hold, and where: of those that are no numbers.
    points : mapping of str to int
        Line of the first decimal point of columns, where there may be commas too.
    commas : mapping of str to Commas
        Decimal commas of columns.
    """

    source: str
    values: Mapping[str, FloatArray]
    faults: Mapping[str, str] = field(default_factory=dict)
    points: Mapping[str, int] = field(default_factory=dict)
    commas: Mapping[str, Commas] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Names of all columns, in order."""
        return list(self.values)

    def check_names(self, remedy: str) -> None:
        """Raise InputError if a column has no name; the remedy is another than to write it differently."""
        for place, name in enumerate(self.values):
            if _UNNAMED.fullmatch(name):
                advice = (
                    "it is the index that pandas writes: write with to_csv(..., index=False)"
                    if place == 0
                    else "give it one, or end lines without a separator"
                )
                raise InputError(
                    f"{self.source}: column {place + 1} has no name ({name!r} in pandas); {advice}{remedy}"
                )

    def numbers(self, name: str, role: str, *, by_default: bool = False) -> FloatArray:
        """Values of a column.

        Parameters
        ----------
        name : str
            Its name.
        role : str
            What messages call it where it does not exist, e.g. "output".
        by_default : bool
            Whether nobody has chosen it, which a message then says how to do.

        Raises
        ------
        InputError
            If there is no such column, or it holds something that is not a finite number.
        """
        if name not in self.values:
            guesses = difflib.get_close_matches(name, self.names, n=1)
            hint = f"; did you mean {guesses[0]!r}?" if guesses else "."
            every = named(", ".join(self.names), SHOWN_NAMES)
            raise InputError(f"{self.source} has no {role} {shown(name)}{hint} Columns: {every}")
        if name in self.faults:
            advice = f"; remove it, or {CHOOSE}" if by_default else ""
            raise InputError(f"{self.source}: {self.faults[name]}{advice}")
        values = self.values[name]
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise InputError(
                f"{self.source}: the column {shown(name)} holds {values[row]} in data row {row + 1}; allowed are "
                "finite numbers: remove the row or fill the value"
            )
        return values

    def check_marks(self, names: list[str]) -> None:
        """Raise InputError if columns have different decimal marks; warn where commas may separate thousands."""
        commas = {name: self.commas[name] for name in names if name in self.commas}
        points = [name for name in names if name in self.points]
        if commas and points:
            first = next(iter(commas))
            raise InputError(
                f"{self.source}: the column {shown(first)} has decimal commas (line {commas[first].line}), "
                f"{shown(points[0])} points (line {self.points[points[0]]}); write all with points"
            )
        if commas and not any(found.clear for found in commas.values()):
            found = next(iter(commas.values()))
            warnings.warn(
                f"{self.source}: commas are taken for decimal marks, {found.text} (line {found.line}) for "
                f"{float(found.text.replace(',', '.')):g}; if they separate thousands, write numbers without them",
                FlowWarning,
                stacklevel=2,
            )
