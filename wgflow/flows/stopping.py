"""Stop conditions of one's own: a function of the state after a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from wgflow.errors import InputError
from wgflow.flows.evolution import Evolution
from wgflow.measures import Particles
from wgflow.text import shown
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class State:
    """The state of a flow after a step, as a stop condition sees it; nothing of it costs an evaluation of J."""

    _evolution: Evolution = field(repr=False)

    @property
    def time(self) -> float:
        """Time of the flow."""
        return self._evolution.time

    @property
    def step_size(self) -> float:
        """Size of the last step."""
        return self._evolution.step_size

    @property
    def energy(self) -> float:
        """F, regularisation included."""
        return self._evolution.energy

    @property
    def risk(self) -> float:
        """Risk; NaN where it would cost an evaluation, as of stochastic descent."""
        return self._evolution.scalars().risk

    @property
    def mass(self) -> float:
        """Total mass."""
        return self._evolution.scalars().mass

    @property
    def min_potential(self) -> float:
        """Minimum of J; NaN where it would cost an evaluation, as of stochastic descent."""
        return self._evolution.scalars().min_potential

    @property
    def measure(self) -> FloatArray | Particles:
        """The density, shape ``domain.shape``, or the particles: not a copy, and overwritten by the next steps."""
        return self._evolution.measure


Until = Callable[[State], bool]
"""Says whether a run is to stop at a state."""


def is_reached(until: Until, evolution: Evolution) -> bool:
    """Whether a stop condition holds; raises InputError where it gives something else than true or false."""
    answer = until(State(evolution))
    if not isinstance(answer, bool | np.bool_):
        raise InputError(
            f"until gave {shown(answer)} at t = {evolution.time:g}; it must give True or False, e.g. "
            "until=lambda state: state.risk < 1e-3"
        )
    return bool(answer)
