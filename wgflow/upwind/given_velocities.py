"""The finite-volume scheme on the sphere with velocities that come from outside."""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.diamonds import DIAMONDS, side_of
from wgflow.typing import FloatArray
from wgflow.upwind.diamond_faces import DiamondFaces
from wgflow.upwind.sphere import FaceFactors, SphereScheme


class GivenScheme(SphereScheme):
    """The scheme on the sphere whose potential moves nothing; arguments as in `SphereScheme`."""

    midpoint = True

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        super().__init__(domain, transport, reaction, limiter)
        sphere: Any = domain.base
        faces = DiamondFaces(sphere.mesh, side_of(sphere.level))
        self._places, self._signs = faces.places
        self._rates = np.zeros((1, len(sphere.mesh.edges)))
        self._given = np.zeros((1, DIAMONDS, *self._in_rows.shape[2:]))

    def give(self, rates: FloatArray) -> None:
        """Move along with flows (E,) through all faces from now on, outwards of the first cell of each."""
        self._rates[0] = rates
        self._given.reshape(-1)[self._places] = self._signs * rates[:, None]

    def begin_step(self) -> None:
        """Get ready for the stages of a step."""

    def finish_step(self, start: FloatArray, result: FloatArray) -> None:
        """Correct the density after the stages of a step by that at its start."""

    def _factors(self, potential: FloatArray) -> FaceFactors:  # noqa: ARG002
        return self._given, self._rates, self._rates[:, self._apart]
