"""What every solver shows to the time loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from wgflow.domains import total_mass
from wgflow.functionals.base import GridFunctional
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Snapshot:
    """The state of a flow at one time.

    Parameters
    ----------
    time, step_size : float
        Time, and the size of the step that led there (0 at the start).
    energy, risk, mass, min_potential : float
        F, F without its regularisation, total mass, and the minimum of J over the domain or particles.
    fields : mapping of str to array
        The arrays that a trajectory stores for each snapshot, by name.
    """

    time: float
    step_size: float
    energy: float
    risk: float
    mass: float
    min_potential: float
    fields: Mapping[str, FloatArray] = field(repr=False)


def density_snapshot(
    functional: GridFunctional,
    density: FloatArray,
    potential: FloatArray,
    *,
    time: float,
    step_size: float,
    energy: float,
) -> Snapshot:
    """Copy the state of a flow on a grid, whose only field is ``density``, with its potential and F."""
    mass = total_mass(functional.domain, density)
    return Snapshot(
        time=time,
        step_size=step_size,
        energy=energy,
        risk=energy - functional.penalty(mass),
        mass=mass,
        min_potential=float(potential.min()),
        fields={"density": density.copy()},
    )


@dataclass
class StepCounts:
    """Accepted and rejected steps and evaluations of J so far."""

    accepted: int = 0
    rejected: int = 0
    evaluations: int = 0


class Evolution(Protocol):
    """A solver that holds a state and advances it step by step."""

    counts: StepCounts

    @property
    def time(self) -> float:
        """Current time."""

    @property
    def energy(self) -> float:
        """F of the current state."""

    @property
    def step_size(self) -> float:
        """Size of the last accepted step."""

    def begin_interval(self, end: float) -> None:
        """Forget all step control, so that the states at output times alone determine the run."""

    def step(self) -> None:
        """Advance by one accepted step, at most to the end of the interval, which is met exactly."""

    def snapshot(self) -> Snapshot:
        """Copy the current state, which does not change it: now and then it is done between two outputs as well."""
