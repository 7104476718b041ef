"""Densities on circles and intervals from nodes in their order."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Box
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import is_flat
from wgflow.typing import FloatArray, IntArray

RESOLVED = 1e-2  # relative error of the mass up to which a density interpolated between the nodes is kept
CLOSEST = 1e-9  # distance of nodes over the width of a cell below which they have met
SEAM = 4  # nodes repeated beyond the seam: more than the interpolation looks at


class LineTransport:
    """Carries densities from moved nodes to the cells of a circle, a half circle or an interval.

    Where the nodes are in their order and hold the mass, their densities are interpolated. Where they have come closer
    to each other than the grid resolves (kinks, Diracs) that is no density on the grid; the masses between the nodes
    are then shared out to the cells that they cover.

    Parameters
    ----------
    base : UnsignedDomain
        One sheet of the domain.
    lattice : Box
        Its cells as those of an interval.
    points : array, shape (n, p)
        The nodes at the start.
    """

    def __init__(self, base: UnsignedDomain, lattice: Box, points: FloatArray) -> None:
        self._lattice, self._angular = lattice, not is_flat(base.geometry)
        self._centres, self._edges = lattice.axes[0], np.linspace(*lattice.bounds[0], lattice.shape[0] + 1)
        self._period = float(np.ptp(self._edges)) if lattice.periodic[0] else None
        places = self._chart(points)
        self._order: IntArray = np.argsort(places)
        self._start = places[self._order]

    def __call__(self, points: FloatArray, density: FloatArray, masses: FloatArray) -> FloatArray:
        """Density at the cell centres, shape (cells,), from that at moved nodes (n, p) and their masses."""
        places, density, masses = self._places(points)[self._order], density[self._order], masses[self._order]
        (spacing,), mass = self._lattice.spacing, masses.sum()
        if self._is_ordered(places):
            found = self._interpolated(places, density)
            if abs(found.sum() * spacing - mass) <= RESOLVED * mass:
                return found
        return shared_out(places, masses, self._edges, self._period) / spacing

    def expansion(self, points: FloatArray) -> FloatArray:
        """Logarithm of the stretch around moved nodes that were equal arcs, by differences of fourth order."""
        displacement = self._places(points) - self._start
        ends = (displacement[-2:], displacement[:2])
        if self._period is None:  # mirrors at the ends of a half circle turn displacements round
            ends = (-displacement[1::-1], -displacement[:-3:-1])
        wide = np.concatenate([ends[0], displacement, ends[1]])
        stretch = 1.0 + (8.0 * (wide[3:-1] - wide[1:-3]) - (wide[4:] - wide[:-4])) / (12.0 * self._lattice.spacing[0])
        return np.log(np.maximum(stretch, np.finfo(np.float64).tiny))

    def _chart(self, points: FloatArray) -> FloatArray:
        if not self._angular:
            return points[:, 0]
        angles = np.arctan2(points[:, 1], points[:, 0])
        return np.mod(angles, self._period) if self._period is not None else angles

    def _places(self, points: FloatArray) -> FloatArray:
        """Coordinates of moved nodes, on circles beside those of their neighbours at the start."""
        places = self._chart(points)
        if self._period is None or not self._angular:
            return places
        ordered, half = places[self._order] - self._start, 0.5 * self._period
        moved = np.empty_like(places)
        moved[self._order] = self._start + np.unwrap(np.mod(ordered + half, self._period) - half)
        return moved

    def _is_ordered(self, places: FloatArray) -> bool:
        around = places[:1] + (self._period or 0.0) if self._period is not None else places[:0]
        gaps = np.diff(np.concatenate([places, around]))
        return bool((gaps > CLOSEST * self._lattice.spacing[0]).all())

    def _interpolated(self, places: FloatArray, density: FloatArray) -> FloatArray:
        """Monotone cubic interpolation; beyond the ends of an image no mass is."""
        from scipy.interpolate import PchipInterpolator  # takes longer to import than a small run to compute

        if self._period is not None:
            places, density = _repeated(places, density, self._edges[0], self._period)
        elif self._angular:  # the ends are mirrors
            low, high = self._edges[[0, -1]]
            places = np.concatenate([2.0 * low - places[SEAM - 1 :: -1], places, 2.0 * high - places[: -SEAM - 1 : -1]])
            density = np.concatenate([density[SEAM - 1 :: -1], density, density[: -SEAM - 1 : -1]])
        else:
            gaps = 0.5 * (places[1] - places[0]), 0.5 * (places[-1] - places[-2])
            ends = 1.0 + 1e-9  # cell centres at rest may lie on them, up to round-off
            places = np.concatenate([places[:1] - ends * gaps[0], places, places[-1:] + ends * gaps[1]])
            density = np.concatenate([density[:1], density, density[-1:]])
        found = PchipInterpolator(places, density, extrapolate=False)(self._centres)
        return np.nan_to_num(found, nan=0.0)


def _repeated(places: FloatArray, values: FloatArray, low: float, period: float) -> tuple[FloatArray, FloatArray]:
    """Nodes in one period from ``low``, and some on either side of it."""
    places, first = np.unique(low + np.mod(places - low, period), return_index=True)
    values, seam = values[first], min(SEAM, places.size)
    unrolled = np.concatenate([places[-seam:] - period, places, places[:seam] + period])
    return unrolled, np.concatenate([values[-seam:], values, values[:seam]])


def shared_out(places: FloatArray, masses: FloatArray, edges: FloatArray, period: float | None) -> FloatArray:
    """Masses of cells between edges (cells + 1,) of masses (n,) around nodes in their order: exact, nonnegative.

    Each mass is spread evenly between the middles of the gaps to its two neighbours, at ends as far on either side.
    """
    total = masses.sum()
    cumulative = np.concatenate([[0.0], np.cumsum(masses)])
    if period is None:
        middles = 0.5 * (places[:-1] + places[1:])
        ends = (places[:1] - np.diff(places[:2]) / 2.0, places[-1:] + np.diff(places[-2:]) / 2.0)
        faces = np.maximum.accumulate(np.concatenate([ends[0], middles, ends[1]]))
        below = np.interp(edges, faces, cumulative)
        below[[0, -1]] = 0.0, total  # what has left an interval is in its last cells
        return np.maximum(np.diff(below), 0.0)
    last = np.concatenate([places[-1:] - period, places])
    middles = np.maximum.accumulate(0.5 * (last[:-1] + last[1:]))  # face k lies before node k
    turns = np.arange(-1, 2)
    whole = np.floor((middles[0] - edges[0]) / period)  # nodes may have gone round
    faces = (middles - whole * period + turns[:, None] * period).ravel()
    below = (cumulative[:-1] + turns[:, None] * total).ravel()
    faces, below = np.append(faces, faces[-middles.size] + period), np.append(below, 2.0 * total)
    return np.diff(np.interp(edges, np.maximum.accumulate(faces), below))
