"""Boxes in one to three dimensions, cut into equal cells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wgflow.domains.base import Coordinate, Density, UnsignedDomain
from wgflow.domains.faces import Faces
from wgflow.domains.geometry import Flat
from wgflow.domains.quadrature import box_nodes
from wgflow.errors import InputError
from wgflow.text import shown
from wgflow.typing import FloatArray, IntArray

MAX_DIMENSION = 3
MIN_CELLS = 4  # the second-order stencil has four cells
AT_ONCE = 2**14  # particles, so that the conditional distributions fit into memory
GAUSS_POINTS = 3  # per axis of a cell, error of the sixth order


@dataclass(frozen=True, init=False)
class Box(UnsignedDomain):
    """A product of intervals, each with equal cells, closed by walls or periodic.

    Parameters
    ----------
    bounds : sequence of pairs, shape (p, 2)
        Lower and upper end of each axis; p is 1, 2 or 3.
    shape : sequence of int, or int
        Number of cells along each axis, at least 4.
    periodic : bool or sequence of bool
        Whether opposite ends of (each) axis are the same points; otherwise no mass passes them.

    Raises
    ------
    InputError
        If bounds, shape and periodic do not fit together, or an axis is empty.

    Examples
    --------
    >>> wgflow.Box([(-1.0, 1.0), (0.0, 3.0)], (8, 12)).points.shape
    (8, 12, 2)
    >>> wgflow.Box([(0.0, 1.0)] * 2, np.array([20, 12])).shape
    (20, 12)
    """

    bounds: tuple[tuple[float, float], ...]
    shape: tuple[int, ...]
    periodic: tuple[bool, ...]

    kind = "box"
    reaction = 0.0

    def __init__(
        self,
        bounds: Sequence[Sequence[float]],
        shape: Sequence[int] | int,
        periodic: Sequence[bool] | bool = False,
    ) -> None:
        cells = _entries(shape, 1)
        closed = _entries(periodic, len(bounds))
        _check(bounds, cells, closed)
        object.__setattr__(self, "bounds", tuple((float(low), float(high)) for low, high in bounds))
        object.__setattr__(self, "shape", tuple(int(count) for count in cells))
        object.__setattr__(self, "periodic", tuple(bool(flag) for flag in closed))

    @cached_property
    def geometry(self) -> Flat:
        """R^p with the walls and periods of the box."""
        ends = list(zip(self.bounds, self.periodic, strict=True))
        periods = tuple(pair if periodic else None for pair, periodic in ends)
        walls = tuple(None if periodic else pair for pair, periodic in ends)
        return Flat(len(self.bounds), periods if any(self.periodic) else (), walls)

    @property
    def walls(self) -> tuple[tuple[int, int], ...]:
        """Both ends of each axis that is not periodic."""
        return tuple((axis, end) for axis, periodic in enumerate(self.periodic) if not periodic for end in (0, 1))

    def outermost_rows(self, end: int) -> IntArray:
        """Rows of arrays of cells at an end (0 or 1) of the first axis."""
        return np.array([self.shape[0] - 1 if end else 0])

    @property
    def whole(self) -> Box:
        """The box itself."""
        return self

    def refresh(self, values: FloatArray) -> None:
        """Begin to fill what an array of cells holds of other ranks: nothing, where there is one."""

    def settle(self) -> None:
        """Fill what is still on its way."""

    @property
    def lattice(self) -> Box:
        """The box itself."""
        return self

    @property
    def spacing(self) -> tuple[float, ...]:
        """Length of a cell along each axis."""
        return tuple((high - low) / count for (low, high), count in zip(self.bounds, self.shape, strict=True))

    @property
    def axes(self) -> tuple[FloatArray, ...]:
        """Cell centres along each axis."""
        return tuple(
            low + (np.arange(count, dtype=np.float64) + 0.5) * width
            for (low, _), count, width in zip(self.bounds, self.shape, self.spacing, strict=True)
        )

    @cached_property
    def points(self) -> FloatArray:
        """Cell centres, shape ``(*shape, p)``."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1)

    @property
    def volumes(self) -> FloatArray:
        """Volume of each cell, shape ``shape`` (read-only view)."""
        return np.broadcast_to(math.prod(self.spacing), self.shape)

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The cell centres along each axis, named x, y and z."""
        return tuple(
            Coordinate(name, values, "1", f"coordinate {name}") for name, values in zip("xyz", self.axes, strict=False)
        )

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Arguments that rebuild the box."""
        return {
            "bounds": [list(pair) for pair in self.bounds],
            "shape": list(self.shape),
            "periodic": list(self.periodic),
        }

    @property
    def faces(self) -> Faces:
        """Pairs of neighbours along each axis."""
        numbers = np.arange(np.prod(self.shape)).reshape(self.shape)
        pairs, conductances = [], []
        for axis, (periodic, width) in enumerate(zip(self.periodic, self.spacing, strict=True)):
            ahead = np.roll(numbers, -1, axis=axis)
            inner = slice(None) if periodic else slice(self.shape[axis] - 1)
            chosen = (*(slice(None),) * axis, inner)
            pairs.append(np.stack([numbers[chosen].ravel(), ahead[chosen].ravel()], axis=1))
            conductances.append(np.full(len(pairs[-1]), float(np.prod(self.spacing)) / width**2))
        return Faces(np.concatenate(pairs), np.concatenate(conductances))

    def averages(self, density: Density) -> FloatArray:
        """Cell averages of a density given at points (..., p), by a product Gauss rule."""
        averages = np.zeros(self.shape)
        for offset, weight in box_nodes(self.spacing, GAUSS_POINTS):
            averages += weight * density(self.points + offset)
        return averages

    def cells_at(self, points: FloatArray) -> IntArray:
        """Numbers (m,) of the cells that hold points (m, p); raises InputError for those beyond a wall."""
        axes = [np.floor(self._places(points, axis) + 0.5).astype(np.int64) for axis in range(len(self.shape))]
        inside = [
            cells % count if periodic else cells.clip(0, count - 1)
            for cells, count, periodic in zip(axes, self.shape, self.periodic, strict=True)
        ]
        return np.asarray(np.ravel_multi_index(tuple(inside), self.shape))

    def shares_at(self, points: FloatArray) -> list[tuple[IntArray, FloatArray]]:
        """Nearest centres along each axis, in proportion to the distance from them (cloud in cell)."""
        axes = [
            shares_along(self._places(points, axis), count, periodic=periodic)
            for axis, (count, periodic) in enumerate(zip(self.shape, self.periodic, strict=True))
        ]
        return [
            (
                np.ravel_multi_index(tuple(cells for cells, _ in corner), self.shape),
                np.prod([shares for _, shares in corner], axis=0),
            )
            for corner in itertools.product(*axes)
        ]

    @property
    def uniforms(self) -> int:
        """One for each axis."""
        return len(self.shape)

    @property
    def strata(self) -> int:
        """All."""
        return len(self.shape)

    def place(self, masses: FloatArray, uniforms: FloatArray) -> FloatArray:
        """Points by the inverse Rosenblatt map, from masses of cells (N,) and uniforms (p, m)."""
        chunks = [uniforms[:, k : k + AT_ONCE] for k in range(0, uniforms.shape[1], AT_ONCE)]
        parts = [self._place_some(masses.reshape(self.shape), chunk) for chunk in chunks]
        return np.concatenate(parts) if parts else np.empty((0, len(self.shape)))

    def _place_some(self, masses: FloatArray, uniforms: FloatArray) -> FloatArray:
        """Invert the distribution along the first axis, then along each next one, given the cells before."""
        points = np.empty(uniforms.T.shape)
        before: tuple[IntArray, ...] = ()
        for axis, level in enumerate(uniforms):
            later = tuple(range(axis + 1, masses.ndim))
            conditional = np.atleast_2d(masses.sum(axis=later)[before])
            cumulative = np.cumsum(conditional, axis=1)
            target = level * cumulative[:, -1]
            cell = (cumulative < target[:, None]).sum(axis=1).clip(max=self.shape[axis] - 1)
            row = np.arange(level.size) if before else np.zeros(level.size, dtype=np.int64)
            chosen, above = conditional[row, cell], cumulative[row, cell] - target
            fraction = 1.0 - above / np.where(chosen > 0.0, chosen, 1.0)
            low, high = self.bounds[axis]
            points[:, axis] = (low + (cell + fraction.clip(0.0, 1.0)) * self.spacing[axis]).clip(low, high)
            before = (*before, cell)
        return points

    def _places(self, points: FloatArray, axis: int) -> FloatArray:
        """Places along an axis in units of cells, 0 at the first centre."""
        (low, high), values = self.bounds[axis], points[:, axis]
        if not self.periodic[axis] and ((values < low) | (values > high)).any():
            outside = values[(values < low) | (values > high)][0]
            raise InputError(f"a particle at {outside:g} lies outside of axis {axis} of the box, {low:g} to {high:g}")
        return (values - low) / self.spacing[axis] - 0.5


def shares_along(places: FloatArray, count: int, *, periodic: bool) -> list[tuple[IntArray, FloatArray]]:
    """Cells below and above places along a row of cells, each with its share."""
    below = np.floor(places).astype(np.int64)
    share = places - below
    if periodic:
        return [(below % count, 1.0 - share), ((below + 1) % count, share)]
    return [(below.clip(min=0), 1.0 - share), ((below + 1).clip(max=count - 1), share)]


def _entries(given: Any, count: int) -> tuple[Any, ...]:
    """The entries of a sequence or array, or one value for each."""
    return tuple(given) if np.ndim(given) else (given,) * count


def _check(bounds: Sequence[Sequence[float]], shape: Sequence[int], periodic: Sequence[bool]) -> None:
    if not 1 <= len(bounds) <= MAX_DIMENSION:
        raise InputError(f"bounds give {len(bounds)} axes; a box has 1 to {MAX_DIMENSION}")
    if not len(bounds) == len(shape) == len(periodic):
        raise InputError(
            f"bounds give {len(bounds)} axes, shape {len(shape)} and periodic {len(periodic)}; give "
            "one entry per axis, e.g. Box([(-1.0, 1.0)] * 2, (64, 64))"
        )
    for axis, pair in enumerate(bounds):
        if len(pair) != 2 or not all(math.isfinite(end) for end in pair) or not pair[0] < pair[1]:
            raise InputError(
                f"bounds[{axis}] = {shown(list(pair))} is not allowed; give a lower and a larger upper end"
            )
    for axis, count in enumerate(shape):
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < MIN_CELLS:
            raise InputError(f"shape[{axis}] = {shown(count)} is not allowed; give an integer of at least {MIN_CELLS}")
