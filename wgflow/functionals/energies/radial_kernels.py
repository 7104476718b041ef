r"""Kernels W(x - y) of interactions that depend on the distance alone, narrow and singular ones averaged over cells.

The average is over a cell around the displacement: J at the centre of a cell is then that of a density that is constant
in each cell, and of the second order in the size of cells, however narrow the kernel.
"""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals.convolution import ScalarFunction
from wgflow.functionals.energies.pair_sums import PairKernel, Profile, power_profile
from wgflow.functionals.energies.zonal_interaction import ZonalInteraction
from wgflow.functionals.kernels.elementary import LEAST_SQUARE
from wgflow.functionals.kernels.pairs import GAUSSIAN, LOGARITHM
from wgflow.typing import FloatArray

NODES = 3  # Gauss points per axis of a cell over which a kernel is averaged
NARROW_GAUSSIAN = 0.75  # of a cell: samples of wider ones err by less than 4e-5 of their integral
NARROW_POWER = 0.5  # of a cell: samples of those that are rounded over more err by less than 5 % of a cell
ARC_NODES, MOST_PARTS = 8, 50  # Gauss points in each part of an arc, and parts of a kink, each twice the one before
SHELL_PARTS, SHELL_NODES = 4, 8  # parts and points per axis of the cell at 0, less its middle half


class RadialKernel(PairKernel):
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

    def on_arcs(self, spacing: float) -> ScalarFunction:
        """The kernel for cells of a circle, a function of angles; averaged over arcs where it is narrow."""
        if not self.narrow(spacing):
            return lambda angles: self.of_square(2.0 - 2.0 * np.cos(angles))
        nodes, weights = _graded_rule(self.width_at_zero / spacing)

        def integral(start: FloatArray, length: FloatArray) -> FloatArray:
            values = np.zeros(start.shape)
            for node, weight in zip(nodes, weights, strict=True):
                values += weight * self.of_square(4.0 * np.sin(0.5 * (start + node * length)) ** 2)
            return length * values

        def averaged(angles: FloatArray) -> FloatArray:
            low, high = abs(angles) - 0.5 * spacing, abs(angles) + 0.5 * spacing
            beyond, near = np.maximum(-low, 0.0), np.maximum(low, 0.0)  # an arc across 0 is two that begin there
            return (integral(near, high - near) + integral(np.zeros_like(beyond), beyond)) / spacing

        return averaged

    def narrow(self, spacing: float) -> bool:  # noqa: ARG002
        """Whether the kernel varies too much within a cell to stand for itself there."""
        return False

    @property
    def width_at_zero(self) -> float:
        """Length on which it varies near 0, where it is narrow."""
        return 0.0

    @property
    def cusp(self) -> float:
        """Slope at 0 along rays: 0 for smooth kernels, perhaps infinite."""
        return 0.0

    def zonal(self) -> ZonalInteraction:
        """The interaction on circle and sphere by the length of the chord, |x - y|^2 = 2 - 2 x.y."""
        return ZonalInteraction(ChordKernel(self), on_arcs=self.on_arcs)

    def gradient(self, displacements: FloatArray) -> FloatArray:
        """Gradient at displacements (N, p), shape (N, p)."""
        return 2.0 * self.slope((displacements**2).sum(axis=-1))[:, None] * displacements

    def __call__(self, displacements: FloatArray) -> FloatArray:
        """Values at displacements (N, p), shape (N,)."""
        return self.of_square((displacements**2).sum(axis=-1))


@dataclass(frozen=True)
class ChordKernel(PairKernel):
    """A kernel of the length of the chord as one of the product of unit vectors.

    Compiled sums are over squared distances, which keep the digits of short chords. Their gradients are those of the
    radial kernel: along the sphere they are the same.

    Parameters
    ----------
    radial : RadialKernel
        The kernel.
    """

    radial: RadialKernel

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """Those of the kernel."""
        return self.radial.profiles

    def __call__(self, cosines: FloatArray) -> FloatArray:
        """Values at cosines, any shape."""
        return self.radial.of_square(2.0 - 2.0 * cosines)

    def gradient(self, cosines: FloatArray) -> FloatArray:
        """Derivative at cosines, any shape."""
        return -2.0 * self.radial.slope(2.0 - 2.0 * cosines)


@dataclass(frozen=True)
class GaussianKernel(RadialKernel):
    """W(z) = strength exp(-|z|^2 / (2 width^2)); it repels where the strength is positive.

    On cells it is averaged along each axis on which it is narrow: the factor of that axis is a difference of erfc.

    Parameters
    ----------
    strength, width : float
        Factor, and width > 0.

    Examples
    --------
    >>> from wgflow import GaussianKernel, Interaction, Particles
    >>> pair = Particles([[0.0, 0.0], [1.0, 0.0]], [0.5, 0.5])
    >>> round(Interaction(GaussianKernel(1.0, 0.5)).at_particles(pair).energy, 6)
    0.283834
    """

    strength: float
    width: float

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The exponential of the squared distance."""
        rate = -0.5 / self.width**2
        return (Profile(GAUSSIAN, np.array([rate]), self.strength, self.strength * rate),)

    def of_square(self, square: FloatArray) -> FloatArray:
        """Values at squared distances, any shape."""
        return self.strength * np.exp(-0.5 * square / self.width**2)

    def slope(self, square: FloatArray) -> FloatArray:
        """Derivative with respect to the squared distance, any shape."""
        return -0.5 / self.width**2 * self.of_square(square)

    def on_cells(self, spacing: tuple[float, ...]) -> ScalarFunction:
        """The kernel, averaged over a cell around each displacement along the axes on which it is narrow."""
        from scipy.special import erfc

        averaged = [axis for axis, size in enumerate(spacing) if self.narrow(size)]
        sampled = [axis for axis in range(len(spacing)) if axis not in averaged]
        if not averaged:
            return self
        unit, sizes = math.sqrt(2.0) * self.width, np.array(spacing)[averaged]
        factors = math.sqrt(0.5 * math.pi) * self.width / sizes

        def on_cells(displacements: FloatArray) -> FloatArray:
            distances = abs(displacements[:, averaged])
            shares = erfc((distances - 0.5 * sizes) / unit) - erfc((distances + 0.5 * sizes) / unit)
            rest = self.of_square((displacements[:, sampled] ** 2).sum(axis=-1))
            return rest * (factors * shares).prod(axis=-1)

        return on_cells

    def narrow(self, spacing: float) -> bool:
        """Whether the kernel varies too much within a cell to stand for itself there."""
        return self.width < NARROW_GAUSSIAN * spacing

    @property
    def width_at_zero(self) -> float:
        """The width."""
        return self.width


@dataclass(frozen=True)
class PowerKernel(RadialKernel):
    r"""W(z) = strength \|z\|^a / a, and strength log\|z\| for a = 0; it attracts where the strength is positive.

    On cells it is averaged over a cell around z if a < 2 and it is not rounded over more than half a cell, so that
    singular kernels are finite and all others of the second order in the size of the cells.

    Parameters
    ----------
    exponent : float
        The exponent a.
    strength : float
        The factor.
    smoothing : float
        The length e >= 0 that rounds the kernel: \|z\|^2 + e^2 takes the place of \|z\|^2.

    Examples
    --------
    The energy distance to samples:

    >>> from wgflow import Interaction, KernelDiscrepancy, Particles, PowerKernel
    >>> samples = Particles([[0.0, 0.0], [3.0, 4.0]], [0.5, 0.5])
    >>> distance = KernelDiscrepancy(Interaction(PowerKernel(1.0, -1.0)), samples)
    >>> round(distance.at_particles(Particles([[0.0, 0.0]], [1.0])).energy, 12)
    1.25
    """

    exponent: float
    strength: float = 1.0
    smoothing: float = 0.0

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The power of the squared distance; none if it is singular."""
        if self.singular:
            return ()
        square, half = self.smoothing**2, 0.5 * self.strength
        if self.exponent == 0.0:
            return (Profile(LOGARITHM, np.zeros(1), half, half, max(square, LEAST_SQUARE)),)
        return (power_profile(self.exponent, self.strength, square),)

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
        if not self.narrow(max(spacing)):
            return self
        if self.exponent <= -len(spacing) and self.smoothing == 0.0:
            raise InputError(
                f"the kernel |z|^{self.exponent:g} has no integral in {len(spacing)} dimensions; allowed are exponents "
                f"> -{len(spacing)}, or a smoothing > 0"
            )
        sizes = np.array(spacing)
        at_zero = self._average_at_zero(sizes) if self.smoothing == 0.0 else self._rounded_average_at_zero(sizes)
        offsets, weights = _gauss_rule(len(spacing), NODES)

        def averaged(displacements: FloatArray) -> FloatArray:
            values = np.zeros(len(displacements))
            for offset, weight in zip(offsets * sizes, weights, strict=True):
                values += weight * self(displacements + offset)
            return np.where((displacements == 0.0).all(axis=-1), at_zero, values)

        return averaged

    def narrow(self, spacing: float) -> bool:
        """Whether the kernel varies too much within a cell to stand for itself there."""
        return self.exponent < 2.0 and self.smoothing < NARROW_POWER * spacing

    @property
    def width_at_zero(self) -> float:
        """The smoothing."""
        return self.smoothing

    @property
    def cusp(self) -> float:
        """The strength for the exponent 1; infinite below."""
        if self.smoothing > 0.0 or self.exponent > 1.0:
            return 0.0
        return self.strength if self.exponent == 1.0 else math.copysign(math.inf, self.strength)

    def _average_at_zero(self, sizes: FloatArray) -> float:
        """Average over the cell around 0, from that over the cell less its half: W(z / 2) is known from W(z)."""
        shell, half = self._shell(sizes), 2.0 ** -len(sizes)
        if self.exponent == 0.0:
            return (shell - half * self.strength * math.log(2.0)) / (1.0 - half)
        return shell / (1.0 - half * 2.0**-self.exponent)

    def _rounded_average_at_zero(self, sizes: FloatArray) -> float:
        """Average over the cell around 0 of a rounded kernel, from shells that halve down to the smoothing."""
        parts = math.ceil(math.log2(max(sizes) / self.smoothing)) + 2
        halves = 2.0 ** -np.arange(parts)
        offsets, weights = _gauss_rule(len(sizes), SHELL_NODES)
        middle = float(weights @ self(offsets * sizes * 2.0**-parts))
        shells = sum(half ** len(sizes) * self._shell(half * sizes) for half in halves)
        return float(shells) + 2.0 ** (-parts * len(sizes)) * middle

    def _shell(self, sizes: FloatArray) -> float:
        """Integral over the cell around 0 less its middle half, over the volume of the cell."""
        dimension, total = len(sizes), 0.0
        offsets, weights = _gauss_rule(dimension, SHELL_NODES)
        for part in itertools.product(range(SHELL_PARTS), repeat=dimension):
            if any(place in (0, SHELL_PARTS - 1) for place in part):
                centre = (np.array(part) + 0.5) / SHELL_PARTS - 0.5
                total += float(weights @ self((centre + offsets / SHELL_PARTS) * sizes))
        return total / SHELL_PARTS**dimension


@dataclass(frozen=True)
class SumKernel(RadialKernel):
    """The sum of some kernels.

    Parameters
    ----------
    parts : tuple of RadialKernel
        At least one.
    """

    parts: tuple[RadialKernel, ...]

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """Those of the parts; none if one of them has none."""
        found = [part.profiles for part in self.parts]
        return tuple(itertools.chain(*found)) if all(found) else ()

    def of_square(self, square: FloatArray) -> FloatArray:
        """Values at squared distances, any shape."""
        return np.sum([part.of_square(square) for part in self.parts], axis=0)

    def slope(self, square: FloatArray) -> FloatArray:
        """Derivative with respect to the squared distance, any shape."""
        return np.sum([part.slope(square) for part in self.parts], axis=0)

    @property
    def cusp(self) -> float:
        """The sum of those of the parts."""
        return math.fsum(part.cusp for part in self.parts)

    def on_cells(self, spacing: tuple[float, ...]) -> ScalarFunction:
        """The sum of the parts on cells."""
        bound = [part.on_cells(spacing) for part in self.parts]
        return lambda displacements: np.sum([part(displacements) for part in bound], axis=0)

    def on_arcs(self, spacing: float) -> ScalarFunction:
        """The sum of the parts on arcs."""
        bound = [part.on_arcs(spacing) for part in self.parts]
        return lambda angles: np.sum([part(angles) for part in bound], axis=0)

    def narrow(self, spacing: float) -> bool:
        """Whether one of the parts is."""
        return any(part.narrow(spacing) for part in self.parts)


def _gauss_rule(dimension: int, count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes (n, p) in the cube of side 1 around 0 and their weights, of sum 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    places = np.stack(np.meshgrid(*[0.5 * nodes] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    products = np.stack(np.meshgrid(*[0.5 * weights] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    return places, products.prod(axis=-1)


def _graded_rule(width: float) -> tuple[FloatArray, FloatArray]:
    """Nodes in [0, 1] and weights of sum 1 for functions that vary on some width at 0, in parts that double."""
    count = MOST_PARTS if width == 0.0 else max(math.ceil(-math.log2(width)), 0) + 2
    edges = np.concatenate([[0.0], 2.0 ** np.arange(1 - count, 1)])
    nodes, weights = np.polynomial.legendre.leggauss(ARC_NODES)
    lengths = np.diff(edges)[:, None]
    return (edges[:-1, None] + lengths * 0.5 * (nodes + 1.0)).ravel(), (0.5 * weights * lengths).ravel()
