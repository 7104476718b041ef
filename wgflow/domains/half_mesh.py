"""The upper half of a mesh of the sphere that is its own mirror image in the equator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wgflow.domains.icosphere import unit
from wgflow.domains.mesh import SurfaceMesh
from wgflow.typing import FloatArray, IntArray

ON_EQUATOR = 1e-9  # heights that round-off leaves at the equator


@dataclass(frozen=True)
class HalfMesh(SurfaceMesh):
    """Cells above the equator, and the halves of those with their centre on it.

    A cell knows its neighbours below by their mirror images: faces to these have no length, so that nothing passes,
    but slopes see them where they are.

    Parameters
    ----------
    below : array, shape (N, 6, p)
        Centres behind the faces, also of neighbours below the equator.
    rim_cells, rim_vertices : arrays, shapes (B,) and (B, 2)
        Cells with a side on the equator that their centre is above, and the corners of that side.
    """

    below: FloatArray
    rim_cells: IntArray
    rim_vertices: IntArray

    @property
    def neighbour_points(self) -> FloatArray:
        """Centres behind the faces, shape (N, 6, p), also below the equator."""
        return self.below

    @property
    def triangles(self) -> tuple[IntArray, IntArray]:
        """Cells (T,) and corners (T, 2) of the triangles that cells are made of."""
        cells, corners = super().triangles
        return np.concatenate([cells, self.rim_cells]), np.concatenate([corners, self.rim_vertices])


class _Edges(NamedTuple):
    """Edges of the half: their cells, corners, the corners of all, and the sides of cells on the equator."""

    cells: IntArray
    corners: IntArray
    vertices: FloatArray
    rim_cells: IntArray
    rim_corners: IntArray


def upper_half(mesh: SurfaceMesh) -> HalfMesh:
    """Half of a mesh of the sphere that is symmetric in the equator; equations on it are those of symmetric data."""
    from scipy.spatial import KDTree

    height = np.where(np.abs(mesh.points[:, 2]) < ON_EQUATOR, 0.0, mesh.points[:, 2])
    kept = np.flatnonzero(height >= 0.0)
    points = np.column_stack([mesh.points[kept, :2], height[kept]])
    images = np.where((height < 0.0)[:, None], mesh.points * [1.0, 1.0, -1.0], mesh.points)
    place = np.asarray(KDTree(points).query(images)[1], dtype=np.int64)  # of each cell or its mirror image in the half
    around = mesh.neighbours[kept]
    inside, on_rim = height[around] >= 0.0, (height[kept] == 0.0)[:, None] & (height[around] == 0.0)
    edges = _upper_edges(mesh, height, place)
    opposite = np.where(inside, mesh.opposite[kept], 0)
    return HalfMesh(
        points=points,
        volumes=mesh.volumes[kept] * np.where(height[kept] == 0.0, 0.5, 1.0),
        neighbours=place[around],
        opposite=opposite,
        lengths=mesh.lengths[kept] * inside * np.where(on_rim, 0.5, 1.0),
        distances=mesh.distances[kept],
        midpoints=mesh.midpoints[kept],
        vertices=edges.vertices,
        edges=edges.cells,
        edge_vertices=edges.corners,
        below=mesh.points[around],
        rim_cells=edges.rim_cells,
        rim_vertices=edges.rim_corners,
    )


def _upper_edges(mesh: SurfaceMesh, height: FloatArray, place: IntArray) -> _Edges:
    """Edges between two kept cells, cut at the equator, and the sides there of cells beside their mirror images."""
    heights = height[mesh.edges]
    inside = (heights >= 0.0).all(axis=1)
    across = (heights == 0.0).all(axis=1)  # between cells on the equator: crosses it in the middle
    rim = (heights > 0.0).any(axis=1) & (heights < 0.0).any(axis=1)
    first, second = (mesh.vertices[mesh.edge_vertices[across, end]] for end in range(2))
    crossings = unit((first + second) * [1.0, 1.0, 0.0])
    corners = mesh.edge_vertices.copy()
    lower = np.argmin(mesh.vertices[corners[across], 2], axis=1)
    corners[np.flatnonzero(across), lower] = len(mesh.vertices) + np.arange(len(crossings))
    vertices = np.concatenate([mesh.vertices, crossings])
    vertices[np.abs(vertices[:, 2]) < ON_EQUATOR, 2] = 0.0
    used = np.unique(np.concatenate([corners[inside], corners[rim]]))
    number = np.zeros(len(vertices), dtype=np.int64)
    number[used] = np.arange(used.size)
    upper = mesh.edges[rim][np.arange(rim.sum()), np.argmax(heights[rim], axis=1)]
    return _Edges(
        place[mesh.edges[inside]], number[corners[inside]], vertices[used], place[upper], number[corners[rim]]
    )
