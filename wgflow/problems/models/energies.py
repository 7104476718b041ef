"""[problem] of kind "energy": potential, interaction and internal energies and discrepancies, which add."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from wgflow.problems.models.base import Finite, Matrix, NonNegative, Positive, Section, Vector
from wgflow.problems.models.initial import (
    AngularGaussianInitial,
    GaussianInitial,
    MixtureInitial,
    UniformInitial,
    VonMisesFisherInitial,
)

TARGET = "the measure nu: a table like [initial], of closed form"


class QuadraticPotential(Section):
    """V(x) = 1/2 (x - centre)^T A (x - centre)."""

    kind: Literal["quadratic"]
    stiffness: Matrix | Finite = Field(1.0, description="symmetric matrix A, or a factor of the identity")
    centre: Vector | None = Field(None, description="centre; the origin by default")


class LinearPotential(Section):
    """V(x) = slope . x."""

    kind: Literal["linear"]
    slope: Vector = Field(description="gradient of V")


class DoubleWellPotential(Section):
    """V(x) = height ((x_k / distance)^2 - 1)^2 + stiffness / 2 times the square of the other components."""

    kind: Literal["double_well"]
    height: Positive = Field(1.0, description="V at the saddle in the middle")
    distance: Positive = Field(1.0, description="distance of each minimum from the middle")
    axis: int = Field(0, ge=0, description="number k of the component on which the minima lie, from 0")
    stiffness: NonNegative = Field(1.0, description="stiffness of the other components")


class CosinePotential(Section):
    """V = amplitude cos(frequency . angle - phase) on a circle, or a periodic box (an axis is a full turn)."""

    kind: Literal["cosine"]
    amplitude: Finite = Field(1.0, description="factor")
    frequency: Annotated[list[int], Field(min_length=1, max_length=3)] | int = Field(
        1, description="number of waves around the circle, or along each axis"
    )
    phase: Finite = Field(0.0, description="phase in radians")


class QuadraticInteraction(Section):
    """W(z) = strength |z|^2 / 2, z the chord on circle and sphere, as for all interactions."""

    kind: Literal["quadratic"]
    strength: Finite = Field(1.0, description="factor; positive ones attract")


class GaussianInteraction(Section):
    """W(z) = strength exp(-|z|^2 / (2 width^2))."""

    kind: Literal["gaussian"]
    strength: Finite = Field(1.0, description="factor; positive ones repel")
    width: Positive = Field(1.0, description="standard deviation")


class PowersInteraction(Section):
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


class LogInteraction(Section):
    """W(z) = strength log|z|: Newton's in the plane, where 1 / (2 pi) = 0.1591549 is that of Keller and Segel."""

    kind: Literal["log"]
    strength: Finite = Field(1.0, description="factor; positive ones attract")
    smoothing: NonNegative = Field(
        0.0, description="length that rounds W at 0; by default averages over cells do so on boxes"
    )


class EntropyEnergy(Section):
    """The entropy T int rho log rho: linear diffusion."""

    kind: Literal["entropy"]
    temperature: Positive = Field(1.0, description="the factor T")


class PowerInternal(Section):
    """The energy c int rho^m / (m - 1): porous medium for m > 1, fast diffusion for m < 1."""

    kind: Literal["power"]
    exponent: Positive = Field(2.0, description="the exponent m, not 1")
    strength: Positive = Field(1.0, description="the factor c")


TargetSection = Annotated[
    UniformInitial | AngularGaussianInitial | GaussianInitial | VonMisesFisherInitial | MixtureInitial,
    Field(discriminator="kind"),
]


class SobolevSection(Section):
    """Half the squared distance to a measure nu in the Sobolev space of order -s; circles and periodic boxes."""

    s: Finite = Field(1.0, description="the order s")
    target: TargetSection = Field(UniformInitial(), description=TARGET)


class KernelSection(Section):
    """Half the squared kernel discrepancy (MMD) to a measure nu."""

    kind: Literal["gaussian", "energy_distance"] = Field(
        "gaussian", description='k(z) = exp(-|z|^2 / (2 width^2)), or -|z| for "energy_distance"'
    )
    width: Positive = Field(1.0, description="standard deviation of the Gaussian")
    strength: Positive = Field(1.0, description="factor of k")
    target: TargetSection | None = Field(None, description=TARGET)
    samples: str | None = Field(
        None,
        description="samples of nu: .csv or .npz with a column for each component, and one called weight if need be",
    )

    @model_validator(mode="after")
    def _one_target(self) -> KernelSection:
        if (self.target is None) == (self.samples is None):
            raise ValueError("needs exactly one of target and samples")
        return self


def _as_list(value: Any) -> Any:
    """A table that stands alone as the list of one."""
    return [value] if isinstance(value, dict) else value


_AsList = BeforeValidator(_as_list)

PotentialSection = Annotated[
    QuadraticPotential | LinearPotential | DoubleWellPotential | CosinePotential, Field(discriminator="kind")
]
InteractionSection = Annotated[
    QuadraticInteraction | GaussianInteraction | PowersInteraction | LogInteraction, Field(discriminator="kind")
]
InternalSection = Annotated[EntropyEnergy | PowerInternal, Field(discriminator="kind")]


class EnergyProblem(Section):
    """A sum of energies, each a table or several: potential, interaction, internal, sobolev, kernel."""

    kind: Literal["energy"]
    regularization: NonNegative = Field(0.0, description="lambda in F plus lambda times the mass")
    potential: Annotated[list[PotentialSection], _AsList] = Field(default_factory=list)
    interaction: Annotated[list[InteractionSection], _AsList] = Field(default_factory=list)
    internal: Annotated[list[InternalSection], _AsList] = Field(default_factory=list)
    sobolev: SobolevSection | None = None
    kernel: KernelSection | None = None

    @property
    def temperature(self) -> float:
        """Factor T of all entropies: diffusion on grids, noise for particles."""
        return sum(term.temperature for term in self.internal if isinstance(term, EntropyEnergy))

    @model_validator(mode="after")
    def _has_terms(self) -> EnergyProblem:
        if not (self.potential or self.interaction or self.internal or self.sobolev or self.kernel):
            raise ValueError(
                'of kind "energy" has no terms; give at least one of [problem.potential], [problem.interaction], '
                "[problem.internal], [problem.sobolev], [problem.kernel]"
            )
        return self
