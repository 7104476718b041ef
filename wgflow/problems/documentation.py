"""The table of keys in the README, made from the sections themselves: ``python -m wgflow.problems.documentation``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from wgflow.problems.models import ProblemFile, Section


def key_table() -> str:
    """Markdown table of every key, with what is allowed, the default and the meaning."""
    lines = ["| key | allowed | default | meaning |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in _rows(ProblemFile, "")]
    return "\n".join(lines)


def _rows(model: type[Section], prefix: str) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        members = sections_in(field.annotation)
        for member in members:
            yield from _rows(member, f"{prefix}{name}.")
        if not members:
            yield f"`{prefix}{name}`", allowed_values(field), _default(field), _meaning(model, field)


def _meaning(model: type[Section], field: FieldInfo) -> str:
    """Meaning of a key; that of a kind is what its section is."""
    text = field.description or (model.__doc__ or "").splitlines()[0]
    return text.replace("|", "\\|")


def sections_in(annotation: Any) -> list[type[Section]]:
    """Sections that a key may be, none for a plain value."""
    options = get_args(annotation) or (annotation,)
    return [option for option in options if isinstance(option, type) and issubclass(option, Section)]


def allowed_values(field: FieldInfo) -> str:
    """What a key takes, in a few words."""
    annotation = field.annotation
    choices = [value for value in get_args(annotation) if not isinstance(value, type)]
    if choices and all(isinstance(value, str | int) for value in choices):
        return ", ".join(f'`"{value}"`' if isinstance(value, str) else f"`{value}`" for value in choices)
    bounds = [_bound(item) for item in field.metadata]
    return " ".join([_type_name(annotation), ", ".join(filter(None, bounds))]).strip()


def _type_name(annotation: Any) -> str:
    text = str(annotation)
    if text.count("list[") > 1:
        return "matrix"
    if "list[" in text:
        return "list of strings" if "str" in text else "list of numbers"
    for kind, name in ((bool, "true, false"), (int, "integer"), (float, "number"), (str, "string")):
        if annotation is kind or kind in get_args(annotation) or kind.__name__ in text:
            return name
    return "section"


def _bound(item: Any) -> str:
    for attribute, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<=")):
        if hasattr(item, attribute) and getattr(item, attribute) is not None:
            return f"{sign} {getattr(item, attribute):g}"
    return ""


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None:
        return "none"
    value = field.default
    return (
        f"`{str(value).lower()}`"
        if isinstance(value, bool)
        else f'`"{value}"`'
        if isinstance(value, str)
        else f"`{value:g}`"
    )


if __name__ == "__main__":
    print(key_table())
