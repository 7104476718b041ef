"""What a method costs to reach an error, from runs of several sizes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Effort:
    """What a run took, and how wrong it was.

    Parameters
    ----------
    seconds : float
        How long it took.
    error : float
        Its error.
    """

    seconds: float
    error: float


def best_of(efforts: Iterable[Effort]) -> list[Effort]:
    """Those that no other beats both in seconds and in error, from the cheapest to the most exact."""
    best: list[Effort] = []
    for effort in sorted(efforts, key=lambda effort: (effort.seconds, effort.error)):
        if not best or effort.error < best[-1].error:
            best.append(effort)
    return best


def seconds_to(error: float, efforts: Iterable[Effort]) -> float:
    """Seconds to an error: straight lines between logarithms of the best; infinite where none of them reaches it.

    An error larger than that of the cheapest takes as long as that one.
    """
    best = best_of(efforts)
    if not best or best[-1].error > error:
        return math.inf
    errors, seconds = (np.log([getattr(effort, name) for effort in best[::-1]]) for name in ("error", "seconds"))
    return float(np.exp(np.interp(math.log(error), errors, seconds)))
