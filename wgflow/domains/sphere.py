"""The unit sphere S^2, cut into Voronoi cells of a relaxed icosahedral grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from wgflow.domains.base import SIGNED, Coordinate, UnsignedDomain
from wgflow.domains.faces import Faces
from wgflow.domains.geometry import UnitSphere
from wgflow.domains.mesh import SurfaceMesh
from wgflow.domains.mesh_cache import cached_mesh
from wgflow.domains.triangles import place_in_triangles, triangle_averages
from wgflow.errors import InputError
from wgflow.registry import Argument
from wgflow.text import shown
from wgflow.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.spatial import KDTree

MAX_LEVEL = 9


def cells_of_level(level: int) -> int:
    """Number of cells after a number of subdivisions, 10 * 4^level + 2."""
    return 10 * 4**level + 2


@dataclass(frozen=True)
class Sphere(UnsignedDomain):
    """The unit sphere with at least ``cells`` Voronoi cells.

    Parameters
    ----------
    cells : int
        Wanted number of cells; the grid has the next of 12, 42, 162, 642, 2562, 10242, 40962, 163842, ...

    Raises
    ------
    InputError
        If ``cells`` is not an integer from 1 to 2621442.

    Examples
    --------
    >>> wgflow.Sphere(600).points.shape
    (642, 3)
    """

    cells: int
    level: int = field(init=False, repr=False, compare=False)

    kind = "sphere"
    about = "The unit sphere S^2, cut into Voronoi cells."
    arguments: ClassVar[Mapping[str, Argument]] = {
        "cells": Argument(
            int,
            "wanted number of cells; the grid has the next 10 * 4^level + 2",
            2562,
            least=1,
            most=cells_of_level(MAX_LEVEL),
        ),
        "signed": SIGNED,
    }
    symbol = r"\nu"
    reaction = 4.0

    def __post_init__(self) -> None:
        if isinstance(self.cells, bool) or not isinstance(self.cells, int | np.integer):
            raise InputError(f"cells = {shown(self.cells)} is not an integer; give the number of cells, e.g. 10242")
        fitting = [level for level in range(MAX_LEVEL + 1) if cells_of_level(level) >= self.cells]
        if self.cells < 1 or not fitting:
            raise InputError(f"cells = {shown(self.cells)} is not allowed; give 1 to {cells_of_level(MAX_LEVEL)}")
        object.__setattr__(self, "level", fitting[0])
        object.__setattr__(self, "cells", cells_of_level(fitting[0]))

    @property
    def geometry(self) -> UnitSphere:
        """The unit sphere of R^3."""
        return UnitSphere(3)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a density, ``(cells,)``."""
        return (self.cells,)

    @cached_property
    def mesh(self) -> SurfaceMesh:
        """Cells with their faces and neighbours."""
        return cached_mesh(self.level)

    @property
    def points(self) -> FloatArray:
        """Cell centres as unit vectors, shape ``(cells, 3)``."""
        return self.mesh.points

    @property
    def volumes(self) -> FloatArray:
        """Area of each cell, shape ``(cells,)``; the sum is 4 pi."""
        return self.mesh.volumes

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The number of the cell; the mesh is rebuilt from the number of cells."""
        return (Coordinate("cell", np.arange(self.cells, dtype=np.float64), "1", "number of the cell"),)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Arguments that rebuild the sphere."""
        return {"cells": int(self.cells)}

    @property
    def faces(self) -> Faces:
        """The faces of the Voronoi cells."""
        return self.mesh.faces

    def cells_at(self, points: FloatArray) -> IntArray:
        """Numbers (m,) of the cells that hold unit vectors (m, 3): Voronoi cells, those of the nearest centre."""
        return np.asarray(self._tree.query(points)[1], dtype=np.int64)

    @cached_property
    def _tree(self) -> KDTree:
        from scipy.spatial import KDTree

        return KDTree(self.points)

    def tangent_coordinates(self, targets: FloatArray) -> FloatArray:
        """Coordinates (N, k, 2) of unit vectors (N, k, 3) around each cell centre, see `tangent_coordinates`."""
        return tangent_coordinates(self.points, targets)

    def averages(self, density: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Cell averages of a density given at unit vectors, (..., 3) to (...), by quadrature on triangles."""
        return triangle_averages(self.mesh, density)

    uniforms = 3
    strata = 1  # the first uniform passes through the cells and their triangles, two place a point in its triangle

    def place(self, masses: FloatArray, uniforms: FloatArray) -> FloatArray:
        """Points from masses of cells (N,) and uniforms (3, m), see ``place_in_triangles``."""
        return place_in_triangles(self.mesh, masses, uniforms)

    def quality(self) -> dict[str, float]:
        """Measures of the mesh.

        Returns
        -------
        dict of str to float
            ``area_ratio``, largest over smallest cell; ``centroid_offset``, largest distance of a centre from the
            middle of its corners over the distance of centres; ``face_offset``, largest distance of the middle of
            a face from the middle of the segment of its two centres, over the length of that segment.
        """
        mesh = self.mesh
        here = mesh.lengths > 0.0
        middle = mesh.points[:, None, :] + mesh.points[mesh.neighbours]
        middle /= np.linalg.norm(middle, axis=-1, keepdims=True)
        face_offset = np.linalg.norm(middle - mesh.midpoints, axis=-1) / mesh.distances
        weights = mesh.lengths * here
        centroid = np.einsum("nf,nfi->ni", weights, mesh.midpoints) / weights.sum(axis=1, keepdims=True)
        centroid /= np.linalg.norm(centroid, axis=1, keepdims=True)
        size = np.sqrt(4.0 * np.pi / self.cells)
        return {
            "area_ratio": float(mesh.volumes.max() / mesh.volumes.min()),
            "centroid_offset": float(np.linalg.norm(centroid - mesh.points, axis=1).max() / size),
            "face_offset": float(face_offset[here].max()),
        }


def longitude_latitude(points: FloatArray) -> FloatArray:
    """Longitude in (-pi, pi] and latitude of unit vectors (..., 3), shape (..., 2)."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], axis=-1)


def tangent_frames(points: FloatArray) -> FloatArray:
    """Two orthonormal tangent vectors at each unit vector, shape (N, 2, 3)."""
    axis = np.eye(3)[np.abs(points).argmin(axis=1)]
    first = np.cross(points, axis)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, np.cross(points, first)], axis=1)


def tangent_coordinates(points: FloatArray, targets: FloatArray) -> FloatArray:
    """Coordinates of targets around each point: direction in the tangent plane, length along the sphere.

    Parameters
    ----------
    points : array, shape (N, 3)
        Unit vectors.
    targets : array, shape (N, k, 3)
        Unit vectors near them.

    Returns
    -------
    array, shape (N, k, 2)
    """
    return coordinates_in(tangent_frames(points), points, targets)


def coordinates_in(frames: FloatArray, points: FloatArray, targets: FloatArray) -> FloatArray:
    """Coordinates of targets (N, k, 3) as in `tangent_coordinates`, in given frames (N, 2, 3) at the points (N, 3)."""
    flat = np.einsum("nki,nai->nka", targets, frames)
    chord = np.linalg.norm(targets - points[:, None, :], axis=-1)
    arc = 2.0 * np.arcsin(0.5 * chord)
    length = np.linalg.norm(flat, axis=-1)
    return flat * np.divide(arc, length, out=np.zeros_like(arc), where=length > 0.0)[..., None]
