r"""The proximal map of a potential: where each particle goes in one step, by a Newton method over all at once.

For a potential :math:`h = s\langle g, \Psi\rangle + \lambda` a particle at y goes to the minimiser of
:math:`E(x) = c(d(x, y)) + \ell(h(x))` (see `wgflow.variational.cost`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from wgflow.functionals.feature_maps import FeatureFunction, jet_of
from wgflow.measures.particles import extent_of
from wgflow.typing import FloatArray, IntArray
from wgflow.variational.cost import StepCost
from wgflow.variational.geodesics import Geodesics

MAX_ITERATIONS = 40
LOWER = 1e-9  # by which candidates must be lower, relative to the sizes of E
CONVERGED = 1e-6  # length of a full Newton step over the extent of the particles: the error is about its square
LEAST_CURVATURE = 1e-9  # of E over that of the distance alone; below, two minima meet and the map is not single-valued
PAIRS_AT_ONCE = 2**20
LARGEST_FALL = 1e100  # of E, which may have no minimum


@dataclass(frozen=True)
class Local:
    """E and its derivatives at one place for each particle; ``frames`` belong to the coordinates."""

    potential: FloatArray
    link_slope: FloatArray
    value: FloatArray
    force: FloatArray
    slope: FloatArray
    curvature: FloatArray
    frames: FloatArray


@dataclass(frozen=True)
class ProximalProblem:
    """What is minimised for each particle.

    Parameters
    ----------
    features : callable
        The feature map Psi.
    geodesics : Geodesics
        How particles move.
    cost : StepCost
        What a step costs.
    anchors : array, shape (N, p)
        Where they are before the step.
    signs : array, shape (N,)
        Their signs s.
    strength : float
        The regularisation lambda.
    candidates : array, shape (M, p)
        Places that the minimum is compared with; none for a local search.
    """

    features: FeatureFunction
    geodesics: Geodesics
    cost: StepCost
    anchors: FloatArray
    signs: FloatArray
    strength: float
    candidates: FloatArray

    def local(self, points: FloatArray, rows: IntArray, coefficients: FloatArray) -> Local:
        """E and its derivatives for some particles, given by their numbers, at places (n, p)."""
        signs, geodesics = self.signs[rows], self.geodesics
        frames = geodesics.frames(points)
        values, gradient, bend = jet_of(self.features, points, coefficients)
        potential, gradient, bend = (
            signs * values + self.strength,
            signs[:, None] * gradient,
            signs[:, None, None] * bend,
        )
        link, link_slope = self.cost.link(potential)
        distance, direction, ratio = geodesics.separation(points, self.anchors[rows])
        cost, cost_slope, cost_curvature = self.cost.distance(distance)
        force = geodesics.coordinates(frames, gradient)
        away = geodesics.coordinates(frames, direction)
        scaled = link_slope[:, None] * force
        across = np.where(ratio != 0.0, cost_slope * ratio, self.cost.stiffness)
        radial = cost_curvature - across
        curvature = link_slope[:, None, None] * geodesics.intrinsic(frames, points, gradient, bend)
        curvature = curvature - self.cost.gamma * scaled[:, :, None] * scaled[:, None, :]
        curvature += radial[:, None, None] * away[:, :, None] * away[:, None, :]
        curvature += across[:, None, None] * np.eye(force.shape[1])
        slope = scaled - cost_slope[:, None] * away
        value = np.where(np.isinf(cost), np.inf, cost + np.where(np.isinf(cost), 0.0, link))
        return Local(potential, link_slope, value, force, slope, curvature, frames)

    def best_candidates(self, points: FloatArray, value: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Give the places ``points`` (N, p) with E = ``value`` (N,), or the candidates where these are lower."""
        best = points.copy()
        if len(self.candidates) == 0:
            return best
        field = self.features(self.candidates) @ coefficients
        chunk = max(PAIRS_AT_ONCE // len(self.candidates), 1)
        for sign in np.unique(self.signs):
            link = self.cost.link(sign * field + self.strength)[0]
            reach = self.cost.reach(value - max(link.min(), -LARGEST_FALL))
            members = np.flatnonzero(self.signs == sign)
            for first in range(0, len(members), chunk):
                rows = members[first : first + chunk]
                apart = self.geodesics.distances(self.anchors[rows], self.candidates)
                near, place = np.nonzero(apart <= reach[rows, None])
                level = np.full(apart.shape, np.inf)
                level[near, place] = self.cost.distance(apart[near, place])[0] + link[place]
                found = level.argmin(axis=1)
                least = level[np.arange(len(found)), found]
                size = np.abs(link[np.isfinite(link)]).max(initial=0.0)
                lower = least < value[rows] - LOWER * np.maximum(np.abs(value[rows]), size)
                best[rows[lower]] = self.candidates[found[lower]]
        return best


@dataclass(frozen=True)
class Proximal:
    """Where the particles go, with E and its derivatives there.

    Parameters
    ----------
    points : array, shape (N, p)
        The places.
    local : Local
        E and its derivatives.
    axes : array, shape (N, k, k)
        Directions as columns, in which the second derivative of E is the identity.
    """

    points: FloatArray
    local: Local
    axes: FloatArray


def proximal_map(
    problem: ProximalProblem, coefficients: FloatArray, start: FloatArray, *, everywhere: bool = False
) -> Proximal | None:
    """Minimise E for each particle.

    Parameters
    ----------
    problem : ProximalProblem
        What is minimised.
    coefficients : array, shape (n,)
        The gradient g.
    start : array, shape (N, p)
        Where to begin.
    everywhere : bool
        Whether to begin at the best candidates instead, where these are lower.

    Returns
    -------
    Proximal or None
        None where E has no minimum that the method finds, or one without curvature.
    """
    rows = np.arange(len(start))
    points = start.copy()
    if everywhere:
        here = problem.local(problem.anchors, rows, coefficients)
        points = problem.best_candidates(problem.anchors, here.value, coefficients)
    here = problem.local(points, rows, coefficients)
    state = _NewtonIterates(points, here, *_newton(here), np.ones(len(points)), extent_of(problem.anchors))
    if not np.isfinite(here.value).all():
        return None
    for _ in range(MAX_ITERATIONS):
        rows = state.advance(problem, rows, coefficients)
        if rows.size == 0:
            return _checked(problem, state)
        if not np.isfinite(state.local.value).all():
            return None
    return None


def check_everywhere(problem: ProximalProblem, coefficients: FloatArray, found: Proximal) -> bool:
    """Whether no candidate is lower than the minimum that was found."""
    best = problem.best_candidates(found.points, found.local.value, coefficients)
    return bool((best == found.points).all())


@dataclass
class _NewtonIterates:
    """The state of the Newton method for all particles."""

    points: FloatArray
    local: Local
    direction: FloatArray
    decrease: FloatArray
    length: FloatArray
    extent: float

    def advance(self, problem: ProximalProblem, rows: IntArray, coefficients: FloatArray) -> IntArray:
        """Try the step of the particles ``rows`` and give those that have not arrived."""
        steps = self.length[rows, None] * self.direction[rows]
        trial = problem.geodesics.move(self.points[rows], self.local.frames[rows], steps)
        there = problem.local(trial, rows, coefficients)
        bound = self.local.value[rows] + 1e-4 * self.length[rows] * self.decrease[rows]
        size = np.linalg.norm(steps, axis=1)
        last = (self.length[rows] == 1.0) & (size <= CONVERGED * (self.extent + np.linalg.norm(trial, axis=1)))
        # Differences of E are lost in round-off before its slopes are: the last step is taken in any case.
        lower = (there.value <= bound) | (last & np.isfinite(there.value))
        accepted, direction = rows[lower], _newton(there)
        self.points[accepted] = trial[lower]
        for field in fields(Local):
            getattr(self.local, field.name)[accepted] = getattr(there, field.name)[lower]
        self.direction[accepted], self.decrease[accepted] = direction[0][lower], direction[1][lower]
        self.length[accepted] = 1.0
        self.length[rows[~lower]] *= 0.5
        return rows[~(lower & last)]


def _newton(local: Local) -> tuple[FloatArray, FloatArray]:
    """Newton's direction with curvatures made positive, and the slope of E along it."""
    axes, _ = newton_axes(local.curvature)
    along = np.einsum("ijk,ij->ik", axes, local.slope)
    return -np.einsum("ijk,ik->ij", axes, along), -(along**2).sum(axis=1)


def _checked(problem: ProximalProblem, state: _NewtonIterates) -> Proximal | None:
    axes, positive = newton_axes(state.local.curvature)
    # The sum is at least 1 over the least curvature, and at most k times that.
    if not positive or (axes**2).sum(axis=(1, 2)).max() * LEAST_CURVATURE * problem.cost.stiffness >= 1.0:
        return None
    return Proximal(state.points, state.local, axes)


def newton_axes(curvature: FloatArray) -> tuple[FloatArray, bool]:
    """Directions in which matrices are the identity, or would be with curvatures made positive.

    Parameters
    ----------
    curvature : array, shape (N, k, k)
        Symmetric matrices H.

    Returns
    -------
    axes : array, shape (N, k, k)
        A with ``A A^T = H^-1``; with the sizes of the eigenvalues in their place, if one is not positive.
    positive : bool
        Whether all eigenvalues are positive.
    """
    axes = _inverse_factor(curvature)
    if axes is not None:
        return axes, True
    return eigen_axes(curvature), False


def eigen_axes(curvature: FloatArray) -> FloatArray:
    """Axes as `newton_axes` gives them, from eigenvalues: their sizes, and none that is 0 up to round-off."""
    values, vectors = np.linalg.eigh(curvature)
    size = np.maximum(np.abs(values), 1e-12 * np.abs(values).max(initial=1e-300))
    return vectors / np.sqrt(size)[:, None, :]


def _inverse_factor(matrices: FloatArray) -> FloatArray | None:
    """Inverse transposes of Cholesky factors (N, k, k), for all matrices at once; None if one is not positive."""
    count = matrices.shape[1]
    factor, inverse = np.zeros_like(matrices), np.zeros_like(matrices)
    for j in range(count):
        row = factor[:, j, :j]
        pivot = matrices[:, j, j] - np.einsum("nm,nm->n", row, row)
        if not pivot.min(initial=1.0) > 0.0:
            return None
        scale = 1.0 / np.sqrt(pivot)
        for i in range(j + 1, count):
            factor[:, i, j] = scale * (matrices[:, i, j] - np.einsum("nm,nm->n", factor[:, i, :j], row))
        inverse[:, :j, j] = -scale[:, None] * np.einsum("nim,nm->ni", inverse[:, :j, :j], row)
        inverse[:, j, j] = scale
    return inverse
