"""What all sections of a problem file are made of: a base that forbids unknown keys, and types with their ranges."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from wgflow.registry import Argument
from wgflow.text import shown

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Tolerance = Annotated[float, Field(ge=1e-13, le=0.1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Vector = Annotated[list[Finite], Field(min_length=1)]


def _check_rows(rows: list[list[float]]) -> list[list[float]]:
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"has rows of lengths {[len(row) for row in rows]}; give rows of equal length")
    return rows


Matrix = Annotated[list[Vector], Field(min_length=1), AfterValidator(_check_rows)]


def _check_reference(text: str) -> str:
    found = _REFERENCE.fullmatch(text)
    parts = Path(found["file"]).parts if found else ()
    if not found or ".." in parts or Path(found["file"]).is_absolute():
        raise ValueError(f'= {text!r} is not allowed; give "FILE.py:NAME", a file beside the problem file')
    return text


_REFERENCE = re.compile(r"(?P<file>[^:\0]+\.py):(?P<name>[A-Za-z_]\w*)")
Reference = Annotated[str, AfterValidator(_check_reference)]
OWN = '"FILE.py:NAME"'  # how messages and tables write a reference


@dataclass(frozen=True)
class NameOrReference:
    """Check of values that are one of some names, or a reference to something in a Python file."""

    names: tuple[str, ...]

    def __call__(self, value: Any) -> Any:
        """Give the value; raises ValueError where it is neither."""
        if isinstance(value, str) and is_reference(value):
            return _check_reference(value)
        if not isinstance(value, str) or value not in self.names:
            raise ValueError(
                f"= {shown(value, 60)} is not allowed; allowed is {', '.join(map(repr, self.names))} or {OWN}"
            )
        return value


def is_reference(text: str) -> bool:
    """Whether a value stands for something in a Python file."""
    return ".py:" in text


def split_reference(reference: str) -> tuple[str, str]:
    """File and name of a function that a problem names, "FILE.py:NAME"."""
    file, _, name = reference.rpartition(":")
    return file, name


class Section(BaseModel):
    """Base of all sections: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


def one_of(names: Iterable[str]) -> Any:
    """Type of the names of a table."""
    return Literal[tuple(names)]


def one_of_or_own(names: Iterable[str]) -> Any:
    """Type of the names of a table, and of references to what Python files hold."""
    return Annotated[str, BeforeValidator(NameOrReference(tuple(names)))]


def choice(models: Iterable[type[Section]]) -> Any:
    """Type of sections of several kinds, told apart by their key ``kind``."""
    return Annotated[reduce(or_, models), Field(discriminator="kind")]


def fields_of(arguments: Mapping[str, Argument]) -> dict[str, Any]:
    """Fields of a section, as `pydantic.create_model` takes them, from what an entry says of its arguments."""
    return {name: (argument.type, _field(argument)) for name, argument in arguments.items()}


def _field(argument: Argument) -> Any:
    bounds = {"ge": argument.least, "le": argument.most, "gt": argument.above}
    given: dict[str, Any] = {name: bound for name, bound in bounds.items() if bound is not None}
    if argument.type is float:
        given["allow_inf_nan"] = False
    examples = None if argument.example is None else [argument.example]
    return Field(argument.default, description=argument.meaning, examples=examples, **given)
