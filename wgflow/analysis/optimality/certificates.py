r"""Lower bounds of convex functionals of measures: how far F is from its least value, proven from the potential.

F(nu) = R(int Psi dnu) + lambda |nu| is convex in nu, so that for any nu, with J = dF/dnu, and any other measure nu*

.. math:: F(\nu_*) \ge F(\nu) + \langle J, \nu_* - \nu \rangle
          \ge F(\nu) - \langle J, \nu \rangle + |\nu_*| \min J, \tag{1}

and, since :math:`R(h) \ge s \langle g, h \rangle - R^*(s g)` with g = grad R and any s such that
:math:`s V \ge -\lambda` for the potential V = J - lambda of the risk,

.. math:: F(\nu_*) \ge -R^*(s g). \tag{2}

For risks that are quadratic, :math:`-R^*(s g) = s (2R - \langle V, \nu \rangle) - s^2 R`; for all others that are
convex and >= 0, so that :math:`-R^*(0) \ge 0`, it is at least :math:`s (R - \langle V, \nu \rangle)` if s <= 1. (2)
needs no bound of the mass. In (1) a measure that is better than nu has the mass
:math:`|\nu_*| \le F(\nu) / \lambda` if R >= 0.

References
----------
Bach and Chizat (2022), Section 3.3: J >= 0 everywhere and J = 0 on the support are necessary and sufficient.
Jaggi (2013), Revisiting Frank-Wolfe, Section 2: the gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import xlogy

from wgflow.analysis.optimality.frozen import FrozenFeatures, FrozenPopulation, freeze, split_risk
from wgflow.analysis.optimality.minima import METHODS, Minimum, Search
from wgflow.domains import Domain
from wgflow.errors import InputError, ShapeError
from wgflow.flows.labels import TRANSPORT_LABELS
from wgflow.functionals import Features, Functional, GridFunctional
from wgflow.functionals.losses import LOGISTIC
from wgflow.measures import Particles
from wgflow.measures.checks import real_values
from wgflow.trajectory import Trajectory
from wgflow.typing import FloatArray

SUPPORT_SHARE = 0.999  # of the mass, held by the heaviest atoms, which is called the support

SCOPES = {
    "all": "all nonnegative measures",
    "bounded": "measures of mass at most M",
    "fixed": "measures of mass M",
}


@dataclass(frozen=True)
class Certificate:
    """What is known about the distance of F from its least value.

    Parameters
    ----------
    value : float
        F of the measure.
    mass : float
        Its mass.
    linear_bound : float
        Lower bound (1) of F over the measures in ``scope``.
    dual_bound : float
        Lower bound (2) of F over all nonnegative measures, whatever their mass; minus infinity where there is none.
    mass_bound : float
        The M of ``scope``; where this is "all", better measures are known to have no more mass.
    scope : str
        A key of ``SCOPES``: the measures that are compared with.
    minimum : Minimum
        Where J is least.
    support_residual : float
        Largest |J| on the support, which at the optimum is 0; for a fixed mass of J less its mean over the measure.
    sheets : int
        Number of sheets of the domain.

    Examples
    --------
    >>> risk = wgflow.Quadratic(np.eye(2)) + wgflow.Mass(0.1)
    >>> certificate = wgflow.certify(risk, wgflow.Circle(64), np.full(64, 0.3))
    >>> round(certificate.value, 4), round(certificate.lower_bound, 4), round(certificate.gap, 4)
    (0.1918, 0.19, 0.0018)
    >>> certificate.verdict
    'F is within 1.80e-03 of its least value over all nonnegative measures (...)'
    """

    value: float
    mass: float
    linear_bound: float
    dual_bound: float
    mass_bound: float
    scope: str
    minimum: Minimum
    support_residual: float
    sheets: int = 1

    @property
    def lower_bound(self) -> float:
        """The better one of both bounds; it holds for the measures in ``scope``."""
        return max(self.linear_bound, self.dual_bound)

    @property
    def gap(self) -> float:
        """F less its lower bound: at most so much can be gained."""
        return self.value - self.lower_bound

    @property
    def min_potential(self) -> float:
        """Least value of J that was found."""
        return self.minimum.value

    @property
    def where(self) -> FloatArray:
        """Point at which J is least, shape (p,)."""
        return self.minimum.point

    @property
    def rigorous(self) -> bool:
        """Whether the bound has no condition: the least value of J is proven (up to round-off)."""
        return self.minimum.proven

    @property
    def verdict(self) -> str:
        """What is known, in a sentence or two."""
        among = SCOPES[self.scope].replace("M", f"{self.mass_bound:.6g}")
        known = METHODS[self.minimum.method]
        proof = "proven" if self.rigorous else "as far as known"
        text = f"F is within {self.gap:.2e} of its least value over {among} ({proof}: min J is {known})"
        if self.scope == "bounded" and self.dual_bound > -np.inf:
            text += f"; and within {self.value - self.dual_bound:.2e} over all measures"
        return text


class Certifier:
    """Certificates of many measures of one problem; everything that they share is prepared once.

    Parameters
    ----------
    functional : Functional
        `Features` or `Population`, plus `Mass` where there is a regularisation.
    domain : Domain
        Compact: circle, sphere, hypersphere or box, also signed.
    fixed_mass : bool
        Whether only measures of the same mass are compared, as for the continuity equation (beta = 0).

    Raises
    ------
    InputError
        If no certificate is known for the functional or the domain.
    """

    def __init__(self, functional: Functional, domain: Domain, *, fixed_mass: bool = False) -> None:
        self.functional, self.domain, self.fixed_mass = functional, domain, fixed_mass
        self.risk, self.strength = split_risk(functional)
        self.search = Search(domain)
        self._grid: GridFunctional | None = None

    def certify(self, state: FloatArray | Particles, mass_bound: float | None = None) -> Certificate:
        """Certificate of a density, shape ``domain.shape``, or of particles; see `certify`."""
        return self.inspect(state, mass_bound)[0]

    def inspect(
        self, state: FloatArray | Particles, mass_bound: float | None = None
    ) -> tuple[Certificate, list[Minimum]]:
        """Certificate, and all local minima of J that were found, the lowest first."""
        if mass_bound is not None and not 0.0 <= mass_bound < np.inf:
            raise InputError(f"mass_bound = {mass_bound!r} is not allowed; give a finite number >= 0")
        measure, value, potential = self._evaluate(state)
        frozen = freeze(self.risk, measure)
        best = measure.points[[int(np.argmin(potential))]]
        minima = self.search.minima(frozen, self.strength, best)
        pairing = float(measure.weights @ potential)  # <J, nu>
        scope, limit = self._scope(value, measure.mass, mass_bound)
        least = minima[0].bound if scope == "fixed" else min(minima[0].bound, 0.0)
        certificate = Certificate(
            value=value,
            mass=measure.mass,
            linear_bound=value - pairing + limit * least,
            dual_bound=self._dual_bound(frozen, value, pairing, measure.mass, minima[0].bound),
            mass_bound=limit,
            scope=scope,
            minimum=minima[0],
            support_residual=self._residual(measure, potential, pairing),
            sheets=self.domain.sheets,
        )
        return certificate, minima

    def _evaluate(self, state: FloatArray | Particles) -> tuple[Particles, float, FloatArray]:
        """The measure as atoms, F, and J at the atoms."""
        if isinstance(state, Particles):
            found = self.functional.at_particles(state)
            return state, found.energy, found.potential
        self._grid = self._grid or self.functional.on_grid(self.domain)
        density = real_values("the density", state)
        if density.shape != self.domain.shape:
            raise ShapeError(f"density of shape {density.shape} does not fit the domain of shape {self.domain.shape}")
        measure, potential = atoms(self.domain, density), np.empty(self.domain.shape)
        value = self._grid.evaluate(np.ascontiguousarray(density), potential)
        return measure, value, potential.ravel()

    def _scope(self, value: float, mass: float, given: float | None) -> tuple[str, float]:
        """Which measures are compared, and their largest mass."""
        if self.fixed_mass:
            return "fixed", mass
        if given is not None:
            return "bounded", given
        if self.strength > 0.0 and self._is_positive():
            return "all", value / self.strength
        return "bounded", mass

    def _is_positive(self) -> bool:
        """Whether R >= 0."""
        return not isinstance(self.risk, Features) or self.risk.risk.nonnegative

    def _dual_bound(
        self, frozen: FrozenFeatures | FrozenPopulation, value: float, pairing: float, mass: float, least: float
    ) -> float:
        """The bound (2) with the best factor s that keeps s V >= -lambda."""
        lowest = least - self.strength
        largest = self.strength / -lowest if lowest < 0.0 else np.inf
        risk, slope = value - self.strength * mass, pairing - self.strength * mass
        if isinstance(frozen, FrozenPopulation) or frozen.functional.risk.quadratic:
            return _quadratic_dual(risk, slope, largest)
        loss = frozen.functional.risk
        if loss.without_factor is LOGISTIC:
            rates = -frozen.functional.targets * frozen.coefficients / loss.factor
            return loss.factor * _logistic_dual(rates, largest)
        return _nonnegative_dual(risk, slope, largest) if loss.nonnegative else -np.inf

    def _residual(self, measure: Particles, potential: FloatArray, pairing: float) -> float:
        """Largest |J| on the heaviest atoms that hold almost all mass."""
        if measure.mass == 0.0:
            return 0.0
        order = np.argsort(-measure.weights)
        held = np.cumsum(measure.weights[order])
        support = order[: int(np.searchsorted(held, SUPPORT_SHARE * held[-1])) + 1]
        level = pairing / measure.mass if self.fixed_mass else 0.0
        return float(np.abs(potential[support] - level).max())


def _quadratic_dual(risk: float, slope: float, largest: float) -> float:
    """Largest ``s (2R - <V, nu>) - s^2 R`` over 0 <= s <= ``largest``."""
    if risk <= 0.0:
        return 0.0
    factor = min(max((2.0 * risk - slope) / (2.0 * risk), 0.0), largest)
    return factor * (2.0 * risk - slope) - factor**2 * risk


def _nonnegative_dual(risk: float, slope: float, largest: float) -> float:
    """Largest ``s (R - <V, nu>)`` over 0 <= s <= ``largest``, s <= 1."""
    return max(min(largest, 1.0) * (risk - slope), 0.0)


def _logistic_dual(rates: FloatArray, largest: float) -> float:
    """Largest mean entropy of Bernoulli variables of means s u_i over 0 <= s <= ``largest``, for ``rates`` = u / n."""
    means = rates * rates.size
    largest = min(largest, 1.0 / max(float(means.max()), 1e-300))

    def negative_entropy(factor: float) -> float:
        u = np.clip(factor * means, 0.0, 1.0)
        return float((xlogy(u, u) + xlogy(1.0 - u, 1.0 - u)).mean())

    found = minimize_scalar(negative_entropy, bounds=(0.0, largest), method="bounded", options={"xatol": 1e-12})
    candidates = (float(found.x), min(1.0, largest), largest)
    return max(-negative_entropy(factor) for factor in candidates)


def atoms(domain: Domain, density: FloatArray) -> Particles:
    """Atoms at the cell centres that hold the masses of the cells."""
    points = domain.points.reshape(-1, domain.points.shape[-1])
    masses = (density * domain.volumes).ravel()
    return Particles(points, masses, np.repeat(domain.signs, masses.size // domain.sheets), domain)


def certify(
    functional: Functional,
    domain: Domain,
    state: FloatArray | Particles,
    mass_bound: float | None = None,
    *,
    fixed_mass: bool = False,
) -> Certificate:
    """Bound the distance of F from its least value.

    Parameters
    ----------
    functional : Functional
        `Features` or `Population`, plus `Mass` where there is a regularisation.
    domain : Domain
        Compact: circle, sphere, hypersphere or box, also signed.
    state : array of shape ``domain.shape``, or Particles
        The measure: cell averages of a density, which are taken as atoms at the cell centres, or particles.
    mass_bound : float, optional
        A mass M that a minimiser is known not to exceed, or beyond which no measures are to be compared. Without it M
        is F / lambda, beyond which no measure is better; and where lambda = 0 (or R may be negative) the mass of the
        state: no bound is known then, and the certificate compares with measures of at most this mass.
    fixed_mass : bool
        Compare with measures of the same mass alone, as for the continuity equation (beta = 0).

    Returns
    -------
    Certificate

    Raises
    ------
    InputError
        If no certificate is known for the functional or the domain, or ``mass_bound`` is not allowed.
    ShapeError
        If the state does not fit the domain.

    Examples
    --------
    >>> risk, circle = wgflow.Quadratic(np.eye(2)) + wgflow.Mass(0.1), wgflow.Circle(64)
    >>> round(wgflow.certify(risk, circle, np.full(64, 0.1)).gap, 4)
    0.3432
    >>> wgflow.certify(risk, circle, np.full(64, 0.9 / np.pi)).gap < 1e-9  # the optimum
    True
    """
    return Certifier(functional, domain, fixed_mass=fixed_mass).certify(state, mass_bound)


def certify_trajectory(
    trajectory: Trajectory, indices: Iterable[int] = (-1,), mass_bound: float | None = None
) -> list[Certificate]:
    """Certificates of some outputs of a trajectory, the last one by default.

    With reaction 0 measures of the same mass are compared.

    Parameters
    ----------
    trajectory : Trajectory
        With its functional and domain.
    indices : iterable of int
        Numbers of the outputs.
    mass_bound : float, optional
        See `certify`.

    Raises
    ------
    InputError
        If the functional or domain is not known, or no certificate is known for them.

    Examples
    --------
    >>> risk = wgflow.Quadratic(np.eye(2)) + wgflow.Mass(0.1)
    >>> flow = wgflow.solve(risk, wgflow.Circle(64), np.ones(64), 2.0)
    >>> first, last = wgflow.certify_trajectory(flow, indices=(0, -1))
    >>> f"at most {first.gap:.2f} to gain at the start, {last.gap:.2f} at the end"
    'at most 5.21 to gain at the start, 0.00 at the end'
    """
    if trajectory.functional is None or trajectory.domain is None:
        raise InputError("the functional of this trajectory is not known; load(path, functional=...) gives it")
    if trajectory.labels == TRANSPORT_LABELS:
        raise InputError("there is nothing to certify: transport by a velocity from outside falls down no energy")
    if trajectory.is_normalised:
        raise InputError(
            "F of a normalised trajectory has no least value: its mass grows without end. Its margin is "
            f"{trajectory.fields['margin'][-1]:.6g}, and no network of norm 1 with neurons at the cells has one beyond "
            f"{-trajectory.min_potential[-1]:.6g}; for data variation_margin gives the largest one"
        )
    reaction = trajectory.attributes.get("reaction", trajectory.domain.reaction)
    certifier = Certifier(trajectory.functional, trajectory.domain, fixed_mass=float(reaction) == 0.0)
    return [
        certifier.certify(trajectory.measure(i) if trajectory.has_particles else trajectory.density[i], mass_bound)
        for i in indices
    ]
