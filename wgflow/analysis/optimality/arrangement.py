r"""Where :math:`|g|` or g, :math:`g(\eta) = \sum_i c_i (\eta \cdot x_i)_+`, is largest on the unit sphere.

On the cone over a cell of the arrangement of the kinks :math:`\eta \cdot x_i = 0` the function is linear, g = <v, eta>.
Its extrema on the sphere are therefore vertices of the arrangement, points v/|v| projected on an arc of a kink, or
points v/|v| inside a cell; where g is nowhere positive, it is largest at a vertex. In two and three dimensions all of
them are visited: events along each kink are sorted once, and prefix sums over them give v on all arcs, in O(n^2) for n
points. In more dimensions local ascent from many starts finds a lower bound.

References
----------
Edelsbrunner (1987), Algorithms in Combinatorial Geometry, Chapter 7: arrangements of planes through the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wgflow.domains.icosphere import unit
from wgflow.typing import FloatArray, IntArray

PARALLEL = 1e-11  # sine of the angle below which two kinks are one
SLACK = 1e-12  # of tests whether a point lies in a cell, over sum |c||x|; those that pass are evaluated anyway
BOTH, UP = (1.0, -1.0), (1.0,)  # signs s of the functions s g of which the largest value is sought
CHUNK = 4096  # candidates evaluated at a time
STARTS, ASCENTS = 256, 200  # of the local ascent


class DirectionSearch(Protocol):
    """Finds directions where a combination of neurons is large."""

    exact: bool
    """Whether the largest value found is the largest that there is."""

    def __call__(self, charges: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
        """Give unit vectors (k, D), k <= count, and g there, by falling |g|, for coefficients c (n,)."""


def make_direction_search(inputs: FloatArray, seed: int = 0) -> DirectionSearch:
    """Choose the search for data points (n, D), none of them the origin: exact for D = 2 and 3."""
    return Arrangement(inputs) if inputs.shape[1] in (2, 3) else LocalAscent(inputs, seed)


def combination(points: FloatArray, inputs: FloatArray, charges: FloatArray) -> FloatArray:
    """Give ``g`` at points (k, D), shape (k,)."""
    return np.maximum(points @ inputs.T, 0.0) @ charges


def largest(
    points: FloatArray, inputs: FloatArray, charges: FloatArray, count: int, signs: tuple[float, ...] = BOTH
) -> tuple[FloatArray, FloatArray]:
    """Give the distinct ones of the points where s g is largest for some of the signs s, and g there."""
    values = combination(points, inputs, charges)
    best = np.argsort(-np.outer(signs, values).max(axis=0), kind="stable")[: 4 * count]
    _, first = np.unique(np.round(points[best], 9), axis=0, return_index=True)
    chosen = best[np.sort(first)[:count]]
    return points[chosen], values[chosen]


@dataclass(frozen=True)
class _Circles:
    """Unit circles with frames (C, 2, D), cut into arcs: start, length, kink and change of activity of each (C, A)."""

    frames: FloatArray
    start: FloatArray
    length: FloatArray
    kink: IntArray
    change: FloatArray
    active: FloatArray  # (C, n), which points are active before the first arc

    def at(self, angle: FloatArray) -> FloatArray:
        """Unit vectors (C, A, D) at angles (C, A)."""
        return np.cos(angle)[..., None] * self.frames[:, None, 0] + np.sin(angle)[..., None] * self.frames[:, None, 1]

    def vectors(self, charged: FloatArray) -> FloatArray:
        """Give v on each arc, (C, A, D), for points times their coefficients (n, D), those along a kink left out."""
        jumps = self.change[..., None] * charged[self.kink]
        return (self.active @ charged)[:, None] + np.cumsum(jumps, axis=1)


def _cut(frames: FloatArray, inputs: FloatArray) -> _Circles:
    """Sort the angles at which points become active (change +1) or not (-1) along each circle."""
    along = frames @ inputs.T
    norms = np.hypot(along[:, 0], along[:, 1])
    crossing = norms > PARALLEL * np.linalg.norm(inputs, axis=1)
    peak = np.where(crossing, np.arctan2(along[:, 1], along[:, 0]), 0.0)
    events = np.concatenate([peak - 0.5 * np.pi, peak + 0.5 * np.pi], axis=1) % (2.0 * np.pi)
    changes = np.concatenate([crossing, -1.0 * crossing], axis=1)
    order = np.argsort(events, axis=1, kind="stable")
    start = np.take_along_axis(events, order, axis=1)
    rank = np.argsort(order, axis=1, kind="stable")
    count = len(inputs)
    return _Circles(
        frames,
        start,
        np.diff(start, axis=1, append=start[:, :1] + 2.0 * np.pi),
        order % count,
        np.take_along_axis(changes, order, axis=1),
        crossing * (rank[:, count:] < rank[:, :count]),  # those that become inactive first
    )


class Arrangement:
    """Exact search in two and three dimensions.

    Parameters
    ----------
    inputs : array, shape (n, D)
        Data points, none of them the origin.
    """

    exact = True

    def __init__(self, inputs: FloatArray) -> None:
        self._inputs = inputs
        self._longest = float(np.linalg.norm(inputs, axis=1).max())
        spatial = inputs.shape[1] == 3
        self._circles = _cut(_kink_frames(inputs) if spatial else np.eye(2)[None], inputs)
        self._sides = _parallel_points(inputs) if spatial else ()

    def __call__(self, charges: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
        """Give unit vectors (k, D) and g there; the first one has the largest |g| of all."""
        return self._search(charges, count, BOTH)

    def highest(self, charges: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
        """Give unit vectors (k, D), k <= count, and g there by falling g; the first one has the largest g of all."""
        return self._search(charges, count, UP)

    def _search(self, charges: FloatArray, count: int, signs: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
        charged = charges[:, None] * self._inputs
        slack = SLACK * float(np.linalg.norm(charged, axis=1).sum())
        vectors = self._circles.vectors(charged)
        sides = [vectors + (parallel @ charged)[:, None] for parallel in self._sides]
        on_arcs = [self._on_arcs(vectors, sides, sign, slack) for sign in signs]
        points, bounds = (np.concatenate(parts) for parts in zip(*on_arcs, strict=True))
        floor = float(np.sort(bounds)[-min(count, len(bounds))]) if len(bounds) else 0.0
        found = [points[bounds >= floor]]
        for side, inside in zip((1.0, -1.0), sides, strict=False):
            found += [self._in_cells(s * inside, side, floor, count, s * charges, slack) for s in signs]
        return largest(np.concatenate(found), self._inputs, charges, count, signs)

    def _on_arcs(
        self, vectors: FloatArray, sides: list[FloatArray], sign: float, slack: float
    ) -> tuple[FloatArray, FloatArray]:
        """Vertices and peaks of ``sign g`` on arcs, with its values; without those seen to be no local peaks."""
        circles = self._circles
        along = sign * np.einsum("cad,cfd->caf", vectors, circles.frames)
        cosine, sine = np.cos(circles.start), np.sin(circles.start)
        after = cosine * along[..., 1] - sine * along[..., 0]
        before = cosine * np.roll(along[..., 1], 1, axis=1) - sine * np.roll(along[..., 0], 1, axis=1)
        values = cosine * along[..., 0] + sine * along[..., 1]
        corner = (before >= -slack) & (after <= slack)
        peak, height = np.arctan2(along[..., 1], along[..., 0]), np.hypot(along[..., 0], along[..., 1])
        inner = (peak - circles.start) % (2.0 * np.pi) <= circles.length
        for side, inside in zip((1.0, -1.0), sides, strict=False):
            inner &= sign * side * np.einsum("cad,cd->ca", inside, self._inputs) <= slack * self._longest
        points = np.concatenate([circles.at(circles.start)[corner], circles.at(peak)[inner]])
        return points, np.concatenate([values[corner], height[inner]])

    def _in_cells(
        self, vectors: FloatArray, side: float, floor: float, count: int, charges: FloatArray, slack: float
    ) -> FloatArray:
        """Peaks of g inside the cells on one side of each arc where it may exceed a value, about ``count`` of them.

        Those that do not lie in the cell are told from the arc's kink and from those at its ends, and the rest by
        g, which is |v| where they do.
        """
        circles, inputs = self._circles, self._inputs
        own = side * np.einsum("cad,cd->ca", vectors, inputs)
        first = circles.change * np.einsum("cad,cad->ca", vectors, inputs[circles.kink])
        next_kink, next_change = np.roll(circles.kink, -1, axis=1), np.roll(circles.change, -1, axis=1)
        last = -next_change * np.einsum("cad,cad->ca", vectors, inputs[next_kink])
        norms = np.linalg.norm(vectors, axis=-1)
        lowest = np.minimum(np.minimum(own, first), last)
        wanted = (lowest >= -slack * self._longest) & (norms > max(floor, 0.0))
        by_size = np.argsort(-norms[wanted], kind="stable")
        candidates, sizes = vectors[wanted][by_size], norms[wanted][by_size]
        return _confirmed(candidates / sizes[:, None], sizes, inputs, charges, count)


def _confirmed(
    points: FloatArray, sizes: FloatArray, inputs: FloatArray, charges: FloatArray, count: int
) -> FloatArray:
    """Those of the points, by falling sizes, where g is the size; about ``count`` of them."""
    found, number = [np.empty((0, points.shape[1]))], 0
    for start in range(0, len(points), CHUNK):
        part = slice(start, start + CHUNK)
        values = combination(points[part], inputs, charges)
        found.append(points[part][values >= sizes[part] * (1.0 - 1e-9)])
        number += len(found[-1])
        if number >= count:
            break
    return np.concatenate(found)


def _kink_frames(inputs: FloatArray) -> FloatArray:
    """Two orthonormal vectors that span the plane orthogonal to each point, shape (n, 2, 3)."""
    normals = unit(inputs)
    helper = np.eye(3)[np.argmin(np.abs(normals), axis=1)]
    first = unit(np.cross(normals, helper))
    return np.stack([first, np.cross(normals, first)], axis=1)


def _parallel_points(inputs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Which points (n, n) along each point are active on its positive, and on its negative side."""
    normals = unit(inputs)
    sine = np.linalg.norm(np.cross(normals[:, None], normals[None]), axis=-1)
    together = normals @ normals.T
    along = sine <= PARALLEL
    return 1.0 * (along & (together > 0.0)), 1.0 * (along & (together < 0.0))


class LocalAscent:
    """Search from many starts in any dimension: a lower bound of the largest |g|.

    Parameters
    ----------
    inputs : array, shape (n, D)
        Data points.
    seed : int
        Seed of the starts.
    """

    exact = False

    def __init__(self, inputs: FloatArray, seed: int = 0) -> None:
        self._inputs, self._generator = inputs, np.random.default_rng(seed)

    def __call__(self, charges: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
        """Give the best points of projected gradient ascent of g and of -g."""
        inputs = self._inputs
        starts = np.concatenate([self._generator.standard_normal((STARTS, inputs.shape[1])), inputs, -inputs])
        found = [self._ascend(unit(starts), sign * charges) for sign in (1.0, -1.0)]
        return largest(np.concatenate(found), inputs, charges, count)

    def _ascend(self, points: FloatArray, charges: FloatArray) -> FloatArray:
        """Move points up along g with falling steps, and keep the best place of each."""
        best, record = points, combination(points, self._inputs, charges)
        for iteration in range(ASCENTS):
            slope = ((points @ self._inputs.T > 0.0) * charges) @ self._inputs
            slope -= np.einsum("kd,kd->k", slope, points)[:, None] * points
            size = np.linalg.norm(slope, axis=1, keepdims=True)
            points = unit(points + slope / np.maximum(size, 1e-300) * 0.5 / (1.0 + iteration) ** 0.75)
            values = combination(points, self._inputs, charges)
            best = np.where((values > record)[:, None], points, best)
            record = np.maximum(values, record)
        return best
