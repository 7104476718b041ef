"""From particles to a density on a grid: their masses, shared out to the nearest cells."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.measures.particles import Particles
from wgflow.typing import FloatArray


def deposit(particles: Particles, domain: Domain) -> FloatArray:
    """Density of a discrete measure on a grid: nonnegative, with exactly its mass on each sheet.

    On circles and boxes each mass is shared between the nearest cell centres along each axis in proportion to its
    distance from them (cloud in cell: the centre of mass stays, away from walls); on spheres it goes to the cell
    that holds it.

    Parameters
    ----------
    particles : Particles
        Points of the dimension of the domain; on circle and sphere their directions count.
    domain : Domain
        Circle, box or sphere, also signed.

    Returns
    -------
    array, shape ``domain.shape``

    Raises
    ------
    InputError
        If the dimensions differ, a sign has no sheet, or a particle lies outside of a box.

    Examples
    --------
    >>> box, centre = wgflow.Box([(0.0, 1.0)], 4), wgflow.Particles([[0.5]], [1.0])
    >>> wgflow.deposit(centre, box)  # two cells of width 1/4 share the mass
    array([0., 2., 2., 0.])
    """
    base = domain.base
    components = base.points.shape[-1]
    if particles.points.shape[1] != components:
        raise InputError(
            f"particles in {particles.points.shape[1]} dimensions do not fit the domain {domain.kind!r}, which "
            f"has {components}"
        )
    if domain.sheets == 1 and (particles.signs < 0.0).any():
        raise InputError(f"particles with sign -1 have no place on an unsigned {domain.kind}; use a signed domain")
    masses = np.zeros((domain.sheets, int(np.prod(base.shape))))
    for sheet, sign in enumerate(domain.signs):
        here = particles.signs == sign
        for cells, shares in base.shares_at(particles.points[here]):
            masses[sheet] += np.bincount(cells, shares * particles.weights[here], masses.shape[1])
    return masses.reshape(domain.shape) / domain.volumes
