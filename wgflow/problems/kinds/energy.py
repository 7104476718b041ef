"""[problem] of kind "energy": a sum of the energies of `wgflow.problems.energies`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, create_model, model_validator

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Space, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.errors import InputError
from wgflow.functionals import Functional
from wgflow.functionals.base import Sum
from wgflow.problems.energies.base import EnergySection
from wgflow.problems.energies.registry import ENERGIES
from wgflow.problems.kinds.base import ProblemSection, Sections, axis_vector
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import NonNegative
from wgflow.registry import Cited
from wgflow.runs.memory.grids import Grid, Terms
from wgflow.runs.memory.particles import FunctionalArrays

if TYPE_CHECKING:
    from wgflow.problems.problem import Problem
    from wgflow.problems.solvers.base import SolverOptions


class Energies(ProblemSection):
    """A sum of energies, each a table or several: {tables}."""

    kind: Literal["energy"]
    regularization: NonNegative = Field(0.0, description="lambda in F plus lambda times the mass")
    is_energy = True

    @property
    def terms(self) -> Iterator[EnergySection]:
        """The energies of all tables."""
        for name in ENERGIES:
            found = getattr(self, name)
            yield from found if isinstance(found, list) else [found] if found is not None else []

    @property
    def temperature(self) -> float:
        """Factor T of all entropies: diffusion on grids, noise for particles."""
        return sum(term.diffusion for term in self.terms)

    @model_validator(mode="after")
    def _has_terms(self) -> Energies:
        if not any(True for _ in self.terms):
            tables = ", ".join(f"[problem.{name}]" for name in ENERGIES)
            raise ValueError(f'of kind "energy" has no terms; give at least one of {tables}')
        return self

    def cited(self) -> Iterator[Cited]:
        """What the energies rest on."""
        for term in self.terms:
            yield from term.cites

    def functional(self, setting: ProblemSetting) -> Functional:
        """Sum of all terms; raises InputError if one cannot live on the domain, or the solver cannot follow it."""
        if not setting.options.moves_density:
            setting.options.check_energies()
            self._check_particles(setting.solver)
        built = [term.energy(setting) for term in self.terms]
        return Sum(tuple(built)) if len(built) > 1 else built[0]

    def _check_particles(self, solver: str) -> None:
        needy = next((term.needs_density for term in self.terms if term.needs_density), None)
        if needy is not None:
            raise InputError(
                f'{needy} needs a density, which [solver] kind = "{solver}" does not have; choose "finite_volume", or '
                '"jko" with [jko] scheme = "linearised"'
            )

    def check_widths(self, problem: Problem) -> None:
        """Raise InputError if a kernel is narrower than cells over which it is not averaged."""
        if problem.options.moves_density:
            for term in self.terms:
                term.check(problem.domain)

    @property
    def sample_file(self) -> str | None:
        """Path of the samples of a target."""
        return next((term.sample_file for term in self.terms if term.sample_file is not None), None)

    def cell_terms(self, grid: Grid, data: tuple[int, int] | None) -> Terms:  # noqa: ARG002
        """Convolutions, and powers of the density."""
        convolved = any(term.convolved for term in self.terms) and grid.is_lattice
        return Terms(convolution=convolved, internal=any(term.of_density for term in self.terms))

    def functional_arrays(self, options: SolverOptions, data: tuple[int, int] | None) -> FunctionalArrays:  # noqa: ARG002
        """Pairs."""
        return FunctionalArrays(pairs=any(term.nonlocal_pairs for term in self.terms))

    @classmethod
    def example(cls, base: UnsignedDomain) -> Sections:
        """A potential, and diffusion where there are cells, else an interaction."""
        return {"problem": _EXAMPLES.on(base)(base)}


def _diffusing(potential: dict[str, Any], temperature: float) -> dict[str, Any]:
    return {"potential": potential, "internal": {"kind": "entropy", "temperature": temperature}}


def _repelling(potential: dict[str, Any]) -> dict[str, Any]:
    return {"potential": potential, "interaction": {"kind": "gaussian", "strength": 2.0, "width": 0.5}}


def _slope(base: UnsignedDomain) -> dict[str, Any]:
    return {"kind": "linear", "slope": axis_vector(base, -1, -2.0)}


_EXAMPLES: DomainTable[Callable[[UnsignedDomain], dict[str, Any]]] = DomainTable(
    "an example",
    {
        Circle: lambda _: _diffusing({"kind": "cosine", "frequency": 2}, 0.5),
        Sphere: lambda base: _diffusing(_slope(base), 0.5),
        Box: lambda _: _diffusing({"kind": "double_well"}, 0.25),
        Space: lambda _: _repelling({"kind": "quadratic"}),
        object: lambda base: _repelling(_slope(base)),
    },
)

if TYPE_CHECKING:
    EnergyProblem = Energies
else:
    EnergyProblem = create_model(
        "EnergyProblem",
        __base__=Energies,
        __module__=__name__,
        __doc__=Energies.__doc__.format(tables=", ".join(ENERGIES)),
        **{name: table.field for name, table in ENERGIES.items()},
    )
