"""The problem that a trajectory file holds."""

from __future__ import annotations

import json
import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wgflow.domains.slab import whole_of
from wgflow.errors import FlowWarning, InputError
from wgflow.problems.datasets import Dataset
from wgflow.problems.models import FiniteVolumeSection, ProblemFile
from wgflow.problems.parsing import parse_sections
from wgflow.problems.problem import Problem
from wgflow.problems.toml import parse_toml
from wgflow.text import named, shown
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

COLUMNS, NAME = "data_columns", "problem_name"  # attributes

# What a resumed run may change: how far it goes, what stops it, and (the whole section) what it writes on the way.
_FREE_KEYS = {"solver.t_end", "solver.wall_time", "solver.stationarity", "domain.wall_limit", "domain.wall_warning"}


def stored_attributes(problem: Problem) -> dict[str, Any]:
    """Attributes of the trajectory of a problem, from which `stored_config` gives its sections back."""
    return {
        "problem": problem.text,
        "solver": problem.solver,
        "reaction": problem.reaction,
        "seed": problem.config.initial.seed,
    }


def origin_attributes(problem: Problem) -> dict[str, Any]:
    """Attributes that a new file has beside `stored_attributes`: its name, names of its data, checksums of its code."""
    named = {NAME: problem.name} if problem.name else {}
    if problem.dataset is None:
        return {**named, **problem.code.attributes}
    return {**named, COLUMNS: json.dumps(problem.dataset.names, ensure_ascii=False), **problem.code.attributes}


def stored_columns(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the columns of data, inputs first; none where the file holds none, as those of earlier versions."""
    try:
        names = json.loads(attributes.get(COLUMNS, "[]"))
    except (TypeError, ValueError):
        return ()
    known = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if known else ()


def stored_config(trajectory: Trajectory, path: Path) -> ProblemFile:
    """Sections of the problem of a run, from its file.

    The limiter of a sphere gets its present name, with a `FlowWarning` where it counts.

    Raises
    ------
    InputError
        If the file holds no problem, or a damaged one.
    """
    text = trajectory.attributes.get("problem")
    if not isinstance(text, str):
        raise InputError(f"{path} was not written by a problem file; it holds no problem")
    try:
        sections = parse_toml(text)
    except (tomllib.TOMLDecodeError, InputError) as error:
        raise InputError(f"{path} holds a damaged problem: {named(error, 200)}") from None
    written = parse_sections(sections, str(path))
    stored = written.renamed()
    if stored is not written and stored.limits_slopes:
        former, present = (config.options_of(FiniteVolumeSection).limiter for config in (written, stored))
        warnings.warn(
            f"{path} names the limiter of a sphere {former!r}, as earlier versions did; it is {present!r}, with the "
            "same results",
            FlowWarning,
            stacklevel=3,
        )
    return stored


def check_fit(problem: Problem, trajectory: Trajectory, path: Path) -> None:
    """Raise InputError unless a trajectory is one of a problem: of its domain, with data of the right shapes.

    Parameters
    ----------
    problem : Problem
        The problem that its file holds, or that is to go on there.
    trajectory : Trajectory
        What was read.
    path : Path
        Its file, for the message.

    Raises
    ------
    InputError
        If they do not fit.
    """
    found, wanted = trajectory.domain, whole_of(problem.domain)
    grows = problem.config.domain.grows
    same = found is not None and (type(found.base), found.sheets) == (type(wanted.base), wanted.sheets)
    # Parameters: arguments of other packages may be tuples, of which files make lists.
    if found is None or not (
        same and (found.parameters == wanted.parameters or (grows and len(found.shape) == len(wanted.shape)))
    ):
        raise InputError(f"{path} holds a problem on {shown(wanted)}, but a run on {shown(found)}")
    needed = "position" if problem.moves_particles else "density"
    if needed not in trajectory.fields:
        raise InputError(f"{path} holds a problem for {problem.solver!r}, but no {needed}")
    if problem.dataset is not None:
        _check_data(problem.dataset, path)


def _check_data(data: Dataset, path: Path) -> None:
    """Raise InputError unless the arrays of a data set fit each other."""
    count, columns = data.inputs.shape if data.inputs.ndim == 2 else (0, 0)
    scaled = len(data.names) - 1
    fits = count > 0 and data.targets.shape == (count,) and scaled in (columns, columns - 1)
    if not (fits and data.input_shift.shape == data.input_scale.shape == (scaled,)):
        raise InputError(
            f"{path} holds data whose shapes do not fit: inputs {data.inputs.shape}, targets "
            f"{data.targets.shape}, shifts {data.input_shift.shape}, scales {data.input_scale.shape}"
        )
    numbers = (data.inputs, data.targets, data.input_shift, data.input_scale, data.target_shift, data.target_scale)
    if not all(np.isfinite(values).all() for values in numbers):
        raise InputError(f"{path} holds data that are not finite")


def check_same_problem(problem: Problem, stored: ProblemFile, arrays: Mapping[str, FloatArray], path: Path) -> None:
    """Raise InputError if a file holds the run of another problem, or on other data; the difference is shown."""
    wanted, found = _flatten(problem.config), _flatten(stored)
    for key in wanted.keys() | found.keys():
        if wanted.get(key) != found.get(key):
            raise InputError(
                f"{path} holds another problem: {key} = {shown(found.get(key))} there, {shown(wanted.get(key))} here; "
                "resume with the same problem, or choose another output"
            )
    for name, values in problem.data_arrays().items():
        if name not in arrays or not (arrays[name].shape == values.shape and (arrays[name] == values).all()):
            raise InputError(f"{path} holds a run on other data: {name} differ; choose another output")


def _flatten(config: ProblemFile) -> dict[str, Any]:
    """Keys that must not change, as ``section.key``."""
    sections = config.model_dump(exclude_none=True, exclude={"output"})
    flat = {f"{name}.{key}": value for name, section in sections.items() for key, value in section.items()}
    return {key: value for key, value in flat.items() if key not in _FREE_KEYS}
