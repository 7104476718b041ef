"""Where characteristics start: quadrature nodes, and the volume that each stands for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from wgflow.domains import Domain
from wgflow.domains.geometry import UnitSphere, is_flat, sphere_area
from wgflow.errors import InputError
from wgflow.functionals.checks import called
from wgflow.measures import Particles
from wgflow.measures.checks import described, real_values
from wgflow.measures.randomness import random_generator
from wgflow.registry import Registry
from wgflow.typing import FloatArray

StartDensity = ArrayLike | Callable[[FloatArray], FloatArray]
DEFAULT_COUNT = 1000
GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))


class NodeRule(Protocol):
    """A quadrature rule on a domain."""

    def place(self, domain: Domain, density: StartDensity) -> tuple[FloatArray, FloatArray]:
        """Nodes (n, p) on a sheet of a domain and their volumes (n,), for a measure of the given density.

        Raises
        ------
        InputError
            If the rule is none for the domain.
        """


@dataclass(frozen=True)
class StartNodes:
    """Nodes with their masses.

    Parameters
    ----------
    particles : Particles
        The nodes, sheet after sheet.
    volumes : array, shape (m,)
        Volume that each stands for.
    """

    particles: Particles
    volumes: FloatArray


@dataclass(frozen=True)
class CellNodes:
    """One node at the centre of each cell, whose volume it has: on circles their error falls exponentially."""

    def place(self, domain: Domain, density: StartDensity) -> tuple[FloatArray, FloatArray]:  # noqa: ARG002
        """The cells."""
        base = domain.base
        if not base.has_cells:
            raise InputError(
                f'nodes = "cells" need a grid, which the domain {base.kind!r} has not; choose "frames" on '
                'hyperspheres, "gauss_hermite" in space'
            )
        return base.points.reshape(-1, base.geometry.components), np.ascontiguousarray(base.volumes).ravel()


@dataclass(frozen=True)
class ProductNodes:
    """Gauss nodes in the height on S^2 times equal longitudes: exact for harmonics, exponentially accurate.

    Parameters
    ----------
    count : int
        Wanted number; they are n (2 n + 1), the nearest.
    """

    count: int = DEFAULT_COUNT

    def place(self, domain: Domain, density: StartDensity) -> tuple[FloatArray, FloatArray]:  # noqa: ARG002
        """The nodes of circles of latitude, from south to north."""
        _check_sphere(domain, 3, "product")
        rings = max(round(0.25 * (math.sqrt(1.0 + 8.0 * self.count) - 1.0)), 1)
        heights, weights = np.polynomial.legendre.leggauss(rings)
        longitudes = 2.0 * np.pi * np.arange(2 * rings + 1) / (2 * rings + 1)
        height, longitude = (part.ravel() for part in np.meshgrid(heights, longitudes, indexing="ij"))
        volumes = np.repeat(weights * 2.0 * np.pi / longitudes.size, longitudes.size)
        return _on_sphere(height, longitude), volumes


@dataclass(frozen=True)
class FibonacciNodes:
    """A spiral of equal areas on S^2, of any number of nodes and no poles.

    Parameters
    ----------
    count : int
        Number n.

    References
    ----------
    Swinbank and Purser (2006), Fibonacci grids, Q. J. R. Meteorol. Soc. 132.
    """

    count: int = DEFAULT_COUNT

    def place(self, domain: Domain, density: StartDensity) -> tuple[FloatArray, FloatArray]:  # noqa: ARG002
        """The spiral, from north to south."""
        _check_sphere(domain, 3, "fibonacci")
        number: FloatArray = np.arange(self.count, dtype=np.float64)
        height: FloatArray = 1.0 - (2.0 * number + 1.0) / np.float64(self.count)
        return _on_sphere(height, GOLDEN_ANGLE * number), np.full(self.count, 4.0 * np.pi / self.count)


@dataclass(frozen=True)
class FrameNodes:
    """Orthogonal frames and their antipodes, turned at random: on unit spheres of any dimension, exact for cubics.

    Parameters
    ----------
    count : int
        Wanted number; they are the nearest multiple of 2 p.
    seed : int
        Seed of the rotations.
    """

    count: int = DEFAULT_COUNT
    seed: int = 0

    def place(self, domain: Domain, density: StartDensity) -> tuple[FloatArray, FloatArray]:  # noqa: ARG002
        """Frame after frame."""
        p = domain.geometry.components
        _check_sphere(domain, p, "frames")
        frames = max(round(self.count / (2 * p)), 1)
        normal = random_generator(self.seed, None).standard_normal((frames, p, p))
        turned, upper = np.linalg.qr(normal)
        turned = turned * np.sign(np.einsum("kii->ki", upper))[:, None, :]  # uniform over all rotations
        points = np.concatenate([turned, -turned], axis=2).transpose(0, 2, 1).reshape(-1, p)
        return points, np.full(len(points), sphere_area(p) / len(points))


@dataclass(frozen=True)
class GaussHermiteNodes:
    """Gauss nodes for the weight of a Gaussian, in boxes and in space: for measures that are like it.

    Parameters
    ----------
    count : int
        Wanted number; they are the nearest power of their number along each axis.
    mean, covariance : array, shapes (p,) and (p, p), optional
        Of the Gaussian; by default those of the initial measure, from its density on the cells of a box.
    """

    count: int = DEFAULT_COUNT
    mean: FloatArray | None = None
    covariance: FloatArray | None = None

    def place(self, domain: Domain, density: StartDensity) -> tuple[FloatArray, FloatArray]:
        """Nodes along the axes of the Gaussian."""
        p = domain.geometry.components
        if not is_flat(domain.geometry) or any(getattr(domain.base, "periodic", ())):
            raise InputError(f'nodes = "gauss_hermite" live in space and boxes with walls, not on {domain.base!r}')
        mean, covariance = _moments(domain, density) if self.covariance is None else (self.mean, self.covariance)
        mean = np.zeros(p) if mean is None else np.asarray(mean, dtype=np.float64)
        along, weights = np.polynomial.hermite_e.hermegauss(max(round(self.count ** (1.0 / p)), 1))
        normal = np.stack(np.meshgrid(*[along] * p, indexing="ij"), axis=-1).reshape(-1, p)
        weight = np.prod(np.meshgrid(*[weights] * p, indexing="ij"), axis=0).ravel()
        factor = np.linalg.cholesky(np.asarray(covariance, dtype=np.float64))
        volumes = weight * np.exp(0.5 * (normal**2).sum(axis=1)) * np.prod(np.diagonal(factor))
        return mean + normal @ factor.T, volumes


NODES: Registry[type[Any]] = Registry(
    "nodes",
    {
        "cells": CellNodes,
        "product": ProductNodes,
        "fibonacci": FibonacciNodes,
        "frames": FrameNodes,
        "gauss_hermite": GaussHermiteNodes,
    },
)


def make_nodes(nodes: str | NodeRule | None, domain: Domain, count: int | None = None) -> NodeRule:
    """A rule by its name, or itself; by default that of the domain: cells where there are some.

    Raises
    ------
    InputError
        If the name is unknown, or the count is not allowed.
    """
    if nodes is None:
        nodes = "cells" if domain.base.has_cells else "gauss_hermite" if is_flat(domain.geometry) else "frames"
    if not isinstance(nodes, str):
        if not callable(getattr(nodes, "place", None)):
            raise InputError(f"nodes = {described(nodes)} are no rule; give one of {', '.join(NODES)}")
        return nodes
    rule = NODES[nodes]
    if count is None:
        made: NodeRule = rule()
        return made
    if nodes == "cells":
        raise InputError('node_count has no meaning for nodes = "cells", one for each cell; choose other nodes')
    if not isinstance(count, int | np.integer) or count < 1:
        raise InputError(f"node_count = {count!r} is not allowed; give an integer of at least 1")
    return rule(int(count))


def start_nodes(domain: Domain, density: StartDensity, rule: NodeRule) -> StartNodes:
    """Nodes of a rule with the masses of a measure.

    Parameters
    ----------
    domain : Domain
        Where the measure lives.
    density : array of shape ``domain.shape``, or callable
        Its density: at the cell centres, for the rule of cells; a function gets the nodes, shape (n, p), or (2, n, p)
        on signed domains, and gives values without the last axis.
    rule : NodeRule
        The rule.

    Raises
    ------
    InputError
        If density and rule do not fit the domain, or the density has negative values.
    """
    points, volumes = rule.place(domain, density)
    wanted = (len(points),) if domain.sheets == 1 else (2, len(points))
    values = _values_at(domain, density, points, rule, wanted)
    if not (np.isfinite(values).all() and values.min(initial=0.0) >= 0.0):
        raise InputError("the initial density at the nodes must be finite and at least 0")
    masses = (values * volumes).ravel()
    signs = np.repeat(domain.signs, len(points))
    nodes = np.tile(points, (domain.sheets, 1))
    return StartNodes(Particles(nodes, masses, signs, domain), np.tile(volumes, domain.sheets))


def _values_at(
    domain: Domain, density: StartDensity, points: FloatArray, rule: NodeRule, wanted: tuple[int, ...]
) -> FloatArray:
    name = "the initial density"
    if callable(density):
        at = points if domain.sheets == 1 else np.broadcast_to(points, (2, *points.shape))
        values = real_values(name, called(name, density, at, shape=wanted))
        if values.shape != wanted:
            raise InputError(f"{name} at {at.shape} nodes has shape {values.shape}; allowed is {wanted}")
        return values
    if not isinstance(rule, CellNodes):
        raise InputError(f'{name} is an array, for nodes = "cells"; give a function of points for other nodes')
    values = real_values(name, density)
    if values.shape != domain.shape:
        raise InputError(f"{name} has shape {values.shape}; the domain needs {domain.shape}")
    return values.reshape(wanted)


def _check_sphere(domain: Domain, components: int, name: str) -> None:
    if domain.geometry != UnitSphere(components):
        where = f"the unit sphere of R^{components}" if name != "frames" else "unit spheres"
        raise InputError(f"nodes = {name!r} live on {where}, not on {domain.base!r}")


def _on_sphere(height: FloatArray, longitude: FloatArray) -> FloatArray:
    across = np.sqrt((1.0 - height) * (1.0 + height))
    return np.column_stack([across * np.cos(longitude), across * np.sin(longitude), height])


def _moments(domain: Domain, density: StartDensity) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of a density on the cells of a box."""
    if not domain.base.has_cells:
        raise InputError(
            f"the domain {domain.base!r} has no cells to find moments; give GaussHermiteNodes a covariance"
        )
    found = called("the initial density", density, domain.points, shape=domain.shape) if callable(density) else density
    masses = (real_values("the initial density", found) * domain.volumes).reshape(domain.sheets, -1).sum(axis=0)
    points = domain.base.points.reshape(masses.size, -1)
    mean = masses @ points / masses.sum()
    return mean, (masses * (points - mean).T) @ (points - mean) / masses.sum()
