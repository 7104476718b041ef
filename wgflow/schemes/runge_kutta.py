"""Strong-stability-preserving Runge-Kutta methods, as convex combinations of Euler stages.

Stage i is ``start_weight u^n + stage_weight (u_{i-1} + dt L(u_{i-1}))``; what holds for an Euler stage and is
convex (positivity, decay of a convex energy) holds for the step.

References
----------
Shu and Osher (1988), J. Comput. Phys. 77, Eqs. (2.16) and (2.18).
"""

from __future__ import annotations

from dataclasses import dataclass

from wgflow.errors import InputError


@dataclass(frozen=True)
class RungeKutta:
    """Name, order and the weights (start_weight, stage_weight) of each stage."""

    name: str
    order: int
    stages: tuple[tuple[float, float], ...]


EULER = RungeKutta("euler", 1, ((0.0, 1.0),))
SSPRK2 = RungeKutta("ssprk2", 2, ((0.0, 1.0), (1 / 2, 1 / 2)))
SSPRK3 = RungeKutta("ssprk3", 3, ((0.0, 1.0), (3 / 4, 1 / 4), (1 / 3, 2 / 3)))

METHODS = {method.name: method for method in (EULER, SSPRK2, SSPRK3)}


def find_method(name: str) -> RungeKutta:
    """Look up a time-stepping method; raises InputError if there is none of that name."""
    if name not in METHODS:
        raise InputError(f"stepper = {name!r} is unknown; choose one of {', '.join(METHODS)}")
    return METHODS[name]
