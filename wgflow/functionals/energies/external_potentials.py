r"""External potentials V in closed form, with their gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from wgflow.functionals.energies.potential import Potential
from wgflow.typing import FloatArray


class ExternalPotential(ABC):
    """A potential V(x) with a gradient."""

    @abstractmethod
    def __call__(self, points: FloatArray) -> FloatArray:
        """V at points (N, p), shape (N,)."""

    @abstractmethod
    def gradient(self, points: FloatArray) -> FloatArray:
        """Gradient at points (N, p), shape (N, p)."""

    @property
    def energy(self) -> Potential:
        """The potential energy of V."""
        return Potential(self, self.gradient)


@dataclass(frozen=True)
class QuadraticWell(ExternalPotential):
    """V(x) = 1/2 (x - centre)^T A (x - centre).

    Parameters
    ----------
    matrix : array, shape (p, p)
        Symmetric matrix A.
    centre : array, shape (p,)
        Centre.
    """

    matrix: FloatArray
    centre: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """V at points (N, p), shape (N,)."""
        return 0.5 * np.einsum("ij,ij->i", points - self.centre, self.gradient(points))

    def gradient(self, points: FloatArray) -> FloatArray:
        """Gradient at points (N, p), shape (N, p)."""
        return (points - self.centre) @ self.matrix


@dataclass(frozen=True)
class Slope(ExternalPotential):
    """V(x) = vector . x.

    Parameters
    ----------
    vector : array, shape (p,)
        Gradient of V.
    """

    vector: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """V at points (N, p), shape (N,)."""
        return points @ self.vector

    def gradient(self, points: FloatArray) -> FloatArray:
        """Gradient at points (N, p), shape (N, p)."""
        return np.tile(self.vector, (len(points), 1))


@dataclass(frozen=True)
class DoubleWell(ExternalPotential):
    """V(x) = height ((x_k / distance)^2 - 1)^2 + stiffness / 2 times the square of the other components.

    Parameters
    ----------
    height : float
        V at the saddle in the middle.
    distance : float
        Distance of each minimum from it.
    axis : int
        Number k of the component on which the minima lie.
    stiffness : float
        Stiffness of the other components.
    """

    height: float
    distance: float
    axis: int = 0
    stiffness: float = 1.0

    def __call__(self, points: FloatArray) -> FloatArray:
        """V at points (N, p), shape (N,)."""
        along = points[:, self.axis] / self.distance
        others = (points**2).sum(axis=1) - points[:, self.axis] ** 2
        return self.height * (along**2 - 1.0) ** 2 + 0.5 * self.stiffness * others

    def gradient(self, points: FloatArray) -> FloatArray:
        """Gradient at points (N, p), shape (N, p)."""
        slopes = self.stiffness * points
        along = points[:, self.axis] / self.distance
        slopes[:, self.axis] = 4.0 * self.height / self.distance * along * (along**2 - 1.0)
        return slopes


@dataclass(frozen=True)
class PlaneWave(ExternalPotential):
    """V(x) = amplitude cos(wave . (x - origin) - phase), on boxes.

    Parameters
    ----------
    amplitude, phase : float
        Factor, and phase in radians.
    wave, origin : array, shape (p,)
        Wave vector, and where the phase counts from.
    """

    amplitude: float
    phase: float
    wave: FloatArray
    origin: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """V at points (N, p), shape (N,)."""
        return self.amplitude * np.cos(self._angle(points))

    def gradient(self, points: FloatArray) -> FloatArray:
        """Gradient at points (N, p), shape (N, p)."""
        return -self.amplitude * np.sin(self._angle(points))[:, None] * self.wave

    def _angle(self, points: FloatArray) -> FloatArray:
        return (points - self.origin) @ self.wave - self.phase


@dataclass(frozen=True)
class CircleWave(ExternalPotential):
    """V = amplitude cos(frequency angle - phase) at the points (cos angle, sin angle) of the circle.

    Parameters
    ----------
    amplitude, phase : float
        Factor, and phase in radians.
    frequency : int
        Number of minima.
    """

    amplitude: float
    phase: float
    frequency: int

    def __call__(self, points: FloatArray) -> FloatArray:
        """V at unit vectors (N, 2), shape (N,)."""
        return self.amplitude * np.cos(self._angle(points))

    def gradient(self, points: FloatArray) -> FloatArray:
        """Gradient at unit vectors (N, 2), tangent to the circle, shape (N, 2)."""
        tangents = np.stack([-points[:, 1], points[:, 0]], axis=1)
        return -self.amplitude * self.frequency * np.sin(self._angle(points))[:, None] * tangents

    def _angle(self, points: FloatArray) -> FloatArray:
        return self.frequency * np.arctan2(points[:, 1], points[:, 0]) - self.phase
