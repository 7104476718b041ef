"""What a sweep is to do: its axes, its problem, and the run of each combination."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from wgflow.app.sweeps.axes import Axis, Values, literal, make_axes
from wgflow.errors import InputError
from wgflow.problems import Problem
from wgflow.problems.given import take_data
from wgflow.problems.models import ProblemFile
from wgflow.problems.parsing import apply_settings, parse_sections, read_toml
from wgflow.problems.problem import build_problem
from wgflow.problems.reading import estimate_file
from wgflow.problems.running import ProblemSource
from wgflow.problems.shipped import find_problem_file
from wgflow.problems.solvers.registry import SOLVERS
from wgflow.runs.memory import MemoryEstimate

SEED = "initial.seed"  # whether a problem is valid does not depend on it


@dataclass(frozen=True)
class Plan:
    """A sweep before it is carried out.

    Parameters
    ----------
    axes : tuple of Axis
        Keys and values; the runs are all combinations, the last axis fastest.
    sections : mapping
        The problem that they change.
    folder : Path
        Folder that paths in the problem are relative to.
    origin : str
        What errors name as the problem.
    force : bool
        Whether to do runs that need more memory than is free.
    allow_code : bool
        Whether to run the Python files that the problem names.
    launcher : tuple of str
        Words of the command that starts each run; none where workers do the runs themselves.
    """

    axes: tuple[Axis, ...]
    sections: Mapping[str, Any]
    folder: Path
    origin: str
    force: bool = field(default=False, compare=False)
    allow_code: bool = field(default=False, compare=False)
    launcher: tuple[str, ...] = field(default=(), compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values on each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def count(self) -> int:
        """Number of runs."""
        return math.prod(self.shape)

    @cached_property
    def _labels(self) -> list[tuple[str, tuple[str, ...]]]:
        """Shortest clear name of each axis, and the labels of its values."""
        ends = [axis.key.rpartition(".")[2] for axis in self.axes]
        names = [end if ends.count(end) == 1 else axis.key for end, axis in zip(ends, self.axes, strict=True)]
        return [(name, axis.labels) for name, axis in zip(names, self.axes, strict=True)]

    def places(self, index: int) -> tuple[int, ...]:
        """Place on each axis of a run, in ``range(count)``."""
        return tuple(int(place) for place in np.unravel_index(index, self.shape))

    def name(self, index: int) -> str:
        """Readable name of a run, e.g. ``seed=0,count=5``."""
        places = zip(self._labels, self.places(index), strict=True)
        return ",".join(f"{name}={labels[place]}" for (name, labels), place in places)

    def file(self, folder: Path, index: int) -> Path:
        """Trajectory file of a run in the folder of the sweep."""
        return folder / f"{self.name(index)}.h5"

    def settings(self, index: int) -> list[str]:
        """What a run changes, as ``section.key=value``."""
        places = zip(self.axes, self.places(index), strict=True)
        return [f"{axis.key}={literal(axis.values[place])}" for axis, place in places]

    def problem(self, index: int) -> Problem:
        """Read and check the problem of a run; raises InputError where it is not allowed, or memory is short."""
        return self._build(parse_sections(self._sections(index), self.origin))

    def _sections(self, index: int) -> dict[str, Any]:
        return apply_settings(self.sections, self.settings(index))

    def memory(self) -> MemoryEstimate:
        """Estimate the memory of the largest run, without building any."""
        found: dict[tuple[int, ...], MemoryEstimate] = {}
        for index in range(self.count):
            others = self._without_seed(index)
            if others not in found:
                found[others] = estimate_file(parse_sections(self._sections(index), self.origin), self.folder)
        return max(found.values(), key=lambda estimate: estimate.total)

    def _build(self, config: ProblemFile) -> Problem:
        granted: dict[str, Any] = {"force": self.force, "allow_code": self.allow_code}
        return build_problem(config, self.folder, **{name: given for name, given in granted.items() if given})

    def _without_seed(self, index: int) -> tuple[int, ...]:
        """Places of a run on all axes but that of the seed."""
        return tuple(p for axis, p in zip(self.axes, self.places(index), strict=True) if axis.key != SEED)

    def check(self) -> None:
        """Check the problems of all runs, and that each fits into memory unless that is forced.

        Raises
        ------
        InputError
            With the values of the first run that is not allowed, or the axis that changes nothing.
        """
        solvers: set[str] = set()
        built = set()
        for index in range(self.count):
            others = self._without_seed(index)
            try:
                config = parse_sections(self._sections(index), self.origin)
                if others not in built:
                    self._build(config)
            except InputError as error:
                raise InputError(f"the run {', '.join(self.settings(index))} is not allowed: {error}") from None
            solvers.add(config.solver.kind)
            built.add(others)
        self._check_effect(solvers)

    def _check_effect(self, solvers: set[str]) -> None:
        """Raise InputError where all runs along an axis would be the same one."""
        if "jko" in solvers:  # variational steps move the particles of that section
            solvers = {*solvers, "particles"}
        for axis in self.axes:
            section = "particles" if axis.key == SEED else axis.key.partition(".")[0]
            if section in SOLVERS and section not in solvers:
                raise InputError(
                    f"{axis.key} changes nothing: no run has solver.kind = {section!r}, all have "
                    f"{', '.join(map(repr, sorted(solvers)))}; add --set solver.kind={section}, or leave the axis out"
                )


def make_plan(problem: ProblemSource, over: Mapping[str, Values], settings: Iterable[str] = ()) -> Plan:
    """Plan a sweep; see `wgflow.sweep` for the arguments.

    Raises
    ------
    InputError
        If the problem cannot be read or an axis is not allowed; the runs are checked by `Plan.check`.
    """
    axes = make_axes(over)
    if isinstance(problem, Mapping):
        if take_data(problem)[1] is not None:
            raise InputError("the runs of a sweep read their data from a file: save them, and give its path as data")
        return Plan(axes, apply_settings(problem, settings), Path.cwd(), "problem")
    path = find_problem_file(Path(problem))
    return Plan(axes, apply_settings(read_toml(path), settings), path.resolve().parent, str(path))
