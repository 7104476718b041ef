"""Cell averages and point values of densities given as functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from wgflow.domains.base import Domain
from wgflow.domains.box import Box
from wgflow.domains.circle import Circle
from wgflow.domains.sphere import Sphere
from wgflow.errors import InputError
from wgflow.typing import FloatArray

Density = Callable[[FloatArray], FloatArray]

CIRCLE_POINTS = 8  # Gauss points per cell: averages of smooth densities to round-off
BOX_POINTS = 3  # and per axis of a cell, error of the sixth order


def cell_averages(domain: Domain, density: Density) -> FloatArray:
    """Cell averages of a density over an unsigned domain, by quadrature in each cell.

    Parameters
    ----------
    domain : Domain
        Circle, box or sphere.
    density : callable
        Points (..., p) to values (...).

    Returns
    -------
    array, shape ``domain.shape``

    Raises
    ------
    InputError
        On another domain.
    """
    if isinstance(domain, Circle):
        nodes, weights = np.polynomial.legendre.leggauss(CIRCLE_POINTS)
        angles = domain.angles[:, None] + 0.5 * domain.spacing * nodes
        return density(np.stack([np.cos(angles), np.sin(angles)], axis=-1)) @ (0.5 * weights)
    if isinstance(domain, Sphere):
        return domain.averages(density)
    if isinstance(domain, Box):
        averages = np.zeros(domain.shape)
        for offset, weight in box_nodes(domain, BOX_POINTS):
            averages += weight * density(domain.points + offset)
        return averages
    raise InputError(f"cell averages are not available on the domain {domain.kind!r}")


def point_values(domain: Domain, density: Density) -> FloatArray:
    """Values of a density at the cell centres of an unsigned domain, shape ``domain.shape``."""
    return np.asarray(density(domain.points), dtype=np.float64)


def box_nodes(box: Box, count: int) -> Iterator[tuple[FloatArray, float]]:
    """Offsets from the centre, shape (p,), and weights (sum 1) of a product Gauss rule in a cell."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    for chosen in itertools.product(range(count), repeat=len(box.shape)):
        places = list(chosen)
        yield 0.5 * np.array(box.spacing) * nodes[places], float(np.prod(0.5 * weights[places]))
