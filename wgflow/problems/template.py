"""Commented problem files to start from: what is needed is filled in, what may be changed stands beside its default."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from wgflow.domains import DOMAINS, Domain
from wgflow.errors import InputError
from wgflow.problems.documentation import allowed_values, sections_in, tables_of
from wgflow.problems.domains import DOMAIN_SECTIONS
from wgflow.problems.kinds.base import Sections, small_measure
from wgflow.problems.kinds.registry import KINDS
from wgflow.problems.models import ProblemFile
from wgflow.problems.sections import Section
from wgflow.registry import Registry
from wgflow.system.paths import check_target

WIDTH = 110  # characters of a line of comments
KEYS_OF_FLOWS = {"solver": ("transport", "reaction", "stationarity")}  # refused where no energy falls


def problem_template(problem: str, domain: str) -> str:
    """Write a problem file that runs as it is.

    Parameters
    ----------
    problem : str
        Kind of the problem, a name in `wgflow.problems.kinds.registry.KINDS`.
    domain : str
        Kind of the domain, a name in `wgflow.domains.DOMAINS`.

    Returns
    -------
    str
        TOML with a comment for each key.

    Raises
    ------
    InputError
        If a kind is unknown, or the problem does not live on the domain.
    """
    kind = KINDS[problem]
    examples = {name: kind.example(_example_domain(name).base) for name in DOMAINS}
    example = Registry("domain kind", {name: found for name, found in examples.items() if found is not None})[domain]
    lines = [
        f"# A problem file for wgflow: {problem} on a {domain}. Lines that begin with # are defaults, or comments."
    ]
    for name, values in _sections_of(problem, domain, example).items():
        without = () if kind.is_flow else KEYS_OF_FLOWS.get(name, ())
        lines += ["", *_section(name, _model(name, values), values, without)]
    return "\n".join(lines) + "\n"


def write_template(problem: str, domain: str, path: Path) -> None:
    """Write `problem_template` to a file; raises InputError if it exists or cannot be written."""
    text = problem_template(problem, domain)
    check_target(path, "problem file", (".toml",))
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path} exists; choose another name with -o, or remove it") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; choose another path with -o") from None


def _example_arguments(domain: str) -> dict[str, Any]:
    """Keys of a domain that have no default."""
    fields = DOMAIN_SECTIONS[domain].model_fields.items()
    return {name: field.examples[0] for name, field in fields if field.is_required() and field.examples}


def _example_domain(domain: str) -> Domain:
    return DOMAIN_SECTIONS[domain](kind=domain, **_example_arguments(domain)).build()


def _sections_of(problem: str, domain: str, example: Sections) -> dict[str, dict[str, Any]]:
    """Sections of a small problem on a domain."""
    base = _example_domain(domain).base
    solver = example.get("solver", {}).get("kind", "finite_volume" if base.has_cells else "particles")
    common: dict[str, dict[str, Any]] = {
        "problem": {"kind": problem},
        "domain": {"kind": domain, **_example_arguments(domain)},
        "initial": small_measure(base),
        "solver": {"kind": solver, "t_end": 2.0},
        solver: {},
        **({"particles": {}} if KINDS[problem].is_flow else {}),
        "output": {"snapshots": 41},
    }
    return {name: _merged(values, example.get(name, {})) for name, values in common.items()}


def _merged(common: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of an example, which take the place of common ones of another kind."""
    return {**own} if "kind" in own else {**common, **own}


def _model(name: str, values: Mapping[str, Any]) -> type[Section]:
    """Section of a name, of the kind that the values give where there are several."""
    return _member(sections_in(ProblemFile.model_fields[name].annotation), values)


def _member(members: list[type[Section]], values: Mapping[str, Any]) -> type[Section]:
    """The one of some sections whose kind the values give."""
    if len(members) == 1:
        return members[0]
    return next(member for member in members if values["kind"] in get_args(member.model_fields["kind"].annotation))


def _section(name: str, model: type[Section], values: Mapping[str, Any], without: Sequence[str] = ()) -> Iterator[str]:
    """Lines of a section: its keys but for some, then its tables."""
    yield f"[{name}]  # {(model.__doc__ or '').splitlines()[0]}"
    tables = []
    for key, field in model.model_fields.items():
        if key in without:
            continue
        if tables_of(field):
            tables.append((key, tables_of(field)))
            continue
        yield from _comment(field)
        yield _line(key, values.get(key, field.default), active=key in values)
    for key, members in tables:
        if key in values:
            yield ""
            yield from _section(f"{name}.{key}", _member(members, values[key]), values[key])


def _comment(field: FieldInfo) -> Iterator[str]:
    text = f"{field.description}; {allowed_values(field).replace('`', '')}" if field.description else ""
    yield from (f"# {line}" for line in textwrap.wrap(text, WIDTH))


def _line(key: str, value: Any, *, active: bool) -> str:
    """Assignment of a key, commented out where it is a default."""
    if value is None or value is PydanticUndefined:
        return f"#{key} ="
    text = f"{key} = {json.dumps(value)}"  # lists, strings and numbers look the same in TOML
    return text if active else f"#{text}"
