"""[solver] kind = "characteristics"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from wgflow.characteristics.tolerance import NODE_TOLERANCE
from wgflow.errors import InputError
from wgflow.problems.sections import NonNegative, Tolerance
from wgflow.problems.solvers.base import SolverOptions
from wgflow.problems.solvers.particles import DOP853
from wgflow.registry import Cited

if TYPE_CHECKING:
    from wgflow.characteristics import CharacteristicFlow, NodeRule
    from wgflow.characteristics.nodes import StartDensity
    from wgflow.flows import FlowState
    from wgflow.problems.models import ProblemFile
    from wgflow.problems.problem import Problem
    from wgflow.runs.estimates import EstimatePlan


class CharacteristicsSection(SolverOptions):
    """Options of the characteristics: where the nodes start, and how they move."""

    tolerance: Tolerance = Field(NODE_TOLERANCE, description="local error of the integrator")
    nodes: Literal["cells", "product", "fibonacci", "frames", "gauss_hermite"] | None = Field(
        None, description='where nodes start; by default "cells" on grids, "frames" on hyperspheres'
    )
    count: int | None = Field(
        None, ge=1, le=10**7, description="wanted number of nodes on each sheet, 1000 by default; cells have their own"
    )
    smoothing: NonNegative = Field(
        1e-3, lt=1.0, description="half width in which kinks of ReLU features on data are rounded"
    )

    @property
    def evolution(self) -> type[CharacteristicFlow]:
        """The flow along characteristics."""
        from wgflow.characteristics import CharacteristicFlow  # rooms are loaded for their own runs

        return CharacteristicFlow

    def make_evolution(self, problem: Problem, state: FlowState | None) -> CharacteristicFlow:
        """Prepare the nodes; their places in the initial measure are those of the start."""
        from wgflow.characteristics import CellNodes, CharacteristicFlow

        rule, domain, moved = self.rule(problem), problem.domain, problem.moved(state)
        moved["expansion"] = None if state is None else state.fields.get("expansion")
        density: StartDensity = problem.initial_density() if isinstance(rule, CellNodes) else problem.initial_at
        return CharacteristicFlow(problem.functional, domain, density, nodes=rule, tolerance=self.tolerance, **moved)

    def rule(self, problem: Problem) -> NodeRule:
        """Where the nodes of a problem start."""
        from wgflow.characteristics import make_nodes

        return make_nodes(self.nodes, problem.domain, self.count)

    def check(self, problem: Problem) -> None:
        """Raise InputError unless the initial measure has a density at the nodes."""
        from wgflow.characteristics import CellNodes, start_nodes

        rule = self.rule(problem)
        if not isinstance(rule, CellNodes):
            start_nodes(problem.domain, problem.initial_at, rule)

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
        """Half and a quarter of the nodes; raises InputError unless these are those of the cells."""
        from wgflow.characteristics import CellNodes
        from wgflow.problems.estimates import plan_cells
        from wgflow.runs.estimates import TOLERANCES

        if not isinstance(self.rule(problem), CellNodes):
            raise InputError('estimate needs nodes = "cells", of which coarse runs have fewer; leave it out')
        return plan_cells(problem, steps=0, most=4.0, noise=TOLERANCES * self.tolerance, pointwise=True)

    @property
    def particle_method(self) -> str:
        """That of adaptive particles."""
        return "adaptive"

    @property
    def halves_cells(self) -> bool:
        """They do, whose nodes are those of the cells."""
        return True
