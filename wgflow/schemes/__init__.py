"""Finite-volume schemes in space and methods in time."""

from wgflow.schemes.evolution import Checkpoint, Evolution, Scalars, Snapshot, StepCounts
from wgflow.schemes.explicit import ExplicitFiniteVolume
from wgflow.schemes.implicit import IMPLICIT_METHODS, ImplicitFiniteVolume, default_tolerance
from wgflow.schemes.runge_kutta import METHODS
from wgflow.schemes.space import LIMITERS, SPHERE_LIMITERS, choose_limiter

__all__ = [
    "IMPLICIT_METHODS",
    "LIMITERS",
    "METHODS",
    "SPHERE_LIMITERS",
    "Checkpoint",
    "Evolution",
    "ExplicitFiniteVolume",
    "ImplicitFiniteVolume",
    "Scalars",
    "Snapshot",
    "StepCounts",
    "choose_limiter",
    "default_tolerance",
]
