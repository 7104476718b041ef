"""Finite-volume schemes in space and methods in time."""

from wgflow.schemes.evolution import Evolution, Snapshot, StepCounts
from wgflow.schemes.explicit import ExplicitFiniteVolume
from wgflow.schemes.implicit import IMPLICIT_METHODS, ImplicitFiniteVolume
from wgflow.schemes.runge_kutta import METHODS
from wgflow.schemes.space import LIMITERS

__all__ = [
    "IMPLICIT_METHODS",
    "LIMITERS",
    "METHODS",
    "Evolution",
    "ExplicitFiniteVolume",
    "ImplicitFiniteVolume",
    "Snapshot",
    "StepCounts",
]
