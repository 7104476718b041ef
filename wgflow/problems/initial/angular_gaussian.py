"""[initial] of kind "angular_gaussian"."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from wgflow.domains.base import Density, UnsignedDomain
from wgflow.domains.geometry import is_unit_sphere
from wgflow.problems.initial.base import InitialSection, symmetric_positive
from wgflow.problems.sections import Matrix, Seed


class AngularGaussianInitial(InitialSection):
    """The image on the sphere of a Gaussian N(0, S), weight |w|^2; its mass is the trace of S."""

    kind: Literal["angular_gaussian"]
    covariance: Matrix = Field(description="symmetric positive definite matrix S")
    seed: Seed = Field(0, description="seed of the draw of particles")
    closed_form = True

    def density(self, base: UnsignedDomain) -> Density:
        """Density on a unit sphere."""
        if not is_unit_sphere(base.geometry):
            return super().density(base)
        from wgflow.exact.quadratic import AngularGaussian  # of few problems

        return AngularGaussian(symmetric_positive(self.covariance, base))
