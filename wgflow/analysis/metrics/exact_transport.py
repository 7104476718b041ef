r"""Wasserstein distances between discrete measures on any domain, exact by linear programming.

.. math:: W_p(\mu, \nu)^p = \min_{\gamma} \sum_{jk} \gamma_{jk} d(x_j, y_k)^p

over the couplings :math:`\gamma \ge 0` of :math:`\mu/|\mu|` and :math:`\nu/|\nu|`; d is the length of the shortest way
on the domain: straight, the shorter way round on periodic axes, an arc of a great circle on spheres. The network
simplex of POT solves it; on circles and lines quantiles are matched instead, without POT or a matrix of costs.

References
----------
Bonneel, van de Panne, Paris and Heidrich, Displacement interpolation using Lagrangian mass transport, ACM Trans. Graph.
30 (2011) 158. Flamary et al., POT: Python Optimal Transport, J. Mach. Learn. Res. 22 (2021) 78.
"""

from __future__ import annotations

from importlib.util import find_spec
from math import isfinite

import numpy as np
from scipy.spatial.distance import cdist

from wgflow.analysis.metrics.atoms import check_same_space, on_sheet
from wgflow.analysis.metrics.transport import TransportDistance, transport_on
from wgflow.analysis.metrics.wasserstein import line_wasserstein, sheet_wasserstein
from wgflow.domains import Domain
from wgflow.domains.geometry import Flat, UnitSphere, short_way
from wgflow.errors import ComputationError, InputError, MissingExtraError, ShapeError
from wgflow.measures import Particles
from wgflow.typing import FloatArray

MOST_COSTS = 2e8  # in the matrix of one distance: 1.6 GB, and minutes
MOST_PIVOTS = 10**9


def exact_wasserstein(
    first: Particles, second: Particles, order: float = 2, domain: Domain | None = None
) -> FloatArray:
    r"""Wasserstein distance of order p on a domain, on each of its sheets, normalised on its own.

    Parameters
    ----------
    first, second : Particles
        Measures with points of shape (m, q) and (n, q): particles, or cells of grids as atoms
        (``wgflow.measures.nodes_of_cells``).
    order : float
        The order p, at least 1.
    domain : Domain, optional
        Where they live; that of the first measure by default, and else :math:`\mathbb{R}^q`.

    Returns
    -------
    array, shape (2,)
        The distance itself (not its p-th power) on the positive, then on the negative sheet; NaN where a measure has no
        mass there. Its p-th power is accurate to some units of round-off times that of the largest distance of two
        atoms. Time is about O(m n) times 0.2 microseconds, and more for thousands of atoms; memory O(m n).

    Raises
    ------
    MissingExtraError
        Without POT, on other domains than circles and lines.
    ShapeError
        If the dimensions differ, or are not those of the domain.
    InputError
        If the order is less than 1, a weight is negative, a number is not finite, there are more than 2e8 pairs, or
        the domain is neither flat nor round.
    ComputationError
        If no optimal coupling is found.

    Examples
    --------
    >>> cloud = wgflow.Particles([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], [1.0, 1.0, 2.0])
    >>> moved = wgflow.Particles(cloud.points + [0.3, 0.4], cloud.weights)
    >>> wgflow.exact_wasserstein(cloud, moved)[0].round(12)  # the length of (0.3, 0.4)
    np.float64(0.5)
    """
    domain = first.domain if domain is None else domain
    check_same_space(first, second)
    if not (order >= 1 and isfinite(order)):
        raise InputError(f"order = {order!r} is not allowed; give a finite number of at least 1")
    if domain is not None and domain.geometry.components != first.points.shape[1]:
        raise ShapeError(
            f"points {first.points.shape} do not fit the domain of {domain.geometry.components} components"
        )
    if domain is not None and not knows_ways(domain):
        raise InputError(f"shortest ways on the domain {domain.kind!r} are not known; take sliced_wasserstein")
    along = quantile_distance(domain, first.points.shape[1])
    if along is not None:
        return along(first, second, order)
    distances = np.full(2, np.nan)
    for sheet, sign in enumerate((1.0, -1.0)):
        parts = [_with_mass(on_sheet(measure, sign)) for measure in (first, second)]
        if all(part.mass > 0.0 for part in parts):
            distances[sheet] = _distance(parts[0], parts[1], order, domain)
    return distances


def quantile_distance(domain: Domain | None, components: int) -> TransportDistance | None:
    """The distance of measures in one dimension, which have quantiles; None where points have more."""
    if domain is not None and isinstance(domain.geometry, UnitSphere):
        return (
            sheet_wasserstein if components == 2 else None
        )  # of half circles too: the way along them is the short one
    return transport_on(domain) or (line_wasserstein if components == 1 else None)


def knows_ways(domain: Domain) -> bool:
    """Whether the shortest ways on a domain are known: straight or periodic, or arcs of great circles."""
    return isinstance(domain.geometry, Flat | UnitSphere)


def has_solver() -> bool:
    """Whether POT is installed."""
    return find_spec("ot") is not None


def count_pairs(first: Particles, second: Particles) -> int:
    """Number of pairs of atoms with mass on the same sheet: entries of the matrices of costs."""
    counts = [
        [int((measure.weights[measure.signs == sign] > 0.0).sum()) for sign in (1, -1)] for measure in (first, second)
    ]
    return counts[0][0] * counts[1][0] + counts[0][1] * counts[1][1]


def _with_mass(measure: Particles) -> Particles:
    """The atoms that have a mass: others cost time."""
    return measure.part(measure.weights > 0.0)


def _distance(first: Particles, second: Particles, order: float, domain: Domain | None) -> float:
    if len(first.weights) * len(second.weights) > MOST_COSTS:
        raise InputError(
            f"{len(first.weights)} x {len(second.weights)} atoms are too many for an exact distance; at most "
            f"{MOST_COSTS:g} pairs are; take fewer, or sliced_wasserstein"
        )
    lengths = distance_matrix(first.points, second.points, domain)
    scale = float(lengths.max())
    if scale == 0.0:
        return 0.0
    lengths /= scale  # the simplex method has an absolute tolerance
    return scale * float(_least_cost(first.weights, second.weights, lengths**order)) ** (1.0 / order)


def distance_matrix(first: FloatArray, second: FloatArray, domain: Domain | None) -> FloatArray:
    """Lengths of the shortest ways on a domain between points (m, q) and (n, q), shape (m, n)."""
    geometry = None if domain is None else domain.geometry
    if isinstance(geometry, UnitSphere):
        # The angle from half the chord and its complement: accurate for near and for opposite points alike.
        return 2.0 * np.arctan2(cdist(first, second), cdist(first, -second))
    if not (isinstance(geometry, Flat) and any(geometry.periods)):
        return cdist(first, second)
    periods = np.array([np.inf if ends is None else ends[1] - ends[0] for ends in geometry.periods])
    return np.stack([np.linalg.norm(short_way(second - point, periods), axis=1) for point in first])


def _least_cost(first: FloatArray, second: FloatArray, costs: FloatArray) -> float:
    """Cost of the best coupling of two weights, shapes (m,) and (n,), both scaled to the mass 1."""
    try:
        import ot
    except ImportError:
        raise MissingExtraError(
            "POT", "transport", "an exact Wasserstein distance in more than one dimension"
        ) from None
    masses = [weights / weights.max() for weights in (first, second)]  # no overflow in sums of large weights
    shares = [mass / mass.sum() for mass in masses]
    found, report = ot.emd2(*shares, costs, numItermax=MOST_PIVOTS, log=True)
    if report["warning"] is not None:
        raise ComputationError(f"no optimal coupling was found: {report['warning']}")
    return max(float(found), 0.0)
