"""From a density on a grid to particles: the midpoint rule."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Domain
from wgflow.measures.particles import Particles
from wgflow.typing import FloatArray


def nodes_of_cells(domain: Domain, density: FloatArray) -> Particles:
    """One node at each cell centre with the mass of the cell (midpoint rule), sheet after sheet."""
    points = domain.points.reshape(-1, domain.points.shape[-1])
    masses = (density * domain.volumes).ravel()
    signs = np.repeat(domain.signs, masses.size // domain.sheets)
    return Particles(points.copy(), masses, signs, domain)
