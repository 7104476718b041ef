"""[initial] of kind "balanced"."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from wgflow.domains import Domain
from wgflow.domains.geometry import is_flat
from wgflow.measures import Particles
from wgflow.measures.directions import draw_balanced
from wgflow.problems.initial.base import InitialSection
from wgflow.problems.sections import Positive, Seed


class BalancedInitial(InitialSection):
    """Neurons (a, b) in space with a = +1 or -1 and b uniform on the unit sphere."""

    kind: Literal["balanced"]
    mass: Positive = Field(1.0, description="total mass")
    seed: Seed = Field(0, description="seed of the draw of particles")

    def draw(self, domain: Domain, count: int, method: str) -> Particles | None:
        """Neurons, in space."""
        if domain.base.has_cells or not is_flat(domain.geometry):
            return None
        return draw_balanced(domain.geometry.components - 1, self.mass, count, self.seed, method)
