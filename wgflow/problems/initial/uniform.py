"""[initial] of kind "uniform"."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from wgflow.domains import Domain
from wgflow.domains.geometry import is_unit_sphere
from wgflow.measures import Particles
from wgflow.measures.directions import draw_directions
from wgflow.problems.initial.base import InitialSection, Representation
from wgflow.problems.sections import Positive, Seed
from wgflow.typing import FloatArray


class UniformInitial(InitialSection):
    """The uniform measure."""

    kind: Literal["uniform"] = "uniform"
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")
    closed_form = True
    by_quadrature = False

    def averages(self, domain: Domain, represent: Representation) -> FloatArray:
        """The same number everywhere."""
        if not domain.base.has_cells:
            return super().averages(domain, represent)
        return np.full(domain.shape, self.mass / domain.volumes.sum())

    def draw(self, domain: Domain, count: int, method: str) -> Particles | None:
        """Directions, on unit spheres without cells."""
        if domain.base.has_cells or not is_unit_sphere(domain.geometry):
            return None
        return draw_directions(domain, self.mass, count, self.seed, method)
