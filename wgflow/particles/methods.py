r"""How a system of particles advances in time: adaptive and fixed-step Runge-Kutta methods, and descent.

Explicit Euler with step :math:`\gamma` is gradient descent of the network with step size :math:`\gamma`; with the
samples of a batch in the place of the whole risk it is stochastic gradient descent.

References
----------
Bach and Chizat (2022), Sections 2.2 and 3.2; the multiplicative steps are those of Chizat, "Sparse optimization on
measures with over-parameterized gradient descent" (2022), Section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from wgflow.errors import ComputationError, InputError
from wgflow.functionals import Functional, ParticlePotential
from wgflow.schemes.evolution import Checkpoint, numbers
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Step:
    """What a step leads to.

    Parameters
    ----------
    time : float
        New time.
    state : array
        New state.
    energy : float or None
        Energy of the samples that led there, where the whole risk was not evaluated.
    """

    time: float
    state: FloatArray
    energy: float | None = None


class Advance(Protocol):
    """Steps of a method within an interval."""

    def __call__(self) -> Step:
        """Make one step."""

    def checkpoint(self) -> Checkpoint:
        """Copy what determines the next steps beside time and state."""

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on within the interval of a checkpoint."""


class System(Protocol):
    """What a method may ask of the particles that it moves; a state holds all points, then all log-weights."""

    @property
    def functional(self) -> Functional:
        """The functional F."""

    @property
    def components(self) -> int:
        """Number of components of a point."""

    def potential_at(self, state: FloatArray, functional: Functional | None = None) -> ParticlePotential:
        """Energy, potential and gradient at a state, of F or of another functional."""

    def rate(self, state: FloatArray, found: ParticlePotential) -> FloatArray:
        """Rate of change of a state with the given potential and gradient."""

    def descended(self, state: FloatArray, found: ParticlePotential, step: float) -> FloatArray:
        """State after a step of gradient descent in the ambient space."""

    def retracted(self, state: FloatArray) -> FloatArray:
        """State with its points put back where the flow lives."""

    def diffused(self, state: FloatArray, time: float, generator: np.random.Generator) -> FloatArray:
        """State after Brownian motion of its points at the temperature of F for a time."""


class Method(Protocol):
    """A time-stepping method."""

    def begin(self, system: System, time: float, state: FloatArray, end: float) -> Advance:
        """Aim at ``end``; give what makes the steps."""


@dataclass(frozen=True)
class Adaptive:
    """Scipy's Runge-Kutta method of order 8 with error control.

    Parameters
    ----------
    tolerance : float
        Relative and absolute local error of positions and log-weights, in [1e-13, 0.1].

    Raises
    ------
    InputError
        If the tolerance is not allowed.
    """

    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        if not 1e-13 <= self.tolerance <= 1e-1:
            raise InputError(f"tolerance = {self.tolerance!r} is not allowed; give a number from 1e-13 to 0.1")

    def begin(self, system: System, time: float, state: FloatArray, end: float) -> Advance:
        """Start the integrator."""
        return _Integration(system, time, state, end, self.tolerance)


class _Integration:
    """Steps of scipy's integrator."""

    def __init__(self, system: System, time: float, state: FloatArray, end: float, tolerance: float) -> None:
        from scipy.integrate import DOP853  # takes longer to import than a small run to compute

        def velocity(_: float, state: FloatArray) -> FloatArray:
            return system.rate(state, system.potential_at(state))

        self._system = system
        self._solver: Any = DOP853(velocity, time, state, end, rtol=tolerance, atol=tolerance)

    def __call__(self) -> Step:
        """Make one step."""
        solver = self._solver
        before = solver.t
        message = solver.step()
        if solver.status == "failed":
            raise ComputationError(f"the particle integrator failed at t = {before:g}: {message}")
        return Step(float(solver.t), self._system.retracted(solver.y) if solver.t == solver.t_bound else solver.y)

    def checkpoint(self) -> Checkpoint:
        """Copy the step size that the error control wants, and the rate of change with which the next step begins."""
        return {"rate": self._solver.f.copy(), **numbers(wanted_step=self._solver.h_abs)}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on within the interval of a checkpoint."""
        self._solver.f, self._solver.h_abs = checkpoint["rate"], float(checkpoint["wanted_step"])


@dataclass(frozen=True)
class RungeKutta4:
    """The classical Runge-Kutta method of order 4 with equal steps.

    Parameters
    ----------
    step : float
        Step size; steps are shortened evenly where they do not divide the time between two outputs.

    Raises
    ------
    InputError
        If the step is not positive.
    """

    step: float

    def __post_init__(self) -> None:
        check_step(self.step)

    def begin(self, system: System, time: float, state: FloatArray, end: float) -> Advance:
        """Divide the interval."""

        def velocity(state: FloatArray) -> FloatArray:
            return system.rate(state, system.potential_at(state))

        def update(state: FloatArray, size: float, iteration: int) -> tuple[FloatArray, None]:  # noqa: ARG001
            first = velocity(state)
            second = velocity(state + 0.5 * size * first)
            third = velocity(state + 0.5 * size * second)
            fourth = velocity(state + size * third)
            return system.retracted(state + size / 6.0 * (first + 2.0 * (second + third) + fourth)), None

        return equal_steps(update, self.step, time, state, end)


@dataclass(frozen=True)
class Descent:
    r"""Gradient descent, with the whole risk or with the samples of a batch.

    Without reaction, points move by :math:`x \leftarrow x - \gamma \nabla J`. On the sphere the neuron
    :math:`r \eta` moves by the same rule, so that weights :math:`r^2` and directions change together; there,
    ``multiplicative`` takes :math:`w \leftarrow w e^{-\gamma \beta J}` and moves the direction on its own.

    Parameters
    ----------
    step : float
        Step size; steps are shortened evenly where they do not divide the time between two outputs.
    batch : int or None
        Number of samples that each step draws: from the data, with replacement, or fresh Gaussian inputs for the
        population risk; None for the whole risk.
    seed : int
        Seed of the samples. Those of each iteration depend on its number alone, so that a run can be resumed.
    multiplicative : bool
        Whether weights are multiplied by exponentials (mirror descent on weights).

    Raises
    ------
    InputError
        If an option is not allowed.
    """

    step: float
    batch: int | None = None
    seed: int = 0
    multiplicative: bool = False

    def __post_init__(self) -> None:
        check_step(self.step)
        if self.batch is not None and self.batch < 1:
            raise InputError(f"batch = {self.batch!r} is not allowed; give the number of samples, at least 1")

    def begin(self, system: System, time: float, state: FloatArray, end: float) -> Advance:
        """Divide the interval; iterations are numbered from the time 0 on."""
        self.check_samples(system)

        def update(state: FloatArray, size: float, iteration: int) -> tuple[FloatArray, float | None]:
            return self.descend(system, state, size, iteration)

        return equal_steps(update, self.step, time, state, end)

    def descend(
        self, system: System, state: FloatArray, size: float, iteration: int
    ) -> tuple[FloatArray, float | None]:
        """Do one step; give the state, and the energy of the samples where there are any."""
        found = system.potential_at(state, self.sample(system, iteration))
        energy = None if self.batch is None else found.energy
        if self.multiplicative:
            return system.retracted(state + size * system.rate(state, found)), energy
        return system.descended(state, found, size), energy

    def generator(self, iteration: int) -> np.random.Generator:
        """Random numbers of one iteration."""
        return random_numbers(self.seed, BATCH_STREAM, iteration)

    def check_samples(self, system: System) -> None:
        """Raise InputError where samples are wanted and there are none."""
        if self.batch is not None:
            system.functional.sampled(1, self.generator(0), system.components)

    def sample(self, system: System, iteration: int) -> Functional | None:
        """Functional of the samples of one iteration; None for the whole risk."""
        if self.batch is None:
            return None
        return system.functional.sampled(self.batch, self.generator(iteration), system.components)


BATCH_STREAM = 1  # of the random numbers of a seed
Update = Callable[[FloatArray, float, int], tuple[FloatArray, float | None]]


def random_numbers(seed: int, stream: int, iteration: int) -> np.random.Generator:
    """Random numbers of one iteration, which depend on nothing else, so that a run can be resumed."""
    key = np.random.SeedSequence((seed, stream)).generate_state(2, np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, iteration]))


def check_step(step: float) -> None:
    """Raise InputError unless a step size is positive and finite."""
    if not 0.0 < step < math.inf:
        raise InputError(f"step = {step!r} is not allowed; give a positive number")


def equal_steps(update: Update, step: float, time: float, state: FloatArray, end: float) -> Advance:
    """Make equal steps of at most ``step`` that end at ``end``; their numbers count from the time 0 on."""
    return _EqualSteps(update, step, time, state, end)


class _EqualSteps:
    """Equal steps of an update; the start of the interval and the number of steps done say where they stand."""

    def __init__(self, update: Update, step: float, time: float, state: FloatArray, end: float) -> None:
        self._update, self._step, self._state, self._end = update, step, state, end
        self._divide(time)

    def _divide(self, time: float) -> None:
        """Begin at a time."""
        self._begun, self._done = time, 0
        self._count = max(1, math.ceil((self._end - time) / self._step * (1.0 - 1e-12)))
        self._size, self._first = (self._end - time) / self._count, round(time / self._step)

    def __call__(self) -> Step:
        """Make one step."""
        # Divergence is reported by the flow, once, and not by a warning for each operation.
        with np.errstate(over="ignore", invalid="ignore"):
            self._state, energy = self._update(self._state, self._size, self._first + self._done)
        self._done += 1
        time = self._end if self._done == self._count else self._begun + self._done * self._size
        return Step(time, self._state, energy)

    def checkpoint(self) -> Checkpoint:
        """Give where the interval began, and how many steps are done; random numbers depend on the number alone."""
        return numbers(begun=self._begun, done=self._done)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on within the interval of a checkpoint."""
        self._divide(float(checkpoint["begun"]))
        self._done = int(checkpoint["done"])
