r"""Fourier features on the torus: separable sums at points, transforms on grids.

.. math:: \Psi_\xi(x) = \sqrt{m_\xi}\, c_\xi\, e^{-i \omega_\xi \cdot x}

for the frequencies of one half of the lattice, with the multiplicity m that counts the other half, so that
:math:`\langle \Psi(x), \Psi(y) \rangle = \sum_\xi |c_\xi|^2 e^{i \omega_\xi \cdot (x - y)}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.domains.geometry import UnitSphere, is_flat
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.slab_filter import make_band
from wgflow.functionals.transforms import band
from wgflow.typing import ComplexArray, FloatArray


@dataclass(frozen=True)
class Torus:
    """A domain as a periodic box: of its points, or (``angular``) of the angles of points on the unit circle."""

    box: Box
    angular: bool

    @property
    def periods(self) -> tuple[float, ...]:
        """Length of each axis."""
        return tuple(high - low for low, high in self.box.bounds)


def torus_of(domain: Domain) -> Torus | None:
    """The torus that a domain is; None where it is none."""
    box, angular = domain.base.lattice, domain.geometry == UnitSphere(2)
    if box is None or not all(box.whole.periodic) or not (angular or is_flat(domain.geometry)):
        return None
    return Torus(box, angular)


@dataclass(frozen=True)
class Waves:
    """Exponentials at points: those of the first axis (N, n_1), and the products of all others (N, n_2 n_3 ...)."""

    points: FloatArray
    first: ComplexArray
    others: ComplexArray


@dataclass(frozen=True)
class FourierFeatures:
    """Real and imaginary parts of the features of the frequencies of a kernel, in turn.

    The last axis has the frequencies 0 to f, the others -f to f. They are a feature map with its derivatives and
    its own ``sums``: m points cost O(m n) by matrix products, and without storing the m x n features.

    Parameters
    ----------
    coefficients : array, shape ``(2 f_1 + 1, ..., 2 f_d + 1)``
        The coefficients c, with the frequency 0 in the middle.
    periods : sequence of float, length d
        Length of each axis.
    angular : bool
        Whether points are unit vectors in the plane and the coordinate is their angle (d = 1).
    """

    coefficients: ComplexArray
    periods: tuple[float, ...]
    angular: bool = False

    @property
    def largest(self) -> tuple[int, ...]:
        """Largest frequency along each axis."""
        return tuple(length // 2 for length in self.coefficients.shape)

    @cached_property
    def multiplicity(self) -> FloatArray:
        """How many frequencies each of the kept ones stands for, shape ``(2 f_1 + 1, ..., f_d + 1)``."""
        kept = self._half(self.coefficients)
        return np.broadcast_to(np.where(np.arange(kept.shape[-1]) == 0, 1.0, 2.0), kept.shape)

    @cached_property
    def amplitudes(self) -> ComplexArray:
        """Factor of the exponential of each frequency, shape ``(2 f_1 + 1, ..., f_d + 1)``."""
        return np.sqrt(self.multiplicity) * self._half(self.coefficients)

    @cached_property
    def turns(self) -> tuple[FloatArray, ...]:
        """Frequencies of the kept exponentials along each axis, in radians per unit of length."""
        ranges = [np.arange(-f, f + 1.0) for f in self.largest]
        ranges[-1] = ranges[-1][self.largest[-1] :]
        return tuple(2.0 * np.pi / period * numbers for period, numbers in zip(self.periods, ranges, strict=True))

    @property
    def sums(self) -> FourierFeatures:
        """Sums over points and frequencies: the features themselves have them."""
        return self

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features at points (N, p), shape (N, n)."""
        return self._real(self._products(points))

    def forward(self, points: FloatArray, charges: FloatArray) -> tuple[FloatArray, Waves]:
        """Moments ``sum_j charges_j Psi(points_j)``, shape (n,), and what the gradient needs of them."""
        waves = self._waves(points)
        moments = (charges[:, None] * waves.first).T @ waves.others
        return self._real(self.amplitudes.ravel() * moments.ravel()), waves

    def backward(self, activations: Waves, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give ``<Psi, coefficients>`` at the points, shape (N,), and its ambient gradient, shape (N, p)."""
        matrix = self._matrix(coefficients)
        slopes = np.stack([self._sum(activations, matrix, (axis,)) for axis in range(len(self.periods))], axis=1)
        if self.angular:
            slopes = slopes * _tangents(activations.points)
        return self._sum(activations, matrix, ()), slopes

    def values(self, points: FloatArray, coefficients: FloatArray, values: FloatArray) -> None:
        """Write ``<Psi, coefficients>`` at the points into ``values``, shape (N,)."""
        values[:] = self._sum(self._waves(points), self._matrix(coefficients), ())

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of the combination, shape (N, p)."""
        return self.backward(self._waves(points), coefficients)[1]

    def jacobian(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of each feature, shape (N, n, p)."""
        products = self._products(points)
        parts = [self._real(products * factor) for factor in _slopes(self.turns)]
        slopes = np.stack(parts, axis=-1)
        return slopes * _tangents(points)[:, None, :] if self.angular else slopes

    def hessian(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient Hessian of the combination, shape (N, p, p)."""
        waves, matrix, axes = self._waves(points), self._matrix(coefficients), range(len(self.periods))
        found = np.array([[self._sum(waves, matrix, (a, b)) for b in axes] for a in axes]).transpose(2, 0, 1)
        if not self.angular:
            return found
        # The angle is constant along rays: its own curvature mixes tangent and normal.
        tangent, slope = _tangents(points), self._sum(waves, matrix, (0,))
        normal = points / (points**2).sum(axis=1, keepdims=True)
        mixed = tangent[:, :, None] * normal[:, None, :]
        bent = slope[:, None, None] * (mixed + mixed.transpose(0, 2, 1))
        return found * (tangent[:, :, None] * tangent[:, None, :]) - bent

    def of_signal(self, values: FloatArray) -> FloatArray:
        """What moments a signal has whose values on equal grids (2 f_1 + 1, ...) or finer ones from 0 on are given."""
        spectrum = np.fft.rfftn(values, norm="forward")[band(self.largest)]
        return self._real((np.sqrt(self.multiplicity) * spectrum).ravel())

    def moments_on(self, domain: Domain, count: int, memory_limit: float) -> FourierMoments:  # noqa: ARG002
        """Moments by fast Fourier transforms; raises InputError where the domain is not the torus of the waves."""
        return FourierMoments(self.box_of(domain), self)

    def box_of(self, domain: Domain) -> Box:
        """The domain as a periodic box; raises InputError if it is not the torus of these features."""
        torus = torus_of(domain)
        if torus is not None and torus.angular == self.angular and torus.periods == self.periods:
            return torus.box
        where = "the circle" if self.angular else f"a periodic box with the periods {list(self.periods)}"
        raise InputError(f"these Fourier features live on {where}; the domain is another {domain.kind}")

    def _half(self, values: ComplexArray) -> ComplexArray:
        return values[..., values.shape[-1] // 2 :]

    def _real(self, values: ComplexArray) -> FloatArray:
        return np.ascontiguousarray(values).view(np.float64)

    def _matrix(self, coefficients: FloatArray) -> ComplexArray:
        """Factors of the exponentials in the combination, first axis against all others."""
        combined = np.ascontiguousarray(coefficients).view(np.complex128).conj() * self.amplitudes.ravel()
        return combined.reshape(self.amplitudes.shape[0], -1)

    def _waves(self, points: FloatArray) -> Waves:
        angles = np.arctan2(points[:, 1], points[:, 0])[:, None] if self.angular else points
        if angles.shape[1] != len(self.periods):
            raise ShapeError(f"points with {points.shape[1]} components do not fit a torus of {len(self.periods)} axes")
        first, *others = (np.exp(-1j * angles[:, axis, None] * turns) for axis, turns in enumerate(self.turns))
        return Waves(points, first, _row_products(len(points), others))

    def _products(self, points: FloatArray) -> ComplexArray:
        """Complex features, shape (N, n / 2)."""
        waves = self._waves(points)
        return self.amplitudes.ravel() * _row_products(len(points), [waves.first, waves.others])

    def _sum(self, waves: Waves, matrix: ComplexArray, axes: tuple[int, ...]) -> FloatArray:
        """Combination at the points, differentiated along axes."""
        first, others = waves.first, waves.others
        for axis in axes:
            if axis == 0:
                first = first * (-1j * self.turns[0])
            else:
                others = others * self._other_factors[axis - 1]
        return ((first @ matrix) * others).sum(axis=1).real

    @cached_property
    def _other_factors(self) -> list[ComplexArray]:
        """Derivative along each axis but the first, as a factor of the products of the other exponentials."""
        return _slopes(self.turns[1:])


class FourierMoments:
    """Moments and potentials of Fourier features on a periodic box, by FFT: exact where the grid has their frequencies.

    Parameters
    ----------
    box : Box
        Periodic, with at least 2 f + 1 cells along each axis.
    features : FourierFeatures

    Raises
    ------
    InputError
        If the grid is too coarse.
    """

    shared = True

    def __init__(self, box: Box, features: FourierFeatures) -> None:
        for axis, (count, f) in enumerate(zip(box.whole.shape, features.largest, strict=True)):
            if count < 2 * f + 1:
                raise InputError(
                    f"a kernel with the frequencies up to {f} needs at least {2 * f + 1} cells along axis {axis}; "
                    f"found {count}: refine the grid, or choose a smoother kernel"
                )
        mesh = np.meshgrid(*features.turns, indexing="ij")
        start = np.exp(-1j * sum(axis[0] * turns for axis, turns in zip(box.whole.axes, mesh, strict=True)))
        self._factors = features.amplitudes * start
        self._back = self._factors.conj() / features.multiplicity
        self._band = make_band(box, features.largest)

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        return (self._factors * self._band.forward(mass)).ravel().view(np.float64)

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        combined = np.ascontiguousarray(coefficients).view(np.complex128).reshape(self._back.shape)
        self._band.backward(combined * self._back, potential)


def _row_products(count: int, factors: list[ComplexArray]) -> ComplexArray:
    """All products of one entry of each factor, row by row: shapes (N, n_i) to (N, n_1 n_2 ...)."""
    ones = np.ones((count, 1), dtype=np.complex128)
    return reduce(lambda left, right: (left[:, :, None] * right[:, None, :]).reshape(count, -1), factors, ones)


def _slopes(turns: Iterable[FloatArray]) -> list[ComplexArray]:
    """Derivative along each of some axes, as a factor of the products of their exponentials."""
    mesh = np.meshgrid(*turns, indexing="ij")
    return [np.multiply(-1j, part.ravel(), dtype=np.complex128) for part in mesh]


def _tangents(points: FloatArray) -> FloatArray:
    """Gradient of the angle of points in the plane, shape (N, 2)."""
    return np.stack([-points[:, 1], points[:, 0]], axis=1) / (points**2).sum(axis=1, keepdims=True)
