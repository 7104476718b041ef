"""[problem.sobolev]: the distance to a measure in a Sobolev space of negative order."""

from __future__ import annotations

from pydantic import Field

from wgflow.functionals import energies
from wgflow.problems.energies.base import EnergySection, table_of_one
from wgflow.problems.energies.targets import TARGET, target_density
from wgflow.problems.initial.registry import TargetSection
from wgflow.problems.initial.uniform import UniformInitial
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import Finite


class SobolevSection(EnergySection):
    """Half the squared distance to a measure nu in the Sobolev space of order -s; circles and periodic boxes."""

    s: Finite = Field(1.0, description="the order s")
    target: TargetSection = Field(UniformInitial(), description=TARGET)
    needs_density = "[problem.sobolev]"

    def energy(self, setting: ProblemSetting) -> energies.SobolevDiscrepancy:
        """Build it; raises InputError if the target does not live on the domain."""
        return energies.SobolevDiscrepancy(target_density(self.target, setting), self.s)

    @property
    def convolved(self) -> bool:
        """Its kernel acts by Fourier transforms."""
        return True


TABLE = table_of_one("sobolev", SobolevSection, place=4)
