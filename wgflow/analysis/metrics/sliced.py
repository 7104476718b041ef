r"""Sliced Wasserstein distances: of measures of any size and dimension, by their projections on lines.

.. math:: SW_p(\mu, \nu)^p = \frac{1}{|S^{q-1}|} \int_{S^{q-1}} W_p(\theta_\# \mu, \theta_\# \nu)^p \, d\theta,
          \qquad \theta(x) = \theta \cdot x

for the normalised measures. It is a metric of its own, at most W_p (for p = 2 at most :math:`W_2/\sqrt q`, which
translations reach), and metrises the same convergence. The directions are those of random orthogonal frames, whose mean
is exact for translations at p = 2; independent frames say how far their mean may be off.

References
----------
Bonneel, Rabin, Peyre and Pfister, Sliced and Radon Wasserstein barycenters of measures, J. Math. Imaging Vis. 51 (2015)
22-45. Rowland et al., Orthogonal estimation of Wasserstein distances, AISTATS (2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from wgflow.analysis.kernels.quantiles import add_line_costs
from wgflow.analysis.metrics.atoms import check_same_space, on_sheet
from wgflow.errors import InputError
from wgflow.measures import Particles
from wgflow.typing import FloatArray

LEAST_FRAMES = 4  # whose spread is an error


class SlicedDistance(NamedTuple):
    """A sliced Wasserstein distance on both sheets, NaN where a measure has no mass.

    Attributes
    ----------
    value : array, shape (2,)
        The distance on the positive, then on the negative sheet.
    error : array, shape (2,)
        One standard error of it, from the spread over frames of directions.
    projections : int
        Number of directions.

    Examples
    --------
    >>> first, second = (wgflow.Particles([[x, 0.0], [0.0, x]], [1.0, 1.0]) for x in (1.0, 2.0))
    >>> found = wgflow.sliced_wasserstein(first, second)
    >>> found.value[0].round(12), bool(found.error[0] < 1e-12)  # each atom moves along an axis, by 1
    (np.float64(0.707106781187), True)
    """

    value: FloatArray
    error: FloatArray
    projections: int


def sliced_wasserstein(
    first: Particles, second: Particles, order: float = 2, projections: int = 128, seed: int = 0
) -> SlicedDistance:
    r"""Sliced Wasserstein distance of order p on each sheet, normalised on its own.

    Parameters
    ----------
    first, second : Particles
        Measures with points of shape (m, q) and (n, q); distances are straight, on spheres those of chords.
    order : float
        The order p, at least 1.
    projections : int
        Number of directions at least; whole frames of q directions are taken, 4 or more of them.
    seed : int
        Seed of the directions.

    Returns
    -------
    SlicedDistance
        The distance itself (not its p-th power), its standard error and the number of directions. Time is
        O((m + n) log(m + n)) for each direction, memory O(m + n).

    Raises
    ------
    ShapeError
        If the dimensions differ.
    InputError
        If the order is less than 1, there is no projection, a weight is negative or a number is not finite.

    Examples
    --------
    >>> cloud = wgflow.Particles([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], [1.0, 1.0, 2.0])
    >>> moved = wgflow.Particles(cloud.points + [0.3, 0.4], cloud.weights)
    >>> found = wgflow.sliced_wasserstein(cloud, moved, projections=16)
    >>> found.value[0].round(12), found.projections  # the length of (0.3, 0.4) over the root of 2
    (np.float64(0.353553390593), 16)
    """
    return sliced_distances(first, second, (order,), projections, seed)[0]


def sliced_distances(
    first: Particles, second: Particles, orders: Sequence[float], projections: int, seed: int = 0
) -> list[SlicedDistance]:
    """`sliced_wasserstein` of several orders, from the same projections."""
    check_same_space(first, second)
    for order in orders:
        if not (order >= 1 and isfinite(order)):
            raise InputError(f"order = {order!r} is not allowed; give a finite number of at least 1")
    if projections < 1:
        raise InputError(f"projections = {projections!r} is not allowed; give a positive number")
    frames = draw_frames(first.points.shape[1], projections, np.random.default_rng(seed))
    powers = np.array(orders)
    found = np.full((2, 2, len(powers)), np.nan)  # value and error, sheets, orders
    for sheet, sign in enumerate((1.0, -1.0)):
        parts = on_sheet(first, sign), on_sheet(second, sign)
        if all(part.mass > 0.0 for part in parts):
            found[:, sheet] = _mean_over_frames(parts[0], parts[1], powers, frames)
    count = frames.shape[0] * frames.shape[1]
    return [SlicedDistance(value, error, count) for value, error in np.moveaxis(found, -1, 0)]


def draw_frames(components: int, projections: int, generator: np.random.Generator) -> FloatArray:
    """Uniformly distributed orthonormal frames, shape (k, q, q), a direction a row."""
    count = max(LEAST_FRAMES, -(-projections // components))
    axes, triangles = np.linalg.qr(generator.normal(size=(count, components, components)))
    # The signs make the frames uniform; those of directions do not matter, but of a rotation they do.
    return np.swapaxes(axes * np.sign(np.einsum("kii->ki", triangles))[:, None, :], 1, 2)


def _mean_over_frames(first: Particles, second: Particles, powers: FloatArray, frames: FloatArray) -> FloatArray:
    """Distances and their standard errors, shape (2, orders)."""
    shares = [weights / weights.sum() for weights in (part.weights / part.weights.max() for part in (first, second))]
    costs = np.array(
        [
            np.mean(
                [line_costs(first.points @ axis, shares[0], second.points @ axis, shares[1], powers) for axis in frame],
                axis=0,
            )
            for frame in frames
        ]
    )
    mean, spread = costs.mean(axis=0), costs.std(axis=0, ddof=1) / np.sqrt(len(frames))
    value = mean ** (1.0 / powers)
    error = np.divide(spread * value, powers * mean, out=np.zeros_like(mean), where=mean > 0.0)
    return np.stack([value, error])


def line_costs(
    first: FloatArray, first_share: FloatArray, second: FloatArray, second_share: FloatArray, powers: FloatArray
) -> FloatArray:
    """Integrals over the mass of powers of the difference of quantiles of two measures on a line, shape (orders,)."""
    costs = np.zeros(len(powers))
    add_line_costs(*_quantiles(first, first_share), *_quantiles(second, second_share), powers, costs)
    return costs


def _quantiles(places: FloatArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Places in their order, and the mass up to the end of each."""
    order = np.argsort(places)
    ends = np.cumsum(share[order])
    ends[-1] = 1.0
    return places[order], ends
