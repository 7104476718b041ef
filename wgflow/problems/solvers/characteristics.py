"""[solver] kind = "characteristics"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from wgflow.characteristics import NODE_TOLERANCE, CharacteristicFlow
from wgflow.problems.estimates import plan_cells
from wgflow.problems.sections import NonNegative, Tolerance
from wgflow.problems.solvers.base import SolverOptions
from wgflow.problems.solvers.particles import DOP853
from wgflow.registry import Cited
from wgflow.runs.estimates import TOLERANCES

if TYPE_CHECKING:
    from wgflow.flows import FlowState
    from wgflow.problems.models import ProblemFile
    from wgflow.problems.problem import Problem
    from wgflow.runs.estimates import EstimatePlan


class CharacteristicsSection(SolverOptions):
    """Options of the characteristics: one node per cell of the domain."""

    tolerance: Tolerance = Field(NODE_TOLERANCE, description="local error of the integrator")
    smoothing: NonNegative = Field(
        1e-3, lt=1.0, description="half width in which kinks of ReLU features on data are rounded"
    )

    @property
    def evolution(self) -> type[CharacteristicFlow]:
        """The flow along characteristics."""
        return CharacteristicFlow

    def make_evolution(self, problem: Problem, state: FlowState | None) -> CharacteristicFlow:
        """Prepare the nodes; their places in the initial measure are those of the start."""
        density = problem.initial_density()
        moved = problem.moved(state)
        return CharacteristicFlow(problem.functional, problem.domain, density, tolerance=self.tolerance, **moved)

    def cites(self, config: ProblemFile) -> Iterator[Cited]:  # noqa: ARG002
        """The integrator."""
        yield DOP853

    @property
    def moves_particles(self) -> bool:
        """Its nodes are some."""
        return True

    @property
    def kink_smoothing(self) -> float:
        """As the options say."""
        return self.smoothing

    def plan_estimate(self, problem: Problem) -> EstimatePlan:
        """Half and a quarter of the nodes."""
        return plan_cells(problem, steps=0, most=4.0, noise=TOLERANCES * self.tolerance, pointwise=True)

    @property
    def particle_method(self) -> str:
        """That of adaptive particles."""
        return "adaptive"

    @property
    def halves_cells(self) -> bool:
        """They do, whose nodes are those of the cells."""
        return True
