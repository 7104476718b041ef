"""Commented problem files to start from: what is needed is filled in, what may be changed stands beside its default."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from wgflow.errors import InputError
from wgflow.problems.documentation import allowed_values, sections_in, tables_of
from wgflow.problems.models import ProblemFile, Section
from wgflow.system.paths import check_target
from wgflow.text import shown

WIDTH = 110  # characters of a line of comments

_TEACHERS: Mapping[str, dict[str, Any]] = {
    "circle": {"angles": [0.5, 2.9, 4.9, 5.4], "weights": [1.0, -1.0, -1.0, 1.0]},
    "sphere": {"directions": [[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]], "weights": [1.0, -1.0]},
    "box": {"directions": [[1.0], [-1.0]], "weights": [1.0, -0.5]},
    "space": {"directions": [[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]], "weights": [1.0, -1.0]},
    "hypersphere": {"directions": [[1.0, 0.0, 0.0, 0.0], [0.0, 0.6, 0.0, 0.8]], "weights": [1.0, -1.0]},
}
_DOMAINS: Mapping[str, dict[str, Any]] = {
    "circle": {},
    "sphere": {},
    "box": {"bounds": [[-4.0, 4.0], [-4.0, 4.0]], "shape": [128, 128]},
    "space": {"dimension": 4},
    "hypersphere": {"dimension": 4},
}
_COMPONENTS = {"circle": 2, "sphere": 3, "box": 2, "space": 4, "hypersphere": 4}
_GAUSSIAN = {"kind": "gaussian", "covariance": 0.36}
_ENERGIES: Mapping[str, dict[str, Any]] = {
    "circle": {
        "potential": {"kind": "cosine", "frequency": 2},
        "internal": {"kind": "entropy", "temperature": 0.5},
    },
    "sphere": {
        "potential": {"kind": "linear", "slope": [0.0, 0.0, -2.0]},
        "internal": {"kind": "entropy", "temperature": 0.5},
    },
    "box": {
        "potential": {"kind": "double_well"},
        "internal": {"kind": "entropy", "temperature": 0.25},
    },
    "space": {
        "potential": {"kind": "quadratic"},
        "interaction": {"kind": "gaussian", "strength": 2.0, "width": 0.5},
    },
    "hypersphere": {
        "potential": {"kind": "linear", "slope": [0.0, 0.0, 0.0, -2.0]},
        "interaction": {"kind": "gaussian", "strength": 2.0, "width": 0.5},
    },
}
_DECONVOLUTIONS: Mapping[str, dict[str, Any]] = {
    "circle": {"frequencies": 5, "spikes": {"positions": [[1.0], [2.5], [4.5]], "weights": [1.0, 0.6, 0.8]}},
    "box": {"frequencies": 2, "spikes": {"positions": [[3.1, 3.1], [4.8, 2.8]], "weights": [1.0, 0.6]}},
}
_TORUS = {"bounds": [[0.0, 6.283185307179586]] * 2, "shape": [64, 64], "periodic": True}
PROBLEM_KINDS = ("two_layer", "quadratic", "energy", "deconvolution")


def problem_template(problem: str, domain: str) -> str:
    """Write a problem file that runs as it is.

    Parameters
    ----------
    problem : str
        Kind of the problem: "two_layer", "quadratic", "energy" or "deconvolution".
    domain : str
        Kind of the domain: "circle", "sphere", "box", "space" or "hypersphere".

    Returns
    -------
    str
        TOML with a comment for each key.

    Raises
    ------
    InputError
        If a kind is unknown, or the problem does not live on the domain.
    """
    _check_kind("problem", problem, PROBLEM_KINDS)
    _check_kind("domain", domain, tuple(_DOMAINS if problem != "deconvolution" else _DECONVOLUTIONS))
    lines = [
        f"# A problem file for wgflow: {problem} on a {domain}. Lines that begin with # are defaults, or comments."
    ]
    for name, values in _example(problem, domain).items():
        lines += ["", *_section(name, _model(name, values), values)]
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


def _check_kind(name: str, kind: str, known: tuple[str, ...]) -> None:
    if kind not in known:
        raise InputError(f"{name} kind {shown(kind)} is unknown; choose one of {', '.join(known)}")


def _example(problem: str, domain: str) -> dict[str, dict[str, Any]]:
    """Sections of a small problem on a domain."""
    gridless, flat = domain in {"space", "hypersphere"}, domain in {"box", "space"}
    described: dict[str, Any] = {"kind": problem}
    where: dict[str, Any] = {"kind": domain, **_DOMAINS[domain]}
    initial: dict[str, Any] = _GAUSSIAN if flat else {"kind": "uniform"}
    if problem == "quadratic":
        size = _COMPONENTS[domain]
        described["target"] = [
            [1.0 / (1 + row) if row == column else 0.0 for column in range(size)] for row in range(size)
        ]
    elif problem == "energy":
        described |= _ENERGIES[domain]
    elif problem == "deconvolution":
        described |= _DECONVOLUTIONS[domain]
        where |= _TORUS if flat else {}
        initial = {"kind": "uniform"}
    else:
        described |= {"data": "gaussian_teacher", "teacher": _TEACHERS[domain]}
        where |= {} if flat else {"signed": True}
        initial = {"kind": "balanced"} if domain == "space" else initial
    solver = {"kind": "particles" if gridless else "finite_volume", "t_end": 2.0}
    solver |= {"reaction": 1.0} if problem == "deconvolution" else {}
    method: dict[str, dict[str, Any]] = {} if gridless else {"finite_volume": {}}
    return {
        "problem": described,
        "domain": where,
        "initial": initial,
        "solver": solver,
        **method,
        "particles": {},
        "output": {"snapshots": 41},
    }


def _model(name: str, values: Mapping[str, Any]) -> type[Section]:
    """Section of a name, of the kind that the values give where there are several."""
    return _member(sections_in(ProblemFile.model_fields[name].annotation), values)


def _member(members: list[type[Section]], values: Mapping[str, Any]) -> type[Section]:
    """The one of some sections whose kind the values give."""
    if len(members) == 1:
        return members[0]
    return next(member for member in members if values["kind"] in get_args(member.model_fields["kind"].annotation))


def _section(name: str, model: type[Section], values: Mapping[str, Any]) -> Iterator[str]:
    """Lines of a section: its keys, then its tables."""
    yield f"[{name}]  # {(model.__doc__ or '').splitlines()[0]}"
    tables = []
    for key, field in model.model_fields.items():
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
