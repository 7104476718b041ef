"""How the least value of a potential is sought on each kind of domain: from which points, and how to descend.

On boxes and unit spheres L-BFGS-B descends in free variables (`chart`); on other domains, whose cell centres are the
points, steepest descent follows the geometry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from wgflow.analysis.optimality.frozen import FrozenPotential
from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain, Hypersphere, Space, Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.errors import InputError
from wgflow.typing import FloatArray

CIRCLE_POINTS, SPHERE_POINTS, HYPERSPHERE_POINTS = 2048, 8192, 4096
BOX_POINTS = (2049, 97, 25)  # along each axis of a box in one, two, three dimensions
CELLS = 2**16  # of other domains from whose centres a search starts, at most
DESCENT_STEPS, STEEPEST_STEPS, HALVINGS = 60, 200, 40
LEAST_SLOPE = 1e-9  # relative; V is then within its square of the minimum

Bounds = list[tuple[float | None, float | None]]
LocalMinimiser = Callable[[FrozenPotential, Any, FloatArray, float], tuple[float, FloatArray]]


@dataclass(frozen=True)
class ChartGradient:
    """Gradients with respect to free variables from ambient ones at the points of `chart`."""

    points: FloatArray | None
    lengths: FloatArray | None

    def __call__(self, gradient: FloatArray) -> FloatArray:
        """Gradient (k, p) from an ambient gradient (k, p)."""
        if self.points is None:
            return gradient
        radial = (gradient * self.points).sum(axis=1, keepdims=True)
        return (gradient - radial * self.points) / self.lengths


@dataclass(frozen=True)
class Chart:
    """Free variables of points, in which an optimiser may move.

    Parameters
    ----------
    points : callable
        From a domain and free variables (k, p) to points and the pull of gradients there.
    bounds : callable
        From a domain to the bounds of the free variables of one point, None where there are none.
    """

    points: Callable[[Any, FloatArray], tuple[FloatArray, ChartGradient]]
    bounds: Callable[[Any], Bounds | None]


def _within(box: Box, free: FloatArray) -> tuple[FloatArray, ChartGradient]:
    return box.geometry.wrap(free), ChartGradient(None, None)


def _walls(box: Box) -> Bounds:
    return [(None, None) if closed else ends for ends, closed in zip(box.bounds, box.periodic, strict=True)]


def _directions(_: UnsignedDomain, free: FloatArray) -> tuple[FloatArray, ChartGradient]:
    lengths = np.linalg.norm(free, axis=1, keepdims=True)
    points = free / lengths
    return points, ChartGradient(points, lengths)


_ROUND = Chart(_directions, lambda _: None)
CHARTS = DomainTable(
    "an optimum by sliding atoms", {Box: Chart(_within, _walls), Circle: _ROUND, Sphere: _ROUND, Hypersphere: _ROUND}
)


def chart(base: Domain, free: FloatArray) -> tuple[FloatArray, ChartGradient]:
    """Points (k, p) of a domain from free variables (k, p), and the map from ambient gradients to those of the latter.

    On spheres points are z/|z|; on boxes they are the variables themselves, put back into periodic axes. Raises
    InputError on domains where no such variables are known.
    """
    return CHARTS.on(base).points(base, free)


def chart_bounds(base: Domain) -> Bounds | None:
    """Bounds of the free variables of one point: the walls of a box."""
    return CHARTS.on(base).bounds(base.base)


def local_minimum(potential: FrozenPotential, base: Domain, point: FloatArray, sign: float) -> tuple[float, FloatArray]:
    """Descend from a point to a local minimum of ``sign V`` by L-BFGS-B.

    Spheres are left behind on the way: the function of z is ``V(z/|z|)``, whose gradient is tangential.

    Returns
    -------
    value : float
        ``sign V`` there, at most that of the start.
    place : array, shape (p,)
    """
    start = float(sign * potential.values(point[None])[0])
    scale = max(abs(start), float(np.abs(potential.slopes(point[None])).max()), 1e-300)

    def objective(z: FloatArray) -> tuple[float, FloatArray]:
        place, pull = chart(base, z[None])
        value = sign * potential.values(place)[0]
        return value / scale, pull(sign * potential.slopes(place))[0] / scale

    options: Any = {"maxiter": DESCENT_STEPS, "ftol": 1e-16, "gtol": 1e-12}
    done = minimize(objective, point, jac=True, method="L-BFGS-B", bounds=chart_bounds(base), options=options)
    place = chart(base, done.x[None])[0]
    value = float(sign * potential.values(place)[0])
    return (value, place[0]) if value < start else (start, point)


def steepest_descent(
    potential: FrozenPotential, base: Domain, point: FloatArray, sign: float
) -> tuple[float, FloatArray]:
    """Descend as `local_minimum` does, along shortest ways of the geometry of any domain."""
    geometry, place = base.geometry, point[None]
    value, step = float(sign * potential.values(place)[0]), 1.0
    scale = max(abs(value), float(np.abs(potential.slopes(place)).max()), 1e-300)
    for _ in range(STEEPEST_STEPS):
        slope = geometry.tangential(place, sign * potential.slopes(place))
        square = float((slope**2).sum())
        if square <= (LEAST_SLOPE * scale) ** 2:
            break
        for _ in range(HALVINGS):
            there = geometry.project(geometry.move(place, -step * slope))
            lower = float(sign * potential.values(there)[0])
            if lower < value - 0.1 * step * square:
                break
            step *= 0.5
        else:
            break
        place, value, step = there, lower, 2.0 * step
    return value, place[0]


@dataclass(frozen=True)
class SearchMethod:
    """How minima are sought on a domain.

    Parameters
    ----------
    points : callable
        From the domain to points (k, p) that are spread evenly over it.
    local_minimum : callable
        How to go down from a point, see `local_minimum`.
    great_circles : bool
        Whether kinks of ReLU features of data are great circles, between which the arrangement finds all minima.
    kernel_bound : bool
        Whether second derivatives of the arc-cosine kernel along the domain are at most 1/2.
    """

    points: Callable[[Any], FloatArray]
    local_minimum: LocalMinimiser = local_minimum
    great_circles: bool = False
    kernel_bound: bool = False


def search_method_of(domain: Domain) -> SearchMethod:
    """How minima are sought on a domain; raises InputError where it is not compact."""
    method = SEARCH_METHODS.get(domain)
    if method is None:
        raise InputError(
            f"J has no least value on the domain {domain.kind!r}; certificates need a circle, sphere or box"
        )
    return method


def on_circle(angles: FloatArray) -> FloatArray:
    """Unit vectors (k, 2) of angles (k,)."""
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _circle_points(_: Circle) -> FloatArray:
    return on_circle(np.linspace(0.0, 2.0 * np.pi, CIRCLE_POINTS, endpoint=False))


def _sphere_points(_: Sphere) -> FloatArray:
    """Fibonacci's lattice: areas are equal along a spiral that turns by the golden angle."""
    index = np.arange(SPHERE_POINTS) + 0.5
    height, angle = 1.0 - 2.0 * index / SPHERE_POINTS, np.pi * (1.0 + np.sqrt(5.0)) * index
    radius = np.sqrt(1.0 - height**2)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height])


def _random_directions(sphere: Hypersphere) -> FloatArray:
    points = np.random.default_rng(0).standard_normal((HYPERSPHERE_POINTS, sphere.dimension))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _lattice_points(box: Box) -> FloatArray:
    count = BOX_POINTS[len(box.shape) - 1]
    axes = [np.linspace(low, high, count) for low, high in box.bounds]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def _centres(base: UnsignedDomain) -> FloatArray:
    """Cell centres, some of them where there are many; raises InputError where there are no cells."""
    if not base.has_cells:
        raise InputError(f"the least value of J is not sought on the domain {base.kind!r}, which has no cells")
    points = base.points.reshape(-1, base.points.shape[-1])
    return points[:: -(-len(points) // CELLS)]


SEARCH_METHODS = DomainTable[SearchMethod | None](
    "the least value of J",
    {
        Circle: SearchMethod(_circle_points, great_circles=True, kernel_bound=True),
        Sphere: SearchMethod(_sphere_points, great_circles=True),
        Hypersphere: SearchMethod(_random_directions, great_circles=True),
        Box: SearchMethod(_lattice_points),
        Space: None,
        object: SearchMethod(_centres, steepest_descent),
    },
)
