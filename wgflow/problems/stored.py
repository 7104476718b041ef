"""The problem that a trajectory file holds."""

from __future__ import annotations

import tomllib
import warnings
from pathlib import Path

from wgflow.errors import FlowWarning, InputError
from wgflow.problems.models import ProblemFile
from wgflow.problems.parsing import parse_sections
from wgflow.problems.toml import parse_toml
from wgflow.trajectory import Trajectory


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
        raise InputError(f"{path} holds a damaged problem: {error}") from None
    written = parse_sections(sections, str(path))
    stored = written.renamed()
    if stored is not written and stored.limits_slopes:
        warnings.warn(
            f"{path} names the limiter of a sphere {written.finite_volume.limiter!r}, as earlier versions did; it is "
            f"{stored.finite_volume.limiter!r}, with the same results",
            FlowWarning,
            stacklevel=3,
        )
    return stored
