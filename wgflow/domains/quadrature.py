"""Cell averages and point values of densities given as functions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from wgflow.domains.base import Density, Domain
from wgflow.typing import FloatArray


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
    return domain.base.averages(density)


def point_values(domain: Domain, density: Density) -> FloatArray:
    """Values of a density at the cell centres of an unsigned domain, shape ``domain.shape``."""
    return np.asarray(density(domain.points), dtype=np.float64)


def box_nodes(spacing: Sequence[float], count: int) -> Iterator[tuple[FloatArray, float]]:
    """Offsets from the centre, shape (p,), and weights (sum 1) of a product Gauss rule in a cell of given sides."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    for chosen in itertools.product(range(count), repeat=len(spacing)):
        places = list(chosen)
        yield 0.5 * np.array(spacing) * nodes[places], float(np.prod(0.5 * weights[places]))
