r"""What the domains of measures that are invariant under rotations have in common.

A measure on the unit sphere of R^d that is invariant under the rotations and reflections of all directions orthogonal
to k of them is known by its image under :math:`\eta \mapsto (p, r)`: the k components p along the directions, and the
length r of the rest. The unit sphere modulo these rotations is isometric to the half :math:`r \ge 0` of the unit sphere
of R^(k+1). A gradient flow of an invariant functional stays invariant, and its image obeys the same equation there,
with the same factors; a diffusion alone knows of the volume :math:`r^{d-k-1}` of the orbits.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wgflow.domains.base import UnsignedDomain
from wgflow.domains.geometry import UNIT_TOLERANCE, Requirement, UnitSphere
from wgflow.domains.gridless import Hypersphere
from wgflow.errors import InputError
from wgflow.text import shown
from wgflow.typing import FloatArray, IntArray

MOST_INPUTS = 10**6


@dataclass(frozen=True)
class HalfUnitSphere(UnitSphere):
    """The half of the unit sphere of R^p whose points have a last component >= 0, a mirror at its rim."""

    def requirements(self, points: FloatArray) -> Iterator[Requirement]:
        """Points are unit vectors with a last component >= 0, to 1e-10."""
        yield from super().requirements(points)
        last = points[:, -1]
        yield Requirement(last >= -UNIT_TOLERANCE, "the last component", last, "numbers >= 0: the length of the rest")

    def project(self, points: FloatArray) -> FloatArray:
        """Directions of the points, reflected at the rim."""
        return mirrored(super().project(points))

    def chart(self, points: FloatArray) -> FloatArray:
        """The angle to the first axis in [0, pi] on the half circle, longitude and latitude on the half sphere."""
        return super().chart(mirrored(points))


def mirrored(points: FloatArray) -> FloatArray:
    """Points (..., p) with the absolute value of their last component."""
    return np.concatenate([points[..., :-1], np.abs(points[..., -1:])], axis=-1)


LEAST_REFERENCE = 1e-250  # of the largest reference density: below, round-off and underflow are all there is


@dataclass(frozen=True)
class ReferenceDensity:
    """A density that others are relative to, for entropies.

    Parameters
    ----------
    weights : array, shape (N,)
        Cell averages of the reference, positive.
    source : array, shape (N,)
        For each cell itself, or where the reference vanishes to round-off the nearest one where it does not.
    """

    weights: FloatArray
    source: IntArray

    @classmethod
    def of(cls, weights: FloatArray, points: FloatArray) -> ReferenceDensity:
        """Find the nearest cell of some weight for those of none, from weights (N,) and cell centres (N, p)."""
        source = np.arange(weights.size)
        empty = weights < LEAST_REFERENCE * weights.max()
        if empty.any():
            from scipy.spatial import KDTree

            held = np.flatnonzero(~empty)
            source[empty] = held[KDTree(points[held]).query(points[empty])[1]]
        return cls(np.where(empty, weights[source], weights), source)

    def ratio(self, values: FloatArray) -> FloatArray:
        """Values (sheets * N,) over the reference."""
        rows = values.reshape(-1, self.weights.size)
        return np.ascontiguousarray((rows / self.weights)[:, self.source]).ravel()


class SymmetricDomain(UnsignedDomain):
    """The half circle or half sphere of points (p, r).

    A subclass has ``kept``, the number k of directions, and ``inputs``, the number d of components before.
    """

    kept: int
    inputs: int
    symbol = r"\nu"
    reaction = 4.0

    @property
    def geometry(self) -> HalfUnitSphere:
        """The half of the unit sphere of R^(k+1)."""
        return HalfUnitSphere(self.kept + 1)

    @property
    def whole(self) -> Hypersphere:
        """The unit sphere of R^d that the domain is the image of."""
        return Hypersphere(self.inputs)

    @property
    def orbit_power(self) -> int:
        """Power d - k - 1 of r to which the volume of the orbit of a point is proportional."""
        return self.inputs - self.kept - 1

    @cached_property
    def reference(self) -> ReferenceDensity:
        """The image of the uniform probability measure, to which entropies are relative."""
        return ReferenceDensity.of(self.uniform, self.points)

    @property
    @abstractmethod
    def uniform(self) -> FloatArray:
        """Cell averages of the image of the uniform probability measure, shape ``shape``."""

    @abstractmethod
    def uniform_density(self, points: FloatArray) -> FloatArray:
        """Density of that image at points (..., k + 1)."""

    def lifted(self, points: FloatArray, generator: np.random.Generator, frame: FloatArray | None = None) -> FloatArray:
        """Points (m, d) of the unit sphere with the given images (m, k + 1), their rest turned at random.

        Parameters
        ----------
        points : array, shape (m, k + 1)
            Components along the directions, and the length of the rest.
        generator : numpy.random.Generator
            Source of the rotations.
        frame : array, shape (k, d), optional
            The directions, orthonormal rows; the first axes by default.

        Raises
        ------
        InputError
            If the frame has another shape.
        """
        axes = self.frame(frame)
        rest = generator.standard_normal((len(points), self.inputs))
        rest -= (rest @ axes.T) @ axes
        rest *= (points[:, -1] / np.linalg.norm(rest, axis=1))[:, None]
        return np.asarray(points[:, :-1] @ axes + rest)

    def reduced(self, points: FloatArray, frame: FloatArray | None = None) -> FloatArray:
        """Images (m, k + 1) of points (m, d) of R^d; arguments as of `lifted`."""
        axes = self.frame(frame)
        along = points @ axes.T
        return np.column_stack([along, np.linalg.norm(points - along @ axes, axis=1)])

    def frame(self, frame: FloatArray | None) -> FloatArray:
        """The directions (k, d), by default the first axes; raises InputError if they have another shape."""
        axes = np.eye(self.kept, self.inputs) if frame is None else np.asarray(frame, dtype=np.float64)
        if axes.shape != (self.kept, self.inputs):
            raise InputError(
                f"a frame of shape {axes.shape} does not fit the {self.kind}; give {self.kept} orthonormal rows of "
                f"{self.inputs} components"
            )
        return axes


def check_count(name: str, value: Any, least: int, most: int, example: int) -> None:
    """Raise InputError unless a parameter is an integer in a range."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"{name} = {shown(value)} is not an integer; give one, e.g. {example}")
    if not least <= value <= most:
        raise InputError(f"{name} = {shown(value)} is not allowed; give an integer from {least} to {most}")
