r"""The flow of diverging mass: a classifier whose measure grows without end, followed in normalised form.

With separable data and the softmin risk :math:`F(\nu) = \log \sum_i e^{-y_i h_i}`, :math:`h = \int \Psi d\nu`, the mass
of the flow grows like :math:`e^{\beta \gamma t}` and only its direction converges. Write :math:`\nu = e^s \hat\nu` with
:math:`|\hat\nu| = 1`, margins :math:`m_i = y_i \int \Psi_i d\hat\nu` and :math:`\varepsilon = e^{-s}`. Then
:math:`J = -U_\lambda` with

.. math:: U_\lambda = \sum_i \lambda_i y_i \Psi_i, \qquad
          \lambda_i \propto e^{-m_i / \varepsilon}, \qquad \dot s = \beta \int U_\lambda d\hat\nu

is bounded, but as :math:`\varepsilon \to 0` the weights jump from datum to datum and explicit steps must be of the size
:math:`\varepsilon`. Here :math:`\lambda` is implicit. The reaction of a step :math:`\tau` is the proximal step

.. math:: \hat\nu^{+} = \arg\max_{|\rho| = 1}\; L_\varepsilon(\rho) - \frac{1}{\beta\tau} KL(\rho | \hat\nu)
          \;\propto\; e^{\beta \tau U_\lambda} \hat\nu, \qquad
          L_\varepsilon = -\varepsilon \log \sum_i e^{-m_i / \varepsilon} \le \min_i m_i,

whose weights minimise the convex
:math:`\frac{1}{\beta\tau} \log \int e^{\beta\tau U_\lambda} d\hat\nu + \varepsilon \sum_i \lambda_i \log \lambda_i`
over the simplex (Newton's method, n unknowns), and s grows by the logarithm of the integral. Before it, one upwind step
moves the measure with the velocity :math:`\alpha \nabla U_\lambda` of the weights before; it bounds :math:`\tau` by
positivity.

A proximal step of any size is stable and never lowers :math:`L_\varepsilon`; without transport these are the steps of
Rockafellar's method, and the margin tends to the largest one of networks with neurons at the cells. Once the measure
sits on single cells, motion within cells is not resolved and an upwind step would lower :math:`L_\varepsilon`: then
it is left out, so that :math:`L_\varepsilon` does not fall with transport either. Cells' centres are neurons of norm 1:
the margin never exceeds :math:`\gamma_1`, and for every step :math:`\gamma_1 \le \max |U_\lambda|` over all neurons.

References
----------
Bach and Chizat (2022), Section 5; Chizat and Bach (2020), Section 4; Rockafellar (1976), Monotone operators and the
proximal point algorithm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import logsumexp, softmax

from wgflow.domains import Domain, total_mass
from wgflow.errors import ComputationError, InputError
from wgflow.functionals import Features
from wgflow.schemes.explicit import check_density, check_factor
from wgflow.schemes.space import make_space_scheme
from wgflow.typing import FloatArray

LEAST_TEMPERATURE = 1e-9  # of epsilon over the size of features: costs log(n) times as much of the margin
# Of the dual function's slope: wanted, and still accepted at the last iteration.
TOLERANCE, LOOSE_TOLERANCE = 1e-7, 1e-3
MAX_ITERATIONS, MAX_HALVINGS = 60, 40
DESCENT = 1e-4  # share of the predicted decrease that a Newton step must reach
ROUND_OFF = 1e-14
TO_BOUNDARY = 0.95  # of the way to zero that a weight may go at once
NEGLIGIBLE = 1e-15  # share of the mass of cells that the Hessian leaves out
LEAST_WEIGHT = 1e-14  # of a datum at the start of a step
SAFETY = 0.9  # of the bound P of upwind steps


@dataclass(frozen=True)
class MarginState:
    r"""What a step leads to.

    Parameters
    ----------
    time, step_size : float
        Time, and the size of the step that led there.
    log_mass : float
        Logarithm s of the mass.
    margin : float
        Least margin of the normalised measure, at most gamma_1.
    soft_margin : float
        The smoothed margin :math:`L_\varepsilon`, at most the margin.
    """

    time: float
    step_size: float
    log_mass: float
    margin: float
    soft_margin: float


class NormalisedFlow:
    r"""The flow of the softmin risk on a grid, its mass in logarithms.

    Parameters
    ----------
    functional : Features
        Features with labels and the loss "softmin".
    domain : Domain
        Grid, signed for networks with output weights of both signs.
    density : array, shape ``domain.shape``
        Nonnegative density at the start, of any mass.
    transport, reaction : float
        The factors alpha >= 0 and beta > 0; None for the domain's own beta.
    step, growth : float
        Steps grow with time t as ``step + growth t``.
    order : int
        Order in space of the transport, 1 or 2.
    log_mass : float
        Logarithm of a factor of ``density``, which numbers may not hold.

    Attributes
    ----------
    time, log_mass : float
        Time, and logarithm s of the mass.
    density : array, shape ``domain.shape``
        Density of the normalised measure.
    multipliers : array, shape (n,)
        Weights of the data in the last step, of sum 1; :math:`\max U_\lambda` over all neurons bounds :math:`\gamma_1`.
    iterations, moved_steps : int
        Newton iterations, and steps with transport so far.

    Raises
    ------
    InputError
        If an argument is not allowed.
    """

    def __init__(
        self,
        functional: Features,
        domain: Domain,
        density: FloatArray,
        *,
        transport: float = 1.0,
        reaction: float | None = None,
        step: float = 1.0,
        growth: float = 0.05,
        order: int = 2,
        log_mass: float = 0.0,
    ) -> None:
        if functional.risk.name != "softmin":
            raise InputError(f"loss = {functional.risk.name!r} has no normalised form; choose softmin")
        self._reaction = domain.reaction if reaction is None else reaction
        check_factor("transport", transport)
        check_factor("growth", growth)
        for name, value in (("reaction", self._reaction), ("step", step)):
            if not 0.0 < value < math.inf:
                raise InputError(f"{name} = {value!r} is not allowed; give a positive number")
        self._domain, self._step, self._growth, self._transport = domain, step, growth, transport
        base = domain.base.points
        self._signed = functional.targets * functional.features(base.reshape(-1, base.shape[-1]))
        self._scheme = make_space_scheme(domain, transport=transport, reaction=0.0, order=order, limiter="mc")
        self.density = check_density(density, domain.shape).copy()
        self.time, self.step_size, self.log_mass = 0.0, 0.0, log_mass
        self.iterations, self.moved_steps = 0, 0
        self._normalise()
        self._size = float(np.abs(self._signed).max())
        self.multipliers: FloatArray = softmax(-self.margins / self.temperature)

    @property
    def temperature(self) -> float:
        """The factor epsilon = exp(-s), or the least one that numbers resolve."""
        return max(math.exp(-max(self.log_mass, -700.0)), LEAST_TEMPERATURE * self._size)

    @property
    def margins(self) -> FloatArray:
        """Margins (n,) of the normalised measure."""
        masses = (self.density * self._domain.volumes).reshape(self._domain.sheets, -1)
        return (self._domain.signs @ masses) @ self._signed

    def state(self) -> MarginState:
        """Describe the current state."""
        least, soft = float(self.margins.min()), self._soft_margin(self.temperature)
        return MarginState(self.time, self.step_size, self.log_mass, least, soft)

    def step(self) -> MarginState:
        """Advance by one step.

        Raises
        ------
        ComputationError
            If Newton's method does not find the weights; the state is kept.
        """
        size = self._step + self._growth * self.time
        moved, shorter = self._moved(size)
        if shorter > 0.0 and self._react(moved, shorter, self._soft_margin(self.temperature)):
            self.moved_steps += 1
        else:
            self._react(self.density, size, -math.inf)
        return self.state()

    def _soft_margin(self, temperature: float) -> float:
        return -temperature * float(logsumexp(-self.margins / temperature))

    def _react(self, density: FloatArray, size: float, least: float) -> bool:
        """Take the proximal step from a density, and keep it unless the soft margin would fall below a value."""
        temperature = self.temperature
        dual = _DualFunction(_log_masses(self._domain, density), self._signed, size * self._reaction, temperature)
        found, iterations = dual.minimise(self.multipliers)
        self.iterations += iterations
        previous = self.density, self.log_mass
        masses = np.exp(found.log_masses)[: self._domain.sheets]
        self.density = masses.reshape(self._domain.shape) / self._domain.volumes
        self.log_mass += found.log_integral
        self._normalise()
        if self._soft_margin(temperature) < least:
            self.density, self.log_mass = previous
            return False
        self.multipliers, self.step_size, self.time = found.multipliers, size, self.time + size
        return True

    def _moved(self, size: float) -> tuple[FloatArray, float]:
        """Density after an upwind step with the velocity of the present weights, and its size, bounded by rule P."""
        if self._transport == 0.0:
            return self.density, 0.0
        rising = self._signed @ self.multipliers
        potential = (-self._domain.signs[:, None] * rising).reshape(self._domain.shape)
        size = min(size, SAFETY / max(self._scheme.loss_rate(potential), 1e-300))
        moved = np.empty_like(self.density)
        self._scheme.euler_stage(self.density, potential, self.density, (0.0, 1.0), size, moved)
        return moved, size

    def _normalise(self) -> None:
        mass = total_mass(self._domain, self.density)
        self.density /= mass
        self.log_mass += math.log(mass)


def _log_masses(domain: Domain, density: FloatArray) -> FloatArray:
    """Logarithms of the masses of cells on both sheets, shape (2, N); -inf on the second where there is no sign."""
    masses = (density * domain.volumes).reshape(domain.sheets, -1)
    with np.errstate(divide="ignore"):
        logarithms = np.log(masses)
    return logarithms if len(logarithms) == 2 else np.vstack([logarithms, np.full_like(logarithms, -np.inf)])


@dataclass(frozen=True)
class _Trial:
    """Multipliers (n,), the dual function there, its slope, and the measure that belongs to them.

    ``log_masses`` (2, N) are those of the new measure, and ``log_integral`` the logarithm of its mass before scaling.
    """

    multipliers: FloatArray
    value: float
    slope: FloatArray
    margins: FloatArray
    log_masses: FloatArray
    log_integral: float

    @property
    def excess(self) -> float:
        """How far the slope is from that at the least value on the simplex, over the size of the margins."""
        return float(self.multipliers @ self.slope - self.slope.min()) / max(float(np.abs(self.margins).max()), 1e-300)


@dataclass(frozen=True)
class _DualFunction:
    """The convex function of the multipliers that a proximal step minimises.

    Parameters
    ----------
    log_masses : array, shape (2, N)
        Logarithms of the masses before the step.
    signed : array, shape (N, n)
        Features at the cells times labels.
    factor, temperature : float
        The products beta tau, and epsilon.
    """

    log_masses: FloatArray
    signed: FloatArray
    factor: float
    temperature: float

    def minimise(self, start: FloatArray) -> tuple[_Trial, int]:
        """Find the least value on the simplex by Newton's method, which keeps weights positive; count iterations."""
        best = now = self._at(np.maximum(start, LEAST_WEIGHT))
        for iteration in range(MAX_ITERATIONS):
            if best.excess <= TOLERANCE:
                return best, iteration
            now = self._search(now, self._direction(now))
            best = min(best, now, key=lambda trial: trial.excess)
        if best.excess > LOOSE_TOLERANCE:
            raise ComputationError(f"the weights of the data were not found: relative excess {best.excess:.1e}")
        return best, MAX_ITERATIONS

    def _at(self, weights: FloatArray) -> _Trial:
        multipliers = weights / weights.sum()
        rising = self.factor * (self.signed @ multipliers)
        exponents = self.log_masses + np.stack([rising, -rising])
        top = float(exponents.max())
        log_integral = top + math.log(np.exp(exponents - top).sum())
        exponents -= log_integral
        masses, logarithms = np.exp(exponents), np.log(multipliers)
        margins = (masses[0] - masses[1]) @ self.signed
        value = log_integral / self.factor + self.temperature * float(multipliers @ logarithms)
        slope = margins + self.temperature * logarithms
        return _Trial(multipliers, value, slope, margins, exponents, log_integral)

    def _direction(self, now: _Trial) -> FloatArray:
        """Change of the multipliers of sum 0 at which the quadratic model is least."""
        total = np.exp(now.log_masses).sum(axis=0)
        active = total > NEGLIGIBLE
        root = np.sqrt(total[active])[:, None] * self.signed[active]
        hessian = self.factor * (root.T @ root - np.outer(now.margins, now.margins))
        hessian[np.diag_indices_from(hessian)] += self.temperature / now.multipliers
        factors = cho_factor(hessian)
        ascent, level = cho_solve(factors, now.slope), cho_solve(factors, np.ones_like(now.slope))
        return level * (ascent.sum() / level.sum()) - ascent

    def _search(self, now: _Trial, change: FloatArray) -> _Trial:
        """Go along a direction, each weight at most near to zero, as far as the function falls enough."""
        round_off = ROUND_OFF * max(1.0, abs(now.log_integral)) / self.factor
        for halvings in range(MAX_HALVINGS):
            wanted = now.multipliers + 0.5**halvings * change
            then = self._at(np.maximum(wanted, (1.0 - TO_BOUNDARY) * now.multipliers))
            predicted = float(now.slope @ (then.multipliers - now.multipliers))
            if then.value <= now.value + DESCENT * predicted + round_off:
                break
        return then
