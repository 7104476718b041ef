"""[initial] of kind "von_mises_fisher"."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from wgflow.domains.base import Density, UnsignedDomain
from wgflow.domains.geometry import is_unit_sphere
from wgflow.errors import InputError
from wgflow.problems.initial.base import InitialSection
from wgflow.problems.sections import NonNegative, Positive, Seed, Vector


class VonMisesFisherInitial(InitialSection):
    """A von Mises-Fisher measure on circle or sphere, proportional to exp(concentration direction.x)."""

    kind: Literal["von_mises_fisher"]
    direction: Vector = Field(description="where it is largest, any nonzero length")
    concentration: NonNegative = Field(description="0 is uniform; the width is about concentration^(-1/2)")
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")
    closed_form = True

    def density(self, base: UnsignedDomain) -> Density:
        """Density on a circle or sphere."""
        if not (base.has_cells and is_unit_sphere(base.geometry)):
            return super().density(base)
        direction, needed = np.array(self.direction), base.geometry.components
        length = np.linalg.norm(direction)
        if direction.shape != (needed,) or length == 0.0:
            raise InputError(
                f"[initial] direction = {self.direction} is not allowed; give {needed} numbers that are not all zero"
            )
        largest, k = self._largest(needed), self.concentration
        return lambda points: self.mass * largest * np.exp(k * (points @ (direction / length) - 1.0))

    def _largest(self, components: int) -> float:
        """Largest density of the measure of mass 1."""
        from scipy.special import i0e

        k = self.concentration
        if components == 2:
            return float(1.0 / (2.0 * np.pi * i0e(k)))
        return float(k / (2.0 * np.pi * -np.expm1(-2.0 * k))) if k > 0.0 else 1.0 / (4.0 * np.pi)
