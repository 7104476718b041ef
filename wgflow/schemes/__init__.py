"""Finite-volume schemes in space and explicit methods in time."""

from wgflow.schemes.evolution import Evolution, Snapshot, StepCounts
from wgflow.schemes.explicit import ExplicitFiniteVolume
from wgflow.schemes.runge_kutta import METHODS
from wgflow.schemes.space import LIMITERS

__all__ = ["LIMITERS", "METHODS", "Evolution", "ExplicitFiniteVolume", "Snapshot", "StepCounts"]
