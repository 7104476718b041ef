"""Voronoi cells of a subdivided icosahedron, relaxed by Lloyd's iteration.

References
----------
Du, Gunzburger and Ju (2003), Constrained centroidal Voronoi tessellations for surfaces, SIAM J. Sci. Comput. 24(5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wgflow.domains.diamonds import corner_points, side_of, subdivided, triangles
from wgflow.domains.mesh import DEGREE, SurfaceMesh
from wgflow.domains.relaxation import relax
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


def build_mesh(level: int, iterations: int = LLOYD_ITERATIONS) -> SurfaceMesh:
    """Mesh of 10 * 4^level + 2 cells, numbered as in `wgflow.domains.diamonds`."""
    points = corner_points(icosahedron()[0])
    for side in map(side_of, range(level)):
        points = relax(subdivided(points, side), 2 * side, iterations)
    return dual_mesh(points, triangles(side_of(level)))


def dual_mesh(points: FloatArray, triangles: IntArray) -> SurfaceMesh:
    """Voronoi cells of the corners of a triangulation."""
    count = len(points)
    edges, sides = _edges(triangles)
    vertices = circumcentres(points, triangles)
    first, second = vertices[sides[:, 0]], vertices[sides[:, 1]]
    lengths = arc_lengths(first, second)
    distances = arc_lengths(points[edges[:, 0]], points[edges[:, 1]])
    volumes = np.zeros(count)
    for end in range(2):
        areas = triangle_areas(points[edges[:, end]], first, second)
        volumes += np.bincount(edges[:, end], areas, count)
    place = _places(edges, count)
    neighbours = np.repeat(np.arange(count)[:, None], DEGREE, axis=1)
    opposite = np.zeros((count, DEGREE), dtype=np.int64)
    face_lengths, face_distances = np.zeros((count, DEGREE)), np.ones((count, DEGREE))
    midpoints = np.repeat(points[:, None, :], DEGREE, axis=1)
    for end in range(2):
        here = (edges[:, end], place[:, end])
        neighbours[here], opposite[here] = edges[:, 1 - end], place[:, 1 - end]
        face_lengths[here], face_distances[here] = lengths, distances
        midpoints[here] = unit(first + second)
    return SurfaceMesh(
        points, volumes, neighbours, opposite, face_lengths, face_distances, midpoints, vertices, edges, sides
    )


def arc_lengths(first: FloatArray, second: FloatArray) -> FloatArray:
    """Distances on the sphere, accurate for near points."""
    return 2.0 * np.arcsin(0.5 * np.linalg.norm(first - second, axis=-1).clip(max=2.0))


def _places(edges: IntArray, count: int) -> IntArray:
    """Place of each edge among the faces of its two cells, shape (E, 2)."""
    cells = edges.T.ravel()  # first all first cells, then all second ones
    order = np.argsort(cells, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(cells, minlength=count))[:-1]])
    place = np.empty(cells.size, dtype=np.int64)
    place[order] = np.arange(cells.size) - starts[cells[order]]
    return place.reshape(2, -1).T
