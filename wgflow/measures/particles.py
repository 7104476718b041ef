"""Discrete measures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wgflow.domains import Domain
from wgflow.errors import ShapeError
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Particles:
    """A discrete measure ``sum_j weights_j delta_(points_j, signs_j)``.

    Parameters
    ----------
    points : array, shape (m, p)
        Positions, unit vectors on circle and sphere.
    weights : array, shape (m,)
        Nonnegative weights.
    signs : array, shape (m,)
        +1 or -1 on signed domains, all +1 elsewhere.
    domain : Domain, optional
        Where the particles live, as far as that is known: those that are drawn from a measure on a domain remember it.
    """

    points: FloatArray
    weights: FloatArray
    signs: FloatArray
    domain: Domain | None = None

    def __post_init__(self) -> None:
        for name in ("points", "weights", "signs"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        count = self.weights.size
        if self.points.ndim != 2 or len(self.points) != count or self.signs.shape != (count,):
            raise ShapeError(
                f"particles of shapes points {self.points.shape}, weights {self.weights.shape}, signs "
                f"{self.signs.shape} do not fit together; allowed are (m, p), (m,), (m,)"
            )

    @property
    def mass(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum())

    def part(self, chosen: NDArray[Any]) -> Particles:
        """Those of the given numbers, or where a mask (m,) is true, on the same domain."""
        return replace(self, points=self.points[chosen], weights=self.weights[chosen], signs=self.signs[chosen])


def extent_of(points: FloatArray) -> float:
    """Standard deviation of points (m, p); where they are at one place, its distance from the origin, else 1."""
    deviation = np.sqrt(points.var(axis=0).sum())
    return float(deviation) or float(np.abs(points).max()) or 1.0
