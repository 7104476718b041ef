"""From particles to a density on a grid: their masses, shared out to the nearest cells."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.measures.particles import Particles
from wgflow.typing import FloatArray


def deposit(particles: Particles, domain: Domain, *, frame: FloatArray | None = None) -> FloatArray:
    """Density of a discrete measure on a grid: nonnegative, with exactly its mass on each sheet.

    On circles and boxes each mass is shared between the nearest cell centres along each axis in proportion to its
    distance from them (cloud in cell: the centre of mass stays, away from walls); on spheres it goes to the cell
    that holds it. On half circles and half spheres particles of R^d count by their images there.

    Parameters
    ----------
    particles : Particles
        Points of the dimension of the domain, on half circles and half spheres also of R^d; on all but boxes their
        directions count.
    domain : Domain
        Circle, box or sphere, half ones too, also signed.
    frame : array, shape (k, d), optional
        For half circles and half spheres: their directions, orthonormal rows; the first axes by default.

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
    points = _images(particles, base, frame)
    if domain.sheets == 1 and (particles.signs < 0.0).any():
        raise InputError(f"particles with sign -1 have no place on an unsigned {domain.kind}; use a signed domain")
    masses = np.zeros((domain.sheets, int(np.prod(base.shape))))
    for sheet, sign in enumerate(domain.signs):
        here = particles.signs == sign
        for cells, shares in base.shares_at(points[here]):
            masses[sheet] += np.bincount(cells, shares * particles.weights[here], masses.shape[1])
    return masses.reshape(domain.shape) / domain.volumes


def _images(particles: Particles, base: UnsignedDomain, frame: FloatArray | None) -> FloatArray:
    """Points of the domain: those of the particles, or what rotations leave of them."""
    points, components = particles.points, base.geometry.components
    known = None if particles.domain is None else particles.domain.base
    if isinstance(base, SymmetricDomain) and not isinstance(known, SymmetricDomain) and points.shape[1] == base.inputs:
        reduced = base.reduced(points, frame)
        return reduced / np.linalg.norm(reduced, axis=1, keepdims=True)
    if points.shape[1] != components:
        raise InputError(
            f"particles in {points.shape[1]} dimensions do not fit the domain {base.kind!r}, which has {components}"
        )
    return points
