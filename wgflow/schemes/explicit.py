"""Explicit finite volumes in time: bound the step, try it, accept it or halve it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wgflow.errors import ComputationError, InputError
from wgflow.functionals import GridFunctional
from wgflow.schemes.evolution import Checkpoint, GridScalars, Scalars, Snapshot, StepCounts, numbers
from wgflow.schemes.point_values import step_factors
from wgflow.schemes.runge_kutta import find_method
from wgflow.schemes.space import make_space_scheme
from wgflow.schemes.sphere import TWO_POINT
from wgflow.schemes.stiffness import StiffnessEstimate
from wgflow.typing import FloatArray

POSITIVITY_SAFETY = 0.9  # J changes between stages: leaves room for the bound at the later ones
ENERGY_SAFETY = 0.5  # half of the bound 2 / lambda_max: the stiffest mode then decays without oscillation
ROUND_OFF = 1e-13  # relative to the scale of F
GROWTH_AFTER_REJECTION = 1.25
REFINE_EVERY = 8  # steps between two power iterations for lambda_max
MAX_HALVINGS = 60


class ExplicitFiniteVolume:
    """Finite volumes with SSP Runge-Kutta steps: mass-exact, positive, and never raising F.

    Parameters
    ----------
    functional : GridFunctional
        F bound to its domain.
    density : array, shape ``domain.shape``
        Nonnegative density at the start.
    transport : float
        The factor alpha >= 0.
    reaction : float or None
        The factor beta >= 0; None for the domain's own.
    order : int
        Order in space: 1, 2, or 5 for smooth densities on boxes and circles, whose values are then point values at
        the cell centres.
    limiter : str
        "minmod", "mc", "van_leer", or "positive" (clips the central slope; for smooth densities).
    stepper : str
        "euler", "ssprk2" or "ssprk3".
    velocity : str
        "two_point", or on spheres "midpoint": velocities at the midpoints of faces, of second order near the pentagons
        too; that F falls is then no longer proved, but each step is checked as always.
    time : float
        Time at the start.

    Raises
    ------
    InputError
        If an argument is not allowed.
    """

    def __init__(
        self,
        functional: GridFunctional,
        density: FloatArray,
        *,
        transport: float = 1.0,
        reaction: float | None = None,
        order: int = 2,
        limiter: str = "mc",
        stepper: str = "ssprk3",
        velocity: str = TWO_POINT,
        time: float = 0.0,
    ) -> None:
        domain = functional.domain
        reaction = domain.reaction if reaction is None else reaction
        check_factor("transport", transport)
        check_factor("reaction", reaction)
        self._functional = functional
        self._method = find_method(stepper)
        factors: dict[str, Any] = {"transport": transport, "reaction": reaction, "limiter": limiter}
        self._scheme = make_space_scheme(domain, order=order, velocity=velocity, **factors)
        linear = self._scheme
        if order == 5:  # limited corrections would falsify the estimate, which takes the potential for a direction
            linear = make_space_scheme(domain, order=1, **factors)
        elif velocity != TWO_POINT:  # the estimate needs a symmetric operator
            linear = make_space_scheme(domain, order=order, **factors)
        self._stiffness = StiffnessEstimate(functional, linear)
        self._step_factors = step_factors(domain) if order == 5 else (1.0, 1.0)
        self._density = check_density(density, domain.shape).copy()
        self._potential = np.empty_like(self._density)
        self._stages = [np.empty_like(self._density) for _ in range(2)]
        self._stage_potential = np.empty_like(self._density)
        self.time = time
        self.step_size = 0.0
        self.counts = StepCounts()
        self.energy = self._evaluate(self._density, self._potential)
        if not math.isfinite(self.energy):
            raise ComputationError(f"F is {self.energy} at the start; check the features and the initial measure")
        self._concentration = ConcentrationWatch(functional, self._density)
        self._scalars = GridScalars(functional)
        self.begin_interval(math.inf)

    @property
    def density(self) -> FloatArray:
        """The current density, shape ``domain.shape``; overwritten by the next steps."""
        return self._density

    def begin_interval(self, end: float) -> None:
        """Forget all step control and aim at ``end``."""
        self._end = end
        self._largest_step = math.inf
        self.steps_in_interval = 0
        self._concentration.begin(self._density)

    def checkpoint(self) -> Checkpoint:
        """Copy the density, the aim, and what bounds the next steps."""
        return {
            "density": self._density.copy(),
            "stiffest": self._stiffness.vector.copy(),
            **numbers(
                time=self.time,
                end=self._end,
                step_size=self.step_size,
                largest_step=self._largest_step,
                steps_in_interval=self.steps_in_interval,
                stiffness=self._stiffness.largest,
                largest_share=self._concentration.limit,
            ),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on within the interval of a checkpoint."""
        self._end, self.step_size = float(checkpoint["end"]), float(checkpoint["step_size"])
        self._largest_step = float(checkpoint["largest_step"])
        self.steps_in_interval = int(checkpoint["steps_in_interval"])
        self._stiffness.vector[...] = checkpoint["stiffest"]
        self._stiffness.largest = float(checkpoint["stiffness"])
        self._concentration.limit = float(checkpoint["largest_share"])
        self.counts = StepCounts()

    def step(self) -> None:
        """Advance by one accepted step."""
        if self.steps_in_interval == 0:
            self._stiffness.restart(self._density, self._potential)
        elif self.steps_in_interval % REFINE_EVERY == 0:
            self._stiffness.refine(self._density)
        for _ in range(MAX_HALVINGS):
            step = self._bounded_step()
            if self._try(step):
                return
            self.counts.rejected += 1
            self._largest_step = 0.5 * step
        raise ComputationError(
            f"no step from t = {self.time:g} lowers F = {self.energy:g}, down to a step of {step:.1e}; the "
            "features or data may be too large: scale them, or report this problem"
        )

    def _bounded_step(self) -> float:
        """Largest step that rules P and E, the last rejection and the end of the interval allow."""
        loss_rate = self._scheme.loss_rate(self._potential)
        positive, decaying = self._step_factors
        step = min(
            positive * POSITIVITY_SAFETY / max(loss_rate, 1e-300),
            decaying * 2.0 * ENERGY_SAFETY / max(self._stiffness.largest, 1e-300),
            self._largest_step,
        )
        remaining = self._end - self.time
        if step >= remaining:
            return remaining
        return min(step, 0.5 * remaining)

    def _try(self, step: float) -> bool:
        """Do a Runge-Kutta step; keep it if the density stays nonnegative and F does not rise."""
        density, potential = self._density, self._potential
        energy = self.energy
        for index, weights in enumerate(self._method.stages):
            if index > 0 and step * self._scheme.loss_rate(potential) > 1.0:
                return False
            result = self._stages[index % 2]
            self._scheme.euler_stage(density, potential, self._density, weights, step, result)
            density, potential = result, self._stage_potential
            energy = self._evaluate(density, potential)
        if not energy <= self.energy + ROUND_OFF * max(self._functional.scale, abs(self.energy)):
            return False
        self._accept(step, density, energy)
        self._concentration.check(self._density, self.time)
        return True

    def _accept(self, step: float, density: FloatArray, energy: float) -> None:
        last = (len(self._method.stages) - 1) % 2
        self._stages[last] = self._density
        self._density = density
        self._potential, self._stage_potential = self._stage_potential, self._potential
        self.energy = energy
        self.time = self._end if step == self._end - self.time else self.time + step
        self.step_size = step
        self.counts.accepted += 1
        self.steps_in_interval += 1
        self._largest_step *= GROWTH_AFTER_REJECTION

    def _evaluate(self, density: FloatArray, potential: FloatArray) -> float:
        self.counts.evaluations += 1
        return self._functional.evaluate(density, potential)

    def snapshot(self) -> Snapshot:
        """Copy the current state; its only field is ``density``."""
        fields = {"density": self._density.copy()}
        return Snapshot(self.time, self.step_size, self.energy, *self.scalars(), fields)

    def scalars(self) -> Scalars:
        """Scalars of the current state."""
        return self._scalars(self._density, self._potential, self.energy)


class ConcentrationWatch:
    """Stops a run whose mass comes together in one cell, where its energy needs a density that the grid resolves.

    Parameters
    ----------
    functional : GridFunctional
        F, with the share of the mass that a cell may hold.
    density : array, shape ``domain.shape``
        Density at the start, which may be concentrated as long as it spreads.

    Attributes
    ----------
    limit : float
        Largest share that is allowed in the interval.
    """

    def __init__(self, functional: GridFunctional, density: FloatArray) -> None:
        self._largest = functional.largest_share
        self._volumes = functional.domain.volumes
        self._masses = np.empty_like(density)
        self.begin(density)

    def begin(self, density: FloatArray) -> None:
        """Allow what the density at the start of an interval holds in one cell."""
        self.limit = max(self._largest, self._share(density)) if self._largest < 1.0 else 1.0

    def check(self, density: FloatArray, time: float) -> None:
        """Raise ComputationError if a cell holds too much."""
        if self.limit >= 1.0:
            return
        share = self._share(density)
        if share > self.limit:
            raise ComputationError(
                f"concentration at t = {time:g}: one cell holds {share:.0%} of the mass, so that the grid does not "
                "resolve the density any more; the solution may blow up: stop before, or refine the grid"
            )

    def _share(self, density: FloatArray) -> float:
        np.multiply(density, self._volumes, out=self._masses)
        return float(self._masses.max() / self._masses.sum())


def check_factor(name: str, value: float) -> None:
    """Raise InputError unless a factor of the flow is finite and not negative."""
    if not (math.isfinite(value) and value >= 0.0):
        raise InputError(f"{name} = {value!r} is not allowed; give a finite number >= 0")


def check_density(density: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Give the density as a contiguous float64 array; raises InputError unless it is a nonzero measure."""
    density = np.ascontiguousarray(density, dtype=np.float64)
    if density.shape != shape:
        raise InputError(f"the initial density has shape {density.shape}; the domain needs {shape}")
    if not np.isfinite(density).all():
        raise InputError("the initial density holds values that are not finite")
    if density.min() < 0.0:
        raise InputError(f"the initial density has the minimum {density.min():g}; allowed are values >= 0")
    if density.max() == 0.0:
        raise InputError("the initial density is zero everywhere; give a measure of positive mass")
    return density
