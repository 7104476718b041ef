"""[problem] of kind "transport": a velocity that is given from outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from wgflow.dispatch import DomainTable
from wgflow.domains import Sphere
from wgflow.domains.base import UnsignedDomain
from wgflow.errors import InputError
from wgflow.finite_volume.transport import HALF_SQUARE, NO_STATIONARITY
from wgflow.functionals import Functional
from wgflow.problems.kinds.base import ProblemSection, Sections
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import choice
from wgflow.problems.velocities import VELOCITY_KINDS
from wgflow.upwind.discretisation import check_moved

if TYPE_CHECKING:
    from wgflow.problems.problem import Problem
    from wgflow.problems.velocities import VelocitySection

    Velocity = VelocitySection
else:
    Velocity = choice(VELOCITY_KINDS.values())

TRANSPORT = "transport"  # the kind, and the solver that goes with it


class TransportProblem(ProblemSection):
    """Transport on a sphere by a velocity from outside, which falls down no energy."""

    kind: Literal["transport"]
    velocity: Velocity
    is_energy = True
    is_flow = False

    @property
    def regularization(self) -> float:
        """None."""
        return 0.0

    @property
    def temperature(self) -> float:
        """No entropies."""
        return 0.0

    def functional(self, setting: ProblemSetting) -> Functional:  # noqa: ARG002
        """Half the integral of the squared density, which a velocity without divergence keeps."""
        return HALF_SQUARE

    def check(self, problem: Problem) -> None:
        """Raise InputError unless the solver is that of transport, and nothing is asked for that it has not."""
        if problem.solver != TRANSPORT:
            raise InputError(
                f'[problem] kind = "{TRANSPORT}" needs [solver] kind = "{TRANSPORT}"; found {problem.solver!r}'
            )
        check_moved(problem.domain)
        factors = problem.config.solver
        if factors.transport != 1.0 or factors.reaction:
            raise InputError(
                "[solver] transport and reaction are factors of flows down an energy; leave them out, and change the "
                "velocity"
            )
        if factors.stationarity is not None:
            raise InputError(NO_STATIONARITY)

    @property
    def code(self) -> Iterable[str]:
        """Functions that the velocity names."""
        return self.velocity.code

    @classmethod
    def example(cls, base: UnsignedDomain) -> Sections | None:
        """A rotation, on spheres."""
        return _EXAMPLES.get(base)


_EXAMPLES: DomainTable[Sections] = DomainTable(
    "an example",
    {
        Sphere: {
            "problem": {"velocity": {"kind": "rotation", "axis": [1.0, 0.0, 1.0]}},
            "initial": {"kind": "von_mises_fisher", "direction": [0.0, 1.0, 0.0], "concentration": 8.0},
            "solver": {"kind": TRANSPORT, "t_end": 1.0},
        }
    },
)
