"""What the kinds of problems have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import is_flat
from wgflow.errors import InputError
from wgflow.functionals import Functional
from wgflow.problems.sections import Section
from wgflow.registry import Cited
from wgflow.runs.memory.grids import Grid, Terms
from wgflow.runs.memory.particles import FunctionalArrays

if TYPE_CHECKING:
    from wgflow.problems.columns import Columns
    from wgflow.problems.datasets import Dataset
    from wgflow.problems.own_code import OwnCode
    from wgflow.problems.problem import Problem
    from wgflow.problems.problem_setting import ProblemSetting
    from wgflow.problems.solvers.base import SolverOptions

Sections = Mapping[str, Mapping[str, Any]]
"""Sections of a problem file, or some of their keys."""


class ProblemSection(Section):
    """A kind of problem: the section of its keys, and the functional that is made of them."""

    is_energy: ClassVar[bool] = False
    """Whether entropies are among its own terms, and there is no reaction unless it is asked for."""
    is_flow: ClassVar[bool] = True
    """Whether what is computed is a gradient flow."""
    cites: ClassVar[tuple[Cited, ...]] = ()
    """What it rests on."""

    if TYPE_CHECKING:
        kind: str

        @property
        def regularization(self) -> float:
            """Factor lambda of the mass."""

        @property
        def temperature(self) -> float:
            """Factor T of all entropies."""

    def cited(self) -> Iterator[Cited]:
        """What it rests on, with its parts."""
        yield from self.cites

    def functional(self, setting: ProblemSetting) -> Functional:
        """F without its regularisation; raises InputError where an option is not allowed there."""
        raise NotImplementedError

    def check(self, problem: Problem) -> None:
        """Raise InputError unless its numbers have the dimension of the domain."""

    def check_widths(self, problem: Problem) -> None:
        """Raise InputError if cells are too coarse for it."""

    def warn(self, problem: Problem) -> None:
        """Warn of what is allowed, but surely not meant."""

    def check_diverging(self) -> None:
        """Raise InputError unless its mass can grow without end."""
        raise InputError(
            '[solver] kind = "normalised" is for networks that classify data; found [problem] kind = '
            f'"{self.kind}"{self._data_found}'
        )

    @property
    def _data_found(self) -> str:
        return ""

    def bound(self, code: OwnCode) -> ProblemSection:  # noqa: ARG002
        """The problem with its functions, where its data depend on them."""
        return self

    def read_data(self, folder: Path, given: Columns | None, *, force: bool) -> Dataset | None:  # noqa: ARG002
        """Read the data, where it has any, or take given ones; raises InputError where memory is short."""
        return None

    @property
    def code(self) -> Iterable[str]:
        """Functions in Python files that it needs, "FILE.py:NAME"."""
        return ()

    @property
    def sample_file(self) -> str | None:
        """Path of samples of a target, where it has any."""
        return None

    def cell_terms(self, grid: Grid, data: tuple[int, int] | None) -> Terms:  # noqa: ARG002
        """What the functional keeps at cells, for numbers of data and inputs."""
        return Terms(internal=self.temperature > 0.0)

    def functional_arrays(self, options: SolverOptions, data: tuple[int, int] | None) -> FunctionalArrays:  # noqa: ARG002
        """What the functional keeps at particles."""
        return FunctionalArrays()

    @classmethod
    def example(cls, base: UnsignedDomain) -> Sections | None:  # noqa: ARG003
        """Sections of a small problem on a domain, beside those that all have; None where it does not live there."""
        return None


def small_measure(base: UnsignedDomain) -> dict[str, Any]:
    """Initial measure of an example: a Gaussian, or where there is none the uniform measure."""
    return {"kind": "gaussian", "covariance": 0.36} if is_flat(base.geometry) else {"kind": "uniform"}


def axis_vector(base: UnsignedDomain, axis: int, length: float) -> list[float]:
    """Vector along an axis, as problem files give it."""
    places = range(base.geometry.components)
    return [length if place == places[axis] else 0.0 for place in places]
