"""[output] and the whole of a problem file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from wgflow.errors import InputError
from wgflow.finite_volume import IMPLICIT_METHODS
from wgflow.problems.models.base import Positive, Section, Vector
from wgflow.problems.models.domains import DomainSection
from wgflow.problems.models.functionals import ProblemSection
from wgflow.problems.models.initial import InitialSection, UniformInitial
from wgflow.problems.models.solvers import (
    CharacteristicsSection,
    FiniteVolumeSection,
    JkoSection,
    NormalisedSection,
    ParticlesSection,
    SolverSection,
)
from wgflow.upwind import choose_limiter

FORMER_SPHERE_LIMITERS = ("minmod", "mc", "van_leer")  # which were three names of one scheme there
FORMER_DEFAULTS = {"stepper": "ssprk3", "tolerance": 1e-4}  # of [finite_volume], in files of schema 2


class OutputSection(Section):
    """When snapshots are taken."""

    snapshots: int = Field(101, ge=2, le=10**6, description="number of snapshots, start and end included")
    spacing: Literal["linear", "log"] = Field("linear", description="how snapshots are spread over time")
    first: Positive | None = Field(None, description="first time after 0 of logarithmic snapshots; t_end / 1000")
    times: Vector | None = Field(None, description="times of the snapshots; they take the place of a number")
    checkpoint: Positive | None = Field(
        600.0, description="seconds after which the state between two snapshots is kept, for --resume after a kill"
    )
    durable: bool = Field(False, description="wait at each snapshot until the disk has it, to survive a loss of power")


class ProblemFile(Section):
    """A whole problem file."""

    problem: ProblemSection = Field(discriminator="kind")
    domain: DomainSection = Field(discriminator="kind")
    initial: InitialSection = Field(UniformInitial(), discriminator="kind")
    solver: SolverSection
    finite_volume: FiniteVolumeSection = FiniteVolumeSection()
    particles: ParticlesSection = ParticlesSection()
    characteristics: CharacteristicsSection = CharacteristicsSection()
    jko: JkoSection = JkoSection()
    normalised: NormalisedSection = NormalisedSection()
    output: OutputSection = OutputSection()

    def with_former_defaults(self, stored: ProblemFile) -> ProblemFile:
        """Take from the problem in a file what was a default when it was written, where this one leaves it out."""
        section, found = self.finite_volume, stored.finite_volume
        taken = {
            key: former
            for key, former in FORMER_DEFAULTS.items()
            if key not in section.model_fields_set and getattr(found, key) == former
        }
        return self.model_copy(update={"finite_volume": section.model_copy(update=taken)})

    def with_limiter(self) -> ProblemFile:
        """Write out the limiter, where it is left to the domain; raises InputError if it is not available there."""
        try:
            return self._limited_by(choose_limiter(self.finite_volume.limiter, self.domain.kind))
        except InputError as error:
            raise InputError(f"[finite_volume] {error}") from None

    def renamed(self) -> ProblemFile:
        """A problem that was stored, with the limiter of a sphere by its present name."""
        former = self.domain.kind == "sphere" and self.finite_volume.limiter in FORMER_SPHERE_LIMITERS
        return self._limited_by(choose_limiter(None, "sphere")) if former else self

    def _limited_by(self, limiter: str) -> ProblemFile:
        section = self.finite_volume.model_copy(update={"limiter": limiter})
        return self.model_copy(update={"finite_volume": section})

    @property
    def limits_slopes(self) -> bool:
        """Whether the limiter counts."""
        section = self.finite_volume
        explicit = self.solver.kind == "finite_volume" and section.stepper not in IMPLICIT_METHODS
        return explicit and section.order == 2

    @property
    def moves_density(self) -> bool:
        """Whether the solver moves a density on cells, for any energy."""
        linearised = self.solver.kind == "jko" and self.jko.scheme == "linearised"
        return linearised or self.solver.kind == "finite_volume"
