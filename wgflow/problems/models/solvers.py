"""[solver] and the section of each method."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wgflow.finite_volume import IMPLICIT_METHODS, default_tolerance
from wgflow.problems.models.base import NonNegative, Positive, Section, Tolerance

DESCENTS = ("euler", "mirror", "langevin")


class SolverSection(Section):
    """The method; the section of its name holds its options."""

    kind: Literal["finite_volume", "particles", "characteristics", "jko", "normalised"] = "finite_volume"
    t_end: Positive = Field(description="last time")
    transport: NonNegative = Field(1.0, description="factor alpha of the transport")
    reaction: NonNegative | None = Field(
        None, description="factor beta of the reaction; by default the domain's own, and 0 for energies"
    )
    stationarity: Positive | None = Field(None, description="stop when the dissipation -dF/dt falls below this")
    wall_time: Positive | None = Field(
        None, description="stop after this many seconds from the start of the command, set-up included"
    )


class FiniteVolumeSection(Section):
    """Options of the finite-volume solver."""

    order: Literal[1, 2, 5] = Field(2, description="order in space; 5 for smooth densities on boxes and circles")
    limiter: Literal["minmod", "mc", "van_leer", "positive", "barth_jespersen"] | None = Field(
        None,
        description='slope limiter, by default "mc"; on spheres "barth_jespersen", the default there, or "positive"',
    )
    stepper: Literal["euler", "ssprk2", "ssprk3", "ssprk43", "backward_euler", "tr_bdf2"] = Field(
        "ssprk43",
        description='time-stepping method; "backward_euler" and "tr_bdf2" are implicit, for stiff diffusion: but for '
        "the tolerance, the other options do not count for them",
    )
    tolerance: float = Field(
        default_factory=lambda known: default_tolerance(known.get("stepper", "")),
        ge=1e-12,
        le=0.1,
        description="error of a step in L1: of explicit ones relative to the change in a step, by default 1e-4, of "
        "implicit ones relative to the mass, by default 1e-6",
    )
    velocity: Literal["two_point", "midpoint"] = Field(
        "two_point", description='velocity through a face; on spheres "midpoint" is of second order at all cells'
    )

    @property
    def pointwise(self) -> bool:
        """Whether densities are values at the cell centres and not averages."""
        return self.order > 2 and self.stepper not in IMPLICIT_METHODS


class ParticlesSection(Section):
    """Options of the particle solver."""

    count: int = Field(1000, ge=1, le=10**8, description="number of particles")
    start: Literal["random", "quasi_random", "stratified", "equispaced"] = Field(
        "random", description="how the initial particles are drawn"
    )
    method: Literal["adaptive", "rk4", "euler", "mirror", "langevin"] = Field(
        "adaptive",
        description='adaptive or classical Runge-Kutta; "euler" is gradient descent with the given step, "mirror" the '
        'same with multiplicative weights, "langevin" with the noise of problem.temperature',
    )
    tolerance: Tolerance = Field(1e-6, description="local error of the adaptive method over the extent of the cloud")
    step: Positive | None = Field(None, description="step of the other methods; output times are multiples of it")
    batch: int = Field(
        0, ge=0, description="samples of each step of descent (SGD): of the data, or fresh Gaussian inputs; 0 for all"
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
        if self.batch > 0 and self.method not in DESCENTS:
            raise ValueError(
                f'has batch = {self.batch}, which method = "{self.method}" does not allow; '
                'choose "euler", "mirror" or "langevin", or batch = 0'
            )
        return self

    @property
    def kink_smoothing(self) -> float:
        """Half width of rounded kinks: descent takes ReLU as it is, integrators need it rounded."""
        if self.smoothing is not None:
            return self.smoothing
        return 0.0 if self.method in DESCENTS else 1e-3


class CharacteristicsSection(Section):
    """Options of the characteristics: one node per cell of the domain."""

    tolerance: Tolerance = Field(1e-8, description="local error of the integrator")
    smoothing: NonNegative = Field(
        1e-3, lt=1.0, description="half width in which kinks of ReLU features on data are rounded"
    )


class JkoSection(Section):
    """Options of variational steps, which take the particles of [particles] count and start, or the grid."""

    scheme: Literal["dual", "linearised"] = Field(
        "dual",
        description='"dual" for Features and Mass, exact in space; "linearised" for all energies, on the cells of the '
        "domain and of first order",
    )
    tau: Positive = Field(0.05, description="size of the steps at time 0")
    growth: NonNegative = Field(0.0, description="steps grow with time t to tau + growth t")
    order: Literal[1, 2] = Field(1, description="1 for variational steps; 2 for half a step, extrapolated")
    halve: bool = Field(True, description="whether a step that is not found is halved; else it is an error")
    adapt: bool = Field(False, description="whether steps double where they are found in few iterations")
    representation: Literal["particles", "grid"] = Field(
        "particles", description='what moves in the dual scheme; "grid" deposits on the cells after each step'
    )
    tolerance: float = Field(1e-13, ge=1e-15, le=1e-3, description="duality gap of a step over the risk before it")
    smoothing: NonNegative = Field(
        0.01, lt=1.0, description="half width in which kinks of ReLU features on data are rounded"
    )
    modes: int = Field(64, ge=1, le=4096, description="largest frequency of the population risk of a teacher")

    @property
    def on_grid(self) -> bool:
        """Whether a density on the cells of the domain moves, and not particles."""
        return self.scheme == "linearised" or self.representation == "grid"


class NormalisedSection(Section):
    """Options of the flow of a mass that grows without end, with loss "softmin" or "logistic", in normalised form."""

    tau: Positive = Field(1.0, description="size of the steps at time 0")
    growth: NonNegative = Field(0.05, description="steps grow with time t to tau + growth t")
    order: Literal[1, 2] = Field(2, description="order in space of transport by short steps; long ones are of order 1")
