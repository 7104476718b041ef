"""The spikes of a concentrated measure: where its mass is, and how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np

from wgflow.analysis.metrics.atoms import check_measure, on_sheet
from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain
from wgflow.domains.geometry import short_way
from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles
from wgflow.typing import FloatArray

RECENTRINGS = 8  # of a ball on its centre of mass, after which it has come to rest


def find_spikes(measure: Particles, domain: Domain, radius: float, least: float = 1e-3) -> Particles:
    """Find the spikes of a measure: balls that hold much of the mass, one after the other.

    A ball is laid around the heaviest atom that is left and moved to its centre of mass until it rests; what it holds
    is a spike, and is taken away. On a grid the centre of mass of the cells of a spike is much closer to it than a cell
    is wide.

    Parameters
    ----------
    measure : Particles
        Atoms, e.g. those of a grid by ``wgflow.measures.nodes_of_cells``; on periodic axes they may lie beyond the
        box.
    domain : Domain
        Box or circle, also signed; it tells which axes are periodic.
    radius : float
        Radius of a ball, less than half the distance of two spikes; in radians on the circle.
    least : float
        Share of the mass that a spike has at least, in (0, 1); other mass is left out.

    Returns
    -------
    Particles
        Positions (mass-weighted means, inside of the box), masses and signs, the heaviest first.

    Raises
    ------
    InputError
        If the domain is neither box nor circle, or radius, share or measure are not allowed.
    ShapeError
        If the measure does not fit the domain.

    Examples
    --------
    >>> atoms = wgflow.Particles([[0.2], [0.21], [0.7]], [1.0, 1.0, 3.0])
    >>> spikes = wgflow.find_spikes(atoms, wgflow.Box([(0.0, 1.0)], 8), radius=0.1)
    >>> spikes.points[:, 0].round(4), spikes.weights
    (array([0.7  , 0.205]), array([3., 2.]))
    """
    line_up, box = PLACES.get(domain), domain.base.lattice
    if line_up is None or box is None:
        raise InputError(f"spikes are found on boxes and the circle; the domain is {domain.kind!r}")
    if not (0.0 < radius < inf and 0.0 < least < 1.0):
        raise InputError(f"radius = {radius!r}, least = {least!r} are not allowed; give a length, and a share below 1")
    if measure.points.shape[1] != domain.points.shape[-1]:
        raise ShapeError(f"points {measure.points.shape} do not fit the domain of {domain.points.shape[-1]} components")
    check_measure(measure)
    found = []
    for sign in domain.signs:
        part = on_sheet(measure, sign)
        spikes = _balls(line_up.places(part.points), part.weights, box, radius, least * measure.mass)
        found += [(weight, place, sign) for weight, place in spikes]
    found.sort(key=lambda spike: -spike[0])
    places = np.array([place for _, place, _ in found]).reshape(-1, len(box.shape))
    weights, signs = (np.array([spike[index] for spike in found]) for index in (0, 2))
    return Particles(line_up.points(places), weights, signs, domain)


def _balls(
    places: FloatArray, weights: FloatArray, box: Box, radius: float, least: float
) -> list[tuple[float, FloatArray]]:
    """Mass and centre of each ball that holds at least some mass, shapes (m, d) and (m,) of the atoms."""
    low, high = np.array(box.bounds).T
    periods, found = np.where(box.periodic, high - low, inf), []
    while weights.size and weights.sum() >= least > 0.0:
        centre = places[np.argmax(weights)]
        for _ in range(RECENTRINGS):
            steps = short_way(places - centre, periods)
            inside = (steps**2).sum(axis=1) <= radius**2
            mass = weights[inside].sum()
            centre = centre + weights[inside] @ steps[inside] / mass
        if mass >= least:
            found.append((float(mass), centre))
        places, weights = places[~inside], weights[~inside]
    return [(mass, box.geometry.wrap(centre)) for mass, centre in found]


@dataclass(frozen=True)
class CellCoordinates:
    """Coordinates of points among the cells in rows, and the points that have such coordinates."""

    places: Callable[[FloatArray], FloatArray]
    points: Callable[[FloatArray], FloatArray]


def _angles(points: FloatArray) -> FloatArray:
    return np.arctan2(points[:, 1], points[:, 0])[:, None]


def _directions(angles: FloatArray) -> FloatArray:
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _themselves(points: FloatArray) -> FloatArray:
    return points


PLACES = DomainTable(
    "places of spikes", {Circle: CellCoordinates(_angles, _directions), Box: CellCoordinates(_themselves, _themselves)}
)
