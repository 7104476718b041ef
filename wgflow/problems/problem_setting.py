"""What a functional of a problem file is built for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wgflow.domains import Domain
from wgflow.measures import Particles
from wgflow.problems.own_code import OwnCode

if TYPE_CHECKING:
    from wgflow.problems.datasets import Dataset
    from wgflow.problems.solvers.base import SolverOptions


@dataclass(frozen=True)
class ProblemSetting:
    """Where a functional acts, for which solver, and on which data.

    Parameters
    ----------
    domain : Domain
        Where the measure lives.
    solver : str
        Name of the solver.
    options : SolverOptions
        Its section.
    dataset : Dataset or None
        The data, where the problem has any.
    samples : Particles or None
        Samples of a target measure, where the problem has any.
    code : OwnCode
        Functions in Python files that the problem names.
    inputs : int or None
        Number of inputs that the domain of the file gives, where it gives one.
    """

    domain: Domain
    solver: str
    options: SolverOptions
    dataset: Dataset | None = None
    samples: Particles | None = None
    code: OwnCode = field(default_factory=OwnCode)
    inputs: int | None = None
