"""What moves the density in the stages of a step: J at the density that was reached last, and what is known of it.

Stages depend on J in the way that they depend on the step: a multiple of a potential moves a density as the potential
itself does in a multiple of the time. Where J is always a multiple of one potential, which holds for potentials and
for one feature, nothing is written at any stage, and nothing read beyond what the stage itself reads: F and the factor
follow from the integral of that potential over the result, and loss rates and least values are multiples of known ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property

from wgflow.finite_volume.kernels.steps_on_line import square_step_kernel
from wgflow.finite_volume.rate_bound import RateBound
from wgflow.finite_volume.runge_kutta import RungeKutta
from wgflow.functionals import GridFunctional
from wgflow.networks.half_circles import HalfCircleSquare
from wgflow.reductions.aligned import aligned, aligned_empty
from wgflow.typing import FloatArray
from wgflow.upwind.lattice import ShortLineScheme
from wgflow.upwind.scheme import Combination, SpaceScheme, Stage, StageWatch


class Drive(ABC):
    """What moves the density.

    Parameters
    ----------
    scheme : SpaceScheme
        What does stages.

    Attributes
    ----------
    potential : array, shape ``domain.shape``
        A potential that J at the density that was reached last is a multiple of.
    pace : float
        The factor, at least 0.
    energy : float
        F there.
    extremes : tuple of float
        Loss rate and least value of J at the density from which steps are tried.
    """

    potential: FloatArray
    pace: float
    energy: float
    extremes: tuple[float, float]

    def __init__(self, scheme: SpaceScheme) -> None:
        self._scheme = scheme

    @abstractmethod
    def begin(self, density: FloatArray) -> float:
        """Start from a density, and give its mass."""

    @abstractmethod
    def go_back(self) -> None:
        """Return to where steps are tried from."""

    @abstractmethod
    def look(self) -> None:
        """Find what `keep` needs to know, of all ranks."""

    @abstractmethod
    def keep(self) -> None:
        """Try the next steps from the density that was reached last."""

    def do_step(
        self, density: FloatArray, results: Sequence[FloatArray], method: RungeKutta, step: float
    ) -> StageWatch | None:
        """Do the stages of a step from a density, in turn into two arrays, and give what the last one says.

        Returns
        -------
        StageWatch or None
            None where rule P does not hold at some stage.
        """
        self.go_back()
        size, last, before = method.stage_step * step, len(method.stages) - 1, density
        for index, weights in enumerate(method.stages):
            result = results[index % 2]
            # A start of weight 0 is not read from memory where it is the density.
            start = before if weights[0] == 0.0 and index < last else density
            stage = Stage(before, self.potential, start, weights, self.pace * size, result)
            if index == last:
                return self.do_watched(stage, method.watched)
            if not self.do(stage):
                break
            before = result
        return None

    @abstractmethod
    def do(self, stage: Stage) -> bool:
        """Do a stage and find J at its result; False where rule P does not hold."""

    @abstractmethod
    def do_watched(self, stage: Stage, combination: Combination) -> StageWatch | None:
        """Do the last stage of a step likewise, and give what it says about the step; None where rule P fails."""


class EvaluatedDrive(Drive):
    """Any J, evaluated at each stage.

    Parameters
    ----------
    functional : GridFunctional
        F.
    scheme : SpaceScheme
        What does stages.
    count : callable
        Told of each evaluation.
    """

    pace = 1.0

    def __init__(self, functional: GridFunctional, scheme: SpaceScheme, count: Callable[[], None]) -> None:
        super().__init__(scheme)
        self._functional, self._count = functional, count
        self._bound = RateBound(functional, scheme)
        self._kept, self._tried = (aligned_empty(functional.domain.shape) for _ in range(2))

    def begin(self, density: FloatArray) -> float:
        """See `Drive.begin`."""
        self._arrive(density)
        self.look()
        self.keep()
        return self._scheme.state_sums(density, self.potential)[0]

    def go_back(self) -> None:
        """See `Drive.go_back`."""
        self.potential = self._kept

    def look(self) -> None:
        """See `Drive.look`."""
        self._seen = self._scheme.extremes(self._tried)

    def keep(self) -> None:
        """See `Drive.keep`."""
        self._kept, self._tried = self._tried, self._kept
        self.extremes = self._seen
        self._bound.know(self.extremes[0])

    def do(self, stage: Stage) -> bool:
        """See `Drive.do`."""
        if self._is_proved(stage):
            self._scheme.euler_stage(*stage)
        elif stage.step * self._scheme.checked_stage(stage) > 1.0:
            return False
        self._arrive(stage.result)
        return True

    def do_watched(self, stage: Stage, combination: Combination) -> StageWatch | None:
        """See `Drive.do_watched`."""
        proved = self._is_proved(stage)
        watching = self._scheme.watching_stage(stage, combination, steady=proved)
        if not proved and stage.step * watching().loss_rate > 1.0:
            return None
        self._arrive(stage.result)
        return watching()

    def _is_proved(self, stage: Stage) -> bool:
        """Whether rule P holds without a look at the loss rates; it bounds the step for the potential at its start."""
        return stage.potential is self._kept or stage.step * self._bound.rate() <= 1.0

    def _arrive(self, density: FloatArray) -> None:
        self._count()
        if not self._functional.is_of_sums:
            self._scheme.settle()
        self.energy, self.potential = self._functional.evaluate(density, self._tried), self._tried


class SquareDrive(EvaluatedDrive):
    """J of a square risk of neurons on a short circle, where one kernel does a whole step.

    Parameters
    ----------
    functional : GridFunctional
        F.
    square : HalfCircleSquare
        F but for a constant.
    least : float
        That constant.
    scheme : ShortLineScheme
        What does stages.
    count : callable
        Told of each evaluation.
    """

    def __init__(
        self,
        functional: GridFunctional,
        square: HalfCircleSquare,
        least: float,
        scheme: ShortLineScheme,
        count: Callable[[], None],
    ) -> None:
        super().__init__(functional, scheme, count)
        self._kernel, self._prepared = square_step_kernel(scheme.limiter), (scheme.prepared, square.prepared)
        self._least, self._shape = least, (functional.domain.sheets, -1)
        self._found: tuple[float, float] | None = None

    def do_step(
        self, density: FloatArray, results: Sequence[FloatArray], method: RungeKutta, step: float
    ) -> StageWatch | None:
        """See `Drive.do_step`."""
        arrays = [values.reshape(self._shape) for values in (density, self._kept, self._tried, *results)]
        done, risk, loss_rate, least, *sums = self._kernel(
            *arrays[:3], tuple(arrays[3:]), method.weights, method.stage_step * step, method.watched, *self._prepared
        )
        for _ in range(int(done)):
            self._count()
        if done < len(method.stages):
            return None
        self.energy, self.potential = self._least + risk, self._tried
        self._found = (loss_rate, least)
        return StageWatch(0.0, *sums)

    def look(self) -> None:
        """See `Drive.look`: a whole step has found it."""
        if self._found is None:
            super().look()
        else:
            self._seen, self._found = self._found, None


class DirectedDrive(Drive):
    """J that is a multiple of one potential, the direction of the functional; arguments as in `EvaluatedDrive`."""

    def __init__(
        self, functional: GridFunctional, direction: FloatArray, scheme: SpaceScheme, count: Callable[[], None]
    ) -> None:
        super().__init__(scheme)
        self._functional, self._count = functional, count
        placed = aligned(direction)
        self._ahead, self._behind = (_Side(sign, placed, scheme) for sign in (1.0, -1.0))
        if functional.is_linear:
            count()

    def begin(self, density: FloatArray) -> float:
        """See `Drive.begin`."""
        mass, integral = self._scheme.state_sums(density, self._ahead.potential)
        self._arrive(integral)
        self.keep()
        return mass

    def go_back(self) -> None:
        """See `Drive.go_back`."""
        self._turn(self._kept)

    def look(self) -> None:
        """See `Drive.look`: all is known."""

    def keep(self) -> None:
        """See `Drive.keep`."""
        self._kept = self._factor
        loss_rate, least = self._side.extremes
        self.extremes = self.pace * loss_rate, self.pace * least

    def do(self, stage: Stage) -> bool:
        """See `Drive.do`."""
        if not self._holds(stage):
            return False
        if self._functional.is_linear:
            self._scheme.euler_stage(*stage)
        else:
            self._arrive(self._side.sign * self._scheme.paired_stage(stage))
        return True

    def do_watched(self, stage: Stage, combination: Combination) -> StageWatch | None:
        """See `Drive.do_watched`."""
        if not self._holds(stage):
            return None
        watch = self._scheme.watched_stage(stage, combination, steady=True)
        self._arrive(self._side.sign * watch.paired)
        return watch

    def _holds(self, stage: Stage) -> bool:
        """Whether rule P does."""
        return stage.step * self._side.extremes[0] <= 1.0

    def _arrive(self, integral: float) -> None:
        """Find F and J at a density over which the direction has an integral."""
        if not self._functional.is_linear:
            self._count()
        self.energy, factor = self._functional.of_integral(integral)
        self._turn(factor)

    def _turn(self, factor: float) -> None:
        self._factor, self.pace, self._side = factor, abs(factor), self._behind if factor < 0.0 else self._ahead
        self.potential = self._side.potential


class _Side:
    """A direction or its opposite, which few flows need."""

    def __init__(self, sign: float, direction: FloatArray, scheme: SpaceScheme) -> None:
        self.sign, self._direction, self._scheme = sign, direction, scheme

    @cached_property
    def potential(self) -> FloatArray:
        return self._direction if self.sign > 0.0 else aligned(-self._direction)

    @cached_property
    def extremes(self) -> tuple[float, float]:
        """Loss rate and least value."""
        return self._scheme.extremes(self.potential)


def make_drive(functional: GridFunctional, scheme: SpaceScheme, count: Callable[[], None]) -> Drive:
    """Choose the drive of a functional; arguments as in `EvaluatedDrive`."""
    direction = functional.direction()
    if direction is not None:
        return DirectedDrive(functional, direction, scheme, count)
    square, least = functional.square_risk() or (None, 0.0)
    if isinstance(square, HalfCircleSquare) and isinstance(scheme, ShortLineScheme):
        return SquareDrive(functional, square, least, scheme, count)
    return EvaluatedDrive(functional, scheme, count)
