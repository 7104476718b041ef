"""[solver] kind = "jko": variational steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from wgflow.errors import InputError
from wgflow.flows import Evolution
from wgflow.problems.sections import NonNegative, Positive
from wgflow.problems.solvers.base import SolverOptions
from wgflow.registry import Cited

if TYPE_CHECKING:
    from wgflow.flows import FlowState
    from wgflow.problems.models import ProblemFile
    from wgflow.problems.problem import Problem
    from wgflow.runs.estimates import EstimatePlan


class JkoSection(SolverOptions):
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

    @property
    def evolution(self) -> type[Evolution]:
        """The flow of particles, or one of the two of a density."""
        from wgflow.variational import GridJkoFlow, JkoFlow, LinearisedJkoFlow  # rooms are loaded for their own runs

        if not self.on_grid:
            return JkoFlow
        return LinearisedJkoFlow if self.scheme == "linearised" else GridJkoFlow

    def make_evolution(self, problem: Problem, state: FlowState | None) -> Evolution:
        """Prepare variational steps; raises InputError if an option is not allowed on the domain."""
        from wgflow.variational import GridJkoFlow, JkoOptions, LinearisedJkoFlow, make_jko_flow

        options = JkoOptions(**self.model_dump(include={"tau", "growth", "order", "halve", "tolerance", "adapt"}))
        functional, domain = problem.functional, problem.domain
        if not self.on_grid:
            return make_jko_flow(functional, problem.initial_particles(), domain, options, **problem.moved(state))
        density, factors = problem.density_at(state), problem.factors(state)
        if self.scheme == "linearised":
            return LinearisedJkoFlow(functional, domain, density, options=options, **factors)
        return GridJkoFlow(functional, domain, density, options=options, **factors)

    def check_energies(self) -> None:
        """Raise InputError: the dual scheme is for features."""
        raise InputError(
            '[jko] scheme = "dual" is for networks, quadratic features and deconvolution; for energies choose '
            'scheme = "linearised"'
        )

    def cites(self, config: ProblemFile) -> Iterator[Cited]:
        """Variational steps, and what reaction makes of them."""
        yield Cited("JordanKinderlehrerOtto1998", "variational steps")
        if config.solver.reaction != 0.0:
            yield Cited("GallouetMonsaingeon2017", "variational steps of flows with reaction")

    @property
    def moves_particles(self) -> bool:
        """Unless a density moves."""
        return not self.on_grid

    @property
    def draws_particles(self) -> bool:
        """Unless a density moves."""
        return not self.on_grid

    @property
    def moves_density(self) -> bool:
        """By the linearised scheme."""
        return self.scheme == "linearised"

    @property
    def can_grow(self) -> bool:
        """On a grid."""
        return self.on_grid

    @property
    def kink_smoothing(self) -> float:
        """As the options say, in the dual scheme."""
        return self.smoothing if self.scheme == "dual" else 0.0

    @property
    def harmonics(self) -> int | None:
        """As many as the options say, in the dual scheme."""
        return self.modes if self.scheme == "dual" else None

    def plan_estimate(self, problem: Problem) -> EstimatePlan:
        """Fewer cells or particles."""
        from wgflow.problems.estimates import plan_cells, plan_cloud

        return plan_cells(problem) if self.on_grid else plan_cloud(problem, float(self.order))

    def coarsened(self, factor: int) -> JkoSection:
        """With longer steps."""
        return self.model_copy(update={"tau": factor * self.tau, "growth": factor * self.growth})

    @property
    def cell_method(self) -> str | None:
        """That of the linearised scheme."""
        return "linearised" if self.scheme == "linearised" else None

    @property
    def particle_method(self) -> str | None:
        """That of the dual scheme, on a grid too."""
        return "jko" if self.scheme == "dual" else None
