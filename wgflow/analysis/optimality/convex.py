r"""The least value of a convex functional of measures, by sliding Frank-Wolfe: an independent witness for flows.

Minimise F(nu) = R(int Psi dnu) + lambda |nu| over nonnegative measures, or over those of a given mass. Each round adds
atoms at the local minima of J, chooses all weights anew (Newton, with nonnegative least squares as the quadratic
problem in it), lets positions and weights slide down together, and stops when the certificate of `certificates` says
that no measure is better by more than the tolerance. Nothing here knows of time, cells or transport.

References
----------
Denoyelle, Duval, Peyre and Soubies (2019), The sliding Frank-Wolfe algorithm, Inverse Problems 36, Algorithm 2.
Bredies and Pikkarainen (2013), Inverse problems in spaces of measures, ESAIM: COCV 19: the insertion of atoms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize, nnls

from wgflow.analysis.optimality.certificates import Certificate, Certifier
from wgflow.analysis.optimality.frozen import predict
from wgflow.analysis.optimality.minima import Minimum
from wgflow.analysis.optimality.searches import chart, chart_bounds
from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.functionals import Features, Functional
from wgflow.functionals.losses import SOFTMIN
from wgflow.measures import Particles
from wgflow.networks import Population, arc_cosine_kernel
from wgflow.typing import FloatArray

ROUNDS = 40
NEWTON_STEPS, HALVINGS = 30, 30
MULTIPLIER_STEPS = 30
SLIDING_STEPS = 300
LEAST_CURVATURE = 1e-13  # of a direction in the space of weights, relative to the largest
ROUND_OFF = 1e-15  # of F, relative
TOGETHER = 1e-5  # distance below which atoms of one sign become one
LEAST_WEIGHT = 1e-14  # relative to the mass; lighter atoms are dropped


@dataclass(frozen=True)
class Optimum:
    """A sparse measure that is optimal up to a certified gap.

    Parameters
    ----------
    measure : Particles
        The atoms.
    certificate : Certificate
        How far F of the measure can be from the least value.
    rounds : int
        Number of rounds.
    converged : bool
        Whether the gap is below the tolerance; else F did not fall any more, or the rounds were used up.

    Examples
    --------
    >>> risk = wgflow.Quadratic(np.diag([1.0, 0.05])) + wgflow.Mass(0.1)
    >>> found = wgflow.find_optimum(risk, wgflow.Circle(64))
    >>> found.converged, round(found.value, 5), found.certificate.gap < 1e-8
    (True, 0.09625, True)
    """

    measure: Particles
    certificate: Certificate
    rounds: int
    converged: bool

    @property
    def value(self) -> float:
        """F of the measure."""
        return self.certificate.value


def find_optimum(
    functional: Functional,
    domain: Domain,
    *,
    mass: float | None = None,
    tolerance: float = 1e-10,
    start: Particles | None = None,
) -> Optimum:
    """Minimise a convex functional over measures on a compact domain.

    Parameters
    ----------
    functional : Functional
        `Features` with the loss "square" or "logistic", `Quadratic` or `Population`, plus `Mass` where there is a
        regularisation. Smooth features reach gaps of 1e-10, those with kinks what the sliding atoms can.
    domain : Domain
        Circle, sphere, hypersphere or box, also signed; its cells do not matter.
    mass : float, optional
        Mass of all measures that are compared; by default they have any mass.
    tolerance : float
        Gap at which the search stops, relative to F of the start: of the zero measure, or of the best atom of the
        given mass.
    start : Particles, optional
        Atoms to start from.

    Returns
    -------
    Optimum

    Raises
    ------
    InputError
        If no certificate is known for the functional or the domain, the loss is "softmin", or ``mass`` is not allowed.

    Examples
    --------
    >>> risk = wgflow.Quadratic(np.diag([1.0, 0.05])) + wgflow.Mass(0.1)
    >>> atoms = wgflow.find_optimum(risk, wgflow.Circle(64)).measure
    >>> round(atoms.mass, 4), bool(np.allclose(abs(atoms.points), [1.0, 0.0], atol=1e-4))
    (0.9, True)
    """
    if mass is not None and not 0.0 < mass < np.inf:
        raise InputError(f"mass = {mass!r} is not allowed; give a positive number")
    certifier = Certifier(functional, domain, fixed_mass=mass is not None)
    chart_bounds(domain)  # raises where atoms cannot slide
    if isinstance(certifier.risk, Features) and certifier.risk.risk.without_factor is SOFTMIN:
        raise InputError("the loss softmin has no least value to be found; choose square or logistic")
    return _FrankWolfe(certifier, mass).run(_first_measure(certifier, mass) if start is None else start, tolerance)


def _first_measure(certifier: Certifier, mass: float | None) -> Particles:
    """The zero measure, as an atom without weight; for a given mass, one atom where J is then least."""
    point = certifier.search.points[:1]
    nothing = Particles(point, np.zeros(1), certifier.domain.signs[:1], certifier.domain)
    if mass is None:
        return nothing
    return _with_atoms(nothing, certifier.inspect(nothing)[1][:1], mass)


class _FrankWolfe:
    """Rounds of sliding Frank-Wolfe."""

    def __init__(self, certifier: Certifier, mass: float | None) -> None:
        self._certifier, self._mass = certifier, mass
        self._functional, self._base = certifier.functional, certifier.domain.base

    def run(self, measure: Particles, tolerance: float) -> Optimum:
        """Add, weigh and slide until the gap is small or F falls no more."""
        certificate, minima = self._certifier.inspect(measure)
        target, rounds = tolerance * abs(certificate.value), 0
        # The zero measure is alone among those of its own mass: without regularisation its gap says nothing.
        while rounds < ROUNDS and (certificate.gap > target or (certificate.mass == 0.0 > certificate.min_potential)):
            rounds += 1
            level = 0.0 if self._mass is None else self._mean_potential(measure)
            wanted = [minimum for minimum in minima if minimum.value < level]
            moved = self._improve(_with_atoms(measure, wanted, 0.0))
            found, minima_there = self._certifier.inspect(moved)
            if found.gap >= certificate.gap and found.value >= certificate.value:
                break
            measure, certificate, minima = moved, found, minima_there
        return Optimum(measure, certificate, rounds, certificate.gap <= target)

    def _improve(self, measure: Particles) -> Particles:
        """Weigh, slide, join what came together, and weigh again."""
        measure = self._slide(_without_light_atoms(self._weigh(measure)))
        return _without_light_atoms(self._weigh(join_atoms(measure, self._base)))

    def _mean_potential(self, measure: Particles) -> float:
        potential = self._functional.at_particles(measure).potential
        return float(measure.weights @ potential / measure.mass)

    def _weigh(self, measure: Particles) -> Particles:
        """Minimise F over the weights of fixed atoms by Newton's method with bounds."""
        found = self._functional.at_particles(measure)
        for _ in range(NEWTON_STEPS):
            hessian = weight_hessian(self._certifier.risk, measure)
            slope = found.potential - hessian @ measure.weights
            change = minimize_quadratic(hessian, slope, self._mass) - measure.weights
            for halving in range(HALVINGS):
                tried = _weighted(measure, np.maximum(measure.weights + 0.5**halving * change, 0.0))
                there = self._functional.at_particles(tried)
                if there.energy <= found.energy + ROUND_OFF * abs(found.energy):
                    break
            else:
                return measure
            gain = found.energy - there.energy
            measure, found = tried, there
            if gain <= ROUND_OFF * abs(found.energy):
                break
        return measure

    def _slide(self, measure: Particles) -> Particles:
        """Minimise F over positions and weights together by L-BFGS-B; the start where that does not lower F."""
        count, start = len(measure.weights), self._functional.at_particles(measure).energy
        scale = abs(start) or 1.0

        def objective(free: FloatArray) -> tuple[float, FloatArray]:
            masses, places = free[:count], free[count:].reshape(count, -1)
            points, pull = chart(self._base, places)
            weights, pull_weights = free_weights(masses, self._mass)
            found = self._functional.at_particles(Particles(points, weights, measure.signs))
            slopes = pull(weights[:, None] * found.gradient)
            gradient = np.concatenate([pull_weights(found.potential), slopes.ravel()])
            return found.energy / scale, gradient / scale

        first = np.concatenate([measure.weights, measure.points.ravel()])
        walls = chart_bounds(self._base) or [(None, None)] * measure.points.shape[1]
        bounds = [(0.0, None)] * count + walls * count
        options: Any = {"maxiter": SLIDING_STEPS, "ftol": 1e-16, "gtol": 1e-14, "maxcor": 30}
        done = minimize(objective, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        if not done.fun * scale < start:
            return measure
        points = chart(self._base, done.x[count:].reshape(count, -1))[0]
        return replace(measure, points=points, weights=free_weights(done.x[:count], self._mass)[0])


def free_weights(masses: FloatArray, mass: float | None) -> tuple[FloatArray, Callable[[FloatArray], FloatArray]]:
    """Weights (m,) from free variables >= 0, scaled to a given mass, and the gradient in the latter from J (m,)."""
    total = float(masses.sum())
    if mass is None or total == 0.0:
        return masses, lambda potential: potential
    factor = mass / total
    return factor * masses, lambda potential: factor * (potential - potential @ masses / total)


def weight_hessian(risk: Features | Population, measure: Particles) -> FloatArray:
    """Second derivatives of F in the weights of atoms, shape (m, m)."""
    signs = measure.signs
    if isinstance(risk, Features):
        psi = signs[:, None] * risk.features(measure.points)
        return (psi * risk.risk.curvature(predict(risk, measure), risk.targets)) @ psi.T
    points, inputs = measure.points, risk.teacher.directions.shape[1]
    if points.shape[1] == inputs + 1:
        signs, points = signs * points[:, 0], points[:, 1:]
    return risk.strength * (signs[:, None] * arc_cosine_kernel(points, points) * signs)


def minimize_quadratic(hessian: FloatArray, slope: FloatArray, mass: float | None) -> FloatArray:
    """Minimise ``w.H w / 2 + slope.w`` over w >= 0, of the given sum if there is one, by nonnegative least squares.

    A given sum is reached by the method of multipliers, which needs few steps as its penalty is exact in the limit.
    """
    values, vectors = np.linalg.eigh(hessian)
    values = np.maximum(values, LEAST_CURVATURE * max(float(values[-1]), 1e-300))
    root = np.sqrt(values)[:, None] * vectors.T
    goal = -(vectors.T @ slope) / np.sqrt(values)
    if mass is None:
        return nnls(root, goal)[0]
    penalty, multiplier = np.sqrt(values[-1]), 0.0
    rows = np.vstack([root, np.full(slope.size, penalty)])
    for _ in range(MULTIPLIER_STEPS):
        weights = nnls(rows, np.append(goal, penalty * mass - multiplier))[0]
        excess = penalty * (float(weights.sum()) - mass)
        multiplier += excess
        if abs(excess) <= 1e-15 * penalty * mass:
            break
    return weights * (mass / weights.sum())


def _with_atoms(measure: Particles, minima: list[Minimum], weight: float) -> Particles:
    """Add atoms of the given weight."""
    if not minima:
        return measure
    return Particles(
        np.concatenate([measure.points, [minimum.point for minimum in minima]]),
        np.concatenate([measure.weights, np.full(len(minima), weight)]),
        np.concatenate([measure.signs, [minimum.sign for minimum in minima]]),
        measure.domain,
    )


def _weighted(measure: Particles, weights: FloatArray) -> Particles:
    return replace(measure, weights=weights)


def _without_light_atoms(measure: Particles) -> Particles:
    """Drop atoms without mass; at least one stays."""
    kept = measure.weights > LEAST_WEIGHT * measure.mass
    if not kept.any():
        kept = np.arange(len(kept)) == 0
    return measure.part(kept)


def join_atoms(measure: Particles, base: Domain) -> Particles:
    """Make one of atoms of the same sign that are closer than `TOGETHER`, at their mean."""
    points, weights, signs = (list(part) for part in (measure.points, measure.weights, measure.signs))
    first = 0
    while first < len(points):
        for second in range(len(points) - 1, first, -1):
            if signs[first] == signs[second] and np.abs(points[first] - points[second]).max() < TOGETHER:
                total = weights[first] + weights[second]
                share = weights[second] / total if total > 0.0 else 0.5
                points[first] = chart(base, (points[first] + share * (points[second] - points[first]))[None])[0][0]
                weights[first] = total
                del points[second], weights[second], signs[second]
        first += 1
    return Particles(np.array(points), np.array(weights), np.array(signs), measure.domain)
