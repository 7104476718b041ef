"""Moments ``int Psi dmu`` of features on grids, and back: the fastest exact evaluation for each domain."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import numpy as np
from numba import prange

from wgflow.compilation import kernel, parallel_kernel
from wgflow.domains import Box, Circle, Domain
from wgflow.errors import ShapeError
from wgflow.functionals.dense import DenseMoments
from wgflow.functionals.fourier import FourierFeatures, FourierMoments
from wgflow.functionals.half_circles import HalfCircles
from wgflow.functionals.maps import FeatureFunction, Relu
from wgflow.functionals.neurons import Neurons
from wgflow.typing import FloatArray

MEMORY_LIMIT = 2.0**30  # bytes
CHUNK_ENTRIES = 2**21  # features computed at a time: 16 MiB
PRODUCT_CHUNK = 512  # cells of the input weights; a chunk of each row stays in the cache
PRODUCT_THRESHOLD = 32_768  # cells of the whole box


class Moments(Protocol):
    """Features prepared on a domain: from net cell masses (N,) to moments (n,), and back."""

    def moments(self, mass: FloatArray) -> FloatArray:
        """Moments ``sum_K Psi(x_K) mass_K``."""

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``."""


class SummedMoments:
    """Moments and potentials of features with compiled sums (`ReluSums`), which store no matrix."""

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


@cache
def contraction_kernel(threshold: bool) -> Callable[..., None]:
    """Compile the contraction over output weights, serial or on all cores."""
    compiled = parallel_kernel if threshold else kernel

    @compiled
    def contract(mass, outputs, contracted):
        """Write ``sum_a outputs_a mass[a, b]`` for each input weight b."""
        cells = contracted.size
        for chunk in prange((cells + PRODUCT_CHUNK - 1) // PRODUCT_CHUNK):
            first, last = chunk * PRODUCT_CHUNK, min((chunk + 1) * PRODUCT_CHUNK, cells)
            total = contracted[first:last]
            total[:] = 0.0
            for row in range(outputs.size):
                weight, values = outputs[row], mass[row, first:last]
                for k in range(last - first):
                    total[k] += weight * values[k]

    return contract


@cache
def expansion_kernel(threshold: bool) -> Callable[..., None]:
    """Compile the product of output weights with the hidden potential, serial or on all cores."""
    compiled = parallel_kernel if threshold else kernel

    @compiled
    def expand(outputs, inner, potential):
        """Write ``outputs_a inner_b`` for each pair of weights."""
        for row in prange(outputs.size):
            weight, values = outputs[row], potential[row]
            for k in range(inner.size):
                values[k] = weight * inner[k]

    return expand


class OutputWeights:
    """The sums over output weights a of the box of pairs (a, b), in O(N)."""

    def __init__(self, box: Box) -> None:
        self._outputs = box.axes[0]
        self._contracted = np.empty(int(np.prod(box.shape[1:])))
        large = self._outputs.size * self._contracted.size >= PRODUCT_THRESHOLD
        self._contract, self._expand = contraction_kernel(large), expansion_kernel(large)

    def contract(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_a a mass(a, b)`` for each b, flattened; overwritten by the next call."""
        self._contract(mass.reshape(self._outputs.size, -1), self._outputs, self._contracted)
        return self._contracted

    def expand(self, inner: FloatArray, potential: FloatArray) -> None:
        """Write ``a inner(b)`` into the flat ``potential``."""
        self._expand(self._outputs, inner, potential.reshape(self._outputs.size, -1))


class ProductMoments:
    """Neurons on the box of pairs (a, b): O(N + N_b n) for N_b input weights and n features."""

    def __init__(self, box: Box, hidden: Moments) -> None:
        self._weights, self._hidden = OutputWeights(box), hidden
        self._inner = np.empty(int(np.prod(box.shape[1:])))

    def moments(self, mass: FloatArray) -> FloatArray:
        """Give ``sum_K Psi(x_K) mass_K``, shape (n,)."""
        return self._hidden.moments(self._weights.contract(mass))

    def potential(self, coefficients: FloatArray, potential: FloatArray) -> None:
        """Write ``<Psi(x_K), coefficients>`` into ``potential``, shape (N,)."""
        self._hidden.potential(coefficients, self._inner)
        self._weights.expand(self._inner, potential)


def make_moments(
    fn: FeatureFunction, features: FeatureFunction, domain: Domain, count: int, memory_limit: float
) -> Moments:
    """Choose the fastest exact evaluation of features on a domain.

    Parameters
    ----------
    fn : callable
        The features as the user gave them; its type tells what can be exploited.
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
    base = domain.base
    points = base.points.reshape(-1, base.points.shape[-1])
    if isinstance(fn, Neurons) and isinstance(base, Box) and len(base.shape) > 1:
        inner = Box(base.bounds[1:], base.shape[1:], base.periodic[1:])
        return ProductMoments(base, make_moments(fn.hidden, _checked(fn.hidden, count), inner, count, memory_limit))
    if isinstance(fn, FourierFeatures):
        return FourierMoments(fn.box_of(domain), fn)
    if isinstance(fn, Relu):
        _check_dimension(fn.inputs, base)
        if fn.smoothing == 0.0 and isinstance(base, Circle):
            return HalfCircles(base, fn.inputs)
    if 8.0 * len(points) * count <= memory_limit:
        return DenseMoments(features(points))
    sums = getattr(fn, "sums", None)
    return RecomputedMoments(features, points, count) if sums is None else SummedMoments(sums, points)


def _checked(hidden: FeatureFunction, count: int) -> FeatureFunction:
    def features(points: FloatArray) -> FloatArray:
        psi = np.asarray(hidden(points), dtype=np.float64)
        if psi.shape != (len(points), count):
            raise ShapeError(f"hidden features of shape {psi.shape} do not fit {len(points)} points, {count} targets")
        return psi

    return features


def _check_dimension(inputs: FloatArray, domain: Domain) -> None:
    if inputs.shape[1] != domain.points.shape[-1]:
        raise ShapeError(
            f"data with {inputs.shape[1]} inputs (a bias counts as one) does not fit the domain "
            f"{domain.kind!r}, which needs {domain.points.shape[-1]}"
        )
