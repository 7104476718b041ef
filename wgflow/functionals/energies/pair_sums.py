"""Sums over all pairs of particles of kernels that are compiled."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals.factors import Times
from wgflow.functionals.kernels.pairs import EXPONENTIAL, TILE, add_pairs, add_rows, fill_profile
from wgflow.typing import FloatArray

VECTOR = 8  # numbers: one across two lines of the cache takes twice as long
MOST_GROUPS, MOST_SUMS = 16, 2**24  # of rows that have sums of their own, and numbers in those


@dataclass(frozen=True)
class Profile:
    """A function of the squared distance of two points, or of their product, for compiled sums over pairs.

    Parameters
    ----------
    kind : int
        One of the functions of `wgflow.functionals.kernels.pairs`.
    first, second : float
        Its parameters.
    factor : float
        What its values are multiplied by.
    own : callable, optional
        Compiled function that takes the place of the named one: places (m,), values (m,), slopes (m,), of which it
        writes the latter two.
    """

    kind: int
    first: float = 0.0
    second: float = 0.0
    factor: float = 1.0
    own: Callable[..., Any] | None = None

    @property
    def of_products(self) -> bool:
        """Whether it is a function of the product of two points."""
        return self.kind == EXPONENTIAL

    def at(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values and derivatives at places (m,), without the factor."""
        values, slopes = np.empty_like(places), np.empty_like(places)
        if self.own is None:
            fill_profile(self.kind, self.first, self.second, places, values, slopes)
        else:
            self.own(places, values, slopes)
        return values, slopes

    def sums(self, points: FloatArray, charges: FloatArray) -> FloatArray:
        """Sums of values and of gradients over all points (p, n), themselves included; shape (1 + p, n)."""
        size = (len(points) + 1) * charges.size
        groups = max(min(MOST_GROUPS, MOST_SUMS // max(size, 1)), 1)
        sums, work = aligned_zeros(groups, len(points) + 1, charges.size), aligned_zeros(groups, 3, TILE)
        places, weights = aligned_zeros(*points.shape), aligned_zeros(charges.size)[: charges.size]
        places[:, : charges.size], weights[:] = points, charges
        if self.own is None:
            add_pairs(self.kind, self.first, self.second, places, weights, work, sums)
        else:
            for group in range(groups):
                add_rows(self.own, self.kind, 0.0, 0.0, places, weights, group, groups, work[group], sums[group])
        total: FloatArray = sums.sum(axis=0)[:, : charges.size]
        if not self.of_products:
            total[1:] *= 2.0  # the gradient of the squared distance is twice the displacement
        self._add_self(points, charges, total)
        return self.factor * total

    def _add_self(self, points: FloatArray, charges: FloatArray, total: FloatArray) -> None:
        """Add what each point gives to itself."""
        if self.of_products:
            values, slopes = self.at((points**2).sum(axis=0))
            total[0] += charges * values
            total[1:] += charges * slopes * points
        else:
            total[0] += charges * self.at(np.zeros(1))[0]


def aligned_zeros(*shape: int) -> FloatArray:
    """Zeros of a shape whose last axis is lengthened, so that each row begins at a multiple of a vector."""
    rows, length = math.prod(shape[:-1]), -(-shape[-1] // VECTOR) * VECTOR
    numbers = np.zeros(rows * length + VECTOR)
    first = -(numbers.ctypes.data // numbers.itemsize) % VECTOR
    return numbers[first : first + rows * length].reshape(*shape[:-1], length)


class PairKernel(ABC):
    """A kernel whose sums over pairs of particles are compiled."""

    @property
    @abstractmethod
    def profiles(self) -> tuple[Profile, ...]:
        """The functions whose sum it is; none where they are not finite at 0."""

    @abstractmethod
    def gradient(self, places: FloatArray) -> FloatArray:
        """The gradient, for sums that are not compiled."""


def compiled_sums(
    kernel: object, gradient: object, points: FloatArray, charges: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """Potential (n,) and gradient (n, p) of charges at points (n, p); None unless kernel and gradient are compiled.

    Raises
    ------
    InputError
        If they are not finite.
    """
    factor, inner = (kernel.factor, kernel.function) if isinstance(kernel, Times) else (1.0, kernel)
    own_factor, own = (gradient.factor, gradient.function) if isinstance(gradient, Times) else (1.0, gradient)
    if not isinstance(inner, PairKernel) or not _is_gradient_of(inner, own) or own_factor != factor:
        return None
    if not inner.profiles:
        return None
    across = np.ascontiguousarray(points.T)
    total = factor * np.sum([profile.sums(across, charges) for profile in inner.profiles], axis=0)
    if not np.isfinite(total).all():
        raise InputError("the interaction kernel returned a value that is not finite; round its singularity")
    return total[0], np.ascontiguousarray(total[1:].T)


def _is_gradient_of(kernel: PairKernel, given: object) -> bool:
    """Whether something is the method of the kernel, or of an equal one."""
    if not isinstance(given, MethodType) or given.__name__ != "gradient":
        return False
    return type(given.__self__) is type(kernel) and given.__self__ == kernel
