r"""The flow of diverging mass: a classifier whose measure grows without end, followed in normalised form.

With separable data and the risks :math:`R = \log \frac1n \sum_i e^{-z_i}` (softmin) or
:math:`R = \frac1n \sum_i \log(1 + e^{-z_i})` (logistic), :math:`z_i = y_i \int \Psi_i d\nu`, the mass of the flow grows
without bound and only its direction converges. Write :math:`\nu = e^s \hat\nu` with :math:`|\hat\nu| = 1`, margins
:math:`m_i = y_i \int \Psi_i d\hat\nu` and :math:`\varepsilon = e^{-s}`. The weights of the data in the gradient are
:math:`e^L \lambda_i` with :math:`\sum \lambda_i = 1`, and in the time :math:`\tau`, :math:`d\tau = e^L dt` (for softmin
L = 0), the flow is that of :math:`J = -U_\lambda`,

.. math:: U_\lambda = \sum_i \lambda_i y_i \Psi_i, \qquad \dot s = \beta \int U_\lambda d\hat\nu,

which is bounded; but as :math:`\varepsilon \to 0` the weights jump from datum to datum, and explicit steps must be of
the size :math:`\varepsilon`. Here :math:`\lambda` is implicit. The reaction of a step :math:`\tau` is the proximal step

.. math:: \hat\nu^{+} = \arg\max_{|\rho| = 1}\; L_\varepsilon(\rho) - \frac{1}{\beta\tau} KL(\rho | \hat\nu)
          \;\propto\; e^{\beta \tau U_\lambda} \hat\nu, \qquad
          L_\varepsilon = -\varepsilon \log \sum_i \ell(m_i / \varepsilon)

(for softmin; for the logistic loss with the weights that belong to it, `wgflow.normalised.data_weights`), and s grows
by the logarithm of the integral. Before it, one upwind step moves the measure with the velocity
:math:`\alpha \nabla U_\lambda` of the weights before: explicit and of second order in space if the step is that short,
else implicit and of first order, which for given weights is positive and stable for steps of any size.

A proximal step of any size is stable and for softmin never lowers :math:`L_\varepsilon`; without transport these are
the steps of Rockafellar's method, and the margin tends to the largest one of networks with neurons at the cells. Once
the measure sits on single cells, motion within cells is not resolved and an upwind step may lower
:math:`L_\varepsilon`: then it is left out. Cells' centres are neurons of norm 1: the margin never exceeds
:math:`\gamma_1`, and for every step :math:`\gamma_1 \le \max |U_\lambda|` over all neurons. The mass grows like
:math:`e^{\beta\gamma t}` for softmin; for the logistic loss :math:`e^{-s} \log(1 + t)` tends to the margin.

References
----------
Bach and Chizat (2022), Section 5; Chizat and Bach (2020), Section 4; Rockafellar (1976), Monotone operators and the
proximal point algorithm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from wgflow.domains import Domain, total_mass
from wgflow.errors import InputError
from wgflow.flows.checks import check_factor
from wgflow.flows.evolution import Checkpoint, Scalars, Snapshot, StepCounts, numbers
from wgflow.flows.labels import NORMALISED_LABELS
from wgflow.flows.planned_steps import PlannedSteps, StepError, StepPlan
from wgflow.functionals import Features, Functional
from wgflow.measures.checks import check_density
from wgflow.normalised.data_weights import DualFunction, FermiDiracEntropy
from wgflow.normalised.margin_losses import find_margin_loss
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.step_equations import StepEquations, UpwindMesh

LEAST_TEMPERATURE = 1e-9  # of epsilon over the size of features: costs log(n) times as much of the margin
LARGEST = 690.0  # logarithm of a number whose reciprocal is one too
SAFETY = 0.9  # of the bound P of explicit upwind steps


@dataclass(frozen=True)
class MarginState:
    r"""What a step leads to.

    Parameters
    ----------
    time, step_size : float
        Time tau, and the size of the step that led there.
    log_mass : float
        Logarithm s of the mass.
    margin : float
        Least margin of the normalised measure, at most gamma_1.
    soft_margin : float
        The smoothed margin :math:`L_\varepsilon`; for softmin at most the margin.
    scaled_log_time : float
        :math:`e^{-s} \log(1 + t)` of the time t of the flow.
    """

    time: float
    step_size: float
    log_mass: float
    margin: float
    soft_margin: float
    scaled_log_time: float


@dataclass(frozen=True)
class _NormalisedMeasure:
    """The normalised measure and its mass, the weights of the data, and the time of the flow; see `NormalisedFlow`."""

    density: FloatArray
    margins: FloatArray
    multipliers: FloatArray
    log_mass: float
    scaled_log_time: float


class NormalisedFlow:
    r"""The flow of the softmin or logistic risk on a grid, its mass in logarithms.

    Parameters
    ----------
    functional : Features
        Features with labels and the loss "softmin" or "logistic".
    domain : Domain
        Grid, signed for networks with output weights of both signs.
    density : array, shape ``domain.shape``
        Nonnegative density at the start, of any mass.
    transport, reaction : float
        The factors alpha >= 0 and beta > 0; None for the domain's own beta.
    tau, growth : float
        Steps grow with time to ``tau + growth time``.
    order : int
        Order in space of explicit transport, 1 or 2.
    log_mass : float
        Logarithm of a factor of ``density``, which numbers may not hold.

    Attributes
    ----------
    time, step_size, log_mass, scaled_log_time : float
        See `MarginState`.
    density : array, shape ``domain.shape``
        Density of the normalised measure.
    multipliers : array, shape (n,)
        Weights of the data in the last step, of sum 1; :math:`\max U_\lambda` over all neurons bounds :math:`\gamma_1`.
    margins : array, shape (n,)
        Margins of the normalised measure.
    counts : StepCounts
        Steps; ``evaluations`` counts iterations of Newton's method.
    moved_steps : int
        Steps with transport so far.

    Raises
    ------
    InputError
        If an argument is not allowed.

    Examples
    --------
    >>> risk = wgflow.Features(wgflow.Relu([[1.0, 0.5], [0.2, -1.0]]), [1.0, -1.0], loss="softmin")
    >>> flow = wgflow.NormalisedFlow(risk, wgflow.Signed(wgflow.Circle(32)), np.ones((2, 32)))
    >>> flow.begin_interval(10.0)
    >>> while flow.time < 10.0:
    ...     flow.step()
    >>> bool(flow.margins.min() > 0.0), f"mass exp({flow.log_mass:.1f})"
    (True, 'mass exp(12.1)')
    """

    labels = NORMALISED_LABELS

    def __init__(
        self,
        functional: Functional,
        domain: Domain,
        density: FloatArray,
        *,
        transport: float = 1.0,
        reaction: float | None = None,
        tau: float = 1.0,
        growth: float = 0.05,
        order: int = 2,
        log_mass: float = 0.0,
    ) -> None:
        if not isinstance(functional, Features):
            raise InputError(f"a normalised flow needs Features alone; found {type(functional).__name__}")
        self._loss = find_margin_loss(functional.risk.name)
        self._reaction = domain.reaction if reaction is None else reaction
        check_factor("transport", transport)
        if not 0.0 < self._reaction < math.inf:
            raise InputError(f"reaction = {self._reaction!r} is not allowed for a mass that grows; give it positive")
        self._domain, self._transport, self._plan = domain, transport, StepPlan(tau, growth)
        base = domain.base.points
        self._signed = functional.targets * functional.features(base.reshape(-1, base.shape[-1]))
        self._size = float(np.abs(self._signed).max())
        self._scheme = make_space_scheme(domain, transport=transport, reaction=0.0, order=order)
        self._mesh = UpwindMesh.of(domain, transport, 0.0)
        self.time, self.step_size, self.counts, self.moved_steps = 0.0, 0.0, StepCounts(), 0
        self._current = self._start(check_density(density, domain.shape), log_mass)
        self._control = PlannedSteps(self._plan, self.time, self._current, carry=False)

    @property
    def density(self) -> FloatArray:
        """Density of the normalised measure, shape ``domain.shape``."""
        return self._current.density

    @property
    def measure(self) -> FloatArray:
        """The density."""
        return self.density

    @property
    def margins(self) -> FloatArray:
        """Margins of the normalised measure, shape (n,)."""
        return self._current.margins

    @property
    def multipliers(self) -> FloatArray:
        """Weights of the data in the last step, shape (n,)."""
        return self._current.multipliers

    @property
    def log_mass(self) -> float:
        """Logarithm s of the mass."""
        return self._current.log_mass

    @property
    def scaled_log_time(self) -> float:
        """See `MarginState`."""
        return self._current.scaled_log_time

    @property
    def temperature(self) -> float:
        """The factor epsilon = exp(-s), or the least one that numbers resolve."""
        return self._temperature_at(self.log_mass)

    @property
    def energy(self) -> float:
        r"""Minus the smoothed margin; for softmin (R - log n) over the mass."""
        return -self._soft_margin(self.margins, self.temperature)

    def state(self) -> MarginState:
        """Describe the current state."""
        least = float(self.margins.min())
        return MarginState(self.time, self.step_size, self.log_mass, least, -self.energy, self.scaled_log_time)

    def begin_interval(self, end: float) -> None:
        """Aim at ``end``; infinity for no aim."""
        self._control.end = end

    def scalars(self) -> Scalars:
        """Minus the smoothed margin, the mass 1 of the normalised measure, and the minimum of -U."""
        rising = self._signed @ self.multipliers
        least = -float((np.abs(rising) if self._domain.sheets == 2 else rising).max())
        return Scalars(self.energy, total_mass(self._domain, self.density), least)

    def snapshot(self) -> Snapshot:
        """Copy the current state."""
        return Snapshot(self.time, self.step_size, self.energy, *self.scalars(), fields=self._fields())

    def checkpoint(self) -> Checkpoint:
        """Copy the state, the aim, and the state with which the next step begins if it is another."""
        shown = {**self._fields(), **numbers(time=self.time, step_size=self.step_size)}
        return {**shown, **self._control.checkpoint(self._current, _stored)}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self.go_on(float(checkpoint["time"]), checkpoint)
        self._control.restore(checkpoint, self._current, self._restored)
        self.step_size, self.counts = float(checkpoint["step_size"]), StepCounts()

    def go_on(self, time: float, fields: Mapping[str, FloatArray]) -> None:
        """Take the state of a snapshot, to the last bit; steps begin at its time."""
        self.time, self._current, end = time, self._restored(fields), self._control.end
        self._control = PlannedSteps(self._plan, time, self._current, carry=False)
        self._control.end = end

    def step(self) -> None:
        """Advance by one step.

        Raises
        ------
        StepError
            If Newton's method does not find the weights, of smaller steps either; the state is kept.
        """
        time, self._current = self._control.take(self._advanced, self.counts)
        self.time, self.step_size = time, time - self.time
        self.counts.accepted += 1

    def _fields(self) -> dict[str, FloatArray]:
        return {**_stored(self._current), **numbers(margin=float(self.margins.min()))}

    def _restored(self, fields: Mapping[str, FloatArray]) -> _NormalisedMeasure:
        density = np.array(fields["density"])
        numbers_of = float(fields["log_mass"]), float(fields["scaled_log_time"])
        return _NormalisedMeasure(density, self._margins_of(density), np.array(fields["multipliers"]), *numbers_of)

    def _start(self, density: FloatArray, log_mass: float) -> _NormalisedMeasure:
        """Normalise a density; the weights of the data are those of its margins."""
        density, log_mass = self._normalised(density, log_mass)
        margins = self._margins_of(density)
        return _NormalisedMeasure(
            density, margins, self._loss.multipliers(margins / self._temperature_at(log_mass)), log_mass, 0.0
        )

    def _temperature_at(self, log_mass: float) -> float:
        return max(math.exp(-max(log_mass, -LARGEST)), LEAST_TEMPERATURE * self._size)

    def _margins_of(self, density: FloatArray) -> FloatArray:
        masses = (density * self._domain.volumes).reshape(self._domain.sheets, -1)
        return np.asarray((self._domain.signs @ masses) @ self._signed)

    def _soft_margin(self, margins: FloatArray, temperature: float) -> float:
        return -temperature * self._loss.log_total(margins / temperature)

    def _advanced(self, start: _NormalisedMeasure, size: float) -> tuple[_NormalisedMeasure, int]:
        """Move and react, or react alone where moving does not help; gives no iterations to learn from."""
        if self._transport > 0.0:
            temperature = self._temperature_at(start.log_mass)
            with suppress(StepError):
                found = self._reacted(start, self._moved(start, size), size)
                if self._soft_margin(found.margins, temperature) >= self._soft_margin(start.margins, temperature):
                    self.moved_steps += 1
                    return found, 0
        return self._reacted(start, start.density, size), 0

    def _reacted(self, start: _NormalisedMeasure, moved: FloatArray, size: float) -> _NormalisedMeasure:
        """Take the proximal step from a density, which is that of the start or has moved."""
        temperature = self._temperature_at(start.log_mass)
        saturation = self._loss.saturation(self._loss.log_weight(start.margins / temperature))
        entropy = FermiDiracEntropy.of(saturation, start.margins.size)
        before = _log_masses(self._domain, moved)
        dual = DualFunction(before, self._signed, size * self._reaction, temperature, entropy)
        found, iterations = dual.minimise(start.multipliers)
        self.counts.evaluations += iterations
        masses = np.exp(found.log_masses)[: self._domain.sheets]
        density = masses.reshape(self._domain.shape) / self._domain.volumes
        density, log_mass = self._normalised(density, start.log_mass + found.log_integral)
        margins = self._margins_of(density)
        before_that = start.scaled_log_time * math.exp(start.log_mass - log_mass)
        scaled_log_time = self._later(before_that, size, margins, log_mass)
        return _NormalisedMeasure(density, margins, found.multipliers, log_mass, scaled_log_time)

    def _later(self, scaled_log_time: float, size: float, margins: FloatArray, log_mass: float) -> float:
        r"""Add the time :math:`e^{-L} \tau` of a step, all in logarithms over the mass."""
        temperature, inverse = self._temperature_at(log_mass), math.exp(-min(max(log_mass, -LARGEST), LARGEST))
        log_rate = self._loss.log_rate(self._loss.log_weight(margins / temperature))
        added = inverse * math.log(size) - temperature * log_rate
        return inverse * float(np.logaddexp(scaled_log_time / inverse, added / inverse))

    def _moved(self, start: _NormalisedMeasure, size: float) -> FloatArray:
        """Density after an upwind step with the velocity of the present weights."""
        rising, density = self._signed @ start.multipliers, start.density
        potential = (-self._domain.signs[:, None] * rising).reshape(self._domain.shape)
        if size * self._scheme.loss_rate(potential) > SAFETY:
            upwind = StepEquations(self._mesh, density.ravel(), size).at(potential.ravel())
            return upwind.carried(self._mesh.volumes * density.ravel()).reshape(self._domain.shape)
        moved = np.empty_like(density)
        self._scheme.euler_stage(density, potential, density, (0.0, 1.0), size, moved)
        return moved

    def _normalised(self, density: FloatArray, log_mass: float) -> tuple[FloatArray, float]:
        """Density of mass 1, and the logarithm of its factor."""
        mass = total_mass(self._domain, density)
        return density / mass, log_mass + math.log(mass)


def _stored(measure: _NormalisedMeasure) -> dict[str, FloatArray]:
    """Copy what a state is restored from."""
    scalars = numbers(log_mass=measure.log_mass, scaled_log_time=measure.scaled_log_time)
    return {"density": measure.density.copy(), "multipliers": measure.multipliers.copy(), **scalars}


def _log_masses(domain: Domain, density: FloatArray) -> FloatArray:
    """Logarithms of the masses of cells on both sheets, shape (2, N); -inf on the second where there is no sign."""
    masses = (density * domain.volumes).reshape(domain.sheets, -1)
    with np.errstate(divide="ignore"):
        logarithms = np.log(masses)
    return logarithms if len(logarithms) == 2 else np.vstack([logarithms, np.full_like(logarithms, -np.inf)])
