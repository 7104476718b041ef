"""Tables of the keys of problem files, made from the sections themselves; the handbook shows them."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from wgflow.problems.models import ProblemFile
from wgflow.problems.sections import OWN, NameOrReference, Section

_NAMES = {bool: "true, false", int: "integer", float: "number", str: "string"}
_LISTS = {
    "true, false": "list of true, false",
    "integer": "list of integers",
    "number": "list of numbers",
    "string": "list of strings",
}


HEAD = ["| key | allowed | default | meaning |", "| --- | --- | --- | --- |"]


def key_table() -> str:
    """Markdown table of every key, with what is allowed, the default and the meaning."""
    return "\n".join([*HEAD, *map(_line, _rows(ProblemFile, ""))])


def sections_of(place: str) -> list[type[Section]]:
    """Sections that may stand somewhere in a problem file, e.g. at ``problem.potential``; none for a plain key."""
    sections: list[type[Section]] = [ProblemFile]
    for word in place.split("."):
        fields = [section.model_fields[word] for section in sections if word in section.model_fields]
        sections = list(dict.fromkeys(member for field in fields for member in tables_of(field)))
    return sections


def table_of(section: type[Section], place: str) -> str:
    """Markdown table of the keys of one section that stands somewhere; tables of several kinds are named only."""
    return "\n".join([*HEAD, *map(_line, _own_rows(section, f"{place}."))])


def _own_rows(model: type[Section], prefix: str) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        members = tables_of(field)
        if len(members) > 1:
            yield f"`{prefix}{name}`", "table, or several", _default(field), f"see `{prefix}{name}.kind`"
        elif members:
            yield from _own_rows(members[0], f"{prefix}{name}.")
        else:
            yield _row(model, prefix, name)


def _rows(model: type[Section], prefix: str) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        members = tables_of(field)
        for member in members:
            yield from _rows(member, f"{prefix}{name}.")
        if not members:
            yield _row(model, prefix, name)


def _row(model: type[Section], prefix: str, name: str) -> tuple[str, ...]:
    field = model.model_fields[name]
    return f"`{prefix}{name}`", allowed_values(field), _default(field), _meaning(model, field)


def _line(row: tuple[str, ...]) -> str:
    return f"| {' | '.join(row)} |"


def _meaning(model: type[Section], field: FieldInfo) -> str:
    """Meaning of a key; that of a kind is what its section is."""
    text = field.description or (model.__doc__ or "").splitlines()[0]
    return text.replace("|", "\\|")


def tables_of(field: FieldInfo) -> list[type[Section]]:
    """Sections whose keys are explained where a key stands; none for plain values, and tables that are described."""
    return [] if field.description else sections_in(field.annotation)


def sections_in(annotation: Any) -> list[type[Section]]:
    """Sections that a key may be, or hold a list of; none for a plain value."""
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, Section):
        return [annotation]
    return [section for option in get_args(annotation) for section in sections_in(option)]


def allowed_values(field: FieldInfo) -> str:
    """What a key takes, in a few words."""
    annotation = field.annotation
    members = [member for member in get_args(annotation) if member is not NoneType]
    if len(members) == 1 and get_origin(members[0]) is Literal:
        annotation = members[0]
    checks = [getattr(item, "func", None) for item in field.metadata]
    named = next((check.names for check in checks if isinstance(check, NameOrReference)), ())
    choices = list(named) or [value for value in get_args(annotation) if not isinstance(value, type)]
    if choices and all(isinstance(value, str | int) for value in choices):
        written = [f'`"{value}"`' if isinstance(value, str) else f"`{value}`" for value in choices]
        return ", ".join([*written, f"`{OWN}`"] if named else written)
    inner = [item for member in get_args(annotation) for item in getattr(member, "__metadata__", ())]
    bounds = [_bound(item) for found in (field, *inner) for item in getattr(found, "metadata", ())]
    return " ".join([_type_name(annotation), ", ".join(filter(None, bounds))]).strip()


def _type_name(annotation: Any) -> str:
    """What a type is called; of unions, what each member is."""
    if get_origin(annotation) is Annotated:
        return _type_name(get_args(annotation)[0])
    members = [member for member in get_args(annotation) if member is not NoneType]
    if get_origin(annotation) is list:
        inner = members[0]
        name = _type_name(inner)
        return "matrix" if name == "list of numbers" else _LISTS.get(name, "list of tables")
    if members:
        return " or ".join(dict.fromkeys(map(_type_name, members)))
    return _NAMES.get(annotation, "table")


def _bound(item: Any) -> str:
    for attribute, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<=")):
        if hasattr(item, attribute) and getattr(item, attribute) is not None:
            return f"{sign} {_limit(getattr(item, attribute))}"
    return ""


def _limit(value: float) -> str:
    """A bound as one writes it: 2^26 in place of 6.71089e+07."""
    power = value.bit_length() - 1 if isinstance(value, int) else 0
    return f"2^{power}" if power >= 20 and value == 1 << power else f"{value:g}"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see right"
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None:
        return "none"
    value = field.default
    if isinstance(value, Section):
        return ", ".join(f'`{name} = "{kind}"`' for name, kind in value.model_dump(include={"kind"}).items())
    return f"`{_written(value)}`"


def _written(value: object) -> str:
    """A value as problem files have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
