"""Boxes in one to three dimensions, cut into equal cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wgflow.domains.base import Coordinate
from wgflow.errors import InputError
from wgflow.text import shown
from wgflow.typing import FloatArray

MAX_DIMENSION = 3
MIN_CELLS = 4  # the second-order stencil has four cells


@dataclass(frozen=True, init=False)
class Box:
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
    >>> Box([(-1.0, 1.0), (0.0, 3.0)], (8, 12)).points.shape
    (8, 12, 2)
    """

    bounds: tuple[tuple[float, float], ...]
    shape: tuple[int, ...]
    periodic: tuple[bool, ...]

    kind = "box"
    sheets = 1
    reaction = 0.0

    def __init__(
        self,
        bounds: Sequence[Sequence[float]],
        shape: Sequence[int] | int,
        periodic: Sequence[bool] | bool = False,
    ) -> None:
        cells = tuple(shape) if isinstance(shape, Sequence) else (shape,)
        closed = (periodic,) * len(bounds) if isinstance(periodic, bool) else tuple(periodic)
        _check(bounds, cells, closed)
        object.__setattr__(self, "bounds", tuple((float(low), float(high)) for low, high in bounds))
        object.__setattr__(self, "shape", tuple(int(count) for count in cells))
        object.__setattr__(self, "periodic", tuple(bool(flag) for flag in closed))

    @property
    def base(self) -> Box:
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
    def signs(self) -> FloatArray:
        """The one sheet has sign +1."""
        return np.ones(1)

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


def _check(bounds: Sequence[Sequence[float]], shape: Sequence[int], periodic: Sequence[bool]) -> None:
    if not 1 <= len(bounds) <= MAX_DIMENSION:
        raise InputError(f"bounds give {len(bounds)} axes; a box has 1 to {MAX_DIMENSION}")
    if not len(bounds) == len(shape) == len(periodic):
        raise InputError(
            f"bounds give {len(bounds)} axes, shape {len(shape)} and periodic {len(periodic)}; give one entry per axis"
        )
    for axis, pair in enumerate(bounds):
        if len(pair) != 2 or not all(math.isfinite(end) for end in pair) or not pair[0] < pair[1]:
            raise InputError(
                f"bounds[{axis}] = {shown(list(pair))} is not allowed; give a lower and a larger upper end"
            )
    for axis, count in enumerate(shape):
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < MIN_CELLS:
            raise InputError(f"shape[{axis}] = {shown(count)} is not allowed; give an integer of at least {MIN_CELLS}")
