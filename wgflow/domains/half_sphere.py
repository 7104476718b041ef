"""The half sphere: measures on the unit sphere of R^d that are invariant under rotations about two directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from wgflow.domains.base import SIGNED, Coordinate, Density
from wgflow.domains.faces import Faces
from wgflow.domains.half_mesh import upper_half
from wgflow.domains.mesh import SurfaceMesh
from wgflow.domains.orbit_volumes import power_masses
from wgflow.domains.rings import in_rings
from wgflow.domains.sphere import MAX_LEVEL, Sphere, cells_of_level, tangent_coordinates
from wgflow.domains.symmetric import MOST_INPUTS, SymmetricDomain, check_count, mirrored
from wgflow.domains.triangles import place_in_triangles, triangle_averages
from wgflow.registry import Argument
from wgflow.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.spatial import KDTree

MIN_INPUTS = 3


@dataclass(frozen=True)
class HalfSphere(SymmetricDomain):
    """Half of the unit sphere with Voronoi cells: the unit sphere of R^d, seen from two directions.

    A point (p_1, p_2, r) with r >= 0 stands for all directions with the components p along the two (made orthonormal
    in their order), whose rest has the length r. Densities are per area, those of the image measure. The cells are
    those of ``Sphere(cells)`` with r >= 0; half of each that has its centre on the equator belongs to them, and nothing
    passes the equator.

    Parameters
    ----------
    cells : int
        Wanted number of cells of the whole sphere, as of `Sphere`: the grid has a little more than half of the next of
        12, 42, 162, 642, 2562, 10242, 40962, ...
    inputs : int
        Number d of components of the directions, at least 3.

    Raises
    ------
    InputError
        If a number is not an integer in its range.

    Examples
    --------
    >>> domain = wgflow.HalfSphere(600, inputs=20)
    >>> domain.cells, domain.points.shape, round(float(domain.volumes.sum() / np.pi), 12)
    (642, (337, 3), 2.0)
    """

    cells: int
    inputs: int
    level: int = field(init=False, repr=False, compare=False)

    kind = "half_sphere"
    about = "Half of the unit sphere: the unit sphere of R^d seen from two directions, for targets of one or two."
    arguments: ClassVar[Mapping[str, Argument]] = {
        "cells": Argument(
            int,
            "wanted number of cells of the whole sphere; it has the next 10 * 4^level + 2, the half above half of them",
            2562,
            least=1,
            most=cells_of_level(MAX_LEVEL),
        ),
        "inputs": Argument(int, "number d of inputs", least=MIN_INPUTS, most=MOST_INPUTS, example=100),
        "signed": SIGNED,
    }
    kept = 2

    def __post_init__(self) -> None:
        sphere = Sphere(self.cells)
        check_count("inputs", self.inputs, MIN_INPUTS, MOST_INPUTS, 100)
        object.__setattr__(self, "level", sphere.level)
        object.__setattr__(self, "cells", sphere.cells)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a density: half of the cells of the sphere, and those on the equator, 4 * 2^level in number."""
        return ((self.cells + 4 * 2**self.level) // 2,)

    @cached_property
    def mesh(self) -> SurfaceMesh:
        """Cells with their faces and neighbours."""
        return upper_half(in_rings(Sphere(self.cells).mesh, self.level))

    @property
    def points(self) -> FloatArray:
        """Cell centres (p_1, p_2, r), shape ``(*shape, 3)``."""
        return self.mesh.points

    @property
    def volumes(self) -> FloatArray:
        """Area of each cell, shape ``shape``; the sum is 2 pi."""
        return self.mesh.volumes

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The number of the cell; the mesh is rebuilt from the number of cells."""
        return (Coordinate("cell", np.arange(self.shape[0], dtype=np.float64), "1", "number of the cell"),)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Arguments that rebuild the half sphere."""
        return {"cells": int(self.cells), "inputs": int(self.inputs)}

    @property
    def faces(self) -> Faces:
        """The faces of the Voronoi cells, without those on the equator."""
        return self.mesh.faces

    @cached_property
    def uniform(self) -> FloatArray:
        """Cell averages of the image of the uniform probability measure, of exact masses; see ``power_masses``."""
        power = self.orbit_power
        return power_masses(self.mesh, power) * (power + 1.0) / (2.0 * np.pi) / self.volumes

    def uniform_density(self, points: FloatArray) -> FloatArray:
        r"""Density :math:`(d - 2) r^{d-3} / (2 \pi)` at points (..., 3)."""
        return np.asarray((self.orbit_power + 1.0) / (2.0 * np.pi) * np.abs(points[..., 2]) ** self.orbit_power)

    def averages(self, density: Density) -> FloatArray:
        """Cell averages of a density given at points (..., 3), by quadrature on triangles."""
        return triangle_averages(self.mesh, density)

    def cells_at(self, points: FloatArray) -> IntArray:
        """Numbers (m,) of the cells that hold unit vectors (m, 3): Voronoi cells, those of the nearest centre."""
        return np.asarray(self._tree.query(mirrored(points))[1], dtype=np.int64)

    @cached_property
    def _tree(self) -> KDTree:
        from scipy.spatial import KDTree

        return KDTree(self.points)

    def tangent_coordinates(self, targets: FloatArray) -> FloatArray:
        """Coordinates (N, k, 2) of unit vectors (N, k, 3) around each cell centre, as on the whole sphere."""
        return tangent_coordinates(self.points, targets)

    uniforms = 3
    strata = 1

    def place(self, masses: FloatArray, uniforms: FloatArray) -> FloatArray:
        """Points from masses of cells (N,) and uniforms (3, m), see ``place_in_triangles``."""
        return place_in_triangles(self.mesh, masses, uniforms)
