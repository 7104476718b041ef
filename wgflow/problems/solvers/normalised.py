"""[solver] kind = "normalised": the flow of a mass that grows without end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from wgflow.errors import InputError
from wgflow.problems.sections import NonNegative, Positive
from wgflow.problems.solvers.base import SolverOptions
from wgflow.registry import Cited

if TYPE_CHECKING:
    from wgflow.flows import FlowState
    from wgflow.normalised.normalised_flow import NormalisedFlow
    from wgflow.problems.models import ProblemFile
    from wgflow.problems.problem import Problem
    from wgflow.runs.estimates import EstimatePlan


class NormalisedSection(SolverOptions):
    """Options of the flow of a mass that grows without end, with loss "softmin" or "logistic", in normalised form."""

    tau: Positive = Field(1.0, description="size of the steps at time 0")
    growth: NonNegative = Field(0.05, description="steps grow with time t to tau + growth t")
    order: Literal[1, 2] = Field(2, description="order in space of transport by short steps; long ones are of order 1")

    @property
    def evolution(self) -> type[NormalisedFlow]:
        """The flow in normalised form."""
        from wgflow.normalised.normalised_flow import NormalisedFlow  # rooms are loaded for their own runs

        return NormalisedFlow

    def make_evolution(self, problem: Problem, state: FlowState | None) -> NormalisedFlow:
        """Prepare the flow, at a density, or where there are fields of a snapshot in its state."""
        from wgflow.normalised.normalised_flow import NormalisedFlow

        factors = problem.factors(state)
        time, options = factors.pop("time"), self.model_dump()
        start: dict[str, Any] = {**factors, **options}
        flow = NormalisedFlow(problem.functional, problem.domain, problem.density_at(state), **start)
        if state is not None and state.fields:
            flow.go_on(time, state.fields)
        return flow

    def check(self, problem: Problem) -> None:
        """Raise InputError unless the mass can grow without end."""
        section, reaction = problem.config.problem, problem.reaction
        section.check_diverging()
        if section.regularization > 0.0:
            raise InputError(
                f"[problem] regularization = {section.regularization:g} bounds the mass; [solver] kind = "
                '"normalised" is for masses that grow without end: leave it out, or choose "finite_volume"'
            )
        if not reaction > 0.0:
            raise InputError(
                f'[solver] kind = "normalised" needs a mass that grows, but the reaction is {reaction:g}; choose a '
                "circle or sphere, or give [solver] reaction"
            )

    def cites(self, config: ProblemFile) -> Iterator[Cited]:  # noqa: ARG002
        """The flow, and its long steps."""
        yield Cited("ChizatBach2020", "the flow of diverging mass in normalised form, and its limit")
        yield Cited("Rockafellar1976", "proximal steps")

    def plan_estimate(self, problem: Problem) -> EstimatePlan:  # noqa: ARG002
        """Raise InputError: there is none."""
        raise InputError(
            'estimate is not available for [solver] kind = "normalised": its measure soon lives in single cells and '
            "its steps are long, so that differences of two grids tell little of the error (found: a fortieth); run "
            "other domain.cells and normalised.tau (wgflow sweep) and compare"
        )

    @property
    def cell_method(self) -> str:
        """Its own."""
        return "normalised"
