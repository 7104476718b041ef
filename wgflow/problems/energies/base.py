"""What the energies of a problem of kind "energy" have in common, and the tables of [problem] that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.functionals import Functional
from wgflow.problems.sections import Section, choice
from wgflow.registry import Cited
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.problems.problem_setting import ProblemSetting


class EnergySection(Section):
    """An energy, as a table of a problem: its keys, and what is made of them."""

    nonlocal_pairs: ClassVar[bool] = False
    """Whether all pairs of particles interact, and cells by a convolution."""
    of_density: ClassVar[bool] = False
    """Whether it is one of the density itself, of its powers and logarithms."""
    needs_density: ClassVar[str] = ""
    """What an error calls it, where particles cannot follow it; none where they can."""
    cites: ClassVar[tuple[Cited, ...]] = ()
    """What it rests on."""

    def energy(self, setting: ProblemSetting) -> Functional:
        """Build its functional; raises InputError where it cannot live on the domain."""
        raise NotImplementedError

    def check(self, domain: Domain) -> None:
        """Raise InputError where cells are too coarse for it."""

    @property
    def diffusion(self) -> float:
        """Factor T where it is an entropy."""
        return 0.0

    @property
    def convolved(self) -> bool:
        """Whether cells need a convolution for it."""
        return self.nonlocal_pairs

    @property
    def sample_file(self) -> str | None:
        """Path of the samples that it needs, where it needs any."""
        return None


@dataclass(frozen=True)
class EnergyTable:
    """A table of [problem], such as [problem.potential].

    Parameters
    ----------
    name : str
        Its name.
    annotation : type
        What it may hold.
    many : bool
        Whether it is a list of tables, or one that stands alone.
    place : int
        Where it stands among the others.
    """

    name: str
    annotation: Any
    many: bool = False
    place: int = 100

    @property
    def field(self) -> tuple[Any, Any]:
        """Field of the section of the problem, as `pydantic.create_model` takes it."""
        return (self.annotation, Field(default_factory=list)) if self.many else (self.annotation, None)


def _as_list(value: Any) -> Any:
    """A table that stands alone as the list of one."""
    return [value] if isinstance(value, dict) else value


def table_of_kinds(name: str, kinds: Mapping[str, type[EnergySection]], place: int = 100) -> EnergyTable:
    """Table that holds one or several energies, each of one of some kinds."""
    section: Any = choice(kinds.values())
    return EnergyTable(name, Annotated[list[section], BeforeValidator(_as_list)], many=True, place=place)


def table_of_one(name: str, section: type[EnergySection], place: int = 100) -> EnergyTable:
    """Table that holds one energy."""
    return EnergyTable(name, section | None, place=place)


def vector(name: str, values: list[float], size: int) -> FloatArray:
    """Values as an array; raises InputError unless the domain has so many components."""
    if len(values) != size:
        raise InputError(f"{name} has {len(values)} entries; the domain needs {size}")
    return np.array(values)
