"""[problem.interaction]: interaction energies."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.functionals import energies
from wgflow.problems.energies.base import EnergySection, table_of_kinds
from wgflow.problems.energies.binding import averages_kernels, bound_interaction, check_width
from wgflow.problems.energies.python import PythonInteraction
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import Finite, NonNegative, Positive
from wgflow.registry import Registry


class InteractionSection(EnergySection):
    """An interaction by a radial kernel W."""

    if TYPE_CHECKING:
        kind: str
    nonlocal_pairs = True

    @property
    @abstractmethod
    def kernel(self) -> energies.RadialKernel:
        """The kernel W."""

    def energy(self, setting: ProblemSetting) -> energies.Interaction | energies.ZonalInteraction:
        """Build it; raises InputError if a singular kernel has no value where it is needed."""
        kernel, domain = self.kernel, setting.domain
        singular = not np.isfinite(kernel.of_square(np.zeros(1))).all()
        if singular and not (setting.options.moves_density and averages_kernels(domain)):
            raise InputError(
                f'[problem.interaction] kind = "{self.kind}" is infinite at 0, which only cells of a box average; '
                "give a smoothing > 0"
            )
        return bound_interaction(kernel, domain, averaged=True)


class QuadraticInteraction(InteractionSection):
    """W(z) = strength |z|^2 / 2, z the chord on circle and sphere, as for all interactions."""

    kind: Literal["quadratic"]
    strength: Finite = Field(1.0, description="factor; positive ones attract")

    @property
    def kernel(self) -> energies.RadialKernel:
        """The square."""
        return energies.PowerKernel(2.0, self.strength)


class GaussianInteraction(InteractionSection):
    """W(z) = strength exp(-|z|^2 / (2 width^2))."""

    kind: Literal["gaussian"]
    strength: Finite = Field(1.0, description="factor; positive ones repel")
    width: Positive = Field(1.0, description="standard deviation")

    @property
    def kernel(self) -> energies.RadialKernel:
        """The Gaussian."""
        return energies.GaussianKernel(self.strength, self.width)

    def check(self, domain: Domain) -> None:
        """Raise InputError if it is narrower than cells that do not average it."""
        check_width("interaction", self.width, domain)


class PowersInteraction(InteractionSection):
    """W(z) = strength (|z|^a / a - |z|^b / b), log|z| for the exponent 0."""

    kind: Literal["attractive_repulsive"]
    a: Finite = Field(description="exponent of the attraction")
    b: Finite = Field(description="exponent of the repulsion, less than a")
    strength: Positive = Field(1.0, description="factor")
    smoothing: NonNegative = Field(
        0.0, description="length that rounds W at 0; by default averages over cells do so on boxes"
    )

    @model_validator(mode="after")
    def _ordered(self) -> PowersInteraction:
        if not self.b < self.a:
            raise ValueError(f"has exponents a = {self.a:g} and b = {self.b:g}; give b < a")
        return self

    @property
    def kernel(self) -> energies.RadialKernel:
        """The difference of the powers."""
        attraction = energies.PowerKernel(self.a, self.strength, self.smoothing)
        return energies.SumKernel((attraction, energies.PowerKernel(self.b, -self.strength, self.smoothing)))


class LogInteraction(InteractionSection):
    """W(z) = strength log|z|: Newton's in the plane, where 1 / (2 pi) = 0.1591549 is that of Keller and Segel."""

    kind: Literal["log"]
    strength: Finite = Field(1.0, description="factor; positive ones attract")
    smoothing: NonNegative = Field(
        0.0, description="length that rounds W at 0; by default averages over cells do so on boxes"
    )

    @property
    def kernel(self) -> energies.RadialKernel:
        """The logarithm."""
        return energies.PowerKernel(0.0, self.strength, self.smoothing)


INTERACTIONS: Registry[type[EnergySection]] = Registry(
    "interaction kind",
    {
        "quadratic": QuadraticInteraction,
        "gaussian": GaussianInteraction,
        "attractive_repulsive": PowersInteraction,
        "log": LogInteraction,
        "python": PythonInteraction,
    },
)
TABLE = table_of_kinds("interaction", INTERACTIONS, place=2)
