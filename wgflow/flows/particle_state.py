"""The state of particles that move and change their mass: positions, log-weights, and F and J there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wgflow.domains.geometry import Flat, Geometry
from wgflow.flows.checks import check_factor
from wgflow.flows.evolution import Scalars, Snapshot, StepCounts
from wgflow.flows.labels import FLOW_LABELS
from wgflow.functionals import Functional, ParticlePotential
from wgflow.measures import Particles
from wgflow.measures.placement import check_particles
from wgflow.typing import FloatArray


class ParticleState:
    """Particles with F, in one row of numbers: all points, then the logarithms of weights over those at the start.

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
    geometry : Geometry, optional
        The set that the particles move on; by default R^p.
    time : float
        Time at the start.

    Raises
    ------
    InputError
        If an argument is not allowed.
    """

    labels = FLOW_LABELS

    def __init__(
        self,
        functional: Functional,
        particles: Particles,
        *,
        points: FloatArray | None = None,
        growth: FloatArray | None = None,
        transport: float = 1.0,
        reaction: float = 0.0,
        geometry: Geometry | None = None,
        time: float = 0.0,
    ) -> None:
        check_factor("transport", transport)
        check_factor("reaction", reaction)
        self.functional, self._start = functional, check_particles(particles)
        self._geometry = Flat(particles.points.shape[1]) if geometry is None else geometry
        self._transport, self._reaction = transport, reaction
        if points is None:
            points = self._geometry.project(particles.points)
        growth = np.zeros(len(particles.weights)) if growth is None else growth
        self._state = np.concatenate([points.ravel(), growth])
        self.time, self.step_size, self.counts = time, 0.0, StepCounts()
        self._found: ParticlePotential | None = None

    @property
    def energy(self) -> float:
        """F of the current state, without entropies."""
        return self.potential.energy

    @property
    def particles(self) -> Particles:
        """Positions, weights and signs at the current time."""
        return self._particles(self._state)

    @property
    def measure(self) -> Particles:
        """The particles."""
        return self.particles

    @property
    def signs(self) -> FloatArray:
        """Sign of each particle, shape (m,)."""
        return self._start.signs

    @property
    def growth(self) -> FloatArray:
        """Logarithm of each weight over its weight at the start."""
        return self._unpack(self._state)[1]

    @property
    def components(self) -> int:
        """Number of components of a point."""
        return self._start.points.shape[1]

    @property
    def potential(self) -> ParticlePotential:
        """Energy, potential and gradient at the current time."""
        return self.potential_at(self._state)

    def potential_at(self, state: FloatArray, functional: Functional | None = None) -> ParticlePotential:
        """Energy, potential and gradient at a state, of F or of another functional; once for the current state."""
        current = functional is None and state is self._state
        if current and self._found is not None:
            return self._found
        self.counts.evaluations += 1
        found = (functional or self.functional).at_particles(self._particles(state))
        if current:
            self._found = found
        return found

    def scalars(self) -> Scalars:
        """Scalars of the current state."""
        mass, found = float(self._weights.sum()), self.potential
        return Scalars(found.energy - self.functional.penalty(mass), mass, float(found.potential.min()))

    def snapshot(self) -> Snapshot:
        """Copy the current state; the fields are ``position``, ``weight`` and ``growth``."""
        energy, moved = self.potential.energy, self._moved()
        fields = {"position": moved["position"], "weight": self._weights, "growth": moved["growth"]}
        return Snapshot(self.time, self.step_size, energy, *self.scalars(), fields)

    @property
    def _weights(self) -> FloatArray:
        return self._start.weights * np.exp(self.growth)

    def _moved(self) -> dict[str, FloatArray]:
        """Copy the state itself, not scaled once more: a run resumed from it continues bit by bit."""
        points = self._state[: self._start.points.size].reshape(self._start.points.shape)
        return {"position": points.copy(), "growth": self.growth.copy()}

    def _unpack(self, state: FloatArray) -> tuple[FloatArray, FloatArray]:
        size = self._start.points.size
        points = state[:size].reshape(self._start.points.shape)
        return self._geometry.project(points), state[size:]

    def _particles(self, state: FloatArray) -> Particles:
        points, growth = self._unpack(state)
        return replace(self._start, points=points, weights=self._start.weights * np.exp(growth))
