"""How points of a domain move and how far they are apart: flat space with walls or periods, and unit spheres."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from wgflow.typing import FloatArray

# Of lengths from 1: above the round-off of a normalisation, below the accuracy of positions in a run. Directions that
# are typed to a few digits are for the user to normalise, who alone knows that they are directions.
UNIT_TOLERANCE = 1e-10
WALL_ROUND_OFF = 1e-12  # over the length of an axis

Interval = tuple[float, float]


class Requirement(NamedTuple):
    """What points must fulfil to lie on a domain: where they do, a number that shows it, and what is allowed."""

    fits: NDArray[np.bool_]
    what: str
    values: FloatArray
    allowed: str


class Geometry(Protocol):
    """The set that a domain cuts into cells: points (m, p), of p components each, on a set of some dimension.

    Two geometries are equal where they are the same set, whatever the walls.
    """

    @property
    def components(self) -> int:
        """Number p of components of a point."""

    @property
    def dimension(self) -> int:
        """Dimension of the set, that of its tangent spaces."""

    def requirements(self, points: FloatArray) -> Iterator[Requirement]:
        """What makes points (m, p) points of the set."""

    def project(self, points: FloatArray) -> FloatArray:
        """Points of the set that are nearest to points (m, p) beside it; round-off is all that they are off in runs."""

    def tangential(self, points: FloatArray, vectors: FloatArray) -> FloatArray:
        """Part along the set of vectors (m, p) at the points (m, p)."""

    def displacement(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Tangent vectors (m, p) at the first points of the shortest ways to the second ones."""

    def move(self, points: FloatArray, steps: FloatArray) -> FloatArray:
        """Points at the ends of the shortest ways that begin with the tangent vectors ``steps`` (m, p)."""

    def wander(self, points: FloatArray, variance: FloatArray, normals: FloatArray) -> FloatArray:
        """Points after Brownian motion with the given variance of each component (p,), from normal numbers (m, p)."""

    def laplacian(self, points: FloatArray, gradient: FloatArray, hessian: FloatArray) -> FloatArray:
        """Laplacian (m,) along the set of a function, from its ambient derivatives (m, p) and (m, p, p)."""

    def chart(self, points: FloatArray) -> FloatArray:
        """Coordinates (m, dimension) to draw points in."""


def short_way(steps: FloatArray, periods: FloatArray) -> FloatArray:
    """Steps (..., p) less whole turns round the axes of finite period (p,), so that none is longer than half of one."""
    closed = np.isfinite(periods)
    return steps - np.where(closed, np.round(steps / periods), 0.0) * np.where(closed, periods, 0.0)


def distance(geometry: Geometry, first: FloatArray, second: FloatArray) -> FloatArray:
    """Lengths (m,) of the shortest ways between points (m, p)."""
    return np.asarray(np.linalg.norm(geometry.displacement(first, second), axis=-1))


def is_flat(geometry: Geometry) -> bool:
    """Whether points have no more components than the set has dimensions, so that differences of them are tangent."""
    return geometry.dimension == geometry.components


@dataclass(frozen=True)
class Flat:
    """R^p, or a part of it: between walls, and with axes that are periodic.

    Parameters
    ----------
    components : int
        Number p of components of a point.
    periods : tuple of (float, float) or None
        Ends of each periodic axis; None for axes that are not. Empty where none is.
    walls : tuple of (float, float) or None
        Ends of each axis between walls. Empty where there is none.
    """

    components: int
    periods: tuple[Interval | None, ...] = ()
    walls: tuple[Interval | None, ...] = field(default=(), compare=False)

    @property
    def dimension(self) -> int:
        """That of the space."""
        return self.components

    def requirements(self, points: FloatArray) -> Iterator[Requirement]:
        """Points lie between the walls; beyond the ends of a periodic axis they stand for those inside."""
        for axis, wall in enumerate(self.walls):
            if wall is not None:
                (low, high), values = wall, points[:, axis]
                slack = WALL_ROUND_OFF * (high - low)
                inside = (values >= low - slack) & (values <= high + slack)
                yield Requirement(
                    inside, f"component {axis}", values, f"{low:g} to {high:g}, between the walls of the box"
                )

    def project(self, points: FloatArray) -> FloatArray:
        """Points themselves: a flow that knows of no walls is not put back by them."""
        return points

    def tangential(self, points: FloatArray, vectors: FloatArray) -> FloatArray:  # noqa: ARG002
        """All of the vectors."""
        return vectors

    def displacement(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Differences, the shorter way round on periodic axes."""
        if not self.periods:
            return second - first
        return short_way(
            second - first, np.array([np.inf if ends is None else ends[1] - ends[0] for ends in self.periods])
        )

    def move(self, points: FloatArray, steps: FloatArray) -> FloatArray:
        """Sums."""
        return points + steps

    def wander(self, points: FloatArray, variance: FloatArray, normals: FloatArray) -> FloatArray:
        """Points after Brownian motion, reflected at walls and taken round at periodic ends."""
        return self.put_back(points + np.sqrt(variance) * normals)

    def put_back(self, points: FloatArray) -> FloatArray:
        """Reflect points (m, p) at walls, as often as needed, and take them round at periodic ends."""
        periods = self.periods or (None,) * len(self.walls)
        ends = [wall or period for wall, period in zip(self.walls, periods, strict=True)]
        if not ends or None in ends:
            return points
        low, high = np.array(ends).T
        length = high - low
        along = np.mod(points - low, np.where([wall is None for wall in self.walls], length, 2.0 * length))
        return low + np.minimum(along, 2.0 * length - along)

    def wrap(self, points: FloatArray) -> FloatArray:
        """Points (..., p), those beyond the ends of periodic axes taken round."""
        if not self.periods:
            return points
        closed = [pair is not None for pair in self.periods]
        low, high = np.array([pair or (0.0, 1.0) for pair in self.periods]).T
        return np.where(closed, low + np.mod(points - low, high - low), points)

    def laplacian(self, points: FloatArray, gradient: FloatArray, hessian: FloatArray) -> FloatArray:  # noqa: ARG002
        """Trace of the Hessian."""
        return np.einsum("kii->k", hessian)

    def chart(self, points: FloatArray) -> FloatArray:
        """The components themselves."""
        return points


@dataclass(frozen=True)
class UnitSphere:
    """The unit sphere of R^p, whose points are unit vectors.

    Parameters
    ----------
    components : int
        Number p of components of a point, at least 2.
    """

    components: int

    @property
    def dimension(self) -> int:
        """One less than the number of components."""
        return self.components - 1

    def requirements(self, points: FloatArray) -> Iterator[Requirement]:
        """Points are unit vectors, to 1e-10."""
        lengths = np.linalg.norm(points, axis=1)
        yield Requirement(
            np.abs(lengths - 1.0) <= UNIT_TOLERANCE, "the length", lengths, "unit vectors, whose length is 1"
        )

    def project(self, points: FloatArray) -> FloatArray:
        """Directions of the points."""
        return points / np.linalg.norm(points, axis=1, keepdims=True)

    def tangential(self, points: FloatArray, vectors: FloatArray) -> FloatArray:
        """Vectors less their part along the points."""
        return vectors - np.einsum("ij,ij->i", vectors, points)[:, None] * points

    def displacement(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Tangents of the arcs of great circles, as long as these; accurate for near points."""
        chord = np.linalg.norm(second - first, axis=-1).clip(max=2.0)
        flat = self.tangential(first, second)
        length = np.linalg.norm(flat, axis=-1)
        arc = 2.0 * np.arcsin(0.5 * chord)
        return flat * np.divide(arc, length, out=np.zeros_like(arc), where=length > 0.0)[..., None]

    def move(self, points: FloatArray, steps: FloatArray) -> FloatArray:
        """Points along great circles, by the length of the steps."""
        length = np.linalg.norm(steps, axis=1, keepdims=True)
        return self.project(np.cos(length) * points + np.sinc(length / np.pi) * steps)

    def wander(self, points: FloatArray, variance: FloatArray, normals: FloatArray) -> FloatArray:
        r"""Points after Brownian motion along geodesics, exact on the circle.

        On the sphere of dimension d the mean of a harmonic of eigenvalue :math:`\lambda` over a geodesic step of
        variance v in each direction is :math:`1 - \lambda v/2 + (\lambda^2/2 - (d-1)\lambda/3) v^2/4` up to the order
        3; shrinking v by 1 + (d - 1) v / 6 makes that :math:`e^{-\lambda v/2}`, what Brownian motion does to it.
        """
        spread = variance[0] / (1.0 + (points.shape[1] - 2) * variance[0] / 6.0)
        return self.move(points, np.sqrt(spread) * self.tangential(points, normals))

    def laplacian(self, points: FloatArray, gradient: FloatArray, hessian: FloatArray) -> FloatArray:
        r"""Laplace-Beltrami operator :math:`\mathrm{tr} H - w^T H w - (p - 1) w^T g`, of any smooth extension."""
        across = np.einsum("ki,kij,kj->k", points, hessian, points)
        outward = np.einsum("ki,ki->k", points, gradient)
        return np.asarray(np.einsum("kii->k", hessian) - across - (self.components - 1) * outward)

    def chart(self, points: FloatArray) -> FloatArray:
        """Angle on the circle in [0, 2 pi); longitude and latitude on the sphere; else angles to the later axes."""
        angle = np.arctan2(points[:, 1], points[:, 0])
        if self.components == 2:
            return np.mod(angle, 2.0 * np.pi)[:, None]
        lengths = np.sqrt(np.cumsum(points**2, axis=1))
        return np.column_stack(
            [angle, *(np.arctan2(points[:, k], lengths[:, k - 1]) for k in range(2, self.components))]
        )


def is_unit_sphere(geometry: Geometry) -> bool:
    """Whether the points of a set are all unit vectors."""
    return geometry == UnitSphere(geometry.components)


def sphere_area(components: int) -> float:
    """Area of the unit sphere of R^p, 2 pi on the circle."""
    return 2.0 * math.pi ** (0.5 * components) / math.gamma(0.5 * components)
