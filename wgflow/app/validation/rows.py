"""Rows of a validation: what was measured, its value, what is asked, and whether that was reached."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

LABEL_WIDTH = 62


@dataclass(frozen=True)
class Row:
    """One figure of a validation.

    Attributes
    ----------
    what : str
        What was measured; unlike that of any other row of the validation.
    value : float, int or str
        The value, or several as text.
    asked : str
        What is asked of it, e.g. "<= 0.001"; empty where it is only told.
    passed : bool
        Whether that was reached; true where nothing is asked.
    beside : str
        What else is worth knowing, e.g. the error of a simpler scheme.
    quoted : bool
        Whether the table of all validations quotes it.
    """

    what: str
    value: float | int | str
    asked: str = ""
    passed: bool = True
    beside: str = ""
    quoted: bool = False

    @property
    def verdict(self) -> str:
        """PASS, FAIL, or nothing where nothing is asked."""
        if not self.asked:
            return ""
        return "PASS" if self.passed else "FAIL"

    def quote(self) -> Row:
        """Give this row as one that the table of all validations quotes."""
        return replace(self, quoted=True)

    def as_json(self) -> dict[str, object]:
        """Give the row as JSON has it, where infinity and NaN are text."""
        value = self.value
        plain = str(value) if isinstance(value, float) and not math.isfinite(value) else value
        return {**asdict(self), "value": plain}

    def __str__(self) -> str:
        asked = f"(asked: {self.asked})" if self.asked else ""
        parts = [f"{self.verdict:4s}  {self.what:{LABEL_WIDTH}s} {shown_value(self.value):>9s}", asked, self.beside]
        return "  ".join(part for part in parts if part)


def shown_value(value: float | int | str) -> str:
    """Give a value with the digits that a table needs."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def within(what: str, value: float, bound: float, beside: str = "") -> Row:
    """Give the row of a value whose size may be at most ``bound``; NaN never is."""
    return Row(what, float(value), f"<= {bound:.3g}", bool(abs(value) <= bound), beside)


def at_least(what: str, value: float, bound: float, beside: str = "") -> Row:
    """Give the row of a value that must reach ``bound``; NaN never does."""
    return Row(what, float(value), f">= {bound:.3g}", bool(value >= bound), beside)


def between(what: str, value: float, least: float, most: float, beside: str = "") -> Row:
    """Give the row of a value that must lie between two others."""
    return Row(what, float(value), f"{least:.3g} to {most:.3g}", bool(least <= value <= most), beside)


def agrees(what: str, value: object, asked: object, beside: str = "") -> Row:
    """Give the row of a value that must be another, e.g. a count or a verdict."""
    plain = value if isinstance(value, int | float | str) and not isinstance(value, bool) else str(value)
    return Row(what, plain, str(asked), bool(value == asked), beside)


def measured(what: str, value: float | int | str, beside: str = "") -> Row:
    """Give the row of a value of which nothing is asked."""
    return Row(what, value, beside=beside)
