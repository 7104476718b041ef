"""Explicit finite volumes in time: bound the step, try it, and keep it if it errs little enough and lowers F."""

from __future__ import annotations

import math
from typing import Any

from wgflow.errors import ComputationError
from wgflow.finite_volume.drives import make_drive
from wgflow.finite_volume.runge_kutta import SSPRK43, find_method, step_factors
from wgflow.finite_volume.stiffness import StiffnessEstimate
from wgflow.flows.checks import check_factor
from wgflow.flows.concentration import ConcentrationWatch
from wgflow.flows.evolution import Checkpoint, Scalars, Snapshot, StepCounts, numbers
from wgflow.flows.grid_state import energy_rises
from wgflow.flows.labels import FLOW_LABELS
from wgflow.flows.step_control import StepController, check_tolerance
from wgflow.functionals import GridFunctional
from wgflow.measures.checks import check_density
from wgflow.ranks.world import world
from wgflow.reductions.aligned import aligned, aligned_empty
from wgflow.reductions.blocks import RowBlocks
from wgflow.typing import FloatArray
from wgflow.upwind.discretisation import make_space_scheme
from wgflow.upwind.scheme import TWO_POINT, Stage, StageWatch

POSITIVITY_SAFETY = 0.9  # J changes between stages: leaves room for the bound at the later ones
ENERGY_SAFETY = 0.5  # half of the bound 2 / lambda_max: the stiffest mode then decays without oscillation
REFINE_EVERY = 8  # steps between two power iterations for lambda_max where the bound E is near,
REFINE_FAR_EVERY, FAR = 64, 8.0  # and where it is so many times the step
MAX_ATTEMPTS = 60
EXPLICIT_TOLERANCE = 1e-4
FIRST_CHANGE = 0.05  # of the mass, in the first step that is tried
NEGLIGIBLE, ERROR_ROUND_OFF = 1e-8, 1e-15  # errors over the mass that count as none: of the tolerance, and at least


class ExplicitFiniteVolume:
    r"""Finite volumes with SSP Runge-Kutta steps: mass-exact, positive, and never raising F.

    Steps are bounded by positivity (rule P), by decay of F (rule E), by the growth of cells, and by their error: a
    step from u to v is kept if the L1 norm of its estimated error is at most ``tolerance`` times that of ``v - u``.
    Relative to the change, and not to the mass, the tolerance holds for what grows from small as well; and for each
    cell alone that grows by reaction, be it too small for a norm to see.

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
        Order in space: 1, 2, on whole spheres 3 (smooth flows have far smaller errors, at about the same cost), or 5
        for smooth densities on boxes and circles, whose values are then point values at the cell centres.
    limiter : str, optional
        "minmod", "mc" (by default), "van_leer", or "positive" (clips the central slope; for smooth densities); on
        spheres and half spheres also "barth_jespersen" (by default there). Of order 3 "positive" (by default), which
        smooth extrema do not meet, or "barth_jespersen".
    stepper : str
        "euler", "ssprk2", "ssprk3" or "ssprk43"; see ``wgflow.finite_volume.runge_kutta``.
    tolerance : float
        Error of a step over its change, both in L1, in [1e-12, 0.1].
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

    labels = FLOW_LABELS

    def __init__(
        self,
        functional: GridFunctional,
        density: FloatArray,
        *,
        transport: float = 1.0,
        reaction: float | None = None,
        order: int = 2,
        limiter: str | None = None,
        stepper: str = SSPRK43.name,
        tolerance: float = EXPLICIT_TOLERANCE,
        velocity: str = TWO_POINT,
        time: float = 0.0,
    ) -> None:
        domain = functional.domain
        reaction = domain.reaction if reaction is None else reaction
        check_factor("transport", transport)
        check_factor("reaction", reaction)
        self._functional, self._reaction = functional, reaction
        self._method, self._tolerance = find_method(stepper), check_tolerance(tolerance)
        factors: dict[str, Any] = {"transport": transport, "reaction": reaction, "limiter": limiter}
        self._scheme = make_space_scheme(domain, order=order, velocity=velocity, **factors)
        linear = self._scheme
        if order == 5:  # limited corrections would falsify the estimate, which takes the potential for a direction
            linear = make_space_scheme(domain, order=1, **factors)
        elif velocity != TWO_POINT or order == 3:  # the estimate needs a symmetric operator, of few cells
            linear = make_space_scheme(domain, order=min(order, 2), **factors)
        self._stiffness = StiffnessEstimate(functional, linear)
        self._step_factors = step_factors(domain, self._method) if order == 5 else (1.0, 1.0)
        self._control = StepController(self._method.error_order)
        self._ranks = world()  # whose processors may round powers and logarithms differently
        self._tell_powers()
        self._density = aligned(check_density(density, domain.shape, RowBlocks.of(domain)))
        self._stages = [aligned_empty(self._density.shape) for _ in range(2)]
        self.time, self.step_size, self.counts = time, 0.0, StepCounts()
        self.steps_done = 0
        self._drive = make_drive(functional, self._scheme, self._count_evaluation)
        self._mass = self._drive.begin(self._density)
        (self.energy,) = self._ranks.telling(self._drive.energy)()
        if not math.isfinite(self.energy):
            raise ComputationError(f"F is {self.energy} at the start; check the features and the initial measure")
        self._concentration = ConcentrationWatch(functional, self._density)
        self.begin_interval(math.inf)

    def _tell_powers(self) -> None:
        telling = self._ranks.telling(*self._step_factors, self._method.accurate_step(self._tolerance))
        transport, decay, self._accurate_step = telling()
        self._step_factors = (transport, decay)

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
        """Copy the density, the aim, and what bounds the next steps."""
        return {
            "density": self._density.copy(),
            "stiffest": self._stiffness.vector.copy(),
            **self._control.checkpoint(),
            **numbers(
                time=self.time,
                end=self._end,
                step_size=self.step_size,
                steps_done=self.steps_done,
                stiffness=self._stiffness.largest,
                largest_share=self._concentration.share,
            ),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self._control.restore(checkpoint)
        self._end, self.step_size = float(checkpoint["end"]), float(checkpoint["step_size"])
        self.steps_done = int(checkpoint["steps_done"])
        self._stiffness.vector[...] = checkpoint["stiffest"]
        self._stiffness.largest = float(checkpoint["stiffness"])
        self._concentration.share = float(checkpoint["largest_share"])
        self.counts = StepCounts()

    def step(self) -> None:
        """Advance by one accepted step."""
        self._prepare()
        for _ in range(MAX_ATTEMPTS):
            step = self._control.propose(self._end - self.time, self._bound())
            if self._try(step):
                return
            self.counts.rejected += 1
        raise ComputationError(
            f"no step from t = {self.time:g} is accurate to {self._tolerance:g} of its change and lowers F = "
            f"{self.energy:g}, down to a step of {step:.1e}; the features or data may be too large: scale them, or "
            "report this problem"
        )

    def _prepare(self) -> None:
        """Estimate the largest decay rate anew, or better; and before all other steps the size of the first one."""
        if self._functional.is_linear:  # no step is too large for F to fall
            if self.steps_done == 0:
                self._control.begin(self._first_step())
        elif self.steps_done == 0:
            self._stiffness.restart(self._density, self._drive.potential)
            self._control.begin(self._first_step())
        elif self.steps_done % (REFINE_FAR_EVERY if self._is_slack() else REFINE_EVERY) == 0:
            self._stiffness.refine(self._density)

    def _is_slack(self) -> bool:
        """Whether the bound E was far above the last step: lambda_max would have to grow by the factor to bind."""
        allowed = self._step_factors[1] * 2.0 * ENERGY_SAFETY
        return FAR * self._method.stage_step * self.step_size * self._stiffness.largest < allowed

    def _first_step(self) -> float:
        """Step in which the rate at the start changes a small share of the mass."""
        watch = self._watched_from(self._density, 1.0, self._stages[0])
        return FIRST_CHANGE * watch.mass / watch.change if watch.change > 0.0 else math.inf

    def _bound(self) -> float:
        """Largest step that the rules P and E and the growth of cells allow."""
        loss_rate, least = self._drive.extremes
        positive, decaying = self._step_factors
        stage = min(
            positive * POSITIVITY_SAFETY / max(loss_rate, 1e-300),
            decaying * 2.0 * ENERGY_SAFETY / max(self._stiffness.largest, 1e-300),
        )
        growth = -self._reaction * least
        return min(stage / self._method.stage_step, self._accurate_step / max(growth, 1e-300))

    def _try(self, step: float) -> bool:
        """Do a step; keep it if the density stays nonnegative, its error is small and F does not rise."""
        watch = self._drive.do_step(self._density, self._stages, self._method, step)
        if watch is None:
            self._control.refuse(step)
            return False
        density = self._stages[(len(self._method.stages) - 1) % 2]
        quotient = self._error_quotient(watch, density, step)
        if not quotient <= 1.0:
            self._control.reject(step, quotient)
            (self._control.aim,) = self._ranks.telling(self._control.aim)()
            return False
        telling = self._ranks.telling(self._drive.energy, self._control.growth(quotient))
        checking = self._concentration.checking(density)
        self._drive.look()
        energy, growth = telling()
        if energy_rises(self._functional, density, energy, self.energy):
            self._control.refuse(step)
            return False
        self._accept(step, energy, watch.mass_after)
        self._control.accept(step, quotient, growth)
        checking(self.time)
        return True

    def _error_quotient(self, watch: StageWatch, density: FloatArray, step: float) -> float:
        """Error of a step to a density, whose potential is known, over what is allowed."""
        if self._method.looks_ahead:
            watch = self._watched_from(density, step, self._stages[len(self._method.stages) % 2])
        negligible = max(NEGLIGIBLE * self._tolerance, ERROR_ROUND_OFF)
        return watch.error / (self._tolerance * watch.change + negligible * watch.mass)

    def _watched_from(self, density: FloatArray, step: float, result: FloatArray) -> StageWatch:
        """Do a stage by itself, from the density that was reached last, and give what it says."""
        drive = self._drive
        stage = Stage(density, drive.potential, self._density, (0.0, 1.0), drive.pace * step, result)
        return self._scheme.watched_stage(stage, self._method.watched, steady=True)

    def _accept(self, step: float, energy: float, mass: float) -> None:
        self._scheme.settle()  # others look at the density now
        last = (len(self._method.stages) - 1) % 2
        self._density, self._stages[last] = self._stages[last], self._density
        self._drive.keep()
        self.energy, self._mass = energy, mass
        self.time = self._end if step == self._end - self.time else self.time + step
        self.step_size = step
        self.counts.accepted += 1
        self.steps_done += 1

    def _count_evaluation(self) -> None:
        self.counts.evaluations += 1

    def snapshot(self) -> Snapshot:
        """Copy the current state; its only field is ``density``."""
        fields = {"density": self._density.copy()}
        return Snapshot(self.time, self.step_size, self.energy, *self.scalars(), fields)

    def scalars(self) -> Scalars:
        """Scalars of the current state."""
        return Scalars(self.energy - self._functional.penalty(self._density), self._mass, self._drive.extremes[1])
