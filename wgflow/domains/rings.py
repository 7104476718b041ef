"""The cells of the sphere in rings around the first one, the order that half spheres and earlier files have them in."""

from __future__ import annotations

import numpy as np

from wgflow.domains.diamonds import corner_points, side_of, subdivided
from wgflow.domains.icosphere import dual_mesh, icosahedron, unit
from wgflow.domains.mesh import SurfaceMesh
from wgflow.typing import FloatArray, IntArray


def ring_order(level: int) -> IntArray:
    """Number among diamonds of each cell in rings, shape (10 * 4^level + 2,)."""
    return _ring_triangulation(level)[0]


def in_rings(mesh: SurfaceMesh, level: int) -> SurfaceMesh:
    """The mesh of a level with its cells in rings."""
    order, triangles = _ring_triangulation(level)
    return dual_mesh(mesh.points[order], triangles)


def _ring_triangulation(level: int) -> tuple[IntArray, IntArray]:
    """Cells in rings by their numbers among diamonds, and the triangles of their centres by those in rings.

    Neither depends on where centres are, as long as they are connected alike: the subdivided icosahedron tells.
    """
    from scipy.spatial import KDTree

    points, triangles = icosahedron()
    among = corner_points(points)
    for side in map(side_of, range(level)):
        points, triangles = subdivide(points, triangles)
        among = subdivided(among, side)
    order, triangles = _rings(len(points), triangles)
    return np.asarray(KDTree(among).query(points[order])[1], dtype=np.int64), triangles


def subdivide(points: FloatArray, triangles: IntArray) -> tuple[FloatArray, IntArray]:
    """Cut each triangle into four by the midpoints of its edges."""
    corners = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, places = np.unique(np.sort(corners, axis=1), axis=0, return_inverse=True)
    midpoints = points[edges].sum(axis=1)
    middle = len(points) + places.reshape(-1, 3)
    a, b, c = triangles.T
    ab, bc, ca = middle.T
    parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return (
        np.concatenate([points, unit(midpoints)]),
        np.concatenate([np.stack(part, axis=1) for part in parts]),
    )


def _rings(count: int, triangles: IntArray) -> tuple[IntArray, IntArray]:
    """Number points ring by ring around the first one: their former numbers, and the triangles by the new ones."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    first, second = triangles.T.ravel(), np.roll(triangles, -1, axis=1).T.ravel()
    touching = coo_array((np.ones(first.size, dtype=np.int8), (first, second)), shape=(count, count))
    order = np.asarray(breadth_first_order(touching.tocsr(), 0, return_predecessors=False), dtype=np.int64)
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    triangles = place[triangles]
    return order, triangles[np.argsort(triangles.min(axis=1), kind="stable")]
