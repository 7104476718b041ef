"""[initial] of kind "uniform"."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from wgflow.domains import Domain
from wgflow.domains.geometry import is_unit_sphere, sphere_area
from wgflow.domains.quadrature import point_values
from wgflow.domains.symmetric import SymmetricDomain
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
        """The same number everywhere, on half circles and half spheres the image of the uniform measure."""
        base = domain.base
        if not base.has_cells:
            return super().averages(domain, represent)
        if isinstance(base, SymmetricDomain):
            shape = represent(base, base.uniform_density) if represent is point_values else base.uniform
            return np.broadcast_to(self.mass / domain.sheets * shape, domain.shape).copy()
        return np.full(domain.shape, self.mass / domain.volumes.sum())

    def at_points(self, domain: Domain, points: FloatArray) -> FloatArray:
        """The same number everywhere, on unit spheres and grids; the image of the uniform measure on half ones."""
        if isinstance(domain.base, SymmetricDomain):
            return self.mass / domain.sheets * domain.base.uniform_density(points)
        if is_unit_sphere(domain.geometry):
            volume = sphere_area(domain.geometry.components)
        elif domain.base.has_cells:
            volume = float(domain.base.volumes.sum())
        else:
            return super().at_points(domain, points)
        return np.full(points.shape[:-1], self.mass / (domain.sheets * volume))

    def draw(self, domain: Domain, count: int, method: str) -> Particles | None:
        """Directions, on unit spheres without cells."""
        if domain.base.has_cells or not is_unit_sphere(domain.geometry):
            return None
        return draw_directions(domain, self.mass, count, self.seed, method)
