"""The state of a density that moves by implicit or variational steps, which work on cells in one row."""

from __future__ import annotations

import math

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import ComputationError
from wgflow.flows.concentration import ConcentrationWatch
from wgflow.flows.evolution import GridScalars, Scalars, Snapshot, StepCounts
from wgflow.flows.labels import FLOW_LABELS
from wgflow.functionals import Functional, GridFunctional
from wgflow.functionals.base import ROUND_OFF
from wgflow.measures.checks import check_density
from wgflow.typing import FloatArray


class GridState:
    """A density on a grid with its F, which no step may raise.

    Parameters
    ----------
    functional : Functional
        Any functional that lives on the domain.
    domain : Domain
        Circle, box or sphere, also signed.
    density : array, shape ``domain.shape``
        Density at ``time``.
    time : float
        Time at the start.

    Raises
    ------
    InputError
        If the density is none.
    ComputationError
        If F is not finite at the start.
    """

    labels = FLOW_LABELS

    def __init__(self, functional: Functional, domain: Domain, density: FloatArray, time: float) -> None:
        self._domain, self._functional = domain, functional.on_grid(domain)
        self._density = check_density(density, domain.shape).ravel().copy()
        self._potential = np.empty(domain.shape)
        self.time, self.step_size, self.counts = time, 0.0, StepCounts()
        self.energy = self._evaluate(self._density)
        if not math.isfinite(self.energy):
            raise ComputationError(f"F is {self.energy} at the start; check its terms and the initial measure")
        self._concentration = ConcentrationWatch(self._functional, self.density)
        self._scalars = GridScalars(self._functional)

    @property
    def density(self) -> FloatArray:
        """The current density, shape ``domain.shape``."""
        return self._density.reshape(self._domain.shape)

    @property
    def measure(self) -> FloatArray:
        """The density."""
        return self.density

    def snapshot(self) -> Snapshot:
        """Copy the current state; its only field is ``density``."""
        fields = {"density": self.density.copy()}
        return Snapshot(self.time, self.step_size, self.energy, *self.scalars(), fields)

    def scalars(self) -> Scalars:
        """Scalars of the current state."""
        return self._scalars(self.density, self._potential, self.energy)

    def _evaluate(self, density: FloatArray) -> float:
        """F of a density (N,), whose potential is kept."""
        self.counts.evaluations += 1
        return self._functional.evaluate(density.reshape(self._domain.shape), self._potential)

    def _rises(self, density: FloatArray, energy: float) -> bool:
        """Whether F would rise to ``energy`` at a density (N,) by more than round-off."""
        return energy_rises(self._functional, density.reshape(self._domain.shape), energy, self.energy)

    def _accept(self, density: FloatArray, energy: float, step: float, end: float) -> None:
        """Go on to a density after a step on the way to the time ``end``, which is met exactly."""
        self.time = end if step == end - self.time else self.time + step
        self._density, self.energy, self.step_size = density, energy, step
        self.counts.accepted += 1
        self._concentration.check(self.density, self.time)


def energy_rises(functional: GridFunctional, density: FloatArray, energy: float, before: float) -> bool:
    """Whether F, evaluated last at a density where it is ``energy``, exceeds ``before`` by more than round-off."""
    return not energy <= before and not energy <= before + ROUND_OFF * functional.scale(density)
