"""Particles drawn from a density on a grid."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Circle, Domain
from wgflow.errors import InputError
from wgflow.functionals import Particles
from wgflow.schemes.explicit import check_density
from wgflow.typing import FloatArray


def draw_particles(domain: Domain, density: FloatArray, count: int, seed: int) -> Particles:
    """Draw independent particles of equal weight from a piecewise constant density.

    Parameters
    ----------
    domain : Domain
        Circle or signed circle.
    density : array, shape ``domain.shape``
        Density to draw from; its mass is divided evenly.
    count : int
        Number m of particles.
    seed : int
        Seed of numpy's PCG64 generator; the same seed draws the same particles.

    Raises
    ------
    InputError
        If the count is not positive, the density is not one, or the domain is not a circle.
    """
    if count < 1:
        raise InputError(f"count = {count} is not allowed; give the number of particles, at least 1")
    if not isinstance(domain.base, Circle):
        raise InputError(f"particles can be drawn on circles; the domain is {domain.kind!r}")
    density = check_density(density, domain.shape)
    generator = np.random.default_rng(seed)
    masses = (density * domain.volumes).ravel()
    cells = generator.choice(masses.size, size=count, p=masses / masses.sum())
    sheet, cell = np.divmod(cells, domain.base.cells)
    angles = (cell + generator.random(count)) * domain.base.spacing
    points = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return Particles(points, np.full(count, masses.sum() / count), domain.signs[sheet])
