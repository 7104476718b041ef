"""[initial]: the measure at time 0."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from wgflow.problems.models.base import Matrix, NonNegative, Positive, Section, Seed, Vector


class UniformInitial(Section):
    """The uniform measure."""

    kind: Literal["uniform"] = "uniform"
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")


class AngularGaussianInitial(Section):
    """The image on the sphere of a Gaussian N(0, S), weight |w|^2; its mass is the trace of S."""

    kind: Literal["angular_gaussian"]
    covariance: Matrix = Field(description="symmetric positive definite matrix S")
    seed: Seed = Field(0, description="seed of the draw of particles")


class GaussianInitial(Section):
    """A Gaussian on a box or in space."""

    kind: Literal["gaussian"]
    covariance: Matrix | Positive = Field(
        description="symmetric positive definite matrix, or the variance of independent components"
    )
    mean: Vector | None = Field(None, description="centre; the origin by default")
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")


class BalancedInitial(Section):
    """Neurons (a, b) in space with a = +1 or -1 and b uniform on the unit sphere."""

    kind: Literal["balanced"]
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")


class VonMisesFisherInitial(Section):
    """A von Mises-Fisher measure on circle or sphere, proportional to exp(concentration direction.x)."""

    kind: Literal["von_mises_fisher"]
    direction: Vector = Field(description="where it is largest, any nonzero length")
    concentration: NonNegative = Field(description="0 is uniform; the width is about concentration^(-1/2)")
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")


SingleInitial = Annotated[
    UniformInitial | AngularGaussianInitial | GaussianInitial | VonMisesFisherInitial, Field(discriminator="kind")
]


class MixtureInitial(Section):
    """The sum of several measures, each with its own mass."""

    kind: Literal["mixture"]
    components: Annotated[list[SingleInitial], Field(min_length=1)] = Field(
        description="tables of the other kinds, e.g. [[initial.components]] kind, mass, ..."
    )
    seed: Seed = Field(0, description="seed of the draw of particles")


class FileInitial(Section):
    """The state in a trajectory (.h5), or arrays (.npz): density, or position, weight and sign."""

    kind: Literal["file"]
    path: str = Field(description=".h5 or .npz, relative to the problem file")
    snapshot: int = Field(-1, description="number of the snapshot in a trajectory, -1 for the last")
    seed: Seed = Field(0, description="seed of the draw of particles")


InitialSection = (
    UniformInitial
    | AngularGaussianInitial
    | GaussianInitial
    | BalancedInitial
    | VonMisesFisherInitial
    | MixtureInitial
    | FileInitial
)
