"""[initial] of kind "mixture"."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from wgflow.domains import Domain
from wgflow.problems.initial.base import InitialSection, Representation
from wgflow.problems.sections import Seed
from wgflow.typing import FloatArray


class Mixture(InitialSection):
    """The sum of several measures, each with its own mass."""

    kind: Literal["mixture"]
    components: list[Any]
    seed: Seed = Field(0, description="seed of the draw of particles")
    closed_form = True

    def averages(self, domain: Domain, represent: Representation) -> FloatArray:
        """The sum of those of its components."""
        parts: list[InitialSection] = self.components
        return np.asarray(np.sum([part.averages(domain, represent) for part in parts], axis=0))

    def at_points(self, domain: Domain, points: FloatArray) -> FloatArray:
        """The sum of those of its components."""
        parts: list[InitialSection] = self.components
        return np.asarray(np.sum([part.at_points(domain, points) for part in parts], axis=0))
