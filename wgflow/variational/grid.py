"""Variational steps of a density on a grid: cells pushed by the proximal map, and deposited on the grid again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.functionals import Functional, Particles
from wgflow.particles import nodes_of_cells
from wgflow.particles.deposit import deposit
from wgflow.schemes.evolution import Checkpoint, Scalars, Snapshot, StepCounts, numbers
from wgflow.schemes.explicit import check_density
from wgflow.typing import FloatArray
from wgflow.variational.control import JkoOptions
from wgflow.variational.flow import JkoFlow, make_jko_flow


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
        self._density = check_density(density, domain.shape).copy()
        self.counts, self._step_size = StepCounts(), 0.0
        self._end, self._flow = time, self._restarted(time)

    @property
    def time(self) -> float:
        """Current time."""
        return self._flow.time

    @property
    def energy(self) -> float:
        """F of the density."""
        return self._flow.energy

    @property
    def step_size(self) -> float:
        """Size of the last step."""
        return self._step_size

    def begin_interval(self, end: float) -> None:
        """Forget halved steps, and aim at ``end``."""
        self._end = end

    def checkpoint(self) -> Checkpoint:
        """Copy the density and the aim: each step begins with whole steps."""
        return {
            "density": self._density.copy(),
            **numbers(time=self.time, end=self._end, step_size=self._step_size),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on within the interval of a checkpoint."""
        self._end, self._step_size = float(checkpoint["end"]), float(checkpoint["step_size"])
        self.counts = StepCounts()

    def scalars(self) -> Scalars:
        """Scalars of the current state."""
        return self._flow.scalars()

    def step(self) -> None:
        """Advance by one step and deposit.

        Mass that would leave a box stays at its walls, where runs watch for it.

        Raises
        ------
        StepError
            If there is no step.
        """
        flow = self._flow
        flow.begin_interval(self._end)
        flow.step()
        self._density = deposit(self._inside(flow.particles), self._domain)
        self._step_size = flow.step_size
        self.counts.accepted += 1
        self.counts.rejected += flow.counts.rejected
        self.counts.evaluations += flow.counts.evaluations
        self._flow = self._restarted(flow.time)

    def snapshot(self) -> Snapshot:
        """Copy the current state; its only field is ``density``."""
        snapshot = self._flow.snapshot()
        return replace(snapshot, step_size=self._step_size, fields={"density": self._density.copy()})

    def _inside(self, particles: Particles) -> Particles:
        """Particles put back into a box."""
        base = self._domain.base
        if not isinstance(base, Box):
            return particles
        low, high = np.where(np.array(base.periodic)[:, None], [-np.inf, np.inf], np.array(base.bounds)).T
        return replace(particles, points=particles.points.clip(low, high))

    def _restarted(self, time: float) -> JkoFlow:
        """Particles at the cells that hold mass."""
        nodes = nodes_of_cells(self._domain, self._density)
        held = nodes.weights > 0.0
        nodes = replace(nodes, points=nodes.points[held], weights=nodes.weights[held], signs=nodes.signs[held])
        return make_jko_flow(self._functional, nodes, self._domain, self._options, time=time, **self._factors)
