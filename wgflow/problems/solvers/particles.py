"""[solver] kind = "particles"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from wgflow import particles
from wgflow.domains.geometry import is_flat
from wgflow.errors import InputError
from wgflow.measures import START_METHODS
from wgflow.problems.sections import NonNegative, Positive, Tolerance, one_of
from wgflow.problems.solvers.base import SolverOptions
from wgflow.registry import Cited, Registry
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.flows import FlowState
    from wgflow.problems.models import ProblemFile
    from wgflow.problems.problem import Problem
    from wgflow.runs.estimates import EstimatePlan

DOP853 = Cited("HairerNorsettWanner1993", "the adaptive integrator DOP853")


class MethodKind(NamedTuple):
    """A time-stepping method of particles: how it is made from the options, a step and a seed."""

    make: Callable[[ParticlesSection, float, int], particles.Method]
    descends: bool = False
    cites: tuple[Cited, ...] = ()


METHODS = Registry(
    "method =",
    {
        "adaptive": MethodKind(lambda options, _, __: particles.Adaptive(options.tolerance), cites=(DOP853,)),
        "rk4": MethodKind(lambda _, step, __: particles.RungeKutta4(step)),
        "euler": MethodKind(
            lambda options, step, seed: particles.Descent(step, options.batch or None, seed), descends=True
        ),
        "mirror": MethodKind(
            lambda options, step, seed: particles.Descent(step, options.batch or None, seed, multiplicative=True),
            descends=True,
            cites=(Cited("Chizat2022", "descent with multiplicative weights"),),
        ),
        "langevin": MethodKind(
            lambda options, step, seed: particles.Langevin(step, options.batch or None, seed),
            descends=True,
            cites=(Cited("MeiMontanariNguyen2018", "noisy descent of particles"),),
        ),
    },
)

if TYPE_CHECKING:
    Start = str
    MethodName = str
else:
    Start, MethodName = one_of(START_METHODS), one_of(METHODS)


class ParticlesSection(SolverOptions):
    """Options of the particle solver."""

    count: int = Field(1000, ge=1, le=10**8, description="number of particles")
    start: Start = Field("random", description="how the initial particles are drawn")
    method: MethodName = Field(
        "adaptive",
        description='adaptive or classical Runge-Kutta; "euler" is gradient descent with the given step, "mirror" the '
        'same with multiplicative weights, "langevin" with the noise of problem.temperature',
    )
    tolerance: Tolerance = Field(
        particles.PARTICLE_TOLERANCE, description="local error of the adaptive method over the extent of the cloud"
    )
    step: Positive | None = Field(None, description="step of the other methods; output times are multiples of it")
    batch: int = Field(
        0,
        ge=0,
        description="samples of each step of descent (SGD): of the data, fresh Gaussian inputs, or particles of random "
        "batches that interact; 0 for all",
    )
    input_rate: NonNegative = Field(
        1.0, description="rate of the input weights over that of the output weights, for pairs (a, b)"
    )
    precision: Literal["float64", "float32"] = Field(
        "float64", description="arithmetic of ReLU features on data; positions and weights are float64"
    )
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] | None = Field(
        None,
        description="half width in which kinks of ReLU features on data are rounded; 0.001, and 0 for descent",
    )

    @model_validator(mode="after")
    def _has_step(self) -> ParticlesSection:
        if self.method != "adaptive" and self.step is None:
            raise ValueError(f'has method = "{self.method}" but no step; give the step size, e.g. step = 0.01')
        if self.batch > 0 and not METHODS[self.method].descends:
            raise ValueError(
                f'has batch = {self.batch}, which method = "{self.method}" does not allow; '
                'choose "euler", "mirror" or "langevin", or batch = 0'
            )
        return self

    @property
    def evolution(self) -> type[particles.ParticleFlow]:
        """The flow of particles."""
        return particles.ParticleFlow

    def make_evolution(self, problem: Problem, state: FlowState | None) -> particles.ParticleFlow:
        """Prepare the flow; raises InputError if an option is not allowed on the domain."""
        domain = problem.domain
        if not is_flat(domain.geometry) and self.input_rate != 1.0:
            raise InputError(
                f"[particles] input_rate = {self.input_rate:g} needs pairs (a, b), which live in a box or in space; "
                f"the domain is {domain.kind!r}"
            )
        moved: dict[str, Any] = {"input_rate": self.input_rate, **problem.moved(state)}
        method = self.make_method(problem.config.initial.seed)
        return particles.make_particle_flow(
            problem.functional, problem.initial_particles(), domain, method=method, **moved
        )

    def make_method(self, seed: int) -> particles.Method:
        """The time-stepping method, with a seed of noise and of the samples of stochastic descent."""
        kind = METHODS["adaptive" if self.step is None else self.method]
        return kind.make(self, self.step or 0.0, seed)

    def check(self, problem: Problem) -> None:
        """Raise InputError unless noise comes with options that have it."""
        config, temperature = problem.config, problem.config.problem.temperature
        if temperature == 0.0 and self.method != "langevin":
            return
        if self.method != "langevin":
            raise InputError(
                f"[problem] temperature = {temperature:g} is noise for particles, which [particles] method = "
                f'"{self.method}" does not give; choose "langevin" and a step'
            )
        if problem.reaction > 0.0:
            raise InputError(
                f'[particles] method = "langevin" does not change weights, but the reaction is {problem.reaction:g}; '
                "give [solver] reaction = 0"
            )
        if config.solver.stationarity is not None:
            raise InputError("[solver] stationarity needs an F that falls, which that of noisy particles does not")

    def refused_on_ranks(self, problem: Problem) -> Mapping[str, bool]:  # noqa: ARG002
        """Nothing: each rank has all particles, and their sums are shared."""
        return {}

    def cites(self, config: ProblemFile) -> Iterator[Cited]:  # noqa: ARG002
        """What the method rests on."""
        yield from METHODS[self.method].cites

    @property
    def moves_particles(self) -> bool:
        """It does."""
        return True

    @property
    def draws_particles(self) -> bool:
        """It does."""
        return True

    @property
    def noisy(self) -> bool:
        """It can be."""
        return True

    def output_times(self, times: FloatArray) -> FloatArray:
        """Times moved to the nearest later multiples of the step, where steps are equal.

        Raises
        ------
        InputError
            If the last time is no multiple of the step.
        """
        if self.method == "adaptive" or self.step is None:
            return times
        step, t_end = self.step, times[-1]
        steps = np.ceil(times / step * (1.0 - 1e-12))
        if abs(steps[-1] * step - t_end) > 1e-9 * t_end:
            raise InputError(
                f"[particles] step = {step:g} does not divide [solver] t_end = {t_end:g}; allowed is t_end = "
                f"{steps[-1] * step:g}, or a step of t_end over an integer"
            )
        return np.unique(np.minimum(steps * step, t_end))

    @property
    def kink_smoothing(self) -> float:
        """Half width of rounded kinks: descent takes ReLU as it is, integrators need it rounded."""
        if self.smoothing is not None:
            return self.smoothing
        return 0.0 if METHODS[self.method].descends else 1e-3

    @property
    def relu_precision(self) -> str:
        """As the options say."""
        return self.precision

    def plan_estimate(self, problem: Problem) -> EstimatePlan:
        """Fewer particles."""
        from wgflow.problems.estimates import plan_cloud
        from wgflow.runs.estimates import check_method, order_of

        method = self.make_method(problem.config.initial.seed)
        check_method(method)
        return plan_cloud(problem, order_of(method), noisy=isinstance(method, particles.Langevin))

    def coarsened(self, factor: int) -> ParticlesSection:
        """With longer steps, but for noisy ones."""
        if self.step is None or self.method == "langevin":
            return self
        return self.model_copy(update={"step": factor * self.step})

    @property
    def particle_method(self) -> str:
        """The method."""
        return self.method

    @property
    def batch_size(self) -> int:
        """As the options say."""
        return self.batch
