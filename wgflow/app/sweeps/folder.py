"""The folder of a sweep and the file ``sweep.toml`` that says which sweep it holds."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from wgflow.app.sweeps.axes import Axis, axis_differences
from wgflow.app.sweeps.plan import Plan
from wgflow.errors import InputError
from wgflow.problems.parsing import read_toml
from wgflow.system.drafts import replacing
from wgflow.system.paths import kind_of
from wgflow.text import shown

DESCRIPTION = "sweep.toml"
AXES = "axes"  # the table of it that is no section of the problem
SHOWN_DIFFERENCES = 3


def prepare_folder(plan: Plan, folder: Path) -> None:
    """Create the folder of a sweep, or check that it holds this one.

    Raises
    ------
    InputError
        If it holds another sweep (the difference is shown) or other files, or cannot be written.
    """
    description = folder / DESCRIPTION
    if kind_of(description, "output") != "missing":
        _check_same(plan, folder)
        return
    try:
        foreign = kind_of(folder, "output") != "missing" and any(folder.iterdir())
    except NotADirectoryError:
        foreign = True
    except OSError as error:
        raise InputError(f"output {folder} cannot be read: {error.strerror}; choose another folder") from None
    if foreign:
        raise InputError(f"output {folder} exists and holds no sweep; choose a new or an empty folder")
    text = tomli_w.dumps({AXES: {axis.key: list(axis.values) for axis in plan.axes}, **plan.sections})
    heading = "# A sweep: values that keys take, and the problem. `wgflow sweep` with the same ones continues it.\n\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(description) as file:
            file.write((heading + text).encode("utf-8"))
    except OSError as error:
        raise InputError(f"output {folder} cannot be written: {error.strerror}; choose another folder") from None


def problem_text(plan: Plan) -> str:
    """Write the problem of a plan, axes left out, as TOML."""
    return tomli_w.dumps(plan.sections)


def read_plan(folder: Path) -> Plan:
    """Read the plan that ``sweep.toml`` describes; raises InputError if there is none."""
    description = folder / DESCRIPTION
    if kind_of(description, "sweep") != "file":
        raise InputError(
            f"{folder} holds no sweep: {description} does not exist; `wgflow sweep ... -o {folder}` makes one"
        )
    sections = read_toml(description)
    try:
        axes = tuple(Axis(key, tuple(values)) for key, values in sections.pop(AXES).items())
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{description} describes no sweep ({shown(error)}); choose another folder") from None
    return Plan(axes, sections, folder, str(description))


def _check_same(plan: Plan, folder: Path) -> None:
    stored = read_plan(folder)
    there, here = _flatten(stored.sections), _flatten(tomllib.loads(problem_text(plan)))
    lines = axis_differences(stored.axes, plan.axes) + [
        f"{key} = {shown(there.get(key))} there, {shown(here.get(key))} here"
        for key in {**there, **here}
        if there.get(key) != here.get(key)
    ]
    if lines:
        more = f" (and {len(lines) - SHOWN_DIFFERENCES} more)" if len(lines) > SHOWN_DIFFERENCES else ""
        first = "\n".join(lines[:SHOWN_DIFFERENCES])
        raise InputError(f"{folder} holds another sweep; choose another folder, or the same values:\n{first}{more}")


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values of nested tables by their ``section.key``."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat.update(_flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value})
    return flat
