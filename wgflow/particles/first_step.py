"""The first step of an integrator with error control, in any unit of time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from wgflow.typing import FloatArray

PROBE = 0.01  # of the sizes of a state, moved along its rate of change to see how fast that changes


def first_step(
    velocity: Callable[[FloatArray], FloatArray], state: FloatArray, sizes: FloatArray, tolerance: float
) -> float:
    """Step in which a method of order 8 errs little, from how fast a state and its rate change; in any unit of time.

    References
    ----------
    Hairer, Noersett and Wanner (1993), Solving Ordinary Differential Equations I, Section II.4, made free of units.
    """
    rate = velocity(state)
    speed = float(np.sqrt(np.mean((rate / sizes) ** 2)))
    if speed == 0.0:
        return 1.0  # nothing moves, at whatever step
    probe = PROBE / speed
    with np.errstate(over="ignore", invalid="ignore"):
        change = float(np.sqrt(np.mean(((velocity(state + probe * rate) - rate) / sizes) ** 2))) / (probe * speed)
    fastest = max(speed, change) if math.isfinite(change) else math.inf
    return min(100.0 * probe, (PROBE * tolerance) ** (1.0 / 8.0) / fastest) if math.isfinite(fastest) else PROBE * probe
