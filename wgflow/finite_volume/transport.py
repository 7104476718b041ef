"""Transport with a velocity from outside in time: explicit steps as of the flow, without an energy that falls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import ComputationError, InputError
from wgflow.finite_volume.explicit import (
    ERROR_ROUND_OFF,
    EXPLICIT_TOLERANCE,
    FIRST_CHANGE,
    MAX_ATTEMPTS,
    NEGLIGIBLE,
    POSITIVITY_SAFETY,
)
from wgflow.finite_volume.runge_kutta import SSPRK43, find_method
from wgflow.finite_volume.velocities import FaceFlows, GivenVelocity
from wgflow.flows.evolution import Checkpoint, GridScalars, Scalars, Snapshot, StepCounts, numbers
from wgflow.flows.labels import TRANSPORT_LABELS
from wgflow.flows.step_control import StepController, check_tolerance
from wgflow.functionals import PowerEnergy
from wgflow.measures.checks import check_density
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import make_given_scheme
from wgflow.upwind.scheme import Stage, StageWatch

HALF_SQUARE = PowerEnergy(2.0, 0.5)  # half the integral of the squared density, what is told in the place of F
NO_STATIONARITY = "stationarity needs an energy that falls, which transport by a velocity from outside has not"
SOME_TIME = math.sqrt(0.5)  # of no period: a steady velocity has the same values there as at time 0
STEADY_ROUND_OFF = 1e-12  # of the largest value
KEPT_RATES = 3  # times of stages: the middle and the end of a step, where the next one begins


class TransportFlow:
    r"""Finite volumes for :math:`\partial_t \rho + \mathrm{div}(\rho u) = 0` with a given u on the sphere.

    Mass is kept to round-off, and densities stay nonnegative; steps are bounded by that and by their error, as in
    `ExplicitFiniteVolume`. Its ``energy`` is half the integral of the squared density, which a velocity without
    divergence keeps: what is lost of it is the diffusion of the scheme.

    Parameters
    ----------
    velocity : GivenVelocity
        A `Velocity` or `StreamFunction`.
    domain : Domain
        A whole sphere.
    density : array, shape ``domain.shape``
        Nonnegative cell averages at the start.
    order : int
        Order in space: 1, 2 or 3.
    limiter : str, optional
        As in `ExplicitFiniteVolume`, of order 3 also "zalesak", see `wgflow.solve_transport`.
    stepper : str
        "euler", "ssprk2", "ssprk3" or "ssprk43".
    tolerance : float
        Error of a step over its change, both in L1, in [1e-12, 0.1].
    time : float
        Time at the start.

    Raises
    ------
    InputError
        If an argument is not allowed, the velocity gives no finite vectors at the start, or a steady velocity has other
        values at another time.
    """

    labels = TRANSPORT_LABELS

    def __init__(
        self,
        velocity: GivenVelocity,
        domain: Domain,
        density: FloatArray,
        *,
        order: int = 3,
        limiter: str | None = None,
        stepper: str = SSPRK43.name,
        tolerance: float = EXPLICIT_TOLERANCE,
        time: float = 0.0,
    ) -> None:
        self._velocity, self._method, self._tolerance = velocity, find_method(stepper), check_tolerance(tolerance)
        self._scheme = make_given_scheme(domain, order=order, limiter=limiter)
        mesh: Any = domain.base.mesh
        self._flows = velocity.through_faces(mesh)
        if velocity.steady:
            _check_steady(self._flows)
        self._square = HALF_SQUARE.on_grid(domain)
        self._scalars = GridScalars(self._square)
        self._density = check_density(density, domain.shape, RowBlocks.of(domain)).copy()
        self._nothing, self._potential = np.zeros(domain.shape), np.empty(domain.shape)
        self._stages = [np.empty(domain.shape) for _ in range(2)]
        self._control = StepController(self._method.error_order)
        self._known: dict[float, tuple[FloatArray, float]] = {}
        self._moving_at = math.nan
        self.time, self.step_size, self.counts, self.steps_done = time, 0.0, StepCounts(), 0
        self.energy = self._square.evaluate(self._density, self._potential)
        self.begin_interval(math.inf)
        self._learn(0.0 if velocity.steady else time)  # what is no velocity is refused before any output

    @property
    def density(self) -> FloatArray:
        """The current density, shape ``domain.shape``; overwritten by the next steps."""
        return self._density

    @property
    def measure(self) -> FloatArray:
        """The density."""
        return self.density

    def begin_interval(self, end: float) -> None:
        """Aim at ``end``; step control goes on."""
        self._end = end

    def checkpoint(self) -> Checkpoint:
        """Copy the density, the aim, and step control."""
        counts = numbers(time=self.time, end=self._end, step_size=self.step_size, steps_done=self.steps_done)
        return {"density": self._density.copy(), **self._control.checkpoint(), **counts}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self._control.restore(checkpoint)
        self._end, self.step_size = float(checkpoint["end"]), float(checkpoint["step_size"])
        self.steps_done = int(checkpoint["steps_done"])
        self.counts = StepCounts()

    def step(self) -> None:
        """Advance by one accepted step."""
        loss_rate = self._move_at(self.time)
        if self.steps_done == 0:
            watch = self._watched(self._density, (0.0, 1.0), 1.0, self._stages[0])
            self._control.begin(FIRST_CHANGE * watch.mass / watch.change if watch.change > 0.0 else math.inf)
        bound = POSITIVITY_SAFETY / max(loss_rate, 1e-300) / self._method.stage_step
        for _ in range(MAX_ATTEMPTS):
            step = self._control.propose(self._end - self.time, bound)
            if self._try(step):
                return
            self.counts.rejected += 1
        raise ComputationError(
            f"no step from t = {self.time:g} is accurate to {self._tolerance:g} of its change, down to a step of "
            f"{step:.1e}; the velocity may change too fast in time"
        )

    def _try(self, step: float) -> bool:
        """Do a step; keep it if rule P holds at all stages and its error is small."""
        watch = self._do_stages(step)
        if watch is None:
            self._control.refuse(step)
            return False
        quotient = watch.error / (self._tolerance * watch.change + self._negligible * watch.mass)
        if not quotient <= 1.0:
            self._control.reject(step, quotient)
            return False
        last = (len(self._method.stages) - 1) % 2
        self._density, self._stages[last] = self._stages[last], self._density
        self.energy = self._square.evaluate(self._density, self._potential)
        self.time = self._end if step == self._end - self.time else self.time + step
        self.step_size = step
        self.counts.accepted += 1
        self.steps_done += 1
        self._control.accept(step, quotient)
        return True

    @property
    def _negligible(self) -> float:
        return max(NEGLIGIBLE * self._tolerance, ERROR_ROUND_OFF)

    def _do_stages(self, step: float) -> StageWatch | None:
        """Do the stages of a step, and give what the last one says; None where rule P does not hold at some stage."""
        density, size, stages = self._density, self._method.stage_step * step, self._method.stages
        self._scheme.begin_step()
        for index, (weights, node) in enumerate(zip(stages, self._method.nodes, strict=True)):
            if self._move_at(self.time + node * step) * size > 1.0:
                return None
            before, density = density, self._stages[index % 2]
            if index < len(stages) - 1:
                self._scheme.euler_stage(before, self._nothing, self._density, weights, size, density)
        if not self._method.looks_ahead:
            watch = self._watched(before, weights, size, density)
            self._scheme.finish_step(self._density, density)
            return watch
        self._scheme.euler_stage(before, self._nothing, self._density, weights, size, density)
        self._scheme.finish_step(self._density, density)
        self._move_at(self.time + step)
        return self._watched(density, (0.0, 1.0), step, self._stages[len(stages) % 2])

    def _watched(
        self, density: FloatArray, weights: tuple[float, float], size: float, result: FloatArray
    ) -> StageWatch:
        stage = Stage(density, self._nothing, self._density, weights, size, result)
        return self._scheme.watched_stage(stage, self._method.watched, steady=True)

    def _move_at(self, time: float) -> float:
        """Let the scheme move with the velocity at a time; gives the largest loss rate."""
        time = 0.0 if self._velocity.steady else time
        if time != self._moving_at:
            if time not in self._known:
                try:
                    self._learn(time)
                except InputError as error:  # values at the start were allowed
                    raise ComputationError(
                        f"the step from t = {self.time:.6g} failed at t = {time:.6g}: {error}"
                    ) from error
            self._scheme.give(self._known[time][0])
            self._moving_at = time
        return self._known[time][1]

    def _learn(self, time: float) -> None:
        """Evaluate the velocity, and forget the oldest time."""
        rates = self._flows(time)
        self._scheme.give(rates)
        self._known[time] = rates, self._scheme.loss_rate(self._nothing)
        self.counts.evaluations += 1
        if len(self._known) > KEPT_RATES:
            del self._known[next(iter(self._known))]

    def snapshot(self) -> Snapshot:
        """Copy the current state; its only field is ``density``."""
        return Snapshot(self.time, self.step_size, self.energy, *self.scalars(), {"density": self._density.copy()})

    def scalars(self) -> Scalars:
        """Half the integral of the squared density again, the mass, and the least density."""
        return self._scalars(self._density, self._potential, self.energy)


def _check_steady(flows: FaceFlows) -> None:
    """Raise InputError if what flows through faces is not the same at two times."""
    first, other = flows(0.0), flows(SOME_TIME)
    if abs(other - first).max() > STEADY_ROUND_OFF * abs(first).max():
        raise InputError(
            f"the velocity at t = {SOME_TIME:.3g} is not that at t = 0, as steady = True says; leave steady out"
        )
