"""[solver] kind = "finite_volume"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from wgflow.finite_volume import (
    STEPPERS,
    ExplicitFiniteVolume,
    ImplicitFiniteVolume,
    default_tolerance,
    make_finite_volume,
)
from wgflow.problems.sections import one_of
from wgflow.problems.solvers.base import SolverOptions
from wgflow.registry import Cited
from wgflow.runs import estimates
from wgflow.runs.sharing import needs_one_rank
from wgflow.upwind.discretisation import reach_of
from wgflow.upwind.kernels.limiters import ALL_LIMITERS, CITED
from wgflow.upwind.scheme import MIDPOINT, VELOCITIES

if TYPE_CHECKING:
    from wgflow.flows import FlowState
    from wgflow.problems.models import ProblemFile
    from wgflow.problems.problem import Problem
    from wgflow.runs.estimates import EstimatePlan

    Limiter = str
    Stepper = str
    Velocity = str
else:
    Limiter, Stepper, Velocity = one_of(ALL_LIMITERS), one_of(STEPPERS), one_of(VELOCITIES)


class FiniteVolumeSection(SolverOptions):
    """Options of the finite-volume solver."""

    order: Literal[1, 2, 3, 5] = Field(
        2, description="order in space; 3 on whole spheres, 5 for smooth densities on boxes and circles"
    )
    limiter: Limiter | None = Field(
        None,
        description='slope limiter, by default "mc", on spheres and half spheres "barth_jespersen", of order 3 '
        '"positive", which has these two alone',
    )
    stepper: Stepper = Field(
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
    velocity: Velocity = Field(
        "two_point",
        description='velocity through a face; on spheres and half spheres "midpoint" is of second order at all cells',
    )

    @property
    def implicit(self) -> bool:
        """Whether steps are."""
        return STEPPERS[self.stepper].implicit

    @property
    def limits_slopes(self) -> bool:
        """Whether the limiter counts."""
        return not self.implicit and self.order in (2, 3)

    @property
    def evolution(self) -> type[ExplicitFiniteVolume] | type[ImplicitFiniteVolume]:
        """Explicit or implicit finite volumes."""
        return ImplicitFiniteVolume if self.implicit else ExplicitFiniteVolume

    def make_evolution(self, problem: Problem, state: FlowState | None) -> ExplicitFiniteVolume | ImplicitFiniteVolume:
        """Prepare finite volumes."""
        density = problem.density_at(state)
        return make_finite_volume(
            problem.functional, problem.domain, density, **self.model_dump(), **problem.factors(state)
        )

    def refused_on_ranks(self, problem: Problem) -> Mapping[str, bool]:
        """Implicit steps and growth."""
        return needs_one_rank(self.stepper, grow=problem.config.domain.grows, estimate=False)

    @property
    def reach(self) -> int:
        """That of its order."""
        return reach_of(self.order)

    def cites(self, config: ProblemFile) -> Iterator[Cited]:  # noqa: ARG002
        """What the steps and the limiter rest on."""
        yield from STEPPERS[self.stepper].cites
        if self.order == 3 and not self.implicit:
            yield Cited("SkamarockGassmann2011", "transport of third order on spheres")
        if self.limits_slopes and self.limiter in CITED:
            yield CITED[self.limiter]

    @property
    def moves_density(self) -> bool:
        """It does."""
        return True

    @property
    def can_grow(self) -> bool:
        """It does."""
        return True

    @property
    def pointwise(self) -> bool:
        """With the order 5."""
        return self.order == 5 and not self.implicit

    @property
    def midpoint_velocities(self) -> bool:
        """Whether they are wanted."""
        return self.velocity == MIDPOINT

    @property
    def spatial_order(self) -> int:
        """As the options say, of explicit steps."""
        return 2 if self.implicit else self.order

    def plan_estimate(self, problem: Problem) -> EstimatePlan:
        """Half and a quarter of the cells."""
        from wgflow.problems.estimates import plan_cells

        return plan_cells(
            problem, **estimates.grid_options(self.stepper, self.order, problem.functional, problem.domain)
        )

    def coarsened(self, factor: int) -> FiniteVolumeSection:
        """With a larger tolerance."""
        tolerance = estimates.coarse_tolerance(self.stepper, self.tolerance, factor)
        return self.model_copy(update={"tolerance": tolerance})

    @property
    def cell_method(self) -> str:
        """As the steps are."""
        return "implicit" if self.implicit else "explicit"
