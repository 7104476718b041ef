"""Moments ``int Psi dmu`` of features on grids, and back: the fastest exact evaluation for each domain."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.partition import RowPartition
from wgflow.domains.slab import refuse_slab
from wgflow.errors import InputError
from wgflow.former_names import with_former
from wgflow.functionals.dense import DenseMoments
from wgflow.functionals.feature_maps import FeatureFunction
from wgflow.typing import FloatArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

MEMORY_LIMIT = 2.0**30  # bytes
ALIKE = 1e-9  # relative: values of a function at the same points
CHUNK_ENTRIES = 2**21  # features computed at a time: 16 MiB


class Moments(Protocol):
    """Features prepared on a domain: from net cell masses (N,) to moments (n,), and back.

    Some have a method ``square_risk(targets, weights, prediction, coefficients)``, all arrays (n,), that gives the
    `wgflow.functionals.grid.SquareRisk` ``sum_i weights_i (h_i - targets_i)^2 / 2``, which writes h and its gradient
    into the last two.
    """

    def moments(self, mass: FloatArray) -> FloatArray:
        """Moments ``sum_K Psi(x_K) mass_K``."""

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``."""


class SummedMoments:
    """Moments and potentials of features with compiled sums (``sums`` of `FeatureMap`), which store no matrix."""

    def __init__(self, sums: Any, points: FloatArray, blocks: RowPartition) -> None:
        self._sums, self._points, self._blocks = sums, np.ascontiguousarray(points), blocks

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        cells = [slice(*ends) for ends in pairwise(self._blocks.cells)]
        return self._blocks.sums(np.stack([self._sums.forward(self._points[part], mass[part])[0] for part in cells]))

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        self._sums.values(self._points, coefficients, potential)


class RecomputedMoments:
    """Moments and potentials of any feature function, computed anew for some cells at a time."""

    def __init__(self, features: FeatureFunction, points: FloatArray, count: int, blocks: RowPartition) -> None:
        self._features, self._blocks = features, blocks
        self._pieces = [(part, points[part]) for part in pieces(blocks, max(CHUNK_ENTRIES // count, 1))]
        self._owners = np.searchsorted(blocks.cells, [part.start for part, _ in self._pieces], side="right") - 1
        self._partial = np.empty((len(blocks), count))

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        self._partial[...] = 0.0
        for (cells, points), block in zip(self._pieces, self._owners, strict=True):
            if 0 <= block < len(self._partial):  # rows of other ranks lie beside the blocks
                self._partial[block] += mass[cells] @ self._features(points)
        return self._blocks.sums(self._partial)

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        for cells, points in self._pieces:
            potential[cells] = self._features(points) @ coefficients


def pieces(blocks: RowPartition, most: int = CHUNK_ENTRIES) -> list[slice]:
    """Slices of the flattened cells of a sheet: whole rows where they are boxes, and parts of them.

    Whoever computes a cell computes it beside the same others, so that the bits of libraries, which may go through
    arrays of other lengths in other ways, are the same on any number of ranks.

    Parameters
    ----------
    blocks : RowPartition
        The cells.
    most : int
        Cells in a piece, at most.
    """
    row = prod(blocks.shape[1:])
    ends = range(0, prod(blocks.shape) + 1, row) if len(blocks.shape) > 1 else blocks.cells.tolist()
    return [slice(first, min(first + most, end)) for start, end in pairwise(ends) for first in range(start, end, most)]


def at_cells(function: Callable[[FloatArray], FloatArray], points: FloatArray, blocks: RowPartition) -> FloatArray:
    """Values (N, ...) of a function of points at the cells (N, p), piece by piece.

    A function whose value at a point depends on the others that it is given, such as one that takes off its minimum,
    gets all of them at once.

    Raises
    ------
    InputError
        If it is such a function, and the cells are not all here.
    """
    parts = pieces(blocks)
    if len(parts) > 1 and not _is_of_points(function, points[parts[0]], points[parts[len(parts) // 2]]):
        if blocks.whole != blocks.shape:
            raise InputError(
                "a function of points gives other values when it is given fewer of them, and on several ranks it is: "
                "let each value depend on its own point alone, or run without mpiexec"
            )
        return function(points)
    return np.concatenate([function(points[part]) for part in parts])


def _is_of_points(function: Callable[[FloatArray], FloatArray], first: FloatArray, second: FloatArray) -> bool:
    """Whether a function has the same values at two sets of points together and apart, but for round-off."""
    together, apart = function(np.concatenate([first, second])), np.concatenate([function(first), function(second)])
    return bool(np.allclose(together, apart, rtol=ALIKE, atol=ALIKE * float(np.abs(apart).max(initial=0.0))))


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
    if bound is not None and not getattr(bound, "shared", False):
        refuse_slab(domain, type(fn).__name__)
    if bound is not None:
        return bound
    points = domain.base.points.reshape(-1, domain.base.points.shape[-1])
    sums = getattr(fn, "sums", None)
    if sums is not None and not _fits(domain.base.partition, count, memory_limit):
        return SummedMoments(sums, points, domain.base.partition)
    return stored_or_recomputed(features, points, count, memory_limit, domain.base.partition)


def stored_or_recomputed(
    features: FeatureFunction, points: FloatArray, count: int, memory_limit: float, blocks: RowPartition
) -> Moments:
    """Evaluation of any features (N, n) at cells (N, p), by their matrix where memory allows it."""
    if _fits(blocks, count, memory_limit):
        return DenseMoments(at_cells(features, points, blocks), blocks)
    return RecomputedMoments(features, points, count, blocks)


def _fits(blocks: RowPartition, count: int, memory_limit: float) -> bool:
    """Whether features may be stored; of all cells, so that the choice is that of one rank."""
    return 8.0 * prod(blocks.whole) * count <= memory_limit
