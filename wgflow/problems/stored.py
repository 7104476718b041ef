"""The problem that a trajectory file holds."""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wgflow.errors import FlowWarning, InputError
from wgflow.problems.models import ProblemFile
from wgflow.problems.parsing import parse_sections
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.problems.problem import Problem

# What a resumed run may change: how far it goes, what stops it, and (the whole section) what it writes on the way.
_FREE_KEYS = {"solver.t_end", "solver.wall_time", "solver.stationarity", "domain.wall_limit", "domain.wall_warning"}


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
        written = parse_sections(tomllib.loads(text), str(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} holds a damaged problem: {error}") from None
    stored = written.renamed()
    if stored is not written and stored.limits_slopes:
        warnings.warn(
            f"{path} names the limiter of a sphere {written.finite_volume.limiter!r}, as earlier versions did; it is "
            f"{stored.finite_volume.limiter!r}, with the same results",
            FlowWarning,
            stacklevel=3,
        )
    return stored


def check_same_problem(problem: Problem, stored: ProblemFile, arrays: Mapping[str, FloatArray], path: Path) -> None:
    """Raise InputError if a file holds the run of another problem, or on other data; the difference is shown."""
    wanted, found = _flatten(problem.config), _flatten(stored)
    for key in wanted.keys() | found.keys():
        if wanted.get(key) != found.get(key):
            raise InputError(
                f"{path} holds another problem: {key} = {found.get(key)!r} there, {wanted.get(key)!r} here; "
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
