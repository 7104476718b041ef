r"""The least value of a potential J over a whole domain, between the cells too.

How sure it is depends on the features (`Minimum.method`):

- "arrangement": ReLU on data in the plane or in space. Between kinks V is linear, and all places where it can be least
  are visited (`arrangement`): exact up to round-off.
- "curvature": population risk on the circle. The kernel, a function of the angle, has second derivatives in
  [-1/2, 1/2], hence :math:`|V''| \le L = \frac12 \sum |m_j|` and :math:`\min V \ge \min_{grid} V - L h^2 / 8` on a
  grid of width h, which is refined where the minimum can be.
- "search": everything else. Local descent from the local minima on a dense set of points finds values of J that are
  attained; that none lies below is likely, not proven.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from wgflow.analysis.optimality.arrangement import Arrangement
from wgflow.analysis.optimality.frozen import FrozenFeatures, FrozenPopulation, FrozenPotential
from wgflow.analysis.optimality.searches import on_circle, search_method_of
from wgflow.domains import Domain
from wgflow.networks.relu import Relu
from wgflow.typing import FloatArray, IntArray

STARTS = 8  # local minima from which to descend
BOUNDED_CELLS, REFINED_CELLS, REFINEMENT = 2**13, 2**10, 2**8  # of the circle where the curvature gives a bound
ARRANGED_POINTS = {2: 2**20, 3: 1000}  # data points at most, by their components: memory is O(n), and O(n^2) in space
NEIGHBOURS = 16  # of a point at most, itself included
APART = 1e-7  # distance below which two minima are one

METHODS = {
    "arrangement": "exact on each cell between kinks",
    "curvature": "bounded by the curvature of the kernel",
    "search": "local searches, not proven to be global",
}


@dataclass(frozen=True)
class Minimum:
    """A local minimum of J over a domain.

    Parameters
    ----------
    value : float
        J at the point.
    bound : float
        Lower bound of J over the whole domain, at most ``value``; equal to it where there is no better knowledge.
    point : array, shape (p,)
        Where it is.
    sign : float
        Its sheet, +1 or -1.
    method : str
        A key of ``METHODS``.
    """

    value: float
    bound: float
    point: FloatArray
    sign: float
    method: str

    @property
    def proven(self) -> bool:
        """Whether ``bound`` holds on the whole domain without any doubt but round-off."""
        return self.method != "search"


class Search:
    """Points from which minima over a compact domain are sought, prepared once.

    Parameters
    ----------
    domain : Domain
        Circle, sphere, hypersphere or box, also signed; or another one that has cells.

    Raises
    ------
    InputError
        If the domain is not compact.
    """

    def __init__(self, domain: Domain) -> None:
        self.domain, self._method = domain, search_method_of(domain)
        self.points = self._method.points(domain.base)
        tangents = domain.geometry.dimension
        near = min(2 + tangents * (tangents + 1), NEIGHBOURS)  # a point and what surrounds it
        self._neighbours = np.asarray(cKDTree(self.points).query(self.points, near)[1], dtype=np.int64)
        self._exact: _ExactMinima | None = None

    def minima(self, potential: FrozenPotential, strength: float, start: FloatArray | None = None) -> list[Minimum]:
        """Local minima of J = sign V + lambda, the lowest first, at most `STARTS` on each sheet and at least one.

        Parameters
        ----------
        potential : FrozenPotential
            V.
        strength : float
            The factor lambda.
        start : array, shape (k, p), optional
            Further points to descend from.
        """
        arranged = self._exact_minima_of(potential)
        if arranged is not None and isinstance(potential, FrozenFeatures):
            return arranged.minima(potential.coefficients, self.domain.signs, strength)
        values, found = potential.values(self.points), []
        extra = np.empty((0, self.points.shape[1])) if start is None else start
        for sign in self.domain.signs:
            chosen = np.concatenate([self.points[self._local_minima(sign * values)], extra])
            for point in chosen:
                value, place = self._method.local_minimum(potential, self.domain.base, point, sign)
                found.append(Minimum(value + strength, value + strength, place, float(sign), "search"))
        lowest = _lowest(found)
        bound = self._bound(potential, strength)
        return lowest if bound is None else [_bounded(minimum, bound) for minimum in lowest]

    def _exact_minima_of(self, potential: FrozenPotential) -> _ExactMinima | None:
        """The arrangement of kinks, if the potential has them; kept for potentials of the same data."""
        fn = potential.functional.fn if isinstance(potential, FrozenFeatures) else None
        if not self._method.great_circles or not isinstance(fn, Relu) or fn.smoothing > 0.0:
            return None
        count, components = fn.inputs.shape
        if count > ARRANGED_POINTS.get(components, 0):
            return None
        if self._exact is None or self._exact.relu is not fn:
            self._exact = _ExactMinima(fn)
        return self._exact

    def _local_minima(self, values: FloatArray) -> IntArray:
        """Points below all that surround them, the lowest first; at least the lowest of all."""
        lowest = np.flatnonzero(values <= values[self._neighbours].min(axis=1))
        return lowest[np.argsort(values[lowest])][:STARTS]

    def _bound(self, potential: FrozenPotential, strength: float) -> float | None:
        """Lower bound of J by the curvature of the kernel, where it is known."""
        if not self._method.kernel_bound or not isinstance(potential, FrozenPopulation):
            return None
        if potential.sources.shape[1] != 2:  # pairs (a, b)
            return None
        return strength + min(_bound_by_curvature(potential, sign) for sign in self.domain.signs)


def _bound_by_curvature(potential: FrozenPopulation, sign: float) -> float:
    """Lower bound of ``sign V`` on the circle: on a grid, and on a finer one in the cells where the minimum can be."""
    width = 2.0 * np.pi / BOUNDED_CELLS
    angles = width * np.arange(BOUNDED_CELLS, dtype=np.float64)
    values = sign * potential.values(on_circle(angles))
    drop = 0.5 * potential.variation * width**2 / 8.0  # by which V can be lower than at the centre of a cell
    order = np.argsort(values)
    refined = order[: min(int((values < values[order[0]] + drop).sum()), REFINED_CELLS)]
    steps = ((np.arange(REFINEMENT, dtype=np.float64) + 0.5) / REFINEMENT - 0.5) * width
    finer = sign * potential.values(on_circle(np.asarray(angles[refined, None] + steps).ravel()))
    bound = float(finer.min()) - drop / REFINEMENT**2
    return bound if refined.size == order.size else min(bound, float(values[order[refined.size]]) - drop)


class _ExactMinima:
    """Exact minima for ReLU on data; points at the origin never are active."""

    def __init__(self, relu: Relu) -> None:
        self.relu, self._here = relu, np.linalg.norm(relu.inputs, axis=1) > 0.0
        self._arrangement = Arrangement(relu.inputs[self._here]) if self._here.any() else None

    def minima(self, coefficients: FloatArray, signs: FloatArray, strength: float) -> list[Minimum]:
        """Local minima of ``sign V + strength``, the lowest first."""
        found = []
        for sign in signs:
            for point, value in zip(*self._least(sign * coefficients[self._here]), strict=True):
                level = float(value) + strength
                found.append(Minimum(level, level, point, float(sign), "arrangement"))
        return _lowest(found)

    def _least(self, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        if self._arrangement is None:
            return np.eye(1, self.relu.inputs.shape[1]), np.zeros(1)
        points, values = self._arrangement.highest(-coefficients, 2 * STARTS)
        return points, -values


def _bounded(minimum: Minimum, bound: float) -> Minimum:
    return Minimum(minimum.value, min(bound, minimum.value), minimum.point, minimum.sign, "curvature")


def _lowest(minima: list[Minimum]) -> list[Minimum]:
    """The lowest minima, one of each that are at the same place."""
    chosen: list[Minimum] = []
    for minimum in sorted(minima, key=lambda found: found.value):
        if len(chosen) == 2 * STARTS:
            break
        if all(m.sign != minimum.sign or np.abs(m.point - minimum.point).max() > APART for m in chosen):
            chosen.append(minimum)
    return chosen
