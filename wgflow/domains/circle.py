"""The unit circle S^1, cut into equal arcs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from wgflow.domains.base import SIGNED, Coordinate, Density, UnsignedDomain
from wgflow.domains.box import Box, shares_along
from wgflow.domains.faces import Faces
from wgflow.domains.geometry import UnitSphere
from wgflow.errors import InputError
from wgflow.registry import Argument
from wgflow.text import shown
from wgflow.typing import FloatArray, IntArray

MIN_CELLS = 4  # the second-order stencil has four cells
GAUSS_POINTS = 8  # per cell: averages of smooth densities to round-off


@dataclass(frozen=True)
class Circle(UnsignedDomain):
    r"""The unit circle with ``cells`` equal arcs.

    The centre of cell k is at the angle :math:`(k + 1/2) h` with :math:`h = 2\pi/N`; its points are
    the unit vectors :math:`(\cos\theta, \sin\theta)`.

    Parameters
    ----------
    cells : int
        Number of cells N, at least 4.

    Raises
    ------
    InputError
        If ``cells`` is not an integer of at least 4.

    Examples
    --------
    >>> wgflow.Circle(8).points.shape
    (8, 2)
    """

    cells: int

    def __post_init__(self) -> None:
        if isinstance(self.cells, bool) or not isinstance(self.cells, int | np.integer):
            raise InputError(f"cells = {shown(self.cells)} is not an integer; give the number of cells, e.g. 1024")
        if self.cells < MIN_CELLS:
            raise InputError(f"cells = {shown(self.cells)} is too small; a circle needs at least {MIN_CELLS} cells")

    kind = "circle"
    about = "The unit circle, cut into equal arcs."
    arguments: ClassVar[Mapping[str, Argument]] = {
        "cells": Argument(int, "number of cells on each sheet", 1024, least=MIN_CELLS, most=2**26),
        "signed": SIGNED,
    }
    symbol = r"\nu"
    reaction = 4.0

    @property
    def geometry(self) -> UnitSphere:
        """The unit sphere of R^2."""
        return UnitSphere(2)

    @property
    def lattice(self) -> Box:
        """The periodic interval [0, 2 pi] of angles, with the same cells."""
        return Box([(0.0, 2.0 * np.pi)], self.cells, periodic=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a density, ``(cells,)``."""
        return (self.cells,)

    @property
    def spacing(self) -> float:
        """Length of a cell, 2 pi / cells."""
        return 2.0 * np.pi / self.cells

    @cached_property
    def angles(self) -> FloatArray:
        """Angle of each cell centre in (0, 2 pi), shape ``(cells,)``."""
        return (np.arange(self.cells, dtype=np.float64) + 0.5) * self.spacing

    @cached_property
    def points(self) -> FloatArray:
        """Cell centres as unit vectors, shape ``(cells, 2)``."""
        return np.column_stack([np.cos(self.angles), np.sin(self.angles)])

    @cached_property
    def volumes(self) -> FloatArray:
        """Length of each cell, shape ``(cells,)``."""
        return np.full(self.cells, self.spacing)

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The angle of the cell centres."""
        return (Coordinate("angle", self.angles, "radian", "angle on the circle"),)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Arguments that rebuild the circle."""
        return {"cells": int(self.cells)}

    @property
    def faces(self) -> Faces:
        """Pairs of neighbours around the circle."""
        return self.lattice.faces

    def averages(self, density: Density) -> FloatArray:
        """Cell averages of a density given at unit vectors (..., 2), by a Gauss rule in the angle."""
        nodes, weights = np.polynomial.legendre.leggauss(GAUSS_POINTS)
        angles = self.angles[:, None] + 0.5 * self.spacing * nodes
        return density(np.stack([np.cos(angles), np.sin(angles)], axis=-1)) @ (0.5 * weights)

    def cells_at(self, points: FloatArray) -> IntArray:
        """Numbers (m,) of the cells that hold the directions of points (m, 2)."""
        turns = np.mod(np.arctan2(points[:, 1], points[:, 0]) / self.spacing, self.cells)
        return np.minimum(turns.astype(np.int64), self.cells - 1)

    def shares_at(self, points: FloatArray) -> list[tuple[IntArray, FloatArray]]:
        """Nearest centres, in proportion to the angle from them."""
        places = np.arctan2(points[:, 1], points[:, 0]) / self.spacing - 0.5
        return shares_along(places, self.cells, periodic=True)
