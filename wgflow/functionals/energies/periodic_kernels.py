r"""Convolution kernels on the torus, by their Fourier coefficients.

.. math:: k(x) = \sum_{|\xi_i| \le f_i} c_\xi\, e^{i \omega_\xi \cdot x}, \qquad
          \omega_\xi = 2\pi (\xi_1 / L_1, \dots, \xi_d / L_d)

with the periods L. The array of coefficients has the shape ``(2 f_1 + 1, ..., 2 f_d + 1)``, with the frequency 0 in the
middle; kernels are real, so that :math:`c_{-\xi} = \bar c_\xi`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from wgflow.errors import InputError, ShapeError
from wgflow.typing import ComplexArray, FloatArray

SMALLEST_COEFFICIENT = 1e-8  # of Gaussians, relative to the largest: F holds their squares
MOST_COEFFICIENTS = 2**22
OVERSAMPLING = 4  # points of a sampled kernel over the coefficients that are kept, along each axis


class PeriodicKernel(Protocol):
    """A real kernel on the torus."""

    def coefficients(self, periods: Sequence[float]) -> ComplexArray:
        """Fourier coefficients on the torus of the given periods, shape ``(2 f_1 + 1, ..., 2 f_d + 1)``."""


@dataclass(frozen=True)
class DirichletKernel:
    r"""The ideal low-pass filter :math:`k(x) = \sum_{|\xi_i| \le f} e^{i \omega_\xi \cdot x}`.

    Its mean over the torus is 1, and :math:`k(0) = (2 f + 1)^d`.

    Parameters
    ----------
    frequencies : int
        The largest frequency f along each axis, at least 1.

    Raises
    ------
    InputError
        If there is no frequency.

    Examples
    --------
    >>> wgflow.DirichletKernel(2).coefficients([1.0]).real
    array([1., 1., 1., 1., 1.])

    References
    ----------
    Chizat (2022), Sparse optimization on measures with over-parameterized gradient descent, Math. Program. 194,
    Section 5.
    """

    frequencies: int

    def __post_init__(self) -> None:
        _check_frequencies(self.frequencies)

    def coefficients(self, periods: Sequence[float]) -> ComplexArray:
        """Ones."""
        shape = (2 * self.frequencies + 1,) * len(periods)
        _check_count(math.prod(shape), f"frequencies = {self.frequencies}")
        return np.ones(shape, dtype=np.complex128)


@dataclass(frozen=True)
class PeriodicGaussian:
    r"""The periodised Gaussian of mean 1 over the torus, like `DirichletKernel`.

    .. math:: k(x) = \frac{|T|}{(2 \pi s^2)^{d/2}} \sum_n e^{-|x + n L|^2 / (2 s^2)}, \qquad
              c_\xi = e^{-s^2 |\omega_\xi|^2 / 2}

    Parameters
    ----------
    width : float
        The standard deviation s, positive, in the unit of the axes. Coefficients below 1e-8 are left out.

    Raises
    ------
    InputError
        If the width is not positive; where it is used, if it is so small that there are millions of coefficients.

    Examples
    --------
    >>> coefficients = wgflow.PeriodicGaussian(0.25).coefficients([1.0])
    >>> coefficients.shape, coefficients[3:6].real.round(3)  # the frequency 0 is in the middle
    ((9,), array([0.291, 1.   , 0.291]))
    """

    width: float

    def __post_init__(self) -> None:
        if not 0.0 < self.width < math.inf:
            raise InputError(f"width = {self.width!r} is not allowed; give a positive number")

    def coefficients(self, periods: Sequence[float]) -> ComplexArray:
        """Products of Gaussians of the frequency along each axis."""
        reach = math.sqrt(-2.0 * math.log(SMALLEST_COEFFICIENT)) / (2.0 * math.pi * self.width)
        largest = [max(1, math.ceil(reach * period)) for period in periods]
        _check_count(math.prod(2 * f + 1 for f in largest), f"width = {self.width:g}")
        found = np.ones((), dtype=np.complex128)
        for f, period in zip(largest, periods, strict=True):
            turns = 2.0 * np.pi * np.arange(-f, f + 1) / period
            found = np.multiply.outer(found, np.exp(-0.5 * (self.width * turns) ** 2))
        return found


@dataclass(frozen=True)
class FourierKernel:
    """A kernel with given Fourier coefficients.

    Parameters
    ----------
    values : array, shape ``(2 f_1 + 1, ..., 2 f_d + 1)``
        Coefficients, that of the frequency 0 in the middle, each the complex conjugate of that of the opposite
        frequency.

    Raises
    ------
    ShapeError
        If a length is even, or the number of axes is not that of the torus.
    InputError
        If the kernel is not real, or a coefficient is not finite.

    Examples
    --------
    >>> kernel = wgflow.FourierKernel([0.5, 1.0, 0.5])  # 1 + cos(2 pi x / L)
    >>> kernel.coefficients([1.0]).real
    array([0.5, 1. , 0.5])
    """

    values: ArrayLike

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.complex128)
        if values.ndim == 0 or not all(length % 2 for length in values.shape):
            raise ShapeError(f"coefficients of shape {values.shape} have no middle; give odd lengths 2 f + 1")
        if not np.isfinite(values).all():
            raise InputError("a Fourier coefficient of the kernel is not finite")
        if not np.allclose(np.flip(values).conj(), values, rtol=1e-12, atol=1e-14 * np.abs(values).max()):
            raise InputError("the kernel is not real; opposite frequencies need conjugate coefficients")
        object.__setattr__(self, "values", values)

    def coefficients(self, periods: Sequence[float]) -> ComplexArray:
        """Those that were given."""
        values = np.asarray(self.values)
        if values.ndim != len(periods):
            raise ShapeError(f"coefficients along {values.ndim} axes do not fit a torus of {len(periods)} axes")
        return values


@dataclass(frozen=True)
class SampledKernel:
    """A kernel given by a function, of which the frequencies up to some largest one are kept.

    Parameters
    ----------
    function : callable
        k, vectorised: displacements (N, d), each at most half a period long, to values (N,).
    frequencies : int
        The largest frequency f that is kept along each axis, at least 1. Coefficients are those of samples on a grid
        four times as fine as they need: smooth kernels lose nothing.

    Raises
    ------
    InputError
        If there is no frequency; where it is used, if a value is not finite.
    ShapeError
        Where it is used, if the function gives another shape.

    Examples
    --------
    >>> kernel = wgflow.SampledKernel(lambda x: 1.0 + np.cos(2.0 * np.pi * x[:, 0]), frequencies=1)
    >>> abs(kernel.coefficients([1.0])).round(6)
    array([0.5, 1. , 0.5])
    """

    function: Callable[[FloatArray], FloatArray]
    frequencies: int

    def __post_init__(self) -> None:
        _check_frequencies(self.frequencies)

    def coefficients(self, periods: Sequence[float]) -> ComplexArray:
        """Discrete Fourier transform of samples."""
        count = OVERSAMPLING * (2 * self.frequencies + 1)
        _check_count(count ** len(periods), f"frequencies = {self.frequencies}")
        steps = [period * np.fft.fftfreq(count) for period in periods]
        points = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, len(periods))
        values = np.asarray(self.function(points), dtype=np.float64)
        if values.shape != (len(points),):
            raise ShapeError(f"the kernel of {points.shape} displacements has shape {values.shape}; allowed is (N,)")
        if not np.isfinite(values).all():
            raise InputError("the kernel returned a value that is not finite")
        spectrum = np.fft.fftn(values.reshape((count,) * len(periods)), norm="forward")
        kept = np.arange(-self.frequencies, self.frequencies + 1)
        return spectrum[np.ix_(*[kept] * len(periods))]


def _check_frequencies(frequencies: int) -> None:
    if isinstance(frequencies, bool) or not isinstance(frequencies, int | np.integer) or frequencies < 1:
        raise InputError(f"frequencies = {frequencies!r} is not allowed; give the largest frequency, at least 1")


def _check_count(count: int, cause: str) -> None:
    if count > MOST_COEFFICIENTS:
        raise InputError(f"{cause} gives a kernel of {count} coefficients; allowed are at most {MOST_COEFFICIENTS}")
