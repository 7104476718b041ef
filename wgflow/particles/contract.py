"""What a method in time asks of a system of particles, and what the flow of the particles asks of a method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wgflow.flows.evolution import Checkpoint
from wgflow.functionals import Functional, ParticlePotential
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Step:
    """What a step leads to.

    Parameters
    ----------
    time : float
        New time.
    state : array
        New state.
    energy : float or None
        Energy of the samples that led there, where the whole risk was not evaluated.
    """

    time: float
    state: FloatArray
    energy: float | None = None


class Advance(Protocol):
    """Steps of a method over a whole run."""

    def __call__(self, end: float) -> Step:
        """Give the state one step on, at most at ``end``, which is met exactly and changes no later state."""

    def checkpoint(self) -> Checkpoint:
        """Copy what determines the next steps beside the last state that was given and its time."""

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, begun at the state that was given last and its time."""


class System(Protocol):
    """What a method may ask of the particles that it moves; a state holds all points, then all log-weights."""

    @property
    def functional(self) -> Functional:
        """The functional F."""

    def sizes(self, state: FloatArray) -> FloatArray:
        """Sizes to which the errors of the numbers of a state are relative."""

    @property
    def components(self) -> int:
        """Number of components of a point."""

    def potential_at(self, state: FloatArray, functional: Functional | None = None) -> ParticlePotential:
        """Energy, potential and gradient at a state, of F or of another functional."""

    def rate(self, state: FloatArray, found: ParticlePotential) -> FloatArray:
        """Rate of change of a state with the given potential and gradient."""

    def settled(self, state: FloatArray, rate: FloatArray, share: float) -> FloatArray:
        """State, changing at a rate, whose particles are put where they are held, within a share of their sizes."""

    def arrival(self, state: FloatArray, rate: FloatArray) -> float:
        """Time until the first particle arrives where it will be held, if all move on as they do; perhaps inf."""

    def descended(self, state: FloatArray, found: ParticlePotential, step: float) -> FloatArray:
        """State after a step of gradient descent in the ambient space."""

    def retracted(self, state: FloatArray) -> FloatArray:
        """State with its points put back where the flow lives."""

    def diffused(self, state: FloatArray, time: float, generator: np.random.Generator) -> FloatArray:
        """State after Brownian motion of its points at the temperature of F for a time."""


class Method(Protocol):
    """A time-stepping method."""

    @property
    def tolerance(self) -> float | None:
        """Local error of a step over the sizes of what moves; None where the method does not know it."""

    @property
    def deterministic(self) -> bool:
        """Whether steps follow F alone, which then falls."""

    def begin(self, system: System, time: float, state: FloatArray) -> Advance:
        """Give what makes the steps from a state on."""
