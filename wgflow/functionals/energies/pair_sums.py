"""Sums over pairs of particles of kernels that are compiled."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import MethodType
from typing import Any

import numpy as np

from wgflow.errors import InputError
from wgflow.functionals.energies.batches import Batches
from wgflow.functionals.factors import Times
from wgflow.functionals.kernels.elementary import power_fit
from wgflow.functionals.kernels.pairs import (
    EXPONENTIAL,
    FROM_FIT,
    FROM_FOURTH_ROOT,
    FROM_ONE,
    FROM_ROOT,
    OWN,
    POWER,
    PRODUCTS,
    SCRATCH,
    TILE,
    add_pairs,
    add_rows,
    fill_profile,
)
from wgflow.ranks.work import all_blocks, own_blocks
from wgflow.reductions.aligned import aligned_zeros
from wgflow.typing import FloatArray

MOST_GROUPS, MOST_SUMS = 16, 2**24  # of rows that have sums of their own, and numbers in those


@dataclass(frozen=True, eq=False)
class Profile:
    """A function of the squared distance of two points, or of their product, for compiled sums over pairs.

    Parameters
    ----------
    kind : int
        One of the functions of `wgflow.functionals.kernels.pairs`.
    parameters : array
        Its parameters.
    factor, slope_factor : float
        What values and derivatives are multiplied by.
    rounding : float
        What is added to squared distances.
    own : callable, optional
        Compiled function that takes the place of the named one: places (m,), values (m,), slopes (m,), of which it
        writes the latter two.
    """

    kind: int
    parameters: FloatArray
    factor: float = 1.0
    slope_factor: float = 1.0
    rounding: float = 0.0
    own: Callable[..., Any] | None = None

    @property
    def of_products(self) -> bool:
        """Whether it is a function of the product of two points."""
        return self.kind == EXPONENTIAL

    def at(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values and derivatives at places (m,)."""
        rounded = places + self.rounding
        values, slopes = np.empty_like(rounded), np.empty_like(rounded)
        if self.own is None:
            fill_profile(self.kind, self.parameters, rounded, values, slopes)
        else:
            self.own(rounded, values, slopes)
        return self.factor * values, self.slope_factor * slopes

    def sums(self, points: FloatArray, charges: FloatArray, periods: FloatArray, batches: Batches) -> FloatArray:
        """Sums of values and of gradients over the batches of points (p, n), themselves included; shape (1 + p, n)."""
        count, axes = charges.size, max(len(points), 2)
        groups = max(min(MOST_GROUPS, MOST_SUMS // max((axes + 1) * count, 1)), 1) if count > TILE else 1
        sums, work = aligned_zeros(groups, axes + 1, count), aligned_zeros(groups, axes + SCRATCH, TILE)
        places, weights, lengths = aligned_zeros(axes, count), aligned_zeros(count)[:count], np.zeros(axes)
        places[: len(points), :count], weights[:], lengths[: len(points)] = points, charges, periods
        work[:, 0] = self.rounding
        given = self.own, self.kind, self.parameters, self.rounding, lengths, places, weights, batches.ends
        if groups > 1:
            shared = own_blocks(groups)
            add_pairs(*given, shared.start, shared.stop, work, sums)
            sums = all_blocks(sums[shared.start : shared.stop], groups)
        else:  # sooner than threads awake
            add_rows(*given, 0, 1, work[0], sums[0])
        total: FloatArray = sums.sum(axis=0)[: len(points) + 1, :count] * batches.factors
        total[0] *= self.factor  # the gradient of the squared distance is twice the displacement
        total[1:] *= self.slope_factor if self.of_products else 2.0 * self.slope_factor
        self._add_self(points, charges, total)
        return total

    def _add_self(self, points: FloatArray, charges: FloatArray, total: FloatArray) -> None:
        """Add what each point gives to itself."""
        if self.of_products:
            values, slopes = self.at((points**2).sum(axis=0))
            total[0] += charges * values
            total[1:] += charges * slopes * points
        else:
            total[0] += charges * self.at(np.zeros(1))[0]


def own_profile(fill: Callable[..., Any]) -> Profile:
    """The profile of a compiled function of squared distances."""
    return Profile(OWN, np.zeros(1), own=fill)


def power_profile(exponent: float, strength: float, rounding: float) -> Profile:
    r"""The profile of :math:`(s + e)^{a/2} / a` times a strength, for an exponent other than 0."""
    kind, parameters = _power_parameters(exponent)
    return Profile(kind, parameters, strength / exponent, 0.5 * strength, rounding)


@cache
def _power_parameters(exponent: float) -> tuple[int, FloatArray]:
    """How the power of slopes is computed: by products with a root, or fitted where it is small, or by both."""
    half = 0.5 * exponent
    if exponent == round(exponent):
        first, count = (FROM_ONE, half - 1.0) if exponent % 2.0 == 0.0 else (FROM_ROOT, half - 0.5)
        return PRODUCTS, np.array([first, count])
    if exponent % 2.0 == 1.5:
        return PRODUCTS, np.array([FROM_FOURTH_ROOT, half - 0.75])
    if 0.0 < half < 3.0:
        return POWER, power_fit(half)
    count = math.floor(half)
    return PRODUCTS, np.concatenate([power_fit(half - count), [FROM_FIT, count]])


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
    kernel: object,
    gradient: object,
    points: FloatArray,
    charges: FloatArray,
    batches: Batches,
    periods: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray] | None:
    """Potential (n,) and gradient (n, p) of charges at points (n, p); None unless kernel and gradient are compiled.

    Parameters
    ----------
    kernel, gradient : callable
        Kernel and its gradient, both perhaps times one factor.
    points, charges : arrays, shapes (n, p) and (n,)
        The charges.
    batches : Batches
        Which of them act on each other, in their order.
    periods : array, shape (p,), optional
        Lengths of periodic axes; inf for others.

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
    lengths = np.zeros(points.shape[1]) if periods is None else np.where(np.isfinite(periods), periods, 0.0)
    across = np.ascontiguousarray(points.T)
    total = factor * np.sum([profile.sums(across, charges, lengths, batches) for profile in inner.profiles], axis=0)
    if not np.isfinite(total).all():
        raise InputError("the interaction kernel returned a value that is not finite; round its singularity")
    return total[0], np.ascontiguousarray(total[1:].T)


def _is_gradient_of(kernel: PairKernel, given: object) -> bool:
    """Whether something is the method of the kernel, or of an equal one."""
    if not isinstance(given, MethodType) or given.__name__ != "gradient":
        return False
    return type(given.__self__) is type(kernel) and given.__self__ == kernel
