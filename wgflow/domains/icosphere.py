"""Voronoi cells of a subdivided icosahedron, relaxed by Lloyd's iteration.

References
----------
Du, Gunzburger and Ju (2003), Constrained centroidal Voronoi tessellations for surfaces, SIAM J. Sci. Comput. 24(5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wgflow.domains.diamonds import corner_points, side_of, triangles
from wgflow.domains.mesh import VoronoiMesh
from wgflow.domains.relaxation import RelaxedDiamond
from wgflow.former_names import with_former
from wgflow.typing import FloatArray, IntArray

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

LLOYD_ITERATIONS = 40  # after each subdivision


def icosahedron() -> tuple[FloatArray, IntArray]:
    """Corners (12, 3) and outward triangles (20, 3)."""
    golden = 0.5 * (1.0 + np.sqrt(5.0))
    signs = np.array([(s, t) for s in (-1.0, 1.0) for t in (-golden, golden)])
    pattern = np.stack([np.zeros(4), signs[:, 0], signs[:, 1]], axis=1)
    corners = np.concatenate([np.roll(pattern, axis, axis=1) for axis in range(3)])
    corners /= np.linalg.norm(corners[0])
    near = corners @ corners.T > 0.4  # the five neighbours, and the corner itself
    triangles = [
        (i, j, k)
        for i in range(12)
        for j in range(i + 1, 12)
        for k in range(j + 1, 12)
        if near[i, j] and near[j, k] and near[i, k]
    ]
    return corners, _outward(corners, np.array(triangles))


def _outward(points: FloatArray, triangles: IntArray) -> IntArray:
    """Order the corners of each triangle counter-clockwise, seen from outside."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0.0
    triangles[inward] = triangles[inward][:, ::-1]
    return triangles


def unit(vectors: FloatArray) -> FloatArray:
    """Scale vectors to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def triangle_areas(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """Areas of spherical triangles (van Oosterom and Strackee, 1983)."""
    triple = np.abs(np.einsum("...i,...i->...", a, np.cross(b, c)))
    products = (np.einsum("...i,...i->...", p, q) for p, q in ((a, b), (b, c), (c, a)))
    return 2.0 * np.arctan2(triple, 1.0 + sum(products))


def circumcentres(points: FloatArray, triangles: IntArray) -> FloatArray:
    """Unit vectors at equal distance from the three corners: the corners of the Voronoi cells."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return unit(np.cross(b - a, c - a))


def _edges(triangles: IntArray) -> tuple[IntArray, IntArray]:
    """Edges (E, 2) with their two triangles (E, 2)."""
    count = int(triangles.max()) + 1
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    keys = ends[:, 0] * count + ends[:, 1]  # one number an edge sorts faster than two
    order = np.argsort(keys, kind="stable")
    return ends[order[::2]], order.reshape(-1, 2) // 3


def build_mesh(level: int, iterations: int = LLOYD_ITERATIONS) -> VoronoiMesh:
    """Mesh of 10 * 4^level + 2 cells, numbered as in `wgflow.domains.diamonds`."""
    diamond = RelaxedDiamond(corner_points(icosahedron()[0]))
    for _ in range(level):
        diamond = diamond.refined(iterations)
    return dual_mesh(diamond.everywhere(), triangles(side_of(level)))


def dual_mesh(points: FloatArray, triangles: IntArray) -> VoronoiMesh:
    """Voronoi cells of the corners of a triangulation."""
    count = len(points)
    edges, sides = _edges(triangles)
    vertices = circumcentres(points, triangles)
    first, second = vertices[sides[:, 0]], vertices[sides[:, 1]]
    volumes = np.zeros(count)
    for end in range(2):
        areas = triangle_areas(points[edges[:, end]], first, second)
        volumes += np.bincount(edges[:, end], areas, count)
    distances = arc_lengths(points[edges[:, 0]], points[edges[:, 1]])
    return VoronoiMesh(points, volumes, vertices, edges, sides, arc_lengths(first, second), distances)


def arc_lengths(first: FloatArray, second: FloatArray) -> FloatArray:
    """Distances on the sphere, accurate for near points."""
    return 2.0 * np.arcsin(0.5 * np.linalg.norm(first - second, axis=-1).clip(max=2.0))
