"""What the solvers of problem files have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Self

from wgflow.flows import Evolution
from wgflow.problems.sections import Section
from wgflow.registry import Cited
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.flows import FlowState
    from wgflow.problems.models import ProblemFile
    from wgflow.problems.problem import Problem
    from wgflow.runs.estimates import EstimatePlan


class SolverOptions(Section):
    """A kind of solver: the section of its options, what it moves, and how it is made."""

    @property
    def evolution(self) -> type[Evolution]:
        """Class of the solver that these options choose."""
        raise NotImplementedError

    def make_evolution(self, problem: Problem, state: FlowState | None) -> Evolution:
        """Prepare the solver, at the start or at a state of an earlier run."""
        raise NotImplementedError

    def check(self, problem: Problem) -> None:
        """Raise InputError where a problem does not fit the solver."""

    def check_energies(self) -> None:
        """Raise InputError where the solver, which moves no density, follows no energies at all."""

    def cites(self, config: ProblemFile) -> Iterator[Cited]:  # noqa: ARG002
        """What the solver rests on."""
        return iter(())

    def refused_on_ranks(self, problem: Problem) -> Mapping[str, bool]:
        """What of it only one rank can do, and whether the problem wants that; by default all of it."""
        return {f"[solver] kind = {problem.solver!r}": True}

    @property
    def reach(self) -> int:
        """Rows of cells beside one that a step looks at, where ranks share a box."""
        return 0

    # What it moves.

    @property
    def moves_particles(self) -> bool:
        """Whether its snapshots hold positions, and not a density."""
        return False

    @property
    def draws_particles(self) -> bool:
        """Whether it starts from particles, and not from a density."""
        return False

    @property
    def moves_density(self) -> bool:
        """Whether it moves a density on cells by any energy."""
        return False

    @property
    def can_grow(self) -> bool:
        """Whether it goes on from a density alone, on a larger box."""
        return False

    @property
    def pointwise(self) -> bool:
        """Whether densities are values at the cell centres and not averages."""
        return False

    @property
    def noisy(self) -> bool:
        """Whether it follows entropies by noise, where it moves no density."""
        return False

    def output_times(self, times: FloatArray) -> FloatArray:
        """The output times that it meets; raises InputError where it cannot meet the last one."""
        return times

    # What it asks of functionals.

    @property
    def kink_smoothing(self) -> float:
        """Half width in which kinks of ReLU features on data are rounded."""
        return 0.0

    @property
    def relu_precision(self) -> str:
        """Arithmetic of ReLU features on data."""
        return "float64"

    @property
    def harmonics(self) -> int | None:
        """Largest frequency to which it needs the population risk of a teacher; None for the risk as it is."""
        return None

    # Its coarse runs.

    def plan_estimate(self, problem: Problem) -> EstimatePlan:
        """Plan the coarse runs that estimate errors; raises InputError where there is no sound estimate."""
        raise NotImplementedError

    def coarsened(self, factor: int) -> Self:  # noqa: ARG002
        """The options of a coarse run, whose steps are longer where their size is not that of the cells."""
        return self

    # Its memory.

    @property
    def cell_method(self) -> str | None:
        """Key of `wgflow.runs.memory.grids.STATE`; None where particles move."""
        return None

    @property
    def midpoint_velocities(self) -> bool:
        """Whether velocities on spheres are those at the midpoints of faces."""
        return False

    @property
    def spatial_order(self) -> int:
        """Order in space of its steps on cells."""
        return 2

    @property
    def particle_method(self) -> str | None:
        """Key of `wgflow.runs.memory.particles.STATE`, or "jko"; None where no particles move."""
        return None

    @property
    def halves_cells(self) -> bool:
        """Whether coarse runs have fewer cells, and not fewer particles."""
        return self.particle_method is None

    @property
    def batch_size(self) -> int:
        """Samples of a step of stochastic descent; 0 for all data."""
        return 0
