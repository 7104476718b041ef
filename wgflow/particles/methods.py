r"""How a system of particles advances in time: adaptive and fixed-step Runge-Kutta methods, and descent.

Explicit Euler with step :math:`\gamma` is gradient descent of the network with step size :math:`\gamma`; with the
samples of a batch in the place of the whole risk it is stochastic gradient descent.

References
----------
Bach and Chizat (2022), Sections 2.2 and 3.2; the multiplicative steps are those of Chizat, "Sparse optimization on
measures with over-parameterized gradient descent" (2022), Section 2.3. Random batches of particles that interact are
those of Jin, Li and Liu (2020), J. Comput. Phys. 400, 108877.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import InitVar, dataclass
from typing import Any, ClassVar

import numpy as np

from wgflow.errors import ComputationError, InputError, WgflowError
from wgflow.flows.evolution import Checkpoint, numbers
from wgflow.flows.whole_steps import WholeSteps
from wgflow.functionals import Functional
from wgflow.functionals.samples import sampled
from wgflow.measures.randomness import drawn_seed, random_numbers
from wgflow.particles.contract import Advance, Step, System
from wgflow.particles.first_step import first_step
from wgflow.typing import FloatArray

PARTICLE_TOLERANCE = 1e-6  # by default: far below the error of the number of particles
LEAST_TOLERANCE = 100.0 * float(np.finfo(np.float64).eps)  # relative, of scipy's integrator: that of round-off
REDUCTION = 0.2  # of a step of the integrator where F is not defined: that of scipy's error control, at most
LEAST_STEP = 10.0  # over the spacing of numbers


@dataclass(frozen=True)
class Adaptive:
    """Scipy's Runge-Kutta method of order 8 with error control.

    It takes the same steps for any outputs. Those within a step are read off a polynomial of order 7, whose error is
    up to some times the tolerance, while that at the ends of steps is mostly below. Near rest, where stability alone
    bounds the steps, both are about a hundred times the tolerance. Particles that come as near as that to a sample
    that holds them, by the peak of its kernel, are put there, and rest.

    Parameters
    ----------
    tolerance : float
        Local error, in [1e-13, 0.1]: of log-weights, and of positions relative to the standard deviation of the
        particles at the start, or their distance from where their mean was then; on spheres relative to 1.

    Raises
    ------
    InputError
        If the tolerance is not allowed.

    Examples
    --------
    >>> from wgflow import Adaptive
    >>> Adaptive()
    Adaptive(tolerance=1e-06)
    """

    tolerance: float = PARTICLE_TOLERANCE
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 1e-13 <= self.tolerance <= 1e-1:
            raise InputError(f"tolerance = {self.tolerance!r} is not allowed; give a number from 1e-13 to 0.1")

    def begin(self, system: System, time: float, state: FloatArray) -> Advance:
        """Start the integrator."""
        return _Integration(system, time, state, self.tolerance)


class _Integration:
    """Steps of scipy's integrator, which outputs do not change: where it is ahead they see a polynomial."""

    def __init__(self, system: System, time: float, state: FloatArray, tolerance: float) -> None:
        from scipy.integrate import DOP853  # takes longer to import than a small run to compute

        def velocity(_: float, state: FloatArray) -> FloatArray:
            return system.rate(state, system.potential_at(state))

        self._system, self._shown = system, time
        self._tolerance, sizes = tolerance, system.sizes(state)
        system.settled(state, np.zeros_like(state), 0.0)  # some may rest there
        first = first_step(lambda moved: velocity(time, moved), state, sizes, tolerance)
        precision: Any = {"rtol": LEAST_TOLERANCE, "atol": tolerance * sizes}
        self._solver: Any = DOP853(velocity, time, state, math.inf, first_step=first, **precision)
        self._settle(state, 0.0)
        self._before = self._stage()
        self._polynomial: Callable[[float], FloatArray] | None = None

    def __call__(self, end: float) -> Step:
        """Go to the end of the integrator's step, or to an output within it."""
        solver = self._solver
        if self._shown >= solver.t:
            self._integrate()
        self._shown = min(end, float(solver.t))
        return Step(self._shown, solver.y if self._shown == solver.t else self._between())

    def checkpoint(self) -> Checkpoint:
        """Copy where the integrator stands; where it is ahead, where it stood before its last step.

        These are the rate of change with which its next step begins, and the step size that the error control wants.
        """
        if self._shown == self._solver.t:
            time, _, rate, size = self._stage()
            return {"rate": rate.copy(), **numbers(wanted_step=size, base_time=time)}
        time, state, rate, size = self._before
        return {"base_state": state.copy(), "rate": rate.copy(), **numbers(wanted_step=size, base_time=time)}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint: the last step of an integrator that was ahead is done once more."""
        solver = self._solver
        ahead = "base_state" in checkpoint
        solver.t, solver.f = float(checkpoint["base_time"]), checkpoint["rate"]
        solver.y, solver.h_abs = checkpoint["base_state"] if ahead else solver.y, float(checkpoint["wanted_step"])
        self._system.settled(solver.y, solver.f, 0.0)
        if ahead:
            self._integrate()
            self._between()  # known before the interruption: the counts are those of a run that goes on

    def _stage(self) -> tuple[float, FloatArray, FloatArray, float]:
        """Time, state, rate of change and wanted step of the integrator, which replaces these arrays at each step."""
        solver = self._solver
        return float(solver.t), solver.y, solver.f, float(solver.h_abs)

    def _integrate(self) -> None:
        """Do a step of the integrator; its points are put back where the flow lives, lest they depart from there."""
        solver, self._before, self._polynomial = self._solver, self._stage(), None
        message: str | None = None
        solver.atol = self._tolerance * self._system.sizes(solver.y)
        while solver.t == self._before[0] and solver.status != "failed":
            with np.errstate(over="ignore", invalid="ignore"):  # of trials that the error control rejects
                message = self._tried()
        if solver.status == "failed":
            raise ComputationError(f"the particle integrator failed at t = {solver.t:g}: {message}")
        self._settle(self._system.retracted(solver.y), min(self._tolerance * math.sqrt(solver.y.size), 1.0))

    def _settle(self, state: FloatArray, share: float) -> None:
        """Go on from a state where particles rest that are as near as a share of their sizes to what holds them.

        The error control is of the root mean square of n numbers: it allows one of them the tolerance times the root
        of n. The next step ends, at the latest, half of that before another one arrives: behind, velocities are others.
        """
        solver = self._solver
        solver.y, settled = state, self._system.settled(state, solver.f, share)
        if settled is not state:
            self._polynomial = solver.dense_output()  # by the rate before, not that at rest
            solver.y, solver.f = settled, solver.fun(solver.t, settled)
        solver.h_abs = min(solver.h_abs, (1.0 - 0.5 * share) * self._system.arrival(solver.y, solver.f))

    def _tried(self) -> str | None:
        """Try a step; where F is not defined, perhaps behind the last output, the next one to try is smaller."""
        solver, message = self._solver, None
        try:
            message = solver.step()
        except WgflowError:
            solver.h_abs *= REDUCTION
            if solver.h_abs < LEAST_STEP * np.spacing(abs(solver.t)):
                raise
        return message

    def _between(self) -> FloatArray:
        """State at an output within the last step."""
        if self._polynomial is None:
            self._polynomial = self._solver.dense_output()
        return self._system.retracted(self._polynomial(self._shown))


@dataclass(frozen=True)
class RungeKutta4:
    """The classical Runge-Kutta method of order 4 with equal steps.

    Parameters
    ----------
    step : float
        Step size. Steps begin at the start of the run; an output between two ends a shorter one aside.

    Raises
    ------
    InputError
        If the step is not positive.

    Examples
    --------
    >>> well, start = wgflow.Potential(lambda x: 0.5 * (x**2).sum(axis=-1)), wgflow.Particles([[1.0]], [1.0])
    >>> flow = wgflow.simulate(well, start, 1.0, domain=wgflow.Space(1), method=wgflow.RungeKutta4(0.1))
    >>> float(round(flow.position[-1, 0, 0], 5))  # exp(-1) = 0.36788
    0.36788
    """

    step: float
    tolerance: ClassVar[None] = None
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_step(self.step)

    def begin(self, system: System, time: float, state: FloatArray) -> Advance:
        """Start at a state."""

        def velocity(state: FloatArray) -> FloatArray:
            return system.rate(state, system.potential_at(state))

        def update(state: FloatArray, size: float, iteration: int) -> tuple[FloatArray, None]:  # noqa: ARG001
            first = velocity(state)
            second = velocity(state + 0.5 * size * first)
            third = velocity(state + 0.5 * size * second)
            fourth = velocity(state + size * third)
            return system.retracted(state + size / 6.0 * (first + 2.0 * (second + third) + fourth)), None

        return equal_steps(update, self.step, time, state)


@dataclass(frozen=True)
class Descent:
    r"""Gradient descent, with the whole functional or with the samples of a batch.

    Without reaction, points move by :math:`x \leftarrow x - \gamma \nabla J`. On the sphere the neuron
    :math:`r \eta` moves by the same rule, so that weights :math:`r^2` and directions change together; there,
    ``multiplicative`` takes :math:`w \leftarrow w e^{-\gamma \beta J}` and moves the direction on its own.

    Parameters
    ----------
    step : float
        Step size. Steps begin at the start of the run; an output between two ends a shorter one aside.
    batch : int or None
        Number of samples that each step draws: from the data, with replacement, or fresh Gaussian inputs for the
        population risk; None for the whole risk. Particles that interact, and the samples of a `KernelDiscrepancy`,
        are dealt to random batches of at least this number, and act within their batch alone.
    seed : int
        Seed of the samples. Those of each iteration depend on its number alone, so that a run can be resumed.
    multiplicative : bool
        Whether weights are multiplied by exponentials (mirror descent on weights).
    rng : numpy.random.Generator, optional
        Draws the seed.

    Raises
    ------
    InputError
        If an option is not allowed.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Descent
    >>> Descent(0.1, batch=8, rng=np.random.default_rng(0)) == Descent(0.1, batch=8, rng=np.random.default_rng(0))
    True
    """

    step: float
    batch: int | None = None
    seed: int = 0
    multiplicative: bool = False
    rng: InitVar[np.random.Generator | None] = None
    tolerance: ClassVar[None] = None

    @property
    def deterministic(self) -> bool:
        """Whether all samples count in each step."""
        return self.batch is None

    def __post_init__(self, rng: np.random.Generator | None) -> None:
        if rng is not None:
            object.__setattr__(self, "seed", drawn_seed(rng))
        check_step(self.step)
        if self.batch is not None and self.batch < 1:
            raise InputError(f"batch = {self.batch!r} is not allowed; give the number of samples, at least 1")

    def begin(self, system: System, time: float, state: FloatArray) -> Advance:
        """Start at a state; iterations are numbered from the time 0 on."""
        self.check_samples(system)

        def update(state: FloatArray, size: float, iteration: int) -> tuple[FloatArray, float | None]:
            return self.descend(system, state, size, iteration)

        return equal_steps(update, self.step, time, state)

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
        """Raise InputError where samples are wanted and there are none, or they are too few."""
        self.sample(system, 0)

    def sample(self, system: System, iteration: int) -> Functional | None:
        """Functional of the samples of one iteration; None for the whole risk."""
        if self.batch is None:
            return None
        return sampled(system.functional, self.batch, self.generator(iteration), system.components)


BATCH_STREAM = 1  # of the random numbers of a seed
Update = Callable[[FloatArray, float, int], tuple[FloatArray, float | None]]


def check_step(step: float) -> None:
    """Raise InputError unless a step size is positive and finite."""
    if not 0.0 < step < math.inf:
        raise InputError(f"step = {step!r} is not allowed; give a positive number")


def equal_steps(update: Update, step: float, time: float, state: FloatArray) -> Advance:
    """Make steps of the size ``step``, and shorter ones aside; their numbers count from the time 0 on."""
    return _EqualSteps(update, step, time, state)


class _EqualSteps:
    """Equal steps of an update; a step aside has the number of the whole one in whose place it is done."""

    def __init__(self, update: Update, step: float, time: float, state: FloatArray) -> None:
        self._update, self._step, self._shown = update, step, state
        self._steps, self._first = WholeSteps(time, state, step), round(time / step)

    def __call__(self, end: float) -> Step:
        """Do a whole step, or one aside to an output."""
        steps, step = self._steps, self._step
        energy = None
        if not steps.meet(end, step):
            whole = steps.admit(end, step)
            self._shown, energy = self._updated(step if whole else end - steps.time)
            if not whole:
                return Step(end, self._shown, energy)
            steps.add(step, self._shown)
        return Step(steps.shown_time(end, step), self._shown, energy)

    def checkpoint(self) -> Checkpoint:
        """Copy the time of the last whole step, and its state where another is shown; random numbers need no more."""
        aside = {} if self._shown is self._steps.state else {"base_state": self._steps.state.copy()}
        return {**aside, **self._steps.checkpoint()}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self._steps.restore(checkpoint, checkpoint.get("base_state", self._shown))
        self._first = round(float(checkpoint["whole_begun"]) / self._step)

    def _updated(self, size: float) -> tuple[FloatArray, float | None]:
        """State a step of some size after the last whole one, and its energy."""
        # Divergence is reported by the flow, once, and not by a warning for each operation.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._update(self._steps.state, size, self._first + self._steps.done)
