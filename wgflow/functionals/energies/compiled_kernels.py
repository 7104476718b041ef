"""Kernels for compiled sums over pairs of particles: one of your own, and the exponential of a product."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import config
from numba.core.errors import NumbaError

from wgflow.compilation import passed_kernel
from wgflow.errors import InputError
from wgflow.functionals.checks import check_callable
from wgflow.functionals.energies.pair_sums import PairKernel, Profile, own_profile
from wgflow.functionals.energies.radial_kernels import RadialKernel
from wgflow.functionals.kernels.pairs import EXPONENTIAL
from wgflow.text import named
from wgflow.typing import FloatArray

LARGEST_RATE = 700.0


@dataclass(frozen=True)
class CompiledKernel(RadialKernel):
    r"""A kernel of your own, :math:`W(z) = w(|z|^2)`, compiled by numba.

    Sums over pairs of particles call it from compiled loops, once for the value and the gradient.

    Parameters
    ----------
    function : callable
        The squared distance, one number, to the pair of :math:`w` and :math:`w'`, in the subset of Python that numba
        compiles; with ``numba.njit`` around it, or without. It must be finite everywhere, 0 included.

    Raises
    ------
    InputError
        If it cannot be compiled.

    Examples
    --------
    >>> import math
    >>> from wgflow import CompiledKernel, Interaction, Particles
    >>> def cauchy(square):
    ...     value = 1.0 / (1.0 + square)
    ...     return value, -value * value
    >>> pair = Particles([[0.0, 0.0], [1.0, 0.0]], [0.5, 0.5])
    >>> Interaction(CompiledKernel(cauchy)).at_particles(pair).energy
    0.375
    """

    function: Callable[[float], tuple[float, float]]

    def __post_init__(self) -> None:
        check_callable("the profile of a kernel", self.function, "CompiledKernel(lambda s: (s, 1.0))")
        _filler(self.function)

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The function."""
        return (own_profile(_filler(self.function)),)

    def of_square(self, square: FloatArray) -> FloatArray:
        """Values at squared distances, any shape."""
        return self._at(square)[0]

    def slope(self, square: FloatArray) -> FloatArray:
        """Derivative with respect to the squared distance, any shape."""
        return self._at(square)[1]

    def _at(self, square: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, slopes = self.profiles[0].at(np.ravel(square).astype(np.float64))
        return values.reshape(np.shape(square)), slopes.reshape(np.shape(square))


@cache
def _filler(function: Callable[[float], tuple[float, float]]) -> Callable[..., Any]:
    """Compile the loop over squared distances, once for each function."""
    profile = function if config.DISABLE_JIT or hasattr(function, "py_func") else numba.njit(function)

    def fill(places: FloatArray, values: FloatArray, slopes: FloatArray) -> None:
        for j in range(places.size):
            values[j], slopes[j] = profile(places[j])

    try:
        return passed_kernel("void(float64[::1], float64[::1], float64[::1])", fill)
    except NumbaError as error:
        raise InputError(
            f"the profile of a kernel cannot be compiled ({named(error)}); allowed is a function of one number, the "
            "squared distance, to the pair of its value and its derivative"
        ) from error


@dataclass(frozen=True)
class ExponentialKernel(PairKernel):
    r"""The kernel :math:`W(x \cdot y) = s\, e^{\beta x \cdot y}` of unit vectors, for `ZonalInteraction`.

    Parameters
    ----------
    rate : float
        The factor :math:`\beta` of the product, at most 700 in size.
    strength : float
        The factor s; particles attract each other where it is negative and the rate positive.

    Raises
    ------
    InputError
        If the rate is larger, or not a number.

    References
    ----------
    Geshkovski, Letrouit, Polyanskiy and Rigollet (2025), A mathematical perspective on transformers,
    Bull. Amer. Math. Soc. 62, Eq. (3.5).

    Examples
    --------
    >>> from wgflow import ExponentialKernel, Particles, ZonalInteraction
    >>> pair = Particles([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5])
    >>> round(ZonalInteraction(ExponentialKernel(1.0)).at_particles(pair).energy, 6)
    0.92957
    """

    rate: float
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not abs(self.rate) <= LARGEST_RATE or not math.isfinite(self.strength):
            raise InputError(
                f"rate = {self.rate!r} and strength = {self.strength!r} of ExponentialKernel are not allowed; give "
                f"finite numbers, a rate from -{LARGEST_RATE:g} to {LARGEST_RATE:g}"
            )

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The exponential of the product."""
        return (Profile(EXPONENTIAL, np.array([self.rate]), self.strength, self.strength * self.rate),)

    def __call__(self, cosines: FloatArray) -> FloatArray:
        """Values at cosines, any shape."""
        return self.strength * np.exp(self.rate * cosines)

    def gradient(self, cosines: FloatArray) -> FloatArray:
        """Derivative at cosines, any shape."""
        return self.rate * self(cosines)
