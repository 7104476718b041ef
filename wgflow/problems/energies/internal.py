"""[problem.internal]: internal energies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from wgflow.functionals import Entropy, PowerEnergy
from wgflow.problems.energies.base import EnergySection, table_of_kinds
from wgflow.problems.energies.python import PythonInternal
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import Positive
from wgflow.registry import Registry


class EntropySection(EnergySection):
    """The entropy T int rho log rho: linear diffusion."""

    kind: Literal["entropy"]
    temperature: Positive = Field(1.0, description="the factor T")
    of_density = True

    def energy(self, setting: ProblemSetting) -> Entropy:  # noqa: ARG002
        """Build it."""
        return Entropy(self.temperature)

    @property
    def diffusion(self) -> float:
        """The factor T."""
        return self.temperature


class PowerEnergySection(EnergySection):
    """The energy c int rho^m / (m - 1): porous medium for m > 1, fast diffusion for m < 1."""

    kind: Literal["power"]
    exponent: Positive = Field(2.0, description="the exponent m, not 1")
    strength: Positive = Field(1.0, description="the factor c")
    of_density = True
    needs_density = '[problem.internal] kind = "power"'

    def energy(self, setting: ProblemSetting) -> PowerEnergy:  # noqa: ARG002
        """Build it; raises InputError for the exponent 1."""
        return PowerEnergy(self.exponent, self.strength)


INTERNAL_ENERGIES: Registry[type[EnergySection]] = Registry(
    "internal kind", {"entropy": EntropySection, "power": PowerEnergySection, "python": PythonInternal}
)
TABLE = table_of_kinds("internal", INTERNAL_ENERGIES, place=3)
