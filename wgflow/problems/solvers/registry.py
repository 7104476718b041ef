"""The kinds of solvers: the section of each has its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from wgflow.problems.sections import NonNegative, Positive, Section, one_of
from wgflow.problems.solvers.base import SolverOptions
from wgflow.problems.solvers.characteristics import CharacteristicsSection
from wgflow.problems.solvers.finite_volume import FiniteVolumeSection
from wgflow.problems.solvers.jko import JkoSection
from wgflow.problems.solvers.normalised import NormalisedSection
from wgflow.problems.solvers.particles import ParticlesSection
from wgflow.problems.solvers.transport import TransportSection
from wgflow.registry import Registry

SOLVERS: Registry[type[SolverOptions]] = Registry(
    "[solver] kind =",
    {
        "finite_volume": FiniteVolumeSection,
        "particles": ParticlesSection,
        "characteristics": CharacteristicsSection,
        "jko": JkoSection,
        "normalised": NormalisedSection,
        "transport": TransportSection,
    },
)

if TYPE_CHECKING:
    Solver = str
else:
    Solver = one_of(SOLVERS)


class SolverSection(Section):
    """The method; the section of its name holds its options."""

    kind: Solver = "finite_volume"
    t_end: Positive = Field(description="last time")
    transport: NonNegative = Field(1.0, description="factor alpha of the transport")
    reaction: NonNegative | None = Field(
        None, description="factor beta of the reaction; by default the domain's own, and 0 for energies"
    )
    stationarity: Positive | None = Field(None, description="stop when the dissipation -dF/dt falls below this")
    wall_time: Positive | None = Field(
        None, description="stop after this many seconds from the start of the command, set-up included"
    )
