"""The axes of a sweep: keys of a problem, each with the values that it takes."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import tomli_w

from wgflow.errors import InputError
from wgflow.problems.toml import parse_toml
from wgflow.text import named, shown

Values = str | Iterable[Any]

MAX_VALUES = 10**5  # of an axis and of a sweep: beyond, a number was surely mistyped
LABEL_LENGTH = 24  # of which longer labels keep the beginning

_NUMBER = r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER})(?::(x?)({_NUMBER}))?")
_FORMS = "START:STOP, START:STOP:STEP, START:STOP:xFACTOR, or values separated by commas"


@dataclass(frozen=True)
class Axis:
    """A key of a problem and its values.

    Parameters
    ----------
    key : str
        ``section.key``.
    values : tuple
        TOML values (numbers, strings, booleans or lists), all different.
    """

    key: str
    values: tuple[Any, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """A short text for each value, fit for the name of a file; all different.

        Texts that are too long, or alike but for capitals, end in the number of the value.

        Examples
        --------
        >>> from wgflow.app.sweeps.axes import Axis
        >>> Axis("domain.shape", ([64, 64], [128, 128])).labels
        ('64_64', '128_128')
        >>> Axis("problem.target", ([[1.0, 0.0], [0.0, 1.0]], [[0.125, 0.0], [0.0, 0.0625]])).labels
        ('1.0_0.0__0.0_1.0', '0.125_0.0__0.0_0.0625')
        >>> Axis("dataset.path", ("measurements/of/a/first/winter.csv", "measurements/of/a/second/winter.csv")).labels
        ('measurements_of_a_fir_v0', 'measurements_of_a_sec_v1')
        """
        texts = [_label(value) for value in self.values]
        # Some file systems do not tell a from A.
        counts = Counter(text.casefold() for text in texts)
        labels = [
            text if len(text) <= LABEL_LENGTH and counts[text.casefold()] == 1 else _numbered(text, number)
            for number, text in enumerate(texts)
        ]
        clear = len({label.casefold() for label in labels}) == len(labels)
        return tuple(labels) if clear else tuple(f"v{number}" for number in range(len(texts)))

    @property
    def coordinates(self) -> Any:
        """The values as an array of numbers, booleans or strings, shape (n,); lists are written as TOML."""
        for kind in (bool, int, int | float, str):
            if all(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) for value in self.values):
                return np.array(self.values)
        return np.array([value if isinstance(value, str) else literal(value) for value in self.values])


def _label(value: Any) -> str:
    """A value in letters that names of files may have; lists by their entries, those in lists further apart."""
    if isinstance(value, list):
        return ("__" if any(isinstance(item, list) for item in value) else "_").join(map(_label, value)) or "none"
    return re.sub(r"[^A-Za-z0-9.+-]", "_", value if isinstance(value, str) else literal(value))


def _numbered(text: str, number: int) -> str:
    """The beginning of a label, and a number, in the length that labels have."""
    end = f"_v{number}"
    return text[: LABEL_LENGTH - len(end)].rstrip("_.") + end


def literal(value: Any) -> str:
    """Write a value in TOML notation."""
    return tomli_w.dumps({"v": value}).removeprefix("v = ").strip()


def parse_over(options: Iterable[str]) -> dict[str, str]:
    """Split ``section.key=VALUES`` options of the command line.

    Raises
    ------
    InputError
        If one has another form, or a key comes twice.
    """
    over: dict[str, str] = {}
    for option in options:
        key, separator, text = (part.strip() for part in option.partition("="))
        if not separator or not text:
            raise InputError(f"--over {shown(option)} is not of the form section.key=VALUES, e.g. initial.seed=0:30")
        if key in over:
            raise InputError(f"--over {key} is given twice; give all its values in one")
        over[key] = text
    return over


def make_axes(over: Mapping[str, Values]) -> tuple[Axis, ...]:
    """Make the axes of a sweep.

    Parameters
    ----------
    over : mapping of str to values
        For each ``section.key`` an iterable of TOML values, or a text as on the command line (see `parse_values`).

    Raises
    ------
    InputError
        If there is no axis, a key has no section, or values are missing, repeated or of no TOML type.
    """
    if not over:
        raise InputError("a sweep needs at least one axis, e.g. initial.seed=0:30")
    axes = tuple(_make_axis(key, values) for key, values in over.items())
    runs = math.prod(len(axis.values) for axis in axes)
    if runs > MAX_VALUES:
        raise InputError(f"the axes make {runs} runs; allowed are up to {MAX_VALUES}")
    return axes


def _make_axis(key: str, values: Values) -> Axis:
    if "." not in key or not all(key.split(".")):
        raise InputError(f"{shown(key)} is not of the form section.key, e.g. initial.seed")
    listed = parse_values(key, values) if isinstance(values, str) else [_plain(value) for value in values]
    if not listed:
        raise InputError(f"{key} has no values; give {_FORMS}")
    texts = []
    for value in listed:
        if not isinstance(value, bool | int | float | str | list):
            raise InputError(f"{key} = {shown(value)} is not allowed on an axis; allowed are numbers, texts and lists")
        texts.append(literal(value))
    repeated = next((text for text, count in Counter(texts).items() if count > 1), None)
    if repeated is not None:
        raise InputError(f"{key} takes the value {named(repeated)} twice; give each value once")
    return Axis(key, tuple(listed))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def parse_values(key: str, text: str) -> list[Any]:
    """Read the values of an axis.

    Parameters
    ----------
    key : str
        What to name in errors.
    text : str
        ``START:STOP`` (steps of 1), ``START:STOP:STEP`` or ``START:STOP:xFACTOR`` (geometric), STOP left out as in
        Python; or TOML values separated by commas, where bare words are strings.

    Raises
    ------
    InputError
        If the range is empty or endless, or a value cannot be read.

    Examples
    --------
    >>> parse_values("particles.count", "32:256:x2")
    [32, 64, 128]
    >>> parse_values("solver.t_end", "1.0:2.0:0.5")
    [1.0, 1.5]
    >>> parse_values("finite_volume.limiter", "minmod,mc")
    ['minmod', 'mc']
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return _parse_list(key, text)
    start, stop, geometric, by = found.groups()
    first, last, factor = Decimal(start), Decimal(stop), Decimal(by or 1)
    if not all(math.isfinite(float(number)) for number in (first, last, factor)):
        raise InputError(f"{named(key)}={named(text)} has a number that is too large")
    count = _count_geometric(first, last, factor) if geometric else _count_linear(first, last, factor)
    if count > MAX_VALUES:
        size = f"{count:.7g} values" if math.isfinite(count) else "no end"
        raise InputError(f"the range {named(key)}={named(text)} has {size}; allowed are up to {MAX_VALUES} values")
    values = _geometric(first, last, factor) if geometric else _linear(first, last, factor)
    if not values:
        raise InputError(f"the range {named(key)}={named(text)} is empty (STOP is left out); give {_FORMS}")
    whole = start.lstrip("+-").isdigit() and all(value == int(value) for value in values)
    whole = whole and (bool(geometric) or by is None or by.lstrip("+-").isdigit())
    return [int(value) if whole else float(value) for value in values]


def _count_linear(first: Decimal, last: Decimal, step: Decimal) -> float:
    """About how many values a range has; infinity where it has no end."""
    return max(float((last - first) / step), 0.0) if step else math.inf


def _count_geometric(first: Decimal, last: Decimal, factor: Decimal) -> float:
    """About how many values a geometric range has; 0 where they do not approach the last one."""
    if first <= 0 or last <= 0 or factor <= 0 or first == last:
        return 0.0
    return max(float((last / first).ln() / factor.ln()), 0.0) if factor != 1 else math.inf


def _linear(first: Decimal, last: Decimal, step: Decimal) -> list[Decimal]:
    """Equal steps in decimals, so that 0:1:0.1 holds 0.3 and not 0.30000000000000004."""
    return [first + step * number for number in range(math.ceil((last - first) / step))]


def _geometric(first: Decimal, last: Decimal, factor: Decimal) -> list[Decimal]:
    """Equal ratios; empty if the values do not approach the last one."""
    if _count_geometric(first, last, factor) == 0.0:
        return []
    values = [first]
    while (values[-1] * factor < last) == (factor > 1) and values[-1] * factor != last:
        values.append(values[-1] * factor)
    return values


def _parse_list(key: str, text: str) -> list[Any]:
    try:
        parsed = parse_toml(f"values = [{text}]")
        if len(parsed) == 1:
            return list(parsed["values"])
    except InputError as error:
        raise InputError(f"{named(key)}: {error}") from None
    except tomllib.TOMLDecodeError:
        pass
    return [_parse_word(key, word.strip()) for word in text.split(",")]


def _parse_word(key: str, word: str) -> Any:
    try:
        return parse_toml(f"value = {word}")["value"]
    except tomllib.TOMLDecodeError:
        if not word or set(word) & set("\"'[]{}"):
            raise InputError(f"{key}: the value {shown(word)} cannot be read; give {_FORMS}") from None
        return word


def axis_differences(there: Sequence[Axis], here: Sequence[Axis]) -> list[str]:
    """Say in which axes two sweeps differ, a line each."""
    old, new = ({axis.key: axis for axis in axes} for axes in (there, here))
    lines = []
    for key in {**old, **new}:
        texts = [_summary(axes[key]) if key in axes else "no axis" for axes in (old, new)]
        if key not in old or key not in new or old[key] != new[key]:
            lines.append(f"{key}: {texts[0]} there, {texts[1]} here")
    if not lines and list(old) != list(new):
        lines.append(f"the order of the axes: {', '.join(old)} there, {', '.join(new)} here")
    return lines


def _summary(axis: Axis) -> str:
    shown = [literal(value) for value in axis.values]
    shown = shown if len(shown) <= 6 else [*shown[:3], "...", *shown[-2:]]
    return f"{len(axis.values)} values {', '.join(shown)}"
