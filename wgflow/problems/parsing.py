"""From a TOML file, a dictionary or ``--set`` options to checked sections, with errors that teach."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from wgflow.errors import InputError
from wgflow.problems.datasets import ENDINGS
from wgflow.problems.documentation import sections_in, tables_of
from wgflow.problems.energies.registry import ENERGIES
from wgflow.problems.kinds.registry import KINDS
from wgflow.problems.models import ProblemFile
from wgflow.problems.sections import Section, is_reference
from wgflow.problems.toml import check_values, parse_toml
from wgflow.text import named, shown

SHOWN_ERRORS = 3
LARGEST_FILE = 2**22  # bytes: some seconds of reading
# Names of tables within a problem, which errors call by [problem.NAME].
TABLES = {
    name
    for kind in KINDS.values()
    for name, field in kind.model_fields.items()
    if tables_of(field) and not field.is_required()
}


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raises InputError that names file and line if it cannot."""
    try:
        return parse_toml(_read_text(path))
    except FileNotFoundError:
        raise InputError(f"problem file {path} does not exist; `wgflow list` shows those that ship") from None
    except InputError as error:
        raise InputError(f"problem file {path}: {error}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        _refuse_data(path)
        if isinstance(error, tomllib.TOMLDecodeError):
            raise InputError(f"problem file {path} is not valid TOML: {error}") from None
        raise InputError(f"problem file {path} cannot be read: {error}") from None


def _refuse_data(path: Path) -> None:
    """Raise InputError where a file is called like one of data."""
    if path.suffix.lower() in ENDINGS:
        raise InputError(
            f"{path} is called like a file of data; give the problem file that names it, [problem] data = "
            f'"{path.name}"; `wgflow new two_layer circle` writes one'
        )


def _read_text(path: Path) -> str:
    if path.stat().st_size > LARGEST_FILE:
        raise InputError(
            f"the file is larger than {LARGEST_FILE >> 20} MiB, which no problem needs; data belong into a .csv or "
            ".npz file"
        )
    return path.read_text(encoding="utf-8-sig")


def apply_settings(sections: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Apply ``section.key=value`` settings, values in TOML notation (bare words are strings)."""
    if isinstance(settings, str):
        raise InputError(f"settings = {shown(settings)} is one text; give a list, e.g. ['domain.cells=512']")
    check_values(sections)
    result = _copy(sections)
    for setting in settings:
        key, separator, text = setting.partition("=")
        names = key.strip().split(".")
        if not separator or len(names) < 2 or not all(names):
            raise InputError(f"--set {shown(setting)} is not of the form section.key=value, e.g. domain.cells=512")
        table = result
        for name in names[:-1]:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise InputError(f"--set {shown(setting)}: {shown(name)} is a value, not a section")
        try:
            table[names[-1]] = _parse_value(text.strip())
        except InputError as error:
            raise InputError(f"--set {named(key)}: {error}") from None
    check_values(result)
    return result


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _parse_value(text: str) -> Any:
    try:
        parsed = parse_toml(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if len(parsed) == 1 else text


def parse_sections(sections: Mapping[str, Any], origin: str) -> ProblemFile:
    """Check the sections of a problem.

    Parameters
    ----------
    sections : mapping
        Content of a problem file; arrays may take the place of lists.
    origin : str
        What to name in errors, e.g. the path.

    Raises
    ------
    InputError
        With the key, the value and what is allowed, for up to three mistakes at once.
    """
    try:
        check_values(sections)
    except InputError as error:
        raise InputError(f"{origin}: {error}") from None
    plain = _copy(sections)
    if isinstance(plain, dict):
        _complete(plain)
    try:
        return ProblemFile.model_validate(plain)
    except ValidationError as error:
        # A default that depends on another key has no mistake of its own.
        found = [details for details in error.errors() if details["type"] != "default_factory_not_called"]
        mistakes = [_explain(details, plain) for details in found]
        lines = [f"{origin}: {mistake}" for mistake in mistakes[:SHOWN_ERRORS]]
        if len(mistakes) > SHOWN_ERRORS:
            lines[-1] += f" (and {len(mistakes) - SHOWN_ERRORS} more)"
        raise InputError("\n".join(lines)) from None


def _complete(sections: dict[str, Any]) -> None:
    """Write out what may be left out of sections: the kind of a measure, and of functions all but their names."""
    problem = sections.get("problem")
    for table, names in ((problem, ENERGIES), (sections, ("initial",))):
        if isinstance(table, dict):
            table.update({name: _functions_in(table[name]) for name in names if name in table})
    if isinstance(sections.get("initial"), dict):
        sections["initial"].setdefault("kind", "uniform")


def _functions_in(value: Any) -> Any:
    """A table, or several, in which "FILE.py:NAME" may stand for one."""
    if isinstance(value, str) and is_reference(value):
        return {"kind": "python", "function": value}
    return [_functions_in(item) for item in value] if isinstance(value, list) else value


def _explain(details: Mapping[str, Any], sections: Mapping[str, Any]) -> str:
    """Say in one line what is wrong with which key."""
    location = _without_tags(details["loc"], sections)
    kind, message = details["type"], str(details["msg"])
    if kind == "extra_forbidden":
        return _explain_unknown(location, sections)
    if kind == "missing":
        return f"{_name(location)} is missing; {_describe(location, sections)}"
    if kind == "union_tag_not_found":
        return f"{_name((*location, 'kind'))} is missing; allowed are {_kinds(location, sections)}"
    if kind == "union_tag_invalid":
        found = details["ctx"]["tag"]
        return f"{_name((*location, 'kind'))} = {shown(found)} is not allowed; allowed are {_kinds(location, sections)}"
    if kind == "value_error":
        return f"{_name(location)} {message.removeprefix('Value error, ')}"
    if kind in {"model_type", "model_attributes_type"}:
        section = ".".join(map(named, location))
        return f"{_name(location)} = {shown(details['input'], 60)} is not a section; write [{section}]"
    allowed = message.replace("Input should be ", "").replace("List should have ", "a list of ")
    allowed = allowed.replace("a valid ", "a ").replace("a integer", "an integer").split(" after validation")[0]
    allowed = allowed.split(", unable to parse")[0].split(", got a number")[0]
    return f"{_name(location)} = {shown(details['input'], 60)} is not allowed; allowed is {allowed}"


def _kinds(location: Sequence[str | int], sections: Mapping[str, Any]) -> str:
    """List the kinds that a section can have."""
    members, _ = _members_at(location, sections)
    return ", ".join(repr(kind) for member in members for kind in _kinds_of(member))


def _without_tags(location: Sequence[str | int], sections: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Drop what is not in the file: names of union members, and the index of a table that stands alone in a list."""
    kept: list[str | int] = []
    table: Any = sections
    for part in location:
        if isinstance(table, Mapping) and part not in table and (part == table.get("kind") or isinstance(part, int)):
            continue
        kept.append(part)
        table = _entry(table, part)
    return tuple(kept)


def _entry(table: Any, part: str | int) -> Any:
    """Entry of a table or of a list; None where there is none."""
    if isinstance(table, Mapping):
        return table.get(part)
    if isinstance(table, list) and isinstance(part, int) and part < len(table):
        return table[part]
    return None


def _name(location: Sequence[str | int]) -> str:
    """Write a location as ``[section.subsection] key[index]``."""
    names: list[str] = []
    for part in location:
        if isinstance(part, int) and names:
            names[-1] += f"[{part}]"
        else:
            names.append(named(part))
    if len(names) <= 1 or names[-1].split("[")[0] in TABLES:
        return f"[{'.'.join(names)}]" if names else "the problem"
    return f"[{'.'.join(names[:-1])}] {names[-1]}"


def _explain_unknown(location: Sequence[str | int], sections: Mapping[str, Any]) -> str:
    *parents, key = location
    model, key = _model_at(parents, sections), str(key)
    allowed = list(model.model_fields) if model is not None else []
    where = f"in [{'.'.join(map(named, parents))}]" if parents else "as a section"
    guesses = difflib.get_close_matches(key, allowed, n=1)
    if guesses:
        return f"unknown key {shown(key)} {where}; did you mean {guesses[0]!r}? Allowed: {', '.join(allowed)}"
    elsewhere = [
        f"[{name}]"
        for name, field in ProblemFile.model_fields.items()
        for member in sections_in(field.annotation)
        if key in member.model_fields and [name] != parents
    ]
    hint = f"it belongs to {elsewhere[0]}. " if elsewhere else ""
    return f"unknown key {shown(key)} {where}; {hint}Allowed: {', '.join(allowed)}"


def _describe(location: Sequence[str | int], sections: Mapping[str, Any]) -> str:
    *parents, key = location
    model, key = _model_at(parents, sections), str(key)
    described = model.model_fields[key].description if model and key in model.model_fields else None
    if described:
        return f"give {key} = ... ({described})"
    return f"add the section [{key}]" if not parents else f"give {key} = ..."


def _model_at(location: Sequence[str | int], sections: Mapping[str, Any]) -> type[Section] | None:
    """Find the model of the section with the given path, following the kinds that the file chose."""
    return _chosen(*_members_at(location, sections))


def _members_at(location: Sequence[str | int], sections: Mapping[str, Any]) -> tuple[list[type[Section]], Any]:
    """Models that the section with the given path may have, none for a path that leads nowhere, and what is there."""
    members: list[type[Section]] = [ProblemFile]
    table: Any = sections
    for part in location:
        if isinstance(part, str):
            model = _chosen(members, table)
            field = None if model is None else model.model_fields.get(part)
            members = [] if field is None else sections_in(field.annotation)
        table = _entry(table, part)
    return members, table


def _chosen(members: Sequence[type[Section]], table: Any) -> type[Section] | None:
    """The member of the kind that a table has, else the first one."""
    kind = table.get("kind") if isinstance(table, Mapping) else None
    return next(iter([member for member in members if kind in _kinds_of(member)] or members), None)


def _kinds_of(model: type[Section]) -> tuple[str, ...]:
    field = model.model_fields.get("kind")
    return getattr(field.annotation, "__args__", ()) if field is not None else ()
