"""From particles to a density on a grid: their masses, shared out to the nearest cells."""

from __future__ import annotations

import itertools

import numpy as np

from wgflow.domains import Box, Circle, Domain
from wgflow.errors import InputError
from wgflow.measures.cone import cell_locator
from wgflow.measures.particles import Particles
from wgflow.typing import FloatArray, IntArray


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
        for cells, shares in _shares(base, particles.points[here]):
            masses[sheet] += np.bincount(cells, shares * particles.weights[here], masses.shape[1])
    return masses.reshape(domain.shape) / domain.volumes


def _shares(base: Domain, points: FloatArray) -> list[tuple[IntArray, FloatArray]]:
    """Cells, with the share of each particle that goes to them."""
    if isinstance(base, Circle):
        places = np.arctan2(points[:, 1], points[:, 0]) / base.spacing - 0.5
        return _along_axis(places, base.cells, periodic=True)
    if isinstance(base, Box):
        axes = [_along_axis(_places(base, points, axis), *_ends(base, axis)) for axis in range(len(base.shape))]
        return [
            (
                np.ravel_multi_index(tuple(cells for cells, _ in corner), base.shape),
                np.prod([shares for _, shares in corner], axis=0),
            )
            for corner in itertools.product(*axes)
        ]
    return [(cell_locator(base)(points), np.ones(len(points)))]


def _ends(box: Box, axis: int) -> tuple[int, bool]:
    return box.shape[axis], box.periodic[axis]


def _places(box: Box, points: FloatArray, axis: int) -> FloatArray:
    """Places along an axis in units of cells, 0 at the first centre."""
    (low, high), values = box.bounds[axis], points[:, axis]
    if not box.periodic[axis] and ((values < low) | (values > high)).any():
        outside = values[(values < low) | (values > high)][0]
        raise InputError(f"a particle at {outside:g} lies outside of axis {axis} of the box, {low:g} to {high:g}")
    return (values - low) / box.spacing[axis] - 0.5


def _along_axis(places: FloatArray, count: int, periodic: bool) -> list[tuple[IntArray, FloatArray]]:
    below = np.floor(places).astype(np.int64)
    share = places - below
    if periodic:
        return [(below % count, 1.0 - share), ((below + 1) % count, share)]
    return [(below.clip(min=0), 1.0 - share), ((below + 1).clip(max=count - 1), share)]
