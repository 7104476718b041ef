r"""A system of particles that moves down the gradient of J, with weights that grow where J is negative.

.. math:: \dot x_j = -\alpha \nabla J(x_j|\mu), \qquad \dot w_j = -\beta J(x_j|\mu)\, w_j, \qquad
          \mu = \sum_j w_j \delta_{x_j}
"""

from __future__ import annotations

import math

import numpy as np

from wgflow.domains.geometry import Geometry
from wgflow.errors import ComputationError, InputError
from wgflow.flows.checks import check_factor
from wgflow.flows.evolution import Checkpoint, Scalars, StepCounts, numbers
from wgflow.flows.particle_state import ParticleState
from wgflow.functionals import Functional, ParticlePotential
from wgflow.functionals.energies.difference_costs import warn_of_differences
from wgflow.measures import Particles
from wgflow.measures.particles import extent_of
from wgflow.particles.contract import Advance, Method, Step
from wgflow.particles.decay import DecayWatch
from wgflow.particles.holding import Holding
from wgflow.particles.langevin import Langevin
from wgflow.particles.methods import PARTICLE_TOLERANCE, Adaptive
from wgflow.typing import FloatArray


class ParticleFlow(ParticleState):
    """The particle system in R^p, or on a set in R^p to which its points are projected.

    Parameters
    ----------
    functional : Functional
        The functional F.
    particles : Particles
        Start.
    points, growth : arrays, shapes (m, p) and (m,), optional
        Positions and logarithm of weight over ``particles.weights`` at ``time``, where a flow is resumed.
    transport, reaction : float
        The factors alpha and beta.
    tolerance : float
        Relative local error of positions and log-weights of the default method, `Adaptive`.
    method : Adaptive, RungeKutta4, Descent or Langevin, optional
        How the system advances in time; `Langevin` where F has an entropy, and only without reaction.
    input_rate : float
        Rate of the components after the first over that of the first: of the input weights over the output weight
        of neurons (a, b).
    geometry : Geometry, optional
        The set that the particles move on; by default R^p. Noise is reflected at its walls, and goes round at periodic
        ends.
    time : float
        Time at the start.

    Raises
    ------
    InputError
        If an argument is not allowed.
    """

    def __init__(
        self,
        functional: Functional,
        particles: Particles,
        *,
        points: FloatArray | None = None,
        growth: FloatArray | None = None,
        transport: float = 1.0,
        reaction: float = 0.0,
        tolerance: float = PARTICLE_TOLERANCE,
        method: Method | None = None,
        input_rate: float = 1.0,
        geometry: Geometry | None = None,
        time: float = 0.0,
    ) -> None:
        factors = {"transport": transport, "reaction": reaction}
        super().__init__(functional, particles, points=points, growth=growth, geometry=geometry, time=time, **factors)
        check_factor("input_rate", input_rate)
        self._method = Adaptive(tolerance) if method is None else method
        _check_noise(functional.temperature, self._method, reaction)
        warn_of_differences(functional, len(particles.weights))
        self._rates = np.full(particles.points.shape[1], transport * input_rate)
        self._rates[0] = transport
        self._watch = DecayWatch(functional, self._method.tolerance)
        self._sampled_energy: float | None = None
        self._advance: Advance | None = None
        at_one_rate = transport > 0.0 and input_rate == 1.0
        anchors = functional.anchors if at_one_rate else ()
        self._holdings = [Holding(points, particles.signs) for points in anchors]
        self._end = time

    def begin_interval(self, end: float) -> None:
        """Aim at ``end``; the method starts with the first aim, and goes on across all others."""
        self._end = end
        if self._advance is None:
            self._advance = self._method.begin(self, self.time, self._state)

    def checkpoint(self) -> Checkpoint:
        """Copy positions, growth, the aim, and what determines the next steps of the method."""
        sampled = np.nan if self._sampled_energy is None else self._sampled_energy
        aim = numbers(time=self.time, end=self._end, step_size=self.step_size, sampled_energy=sampled)
        aim |= numbers(potential_known=self._found is not None)
        method = {} if self._advance is None else self._advance.checkpoint()
        return {**self._moved(), **aim, **self._watch.checkpoint(), **method}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self.begin_interval(float(checkpoint["end"]))
        self.step_size, sampled = float(checkpoint["step_size"]), float(checkpoint["sampled_energy"])
        if self._advance is not None:
            self._advance.restore(checkpoint)
        self._watch.restore(checkpoint)
        self._sampled_energy = None if np.isnan(sampled) else sampled
        if checkpoint["potential_known"]:
            _ = self.potential  # the counts are those of a run that goes on
        self.counts = StepCounts()

    def step(self) -> None:
        """Advance by one step of the method.

        Raises
        ------
        ComputationError
            If the method failed or the particles diverged; the state before the step is kept.
        """
        if self._advance is None:
            raise ComputationError("begin_interval must be called before the first step")
        step = self._advance(self._end)
        if not np.isfinite(step.state).all():
            raise ComputationError(
                f"the particles diverged after t = {self.time:g}: a position or weight is not finite; "
                "choose a smaller step"
            )
        if step.state is not self._state:
            self._move(step)
        self.time, self.step_size = step.time, step.time - self.time
        self.counts.accepted += 1

    def _move(self, step: Step) -> None:
        """Take over a new state, in which F must not have risen if nothing but F moves the particles."""
        found = None
        if self._method.deterministic:
            before, found = self.potential, self.potential_at(step.state)
            weights = self._particles(step.state).weights
            self._watch.check(before, found, weights, lambda: self.sizes(step.state), step.time)
        self._state, self._sampled_energy, self._found = step.state, step.energy, found

    @property
    def energy(self) -> float:
        """F of the current state, without entropies; of the samples of the last batch in stochastic descent."""
        return self.potential.energy if self._sampled_energy is None else self._sampled_energy

    def sizes(self, state: FloatArray) -> FloatArray:
        """Sizes to which errors are relative: 1 for log-weights, for points their extent at the start or their way."""
        points, growth = self._unpack(state)
        away = np.linalg.norm(points - self._start.points.mean(axis=0), axis=1)
        sizes = np.maximum(away, extent_of(self._start.points))
        return np.concatenate([np.repeat(sizes, points.shape[1]), np.ones(growth.size)])

    def rate(self, state: FloatArray, found: ParticlePotential) -> FloatArray:
        """Rate of change of a state with the given potential and gradient."""
        points, growth = self._unpack(state)
        slope = self._geometry.tangential(points, found.gradient)
        for holding in self._holdings:
            slope = holding.slowed(points, self._start.weights * np.exp(growth), slope)
        return np.concatenate([(-self._rates * slope).ravel(), -self._reaction * found.potential])

    def settled(self, state: FloatArray, rate: FloatArray, share: float) -> FloatArray:
        """State, changing at a rate, whose particles are put where they are held, within a share of their sizes."""
        if not self._holdings:
            return state
        points, growth = self._unpack(state)
        reach = share * self.sizes(state)[: points.size : points.shape[1]]
        weights, slope = self._start.weights * np.exp(growth), self._slope_of(rate)
        for holding in self._holdings:
            settled = holding.settled(points, weights, slope, reach)
            if settled is not points:
                points, state = settled, np.concatenate([settled.ravel(), growth])
        return state

    def arrival(self, state: FloatArray, rate: FloatArray) -> float:
        """Time until the first particle arrives where it will be held, if all move on as they do; perhaps inf."""
        if not self._holdings:
            return math.inf
        points, growth = self._unpack(state)
        weights, slope = self._start.weights * np.exp(growth), self._slope_of(rate)
        return min(holding.arrival(points, weights, slope) for holding in self._holdings) / self._transport

    def _slope_of(self, rate: FloatArray) -> FloatArray:
        """Slopes of J that give the rate of change of a state, where all components move at one rate."""
        shape = self._start.points.shape
        return -rate[: math.prod(shape)].reshape(shape) / self._transport

    def descended(self, state: FloatArray, found: ParticlePotential, step: float) -> FloatArray:
        """State after a step of gradient descent, ``x - step grad J``.

        Raises
        ------
        InputError
            If weights change: then only the multiplicative form keeps them positive.
        """
        if self._reaction > 0.0:
            raise InputError(
                f"descent with reaction = {self._reaction:g} is not available in R^p; choose the multiplicative form"
            )
        return state + step * self.rate(state, found)

    def retracted(self, state: FloatArray) -> FloatArray:
        """State with its points put back where the flow lives."""
        return np.concatenate([part.ravel() for part in self._unpack(state)])

    def diffused(self, state: FloatArray, time: float, generator: np.random.Generator) -> FloatArray:
        """State after Brownian motion of its points at the temperature of F for a time."""
        variance = 2.0 * self.functional.temperature * time * self._rates
        if not variance.any():
            return state
        points, growth = self._unpack(state)
        moved = self._geometry.wander(points, variance, generator.standard_normal(points.shape))
        return np.concatenate([moved.ravel(), growth])

    def scalars(self) -> Scalars:
        """Scalars of the current state; risk and J are NaN after a step of stochastic descent, which has samples."""
        if self._sampled_energy is not None and self._found is None:
            return Scalars(np.nan, float(self._weights.sum()), np.nan)
        return super().scalars()


def _check_noise(temperature: float, method: Method, reaction: float) -> None:
    """Raise InputError unless noise comes where F has an entropy, and without reaction."""
    noisy = isinstance(method, Langevin)
    if temperature > 0.0 and not noisy:
        raise InputError(
            f"F has an entropy of temperature {temperature:g}, which particles follow by noise and "
            f"{type(method).__name__} does not give; choose the method Langevin(step), or a grid"
        )
    if noisy and reaction > 0.0:
        raise InputError(
            f"Langevin steps with reaction = {reaction:g} are not available: noisy particles do not change their "
            "weights; give reaction = 0, or use a grid"
        )
