"""[solver] kind = "transport"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from wgflow.errors import InputError
from wgflow.finite_volume.explicit import EXPLICIT_TOLERANCE
from wgflow.finite_volume.runge_kutta import METHODS
from wgflow.finite_volume.transport import TransportFlow
from wgflow.problems.kinds.transport import TRANSPORT, TransportProblem
from wgflow.problems.sections import one_of
from wgflow.problems.solvers.base import SolverOptions
from wgflow.registry import Cited
from wgflow.upwind.discretisation import GIVEN_LIMITERS, ZALESAK, choose_given_limiter
from wgflow.upwind.kernels.limiters import ALL_LIMITERS

if TYPE_CHECKING:
    from wgflow.flows import FlowState
    from wgflow.problems.models import ProblemFile
    from wgflow.problems.problem import Problem
    from wgflow.runs.estimates import EstimatePlan

    Limiter = str
    Method = str
else:
    Limiter, Method = one_of({**ALL_LIMITERS, **GIVEN_LIMITERS}), one_of(METHODS)


class TransportSection(SolverOptions):
    """Options of transport by a velocity from outside."""

    order: Literal[1, 2, 3] = Field(3, description="order in space")
    limiter: Limiter | None = Field(
        None,
        description='limiter of values at faces, as in [finite_volume]; of order 3 also "zalesak", which corrects '
        "fluxes so that no cell gets beyond the range of its neighbours",
    )
    stepper: Method = Field("ssprk43", description="time-stepping method")
    tolerance: float = Field(
        EXPLICIT_TOLERANCE, ge=1e-12, le=0.1, description="error of a step relative to the change in it, both in L1"
    )

    @property
    def evolution(self) -> type[TransportFlow]:
        """Finite volumes with a velocity from outside."""
        return TransportFlow

    def make_evolution(self, problem: Problem, state: FlowState | None) -> TransportFlow:
        """Prepare finite volumes."""
        section = problem.config.problem
        assert isinstance(section, TransportProblem)
        velocity = section.velocity.build(problem.domain, problem.code)
        time, density = 0.0 if state is None else state.time, problem.density_at(state)
        return TransportFlow(velocity, problem.domain, density, time=time, **self.model_dump())

    def check(self, problem: Problem) -> None:
        """Raise InputError unless the problem gives a velocity, and the order has the limiter."""
        section = problem.config.problem
        if not isinstance(section, TransportProblem):
            raise InputError(
                f'[solver] kind = "{TRANSPORT}" needs [problem] kind = "{TRANSPORT}", with a velocity; found '
                f'"{section.kind}"'
            )
        choose_given_limiter(self.limiter, problem.domain, self.order)  # here, so that sweeps ask before all runs

    def cites(self, config: ProblemFile) -> Iterator[Cited]:  # noqa: ARG002
        """What the steps and the limiter rest on."""
        yield from METHODS[self.stepper].cites
        if self.order == 3:
            yield Cited("SkamarockGassmann2011", "transport of third order on spheres")
        if self.limiter == ZALESAK:
            yield Cited("Zalesak1979", "flux-corrected transport")

    @property
    def moves_density(self) -> bool:
        """It does."""
        return True

    @property
    def spatial_order(self) -> int:
        """As the options say."""
        return self.order

    def plan_estimate(self, problem: Problem) -> EstimatePlan:  # noqa: ARG002
        """Raise InputError: limiters leave no one order by which errors fall."""
        raise InputError(f'estimate is not available with [solver] kind = "{TRANSPORT}"; compare numbers of cells')

    @property
    def cell_method(self) -> str:
        """Its own."""
        return "transport"
