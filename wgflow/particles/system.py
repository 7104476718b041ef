r"""A system of particles that moves down the gradient of J, with weights that grow where J is negative.

.. math:: \dot x_j = -\alpha \nabla J(x_j|\mu), \qquad \dot w_j = -\beta J(x_j|\mu)\, w_j, \qquad
          \mu = \sum_j w_j \delta_{x_j}
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from wgflow.errors import ComputationError, InputError
from wgflow.functionals import Functional, ParticlePotential, Particles
from wgflow.schemes.evolution import Snapshot, StepCounts
from wgflow.schemes.explicit import check_factor
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from scipy.integrate import DOP853


class ParticleFlow:
    """The particle system in R^p, by scipy's adaptive Runge-Kutta method of order 8.

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
        Relative and absolute local error of positions and log-weights.
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
        tolerance: float = 1e-8,
        time: float = 0.0,
    ) -> None:
        check_factor("transport", transport)
        check_factor("reaction", reaction)
        check_tolerance(tolerance)
        self._functional, self._start = functional, check_particles(particles)
        self._transport, self._reaction, self._tolerance = transport, reaction, tolerance
        if points is None:
            points = self._project(particles.points)
        growth = np.zeros(len(particles.weights)) if growth is None else growth
        self._state = np.concatenate([points.ravel(), growth])
        self.time, self.step_size, self.counts = time, 0.0, StepCounts()
        self.energy = self.potential.energy
        self._end = math.inf
        self._solver: DOP853[Any] | None = None

    def begin_interval(self, end: float) -> None:
        """Start the integrator anew, and aim at ``end``."""
        from scipy.integrate import DOP853  # takes longer to import than a small run to compute

        self._end = end
        self._solver = DOP853(self._velocity, self.time, self._state, end, rtol=self._tolerance, atol=self._tolerance)

    def step(self) -> None:
        """Advance by one step of the integrator."""
        solver, before = self._solver, self.time
        if solver is None:
            raise ComputationError("begin_interval must be called before the first step")
        message = solver.step()
        if solver.status == "failed" or not np.isfinite(solver.y).all():
            raise ComputationError(f"the particle integrator failed at t = {before:g}: {message}")
        self._state, self.time = solver.y, float(solver.t)
        if self.time == self._end:
            self._state = np.concatenate([part.ravel() for part in self._unpack(solver.y)])
        self.step_size = self.time - before
        self.counts.accepted += 1
        self.energy = self.potential.energy

    @property
    def particles(self) -> Particles:
        """Positions, weights and signs at the current time."""
        return self._particles(self._state)

    @property
    def signs(self) -> FloatArray:
        """Sign of each particle, shape (m,)."""
        return self._start.signs

    @property
    def growth(self) -> FloatArray:
        """Logarithm of each weight over its weight at the start."""
        return self._unpack(self._state)[1]

    @property
    def potential(self) -> ParticlePotential:
        """Energy, potential and gradient at the current time."""
        self.counts.evaluations += 1
        return self._functional.at_particles(self.particles)

    def snapshot(self) -> Snapshot:
        """Copy the current state; the fields are ``position``, ``weight`` and ``growth``."""
        particles, potential = self.particles, self.potential
        points = self._state[: self._start.points.size].reshape(self._start.points.shape)
        return Snapshot(
            time=self.time,
            step_size=self.step_size,
            energy=potential.energy,
            risk=potential.energy - self._functional.penalty(particles.mass),
            mass=particles.mass,
            min_potential=float(potential.potential.min()),
            # The state itself, not scaled once more: a run resumed from it continues bit by bit.
            fields={"position": points.copy(), "weight": particles.weights, "growth": self.growth.copy()},
        )

    def _unpack(self, state: FloatArray) -> tuple[FloatArray, FloatArray]:
        size = self._start.points.size
        points = state[:size].reshape(self._start.points.shape)
        return self._project(points), state[size:]

    def _project(self, points: FloatArray) -> FloatArray:
        """Put points back where the flow lives."""
        return points

    def _tangential(self, gradient: FloatArray, points: FloatArray) -> FloatArray:  # noqa: ARG002
        """Part of a gradient along the set where the flow lives."""
        return gradient

    def _particles(self, state: FloatArray) -> Particles:
        points, growth = self._unpack(state)
        return Particles(points, self._start.weights * np.exp(growth), self._start.signs)

    def _velocity(self, time: float, state: FloatArray) -> FloatArray:  # noqa: ARG002
        self.counts.evaluations += 1
        particles = self._particles(state)
        found = self._functional.at_particles(particles)
        slope = self._tangential(found.gradient, particles.points)
        return np.concatenate([(-self._transport * slope).ravel(), -self._reaction * found.potential])


def check_tolerance(tolerance: float) -> None:
    """Raise InputError unless a tolerance of the integrator is in [1e-13, 1e-1]."""
    if not 1e-13 <= tolerance <= 1e-1:
        raise InputError(f"tolerance = {tolerance!r} is not allowed; give a number from 1e-13 to 0.1")


def check_particles(particles: Particles) -> Particles:
    """Raise InputError unless particles are a nonzero measure."""
    if not (np.isfinite(particles.points).all() and np.isfinite(particles.weights).all()):
        raise InputError("the initial particles hold values that are not finite")
    if particles.weights.size == 0 or particles.weights.min() < 0.0 or particles.mass == 0.0:
        raise InputError("the initial particles need nonnegative weights that are not all zero")
    if not np.isin(particles.signs, (-1.0, 1.0)).all():
        raise InputError("the signs of particles must be +1 or -1")
    return particles
