"""The half circle: measures on the unit sphere of R^d that are invariant under rotations about one direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from wgflow.domains.base import SIGNED, Coordinate, Density
from wgflow.domains.box import Box, shares_along
from wgflow.domains.faces import Faces
from wgflow.domains.symmetric import MOST_INPUTS, SymmetricDomain, check_count
from wgflow.registry import Argument
from wgflow.typing import FloatArray, IntArray

MIN_CELLS, MOST_CELLS = 4, 2**26
MIN_INPUTS = 2
GAUSS_POINTS = 8  # per cell


@dataclass(frozen=True)
class HalfCircle(SymmetricDomain):
    r"""Half of the unit circle with ``cells`` equal arcs: the unit sphere of R^d, seen from one direction.

    A point :math:`(p, r) = (\cos\theta, \sin\theta)` stands for all directions with the angle :math:`\theta` in
    [0, pi] to the first one. Densities are per angle, those of the image measure; nothing passes the ends.

    Parameters
    ----------
    cells : int
        Number of cells N, at least 4, ordered by the angle; the centre of cell k is at (k + 1/2) pi / N.
    inputs : int
        Number d of components of the directions, at least 2.

    Raises
    ------
    InputError
        If a number is not an integer in its range.

    Examples
    --------
    >>> domain = wgflow.HalfCircle(64, inputs=100)
    >>> domain.points.shape, round(float((domain.uniform * domain.volumes).sum()), 12)
    ((64, 2), 1.0)
    >>> round(float(domain.angles[domain.uniform.argmax()]), 1)  # most directions are nearly orthogonal to the first
    1.5
    """

    cells: int
    inputs: int

    def __post_init__(self) -> None:
        check_count("cells", self.cells, MIN_CELLS, MOST_CELLS, 1024)
        check_count("inputs", self.inputs, MIN_INPUTS, MOST_INPUTS, 100)

    kind = "half_circle"
    about = "Half of the unit circle: the unit sphere of R^d by the angle to one direction, for targets of one."
    arguments: ClassVar[Mapping[str, Argument]] = {
        "cells": Argument(int, "number of cells on each sheet", 1024, least=MIN_CELLS, most=MOST_CELLS),
        "inputs": Argument(int, "number d of inputs", least=MIN_INPUTS, most=MOST_INPUTS, example=100),
        "signed": SIGNED,
    }
    kept = 1

    @property
    def walls(self) -> tuple[tuple[int, int], ...]:
        """None: the ends are poles of the sphere, not walls that a run should keep away from."""
        return ()

    @property
    def lattice(self) -> Box:
        """The interval [0, pi] of angles between walls, with the same cells."""
        return Box([(0.0, np.pi)], self.cells)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a density, ``(cells,)``."""
        return (self.cells,)

    @property
    def spacing(self) -> float:
        """Length of a cell, pi / cells."""
        return np.pi / self.cells

    @cached_property
    def angles(self) -> FloatArray:
        """Angle of each cell centre in (0, pi), shape ``(cells,)``."""
        return (np.arange(self.cells, dtype=np.float64) + 0.5) * self.spacing

    @cached_property
    def points(self) -> FloatArray:
        """Cell centres (p, r), shape ``(cells, 2)``."""
        return _points_at(self.angles)

    @cached_property
    def volumes(self) -> FloatArray:
        """Length of each cell, shape ``(cells,)``."""
        return np.full(self.cells, self.spacing)

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The angle of the cell centres."""
        return (Coordinate("angle", self.angles, "radian", "angle to the first direction"),)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Arguments that rebuild the half circle."""
        return {"cells": int(self.cells), "inputs": int(self.inputs)}

    @property
    def faces(self) -> Faces:
        """Pairs of neighbours."""
        return self.lattice.faces

    @cached_property
    def uniform(self) -> FloatArray:
        r"""Cell averages of the image of the uniform probability measure, of exact masses.

        .. math:: P(\theta < e) = \tfrac12 I_{\sin^2 e}\left(\tfrac{d-1}2, \tfrac12\right), \qquad e \le \pi/2.
        """
        from scipy.special import betainc

        half = (self.cells + 1) // 2
        edges = np.minimum(np.arange(half + 1) * self.spacing, 0.5 * np.pi)
        power = 0.5 * (self.inputs - 1)
        from_pole = betainc(power, 0.5, np.sin(edges) ** 2)
        to_middle = betainc(0.5, power, np.cos(edges) ** 2)
        below = 0.5 * np.where(
            edges < 0.25 * np.pi, from_pole, 1.0 - to_middle
        )  # where sin^2 is near 1 it loses digits
        lower = np.maximum(np.diff(below), 0.0)  # round-off of numbers below 1e-100
        if self.cells % 2 == 1:  # the cell in the middle lies on both sides
            lower[-1] *= 2.0
        return np.concatenate([lower, lower[::-1][self.cells % 2 :]]) / self.spacing

    def uniform_density(self, points: FloatArray) -> FloatArray:
        r"""Density :math:`\sin^{d-2}\theta / B(\tfrac{d-1}2, \tfrac12)` at points (..., 2)."""
        from scipy.special import gammaln

        power = self.orbit_power
        logarithm = gammaln(0.5 * self.inputs) - gammaln(0.5 * (self.inputs - 1)) - 0.5 * np.log(np.pi)
        return np.asarray(np.exp(logarithm) * np.abs(points[..., 1]) ** power)

    def averages(self, density: Density) -> FloatArray:
        """Cell averages of a density given at points (..., 2), by a Gauss rule in the angle."""
        nodes, weights = np.polynomial.legendre.leggauss(GAUSS_POINTS)
        return density(_points_at(self.angles[:, None] + 0.5 * self.spacing * nodes)) @ (0.5 * weights)

    def cells_at(self, points: FloatArray) -> IntArray:
        """Numbers (m,) of the cells that hold the directions of points (m, 2)."""
        return np.minimum((_angles_of(points) / self.spacing).astype(np.int64), self.cells - 1)

    def shares_at(self, points: FloatArray) -> list[tuple[IntArray, FloatArray]]:
        """Nearest centres, in proportion to the angle from them."""
        return shares_along(_angles_of(points) / self.spacing - 0.5, self.cells, periodic=False)

    strata = 1

    def place(self, masses: FloatArray, uniforms: FloatArray) -> FloatArray:
        """Points from masses of cells (N,) and uniforms (1, m), by the inverse distribution of the angle."""
        return _points_at(self.lattice.place(masses, uniforms)[:, 0])


def _points_at(angles: FloatArray) -> FloatArray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def _angles_of(points: FloatArray) -> FloatArray:
    return np.arctan2(np.abs(points[:, 1]), points[:, 0])
