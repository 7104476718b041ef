"""Moments ``int Psi dmu`` of features on grids, and back: the fastest exact evaluation for each domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from wgflow.domains import Domain
from wgflow.former_names import with_former
from wgflow.functionals.dense import DenseMoments
from wgflow.functionals.feature_maps import FeatureFunction
from wgflow.typing import FloatArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

MEMORY_LIMIT = 2.0**30  # bytes
CHUNK_ENTRIES = 2**21  # features computed at a time: 16 MiB


class Moments(Protocol):
    """Features prepared on a domain: from net cell masses (N,) to moments (n,), and back."""

    def moments(self, mass: FloatArray) -> FloatArray:
        """Moments ``sum_K Psi(x_K) mass_K``."""

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``."""


class SummedMoments:
    """Moments and potentials of features with compiled sums (``sums`` of `FeatureMap`), which store no matrix."""

    def __init__(self, sums: Any, points: FloatArray) -> None:
        self._sums, self._points = sums, np.ascontiguousarray(points)

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        return self._sums.forward(self._points, mass)[0]

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        self._sums.values(self._points, coefficients, potential)


class RecomputedMoments:
    """Moments and potentials of any feature function, computed anew for some cells at a time."""

    def __init__(self, features: FeatureFunction, points: FloatArray, count: int) -> None:
        self._features, self._count = features, count
        size = max(CHUNK_ENTRIES // count, 1)
        self._chunks = [(slice(k, k + size), points[k : k + size]) for k in range(0, len(points), size)]

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        total = np.zeros(self._count)
        for cells, points in self._chunks:
            total += mass[cells] @ self._features(points)
        return total

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        for cells, points in self._chunks:
            potential[cells] = self._features(points) @ coefficients


def make_moments(
    fn: FeatureFunction, features: FeatureFunction, domain: Domain, count: int, memory_limit: float
) -> Moments:
    """Choose the fastest exact evaluation of features on a domain.

    Parameters
    ----------
    fn : callable
        The features as the user gave them. Where they have a method ``moments_on(domain, count, memory_limit)`` and
        that knows a faster way on the domain than a dense matrix, it gives the `Moments`, else None.
    features : callable
        The same with checks of what it returns.
    domain : Domain
        Circle, box or sphere, also signed.
    count : int
        Number n of features.
    memory_limit : float
        Bytes that a stored matrix of features may take.

    Raises
    ------
    ShapeError
        If the features do not fit the domain.
    """
    bind = getattr(fn, "moments_on", None)
    bound: Moments | None = None if bind is None else bind(domain, count, memory_limit)
    if bound is not None:
        return bound
    points = domain.base.points.reshape(-1, domain.base.points.shape[-1])
    sums = getattr(fn, "sums", None)
    if sums is not None and not _fits(points, count, memory_limit):
        return SummedMoments(sums, points)
    return stored_or_recomputed(features, points, count, memory_limit)


def stored_or_recomputed(features: FeatureFunction, points: FloatArray, count: int, memory_limit: float) -> Moments:
    """Evaluation of any features (N, n) at points (N, p), by their matrix where memory allows it."""
    if _fits(points, count, memory_limit):
        return DenseMoments(features(points))
    return RecomputedMoments(features, points, count)


def _fits(points: FloatArray, count: int, memory_limit: float) -> bool:
    return 8.0 * len(points) * count <= memory_limit
