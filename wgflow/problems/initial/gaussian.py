"""[initial] of kind "gaussian"."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from wgflow.domains import Domain, total_mass
from wgflow.domains.base import Density, UnsignedDomain
from wgflow.domains.geometry import is_flat
from wgflow.errors import InputError
from wgflow.measures import Particles, draw_gaussian
from wgflow.problems.initial.base import InitialSection, symmetric_positive
from wgflow.problems.sections import Matrix, Positive, Seed, Vector
from wgflow.typing import FloatArray


class GaussianInitial(InitialSection):
    """A Gaussian on a box or in space."""

    kind: Literal["gaussian"]
    covariance: Matrix | Positive = Field(
        description="symmetric positive definite matrix, or the variance of independent components"
    )
    mean: Vector | None = Field(None, description="centre; the origin by default")
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")
    closed_form = True

    def density(self, base: UnsignedDomain) -> Density:
        """Density on a flat domain."""
        if not is_flat(base.geometry):
            return super().density(base)
        return _gaussian(symmetric_positive(self.covariance, base), self._centre(base))

    def at_points(self, domain: Domain, points: FloatArray) -> FloatArray:
        """Density of the whole Gaussian, on flat domains."""
        return self.mass * super().at_points(domain, points)

    def scaled(self, base: UnsignedDomain, values: FloatArray) -> FloatArray:
        """Cell averages of a box that holds exactly what was asked for."""
        inside = total_mass(base, values)
        if not inside > 0.0:
            raise InputError(f"[initial] mean = {self.mean} puts the Gaussian outside the box; move it inside")
        values *= self.mass / inside
        return values

    def draw(self, domain: Domain, count: int, method: str) -> Particles | None:
        """Particles of the whole Gaussian, where the domain is flat."""
        if not is_flat(domain.geometry) or domain.sheets > 1:
            return None
        covariance, centre = symmetric_positive(self.covariance, domain.base), self._centre(domain.base)
        return replace(draw_gaussian(covariance, centre, self.mass, count, self.seed, method), domain=domain)

    def _centre(self, base: UnsignedDomain) -> FloatArray:
        needed = base.geometry.components
        centre = np.zeros(needed) if self.mean is None else np.array(self.mean)
        if centre.shape != (needed,):
            raise InputError(f"[initial] mean has {centre.size} entries; the domain needs {needed}")
        return centre


def _gaussian(covariance: FloatArray, mean: FloatArray) -> Density:
    inverse = np.linalg.inv(covariance)
    scale = (2.0 * np.pi) ** (-0.5 * len(mean)) / np.sqrt(np.linalg.det(covariance))

    def density(points: FloatArray) -> FloatArray:
        form = np.einsum("...i,ij,...j->...", points - mean, inverse, points - mean)
        return scale * np.exp(-0.5 * form)

    return density
