"""Voronoi cells of a subdivided icosahedron, relaxed by Lloyd's iteration; every step works on whole arrays.

References
----------
Du, Gunzburger and Ju (2003), Constrained centroidal Voronoi tessellations for surfaces, SIAM J. Sci. Comput. 24(5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wgflow.domains.mesh import DEGREE, SurfaceMesh
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
    corners = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, places = np.unique(np.sort(corners, axis=1), axis=0, return_inverse=True)
    owners = np.repeat(np.arange(len(triangles)), 3)
    order = np.argsort(places.ravel(), kind="stable")
    return edges, owners[order].reshape(-1, 2)


def relax(points: FloatArray, triangles: IntArray, iterations: int) -> FloatArray:
    """Move each centre to the centroid of its cell, again and again; the triangulation stays."""
    edges, sides = _edges(triangles)
    for _ in range(iterations):
        centres = circumcentres(points, triangles)
        first, second = centres[sides[:, 0]], centres[sides[:, 1]]
        moments = np.zeros_like(points)
        for end in range(2):
            apex = points[edges[:, end]]
            weight = triangle_areas(apex, first, second)[:, None] * unit(apex + first + second)
            for axis in range(3):
                moments[:, axis] += np.bincount(edges[:, end], weight[:, axis], len(points))
        points = unit(moments)
    return points


def build_mesh(level: int, iterations: int = LLOYD_ITERATIONS) -> SurfaceMesh:
    """Mesh of 10 * 4^level + 2 cells."""
    points, triangles = icosahedron()
    for _ in range(level):
        points, triangles = subdivide(points, triangles)
        points = relax(points, triangles, iterations)
    return _dual_mesh(*_in_rings(points, triangles))


def _in_rings(points: FloatArray, triangles: IntArray) -> tuple[FloatArray, IntArray]:
    """Number the points anew, ring by ring around the first one, so that neighbours lie near in memory."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    first, second = triangles.T.ravel(), np.roll(triangles, -1, axis=1).T.ravel()
    touching = coo_array((np.ones(first.size, dtype=np.int8), (first, second)), shape=(len(points),) * 2)
    order = breadth_first_order(touching.tocsr(), 0, return_predecessors=False)
    place = np.empty(len(points), dtype=np.int64)
    place[order] = np.arange(len(points))
    triangles = place[triangles]
    return points[order], triangles[np.argsort(triangles.min(axis=1), kind="stable")]


def _dual_mesh(points: FloatArray, triangles: IntArray) -> SurfaceMesh:
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
