"""Discrete measures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wgflow.domains import Domain
from wgflow.errors import InputError, ShapeError
from wgflow.measures.checks import real_values
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
    signs : array, shape (m,), optional
        +1 or -1 on signed domains, all +1 elsewhere; +1 by default.
    domain : Domain, optional
        Where the particles live, as far as that is known: those that are drawn from a measure on a domain remember it.

    Raises
    ------
    ShapeError
        If the shapes do not fit together.

    Examples
    --------
    >>> from wgflow import Particles
    >>> pair = Particles([[0.0, 1.0], [1.0, 0.0]], [0.5, 0.5])
    >>> pair.mass, pair.signs.tolist()
    (1.0, [1.0, 1.0])
    """

    points: FloatArray
    weights: FloatArray
    signs: FloatArray = None  # type: ignore[assignment]  # always an array once it is made
    domain: Domain | None = None

    def __post_init__(self) -> None:
        signs: Any = self.signs
        if signs is None:
            object.__setattr__(self, "signs", np.ones(np.shape(self.weights)))
        for name in ("points", "weights", "signs"):
            object.__setattr__(self, name, real_values(f"the {name} of particles", getattr(self, name)))
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


def require_particles(particles: object) -> None:
    """Raise InputError unless they are `Particles`: an array has no weights."""
    if not isinstance(particles, Particles):
        shape = getattr(particles, "shape", None)
        found = type(particles).__name__ if shape is None else f"{type(particles).__name__} of shape {shape}"
        raise InputError(
            f"particles are needed; found {found}: give Particles(points, weights), points of shape (m, p) and weights "
            "of shape (m,), e.g. numpy.full(m, 1 / m)"
        )


def extent_of(points: FloatArray) -> float:
    """Standard deviation of points (m, p); where they are at one place, its distance from the origin, else 1."""
    deviation = np.sqrt(points.var(axis=0).sum())
    return float(deviation) or float(np.abs(points).max()) or 1.0
