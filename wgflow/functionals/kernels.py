r"""Kernels W(x - y) of interactions that depend on the distance alone, singular ones averaged over cells."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals.energies import ScalarFunction, ZonalInteraction
from wgflow.typing import FloatArray

NODES = 3  # Gauss points per axis of a cell over which a kernel is averaged
SHELL_PARTS, SHELL_NODES = 4, 8  # parts and points per axis of the cell at 0, less its middle half


class RadialKernel(ABC):
    """A kernel that is a function of the squared distance."""

    @abstractmethod
    def of_square(self, square: FloatArray) -> FloatArray:
        """Values at squared distances, any shape."""

    @abstractmethod
    def slope(self, square: FloatArray) -> FloatArray:
        """Derivative with respect to the squared distance, any shape."""

    def on_cells(self, spacing: tuple[float, ...]) -> ScalarFunction:  # noqa: ARG002
        """The kernel for cells of a box: here itself."""
        return self

    def zonal(self) -> ZonalInteraction:
        """The interaction on circle and sphere by the length of the chord, |x - y|^2 = 2 - 2 x.y."""
        return ZonalInteraction(
            lambda cosine: self.of_square(2.0 - 2.0 * cosine), lambda cosine: -2.0 * self.slope(2.0 - 2.0 * cosine)
        )

    def gradient(self, displacements: FloatArray) -> FloatArray:
        """Gradient at displacements (N, p), shape (N, p)."""
        return 2.0 * self.slope((displacements**2).sum(axis=-1))[:, None] * displacements

    def __call__(self, displacements: FloatArray) -> FloatArray:
        """Values at displacements (N, p), shape (N,)."""
        return self.of_square((displacements**2).sum(axis=-1))


@dataclass(frozen=True)
class GaussianKernel(RadialKernel):
    """W(z) = strength exp(-|z|^2 / (2 width^2)); it repels where the strength is positive.

    Parameters
    ----------
    strength, width : float
        Factor, and width > 0.
    """

    strength: float
    width: float

    def of_square(self, square: FloatArray) -> FloatArray:
        """Values at squared distances, any shape."""
        return self.strength * np.exp(-0.5 * square / self.width**2)

    def slope(self, square: FloatArray) -> FloatArray:
        """Derivative with respect to the squared distance, any shape."""
        return -0.5 / self.width**2 * self.of_square(square)


@dataclass(frozen=True)
class PowerKernel(RadialKernel):
    r"""W(z) = strength \|z\|^a / a, and strength log\|z\| for a = 0; it attracts where the strength is positive.

    On cells it is averaged over a cell around z if a < 2 and it is not rounded, so that singular kernels are finite
    and all others of the second order in the size of the cells.

    Parameters
    ----------
    exponent : float
        The exponent a.
    strength : float
        The factor.
    smoothing : float
        The length e >= 0 that rounds the kernel: \|z\|^2 + e^2 takes the place of \|z\|^2.
    """

    exponent: float
    strength: float = 1.0
    smoothing: float = 0.0

    @property
    def singular(self) -> bool:
        """Whether the kernel has no value at 0."""
        return self.exponent <= 0.0 and self.smoothing == 0.0

    def of_square(self, square: FloatArray) -> FloatArray:
        """Values at squared distances, any shape; not finite at 0 where the kernel is singular."""
        rounded = square + self.smoothing**2
        with np.errstate(divide="ignore"):
            if self.exponent == 0.0:
                return 0.5 * self.strength * np.log(rounded)
            return self.strength / self.exponent * rounded ** (0.5 * self.exponent)

    def slope(self, square: FloatArray) -> FloatArray:
        """Derivative with respect to the squared distance, any shape; 0 at 0 where it has no limit."""
        rounded = square + self.smoothing**2
        power = np.maximum(rounded, 1e-300) ** (0.5 * self.exponent - 1.0)
        return 0.5 * self.strength * np.where(rounded > 0.0, power, 0.0)

    def on_cells(self, spacing: tuple[float, ...]) -> ScalarFunction:
        """The kernel, averaged over a cell around each displacement.

        Raises
        ------
        InputError
            If its singularity is too strong for that.
        """
        if self.smoothing > 0.0 or self.exponent >= 2.0:
            return self
        if self.exponent <= -len(spacing):
            raise InputError(
                f"the kernel |z|^{self.exponent:g} has no integral in {len(spacing)} dimensions; allowed are exponents "
                f"> -{len(spacing)}, or a smoothing > 0"
            )
        sizes, at_zero = np.array(spacing), self._average_at_zero(np.array(spacing))
        offsets, weights = _gauss_rule(len(spacing), NODES)

        def averaged(displacements: FloatArray) -> FloatArray:
            values = np.zeros(len(displacements))
            for offset, weight in zip(offsets * sizes, weights, strict=True):
                values += weight * self(displacements + offset)
            return np.where((displacements == 0.0).all(axis=-1), at_zero, values)

        return averaged

    def _average_at_zero(self, sizes: FloatArray) -> float:
        """Average over the cell around 0, from that over the cell less its half: W(z / 2) is known from W(z)."""
        dimension, total = len(sizes), 0.0
        offsets, weights = _gauss_rule(dimension, SHELL_NODES)
        for part in itertools.product(range(SHELL_PARTS), repeat=dimension):
            if any(place in (0, SHELL_PARTS - 1) for place in part):
                centre = (np.array(part) + 0.5) / SHELL_PARTS - 0.5
                total += float(weights @ self((centre + offsets / SHELL_PARTS) * sizes))
        shell, half = total / SHELL_PARTS**dimension, 2.0**-dimension
        if self.exponent == 0.0:
            return (shell - half * self.strength * math.log(2.0)) / (1.0 - half)
        return shell / (1.0 - half * 2.0**-self.exponent)


@dataclass(frozen=True)
class SumKernel(RadialKernel):
    """The sum of some kernels.

    Parameters
    ----------
    parts : tuple of RadialKernel
        At least one.
    """

    parts: tuple[RadialKernel, ...]

    def of_square(self, square: FloatArray) -> FloatArray:
        """Values at squared distances, any shape."""
        return np.sum([part.of_square(square) for part in self.parts], axis=0)

    def slope(self, square: FloatArray) -> FloatArray:
        """Derivative with respect to the squared distance, any shape."""
        return np.sum([part.slope(square) for part in self.parts], axis=0)

    def on_cells(self, spacing: tuple[float, ...]) -> ScalarFunction:
        """The sum of the parts on cells."""
        bound = [part.on_cells(spacing) for part in self.parts]
        return lambda displacements: np.sum([part(displacements) for part in bound], axis=0)


def _gauss_rule(dimension: int, count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes (n, p) in the cube of side 1 around 0 and their weights, of sum 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    places = np.stack(np.meshgrid(*[0.5 * nodes] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    products = np.stack(np.meshgrid(*[0.5 * weights] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    return places, products.prod(axis=-1)
