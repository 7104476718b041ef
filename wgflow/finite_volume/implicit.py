"""Implicit finite volumes for stiff diffusion: backward Euler and TR-BDF2, with steps that follow their error."""

from __future__ import annotations

import math

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import ComputationError, InputError
from wgflow.finite_volume.implicit_space import DiffusionFluxes
from wgflow.flows.checks import check_factor
from wgflow.flows.evolution import Checkpoint, StepCounts, numbers
from wgflow.flows.face_matrices import FactoredMatrix, matrices_on
from wgflow.flows.grid_state import GridState
from wgflow.flows.step_control import StepController, check_tolerance
from wgflow.functionals import Functional
from wgflow.reductions import inner_product
from wgflow.typing import FloatArray

BACKWARD_EULER, TR_BDF2 = "backward_euler", "tr_bdf2"
LOCAL_ORDERS = {BACKWARD_EULER: 2, TR_BDF2: 3}  # of the error of a step
IMPLICIT_METHODS = tuple(LOCAL_ORDERS)

NEWTON_ITERATIONS = 25
LEAST_GROWTH = 1.4  # of steps of linear equations: smaller ones are not worth a factorisation
PATIENCE = 6.0  # iterations still to come from which a new factorisation pays
NEWTON_TOLERANCE = 1e-11  # L1 size of the last correction over the mass
NEGATIVE_ROUND_OFF = 1e-14  # of the largest density, set to zero
IMPLICIT_TOLERANCE = 1e-6
MAX_ATTEMPTS = 60
CRAWLING, MAX_REFUSALS = 1e-6, 300  # step over the time to the next output; steps refused, all kept ones being shorter

GAMMA = 2.0 - math.sqrt(2.0)
DIAGONAL = 0.5 * GAMMA  # factor of the step in the equation of every stage
EXTRAPOLATION = (1.0 - GAMMA) ** 2 / (GAMMA * (2.0 - GAMMA))  # from start to middle, in the backward formula
# Weights of the rates at the start, the middle and the end: those of TR-BDF2 less those of its method of third order.
ERROR_WEIGHTS = (
    (math.sqrt(2.0) - 1.0) / 3.0,
    -1.0 / 3.0,
    2.0 / 3.0 * DIAGONAL,
)


class ImplicitFiniteVolume(GridState):
    r"""Implicit finite volumes: mass-exact and positive, and never raising F, with steps that stiffness does not bound.

    Each stage solves ``rho - step f(rho) = known`` by Newton's method with a sparse factorisation. TR-BDF2 is of second
    order; where it would lose positivity or raise F, a step of backward Euler takes its place, which does neither if
    the terms besides the internal energy are convex. F is checked after each step.

    Parameters
    ----------
    functional : Functional
        F: internal energies, with any other terms.
    domain : Domain
        Where the density lives: circle, box or sphere.
    density : array, shape ``domain.shape``
        Nonnegative density at the start.
    transport : float
        The factor alpha >= 0.
    reaction : float or None
        The factor beta >= 0; None for the domain's own.
    stepper : str
        "backward_euler" or "tr_bdf2".
    tolerance : float
        Error of a step, in L1 relative to the mass, in [1e-12, 0.1].
    time : float
        Time at the start.

    Raises
    ------
    InputError
        If an argument is not allowed.

    References
    ----------
    Bank et al. (1985), IEEE Trans. Electron Devices 32(10): TR-BDF2.
    Hosea and Shampine (1996), Analysis and implementation of TR-BDF2, Appl. Numer. Math. 20: the error estimate.
    """

    def __init__(
        self,
        functional: Functional,
        domain: Domain,
        density: FloatArray,
        *,
        transport: float = 1.0,
        reaction: float | None = None,
        stepper: str = TR_BDF2,
        tolerance: float = IMPLICIT_TOLERANCE,
        time: float = 0.0,
    ) -> None:
        reaction = domain.reaction if reaction is None else reaction
        check_factor("transport", transport)
        check_factor("reaction", reaction)
        if stepper not in IMPLICIT_METHODS:
            raise InputError(f"stepper = {stepper!r} is unknown; choose one of {', '.join(IMPLICIT_METHODS)}")
        self._tolerance, self._stepper = check_tolerance(tolerance), stepper
        self._fluxes = DiffusionFluxes(functional, domain, transport, reaction)
        self._control = StepController(LOCAL_ORDERS[stepper], LEAST_GROWTH if self._fluxes.is_linear else 1.0)
        super().__init__(functional, domain, density, time)
        self._matrices = matrices_on(self._fluxes.faces.cells, domain.shape, domain.sheets)
        self._factor: FactoredMatrix
        self._factored_step = math.nan
        self._mass, self._refusals = 1.0, 0
        self.begin_interval(math.inf)

    def begin_interval(self, end: float) -> None:
        """Aim at ``end``; step control goes on."""
        self._end = end

    def checkpoint(self) -> Checkpoint:
        """Copy the density, the aim, and what determines the next steps."""
        return {
            "density": self.density.copy(),
            **self._control.checkpoint(),
            **numbers(
                time=self.time,
                end=self._end,
                step_size=self.step_size,
                largest_share=self._concentration.share,
            ),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self._control.restore(checkpoint)
        self._end, self.step_size = float(checkpoint["end"]), float(checkpoint["step_size"])
        self._concentration.share = float(checkpoint["largest_share"])
        self.counts = StepCounts()

    def step(self) -> None:
        """Advance by one accepted step; raises ComputationError if none is found, or only ever shorter ones."""
        self._mass = inner_product(self._fluxes.volumes, self._density)
        start_rate = self._fluxes.rate(self._density)
        if self._control.aim == 0.0:
            change = self._size(start_rate)
            self._control.begin(self._tolerance / change if change > 0.0 else math.inf)
        for _ in range(MAX_ATTEMPTS):
            step = self._control.propose(self._end - self.time)
            before = self.time
            if self._attempt(step, start_rate):
                self._check_progress(before, step)
                return
            self.counts.rejected += 1
        raise ComputationError(
            f"no step from t = {self.time:g} keeps the density positive and lowers F = {self.energy:g}, down to a step "
            f"of {step:.1e}"
        )

    def _attempt(self, step: float, start_rate: FloatArray) -> bool:
        """Do a step by the chosen method, else by backward Euler; whether it is kept."""
        for name in dict.fromkeys((self._stepper, BACKWARD_EULER)):
            solve = self._tr_bdf2 if name == TR_BDF2 else self._backward_euler
            with np.errstate(over="ignore", invalid="ignore"):  # of iterates that are given up
                found = solve(step, start_rate)
            if found is None or not self._is_positive(found[0]):
                continue
            density, quotient = np.maximum(found[0], 0.0), self._size(found[1]) / self._tolerance
            if not quotient <= 1.0:
                self._control.reject(step, quotient)
                return False
            energy = self._evaluate(density)
            if not self._rises(density, energy):
                self._control.accept(step, quotient)
                self._accept(density, energy, step, self._end)
                return True
        self._control.refuse(step)
        self._refusals += 1
        return False

    def _check_progress(self, before: float, step: float) -> None:
        """Raise ComputationError if steps are refused again and again, so that the next output would take for ever."""
        if not step < CRAWLING * (self._end - before) < math.inf:
            self._refusals = 0
        elif self._refusals >= MAX_REFUSALS or self.time == before:
            raise ComputationError(
                f"steps from t = {before:g} to {self._end:g} are no longer than {step:.1e}: beyond, no density is found"
                " that is positive and lowers F; diffusion or drift may be too fast for such times, or data too large"
            )

    def _backward_euler(self, step: float, start_rate: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Density after a step and the estimate of its error; None if the equation could not be solved."""
        if not self._factorise(self._density, step):
            return None
        density = self._solve(self._density, self._density, start_rate, step)
        if density is None:
            return None
        return density, 0.5 * (density - self._density - step * start_rate)

    def _tr_bdf2(self, step: float, start_rate: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """The same by the trapezoidal rule to the time GAMMA step, then by the backward formula of second order."""
        start, implicit = self._density, DIAGONAL * step
        if not self._factorise(start, implicit):
            return None
        half = start + implicit * start_rate
        middle = self._solve(half, start, start_rate, implicit)
        if middle is None:
            return None
        known = middle + EXTRAPOLATION * (middle - start)  # in this form its weights add to 1, so that mass is kept
        middle_rate = (middle - half) / implicit  # by the equation of the stage
        density = self._solve(known, middle, middle_rate, implicit)
        if density is None:
            return None
        rates = (start_rate, middle_rate, (density - known) / implicit)
        error = step * sum(weight * rate for weight, rate in zip(ERROR_WEIGHTS, rates, strict=True))
        # The solution operator of a stage takes off what stiff modes, which are damped, add to the difference.
        return density, self._factor.solve(self._fluxes.volumes * error)

    def _solve(self, known: FloatArray, guess: FloatArray, rate: FloatArray, step: float) -> FloatArray | None:
        """Solve ``rho - step f(rho) = known`` with the last factorisation, and new ones where it serves no longer.

        The rate is that of the guess. Linear equations are solved by one correction, as far as its round-off allows.
        Without reaction each iterate has the mass of ``known`` to round-off, and corrections are no larger than what
        they correct: the inverse of the matrix over the volumes has no negative entry, and keeps masses.
        """
        density, volumes, size = guess, self._fluxes.volumes, math.inf
        for _ in range(NEWTON_ITERATIONS):
            self.counts.evaluations += 1
            residual = density - known - step * rate
            if size < math.inf and self._size(residual) <= NEWTON_TOLERANCE:
                return density
            correction = self._factor.solve(volumes * residual)
            density = density - correction
            before, size = size, self._size(correction)
            left = size * self._factor.round_off if self._fluxes.is_linear else size
            if left <= NEWTON_TOLERANCE:
                return density
            if not math.isfinite(size):
                return None
            if _iterations_left(before, size) > PATIENCE and not self._factorise(density, step):
                return None
            rate = self._fluxes.rate(density)
        return None

    def _factorise(self, density: FloatArray, step: float) -> bool:
        """Factorise the matrix of Newton's method, unless it is that of the last time; whether it can be inverted."""
        if self._fluxes.is_linear and step == self._factored_step:
            return True
        self._factored_step = math.nan
        try:
            self._factor = self._matrices.factorise(self._fluxes.matrix(density, step))
        except RuntimeError:  # exactly singular: the volumes are lost beside the diffusion in such a step
            return False
        self._factored_step = step
        return True

    def _is_positive(self, density: FloatArray) -> bool:
        return bool(density.min() >= -NEGATIVE_ROUND_OFF * density.max())

    def _size(self, change: FloatArray) -> float:
        """L1 norm relative to the mass."""
        return inner_product(self._fluxes.volumes, np.abs(change)) / self._mass


def _iterations_left(before: float, size: float) -> float:
    """How many more iterations corrections need to be small enough, if they shrink as from the last one to this."""
    if not size < before:
        return math.inf
    return 0.0 if before == math.inf else math.log(NEWTON_TOLERANCE / size) / math.log(size / before)
