"""Variational steps of a density on a grid: cells pushed by the proximal map, and deposited on the grid again."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from wgflow.domains import Domain
from wgflow.flows.evolution import Checkpoint, Scalars, Snapshot, StepCounts, numbers
from wgflow.flows.labels import FLOW_LABELS
from wgflow.flows.planned_steps import PlannedSteps
from wgflow.functionals import Functional
from wgflow.measures import Particles, nodes_of_cells
from wgflow.measures.checks import check_density
from wgflow.measures.deposit import deposit
from wgflow.typing import FloatArray
from wgflow.variational.jko_flow import JkoFlow, make_jko_flow
from wgflow.variational.options import JkoOptions


class _Cells(NamedTuple):
    """A density, and the particles at its cells."""

    density: FloatArray
    flow: JkoFlow


class GridJkoFlow:
    """A density that moves by variational steps, with a conservative deposit (`deposit`) after each.

    The deposit spreads mass over neighbouring cells and blurs what a step stretches: an error of order h^2 for each
    step, and of order tau in all. It can raise F, unlike the step itself; particles have no deposit.

    Parameters
    ----------
    functional, options
        See `JkoFlow`.
    domain : Domain
        Circle, box or sphere, also signed.
    density : array, shape ``domain.shape``
        Density at ``time``.
    transport, reaction, time : float
        The factors alpha and beta, and the time at the start.

    Raises
    ------
    InputError
        As `JkoFlow` does, and if the density is not one.
    """

    labels = FLOW_LABELS

    def __init__(
        self,
        functional: Functional,
        domain: Domain,
        density: FloatArray,
        *,
        options: JkoOptions,
        transport: float = 1.0,
        reaction: float | None = None,
        time: float = 0.0,
    ) -> None:
        self._functional, self._domain, self._options = functional, domain, options
        self._factors = {"transport": transport, "reaction": domain.reaction if reaction is None else reaction}
        self._counts, self._time, self._step_size = StepCounts(), time, 0.0
        self._cells = self._cells_of(check_density(density, domain.shape).copy(), time)
        self._control = PlannedSteps(options.plan, time, self._cells, carry=False)

    @property
    def counts(self) -> StepCounts:
        """What was done so far; the flows of cells count into it."""
        return self._counts

    @counts.setter
    def counts(self, counts: StepCounts) -> None:
        self._counts = counts
        for cells in (self._control.base, self._cells):
            cells.flow.counts = counts

    @property
    def time(self) -> float:
        """Current time."""
        return self._time

    @property
    def energy(self) -> float:
        """F of the density."""
        return self._cells.flow.energy

    @property
    def step_size(self) -> float:
        """Size of the last step."""
        return self._step_size

    @property
    def measure(self) -> FloatArray:
        """The density."""
        return self._cells.density

    def begin_interval(self, end: float) -> None:
        """Aim at ``end``."""
        self._control.end = end

    def checkpoint(self) -> Checkpoint:
        """Copy the density, the aim, and the density with which the next step begins if it is another."""
        control = self._control.checkpoint(self._cells, lambda base: {"density": base.density.copy()})
        shown = {"density": self._cells.density.copy(), **numbers(time=self._time, step_size=self._step_size)}
        return {**shown, **control}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self._control.restore(checkpoint, self._cells, lambda aside: self._cells_of(aside["density"], self._time))
        self._step_size, self.counts = float(checkpoint["step_size"]), StepCounts()

    def scalars(self) -> Scalars:
        """Scalars of the current state."""
        return self._cells.flow.scalars()

    def step(self) -> None:
        """Advance by one step and deposit.

        Mass that would leave a box stays at its walls, where runs watch for it.

        Raises
        ------
        StepError
            If there is no step.
        """
        time, self._cells = self._control.take(self._advanced, self.counts)
        self._time, self._step_size = time, time - self._time
        self.counts.accepted += 1

    def snapshot(self) -> Snapshot:
        """Copy the current state; its only field is ``density``."""
        cells, shown = self._cells, {"time": self._time, "step_size": self._step_size}
        return replace(cells.flow.snapshot(), **shown, fields={"density": cells.density.copy()})

    def _advanced(self, start: _Cells, size: float) -> tuple[_Cells, int]:
        """Do a step and deposit."""
        particles, iterations = start.flow.advanced(size)
        return self._cells_of(deposit(self._inside(particles), self._domain), start.flow.time + size), iterations

    def _inside(self, particles: Particles) -> Particles:
        """Particles put back to the walls that they are beyond."""
        lattice, walls = self._domain.base.lattice, self._domain.base.walls
        if lattice is None or not walls:
            return particles
        limits = np.tile([-np.inf, np.inf], (len(lattice.bounds), 1))
        for axis, end in walls:
            limits[axis, end] = lattice.bounds[axis][end]
        return replace(particles, points=particles.points.clip(*limits.T))

    def _cells_of(self, density: FloatArray, time: float) -> _Cells:
        """A density with particles at the cells that hold mass."""
        nodes = nodes_of_cells(self._domain, density)
        held = nodes.part(nodes.weights > 0.0)
        flow = make_jko_flow(self._functional, held, self._domain, self._options, time=time, **self._factors)
        self.counts.evaluations += flow.counts.evaluations
        flow.counts = self.counts
        return _Cells(density, flow)
