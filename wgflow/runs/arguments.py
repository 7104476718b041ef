"""The arguments that all doors of this room share: when to give outputs, where to write them, when to stop."""

from __future__ import annotations

import difflib
import functools
import inspect
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import ParamSpec, TypedDict, TypeVar

from numpy.typing import ArrayLike

from wgflow.flows.loop import Limits, Observers
from wgflow.flows.stopping import Until
from wgflow.flows.walls import NEVER, WallRule
from wgflow.runs.memory.functionals import KeptOutputs
from wgflow.runs.record import RunFile, check_times
from wgflow.typing import FloatArray

Given = ParamSpec("Given")
Result = TypeVar("Result")


class RunArguments(TypedDict, total=False):
    """The keywords that a door hands on as they are, for type checkers; `RunOptions` has their defaults."""

    times: ArrayLike | None
    output: str | Path | None
    overwrite: bool
    durable: bool
    resume: bool
    stationarity: float | None
    wall_time: float | None
    wall_limit: float
    wall_warning: float
    force: bool
    observers: Observers | None
    until: Until | None
    progress: bool


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out, whatever its solver; `wgflow.solve` says what each argument means."""

    times: ArrayLike | None = None
    output: str | Path | None = None
    overwrite: bool = False
    durable: bool = False
    resume: bool = False
    stationarity: float | None = None
    wall_time: float | None = None
    wall_limit: float = NEVER
    wall_warning: float = NEVER
    force: bool = False
    observers: Observers | None = None
    until: Until | None = None
    progress: bool = False
    since: float = field(default_factory=clock.perf_counter, init=False)  # the call of the door

    def outputs(self, t_end: float) -> FloatArray:
        """Output times after 0; raises InputError as `check_times` does."""
        return check_times(self.times, t_end)

    def kept(self, outputs: FloatArray, *, estimate: bool = False) -> KeptOutputs:
        """What stays in memory of these outputs and the start."""
        return KeptOutputs(outputs.size + 1, self.output is None, estimate)

    def walls(self, *, grow: bool = False) -> WallRule:
        """What is done at the walls of a box."""
        return WallRule(self.wall_limit, self.wall_warning, grow)

    @property
    def file(self) -> RunFile:
        """The file that the run writes, or goes on in."""
        return RunFile(self.output, self.overwrite, self.durable, self.resume)

    @property
    def limits(self) -> Limits:
        """When the run stops before its end."""
        return Limits(self.stationarity, self.wall_time, since=self.since, until=self.until)


SHARED = tuple(
    inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=option.type)
    for option in fields(RunOptions)
    if option.init
)


def shares_run_arguments(door: Callable[Given, Result]) -> Callable[Given, Result]:
    """Show the shared arguments in the signature of a door, as help, notebooks and the handbook print it.

    A keyword that it does not have is a TypeError that names the nearest one, before any work.
    """
    signature = inspect.signature(door)
    own = [given for given in signature.parameters.values() if given.kind is not inspect.Parameter.VAR_KEYWORD]
    whole = signature.replace(parameters=[*own, *SHARED])

    @functools.wraps(door)
    def checked(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        for name in kwargs.keys() - whole.parameters.keys():
            nearest = difflib.get_close_matches(name, whole.parameters, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise TypeError(f"{whole_name}() got an unexpected keyword argument {name!r}{hint}")
        return door(*args, **kwargs)

    whole_name = door.__name__
    checked.__signature__ = whole  # type: ignore[attr-defined]  # what inspect.signature looks for
    return checked
