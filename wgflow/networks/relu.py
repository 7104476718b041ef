"""ReLU neurons on data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from wgflow.dispatch import DomainTable
from wgflow.domains import Circle, Domain
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError, ShapeError
from wgflow.functionals.feature_maps import weighted_squares
from wgflow.functionals.moments import Moments
from wgflow.networks.half_circles import HalfCircles
from wgflow.networks.relu_sums import ReluSums
from wgflow.networks.relu_tiles import TiledRelu, tiles_pay
from wgflow.typing import FloatArray, IntArray

PRECISIONS = {"float64": np.float64, "float32": np.float32}

LARGEST_INPUT = 1e150
SPACINGS = {"float64": float(np.finfo(np.float64).eps), "float32": float(np.finfo(np.float32).eps)}


def check_inputs(inputs: ArrayLike) -> FloatArray:
    """Data points as a matrix (n, d); raises ShapeError if they are not one of finite numbers."""
    matrix = np.asarray(inputs, dtype=np.float64)
    if matrix.ndim != 2 or matrix.size == 0 or not np.isfinite(matrix).all():
        raise ShapeError(f"inputs of shape {matrix.shape} are not allowed; give finite numbers, shape (n, d)")
    return matrix


@dataclass(frozen=True)
class Relu:
    r"""Neurons :math:`\Psi_i(\eta) = \max(\eta \cdot x_i, 0)` at n data points.

    On grids no matrix of features is stored where that is slower: with exact kinks on circles sums over half circles
    take its place, else, for at most 3 inputs from 24 data and 131 072 pairs of a cell and a data point on, sums over
    tiles of neighbouring cells.

    Parameters
    ----------
    inputs : array, shape (n, d)
        Data points, with a last column of ones where a bias is wanted.
    smoothing : float
        Half width s of the interval :math:`|\eta \cdot x_i| < s |x_i|` in which the kink is rounded to the
        parabola :math:`(\eta \cdot x_i + s|x_i|)^2 / (4 s|x_i|)`. Particles need it
        on finite data: the field of the exact ReLU jumps at kinks, which they reach in finite time, and the
        flow is then a differential inclusion.
    precision : str
        "float64" or "float32", of the arithmetic at particles.
    merge : bool
        Whether data points that occur several times are evaluated once; finding them takes a sort.

    Raises
    ------
    InputError
        If the inputs are not a matrix of numbers up to 1e150 in size, or the smoothing is not in [0, 1).

    Examples
    --------
    >>> features = wgflow.Relu([[0.5, 1.0], [-2.0, 1.0]])  # data 0.5 and -2, with a column of ones for the bias
    >>> features(np.array([[1.0, 0.0], [0.0, 1.0]]))
    array([[0.5, 0. ],
           [1. , 1. ]])
    """

    inputs: FloatArray
    smoothing: float = 0.0
    precision: str = "float64"
    merge: bool = True

    def __post_init__(self) -> None:
        inputs = check_inputs(self.inputs)
        if not 0.0 <= self.smoothing < 1.0:
            raise InputError(f"smoothing = {self.smoothing!r} is not allowed; give a number from 0 to below 1")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision = {self.precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")
        largest = float(np.abs(inputs).max())
        if largest > LARGEST_INPUT:
            raise InputError(
                f"inputs up to {largest:g} in size are not allowed; give numbers up to {LARGEST_INPUT:g}, whose "
                "squares can be added: choose other units"
            )
        object.__setattr__(self, "inputs", inputs)

    def __call__(self, points: FloatArray) -> FloatArray:
        """Features, shape (N, n)."""
        activation = points @ self.inputs.T
        if self.smoothing == 0.0:
            return np.maximum(activation, 0.0)
        width = self._width
        inside = np.clip(activation + width, 0.0, 2.0 * width)
        return np.where(activation > width, activation, 0.25 * inside**2 / width)

    def at_inputs(self, inputs: FloatArray) -> Relu:
        """The same neurons at other inputs, shape (k, d)."""
        return replace(self, inputs=inputs)

    def restricted(self, rows: IntArray) -> Relu:
        """Features at some of the data points, given by their indices."""
        return Relu(self.inputs[rows], self.smoothing, self.precision, merge=False)

    def distinct_inputs(self) -> tuple[Relu, IntArray]:
        """Features at inputs that differ, and which of them that of each data point is, shape (n,)."""
        inputs, group = np.unique(self.inputs, axis=0, return_inverse=True)
        return replace(self, inputs=inputs, merge=False), group.ravel()

    def gradient(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient gradient of the combination, shape (N, d); zero slope at the kink itself."""
        return self.sums.backward(self.sums.activations(points), coefficients)[1]

    def jacobian(self, points: FloatArray) -> FloatArray:
        """Ambient gradient of each feature, shape (N, n, d); zero slope at the kink itself."""
        activation, width = points @ self.inputs.T, self._width
        if self.smoothing == 0.0:
            slopes = (activation > 0.0).astype(np.float64)
        else:
            slopes = np.clip(0.5 * (activation + width) / width, 0.0, 1.0)
        return slopes[:, :, None] * self.inputs

    def hessian(self, points: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Ambient Hessian of the combination, shape (N, d, d): that of the rounded kinks, zero without rounding."""
        if self.smoothing == 0.0:
            return np.zeros((*points.shape, points.shape[1]))
        width = self._width
        inside = np.abs(points @ self.inputs.T) < width
        return weighted_squares(np.where(inside, 0.5 * coefficients / width, 0.0), self.inputs)

    is_smooth: ClassVar[bool] = False  # rounded kinks are narrow

    @property
    def has_kinks(self) -> bool:
        """Whether the kinks are not rounded."""
        return self.smoothing == 0.0

    @property
    def feature_count(self) -> int:
        """Number n of features."""
        return len(self.inputs)

    @property
    def spacing(self) -> float:
        """Spacing of numbers near 1 in the arithmetic at particles."""
        return SPACINGS[self.precision]

    def moments_on(self, domain: Domain, count: int, memory_limit: float) -> Moments | None:  # noqa: ARG002
        """Moments by sums over half circles or in tiles, where they pay; raises ShapeError if the inputs do not fit."""
        _check_dimension(self.inputs, domain)
        sums = _EXACT_SUMS.get(domain) if self.smoothing == 0.0 else None
        if sums is not None:
            return sums(domain.base, self.inputs)
        if self.in_tiles(math.prod(domain.base.partition.whole), memory_limit):
            return TiledRelu(domain, self.inputs, self._width)
        return None

    def in_tiles(self, cells: int, memory_limit: float) -> bool:
        """Whether sums over a number of cells take them in tiles, and no matrix of features."""
        data, inputs = self.inputs.shape
        return tiles_pay(cells, data, inputs, memory_limit)

    @cached_property
    def sums(self) -> ReluSums:
        """Compiled sums over particles and data."""
        make = ReluSums.of_distinct if self.merge else ReluSums
        return make(self.inputs, self._width, PRECISIONS[self.precision])

    @property
    def _width(self) -> FloatArray:
        """Half width of the rounded interval for each data point; a point at the origin has no kink."""
        length = np.linalg.norm(self.inputs, axis=1)
        return self.smoothing * np.where(length > 0.0, length, 1.0)


_EXACT_SUMS: DomainTable[Callable[..., Moments]] = DomainTable(
    "fast sums of neurons with exact kinks", {Circle: HalfCircles}
)


def _check_dimension(inputs: FloatArray, domain: Domain) -> None:
    if isinstance(domain.base, SymmetricDomain):
        raise InputError(f"data are not invariant under rotations, as measures on the domain {domain.kind!r} are")
    if inputs.shape[1] != domain.points.shape[-1]:
        raise ShapeError(
            f"data with {inputs.shape[1]} inputs (a bias counts as one) does not fit the domain "
            f"{domain.kind!r}, which needs {domain.points.shape[-1]}"
        )
