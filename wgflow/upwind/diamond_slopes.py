"""Weights of the differences around cells of the sphere in the rise of a density to their faces.

To the middle of a face a linear function rises by ``along`` times the difference of the two cells on the line through
it, ahead less behind, plus ``across`` times the sum of the differences along the two other lines through the cell,
which leads along the face. Both follow from the places of the seven cells: exactly 1/4 and 0 on a regular grid.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wgflow.domains.mesh import DEGREE, SurfaceMesh
from wgflow.domains.sphere import tangent_coordinates
from wgflow.typing import FloatArray, IntArray
from wgflow.upwind.diamond_faces import FIRST, LANES, MARGIN, DiamondFaces

_CELLS_AT_ONCE = 50_000  # bounds the memory of the preparation
# Kernels know three differences and three sums for six directions: signs of those.
_SIGNS = np.array([(1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0)])


def line_weights(faces: DiamondFaces) -> FloatArray:
    """Weights along and across, shape (N, 6, 2), of the rise to the face in each direction; corners have none."""
    weights = in_chunks(faces, _weights_of)
    weights[faces.corners] = 0.0
    return weights


def in_chunks(
    faces: DiamondFaces, weights_of: Callable[[SurfaceMesh, slice, IntArray, IntArray], FloatArray]
) -> FloatArray:
    """Weights (N, 6, 2) of some cells at a time, from their neighbours and the edges around them."""
    count, around = len(faces.neighbours), faces.around()
    parts = [slice(first, min(first + _CELLS_AT_ONCE, count)) for first in range(0, count, _CELLS_AT_ONCE)]
    return np.concatenate([weights_of(faces.mesh, part, faces.neighbours[part], around[part]) for part in parts])


def _weights_of(mesh: SurfaceMesh, part: slice, near: IntArray, around: IntArray) -> FloatArray:
    points = mesh.points[part]
    middles = tangent_coordinates(points, middles_of(mesh, around))
    return lines_through(tangent_coordinates(points, mesh.points[near]), middles)


def lines_through(places: FloatArray, vectors: FloatArray) -> FloatArray:
    """Vectors (N, 6, 2) in terms of the lines through cells, whose neighbours have some places (N, 6, 2).

    Those of the differences along the line in each direction, and of the sum along the two others.
    """
    ahead = places - np.roll(places, -3, axis=1)
    sideways = np.roll(ahead, -1, axis=1) + np.roll(ahead, -2, axis=1)
    area = ahead[..., 0] * sideways[..., 1] - ahead[..., 1] * sideways[..., 0]
    along = vectors[..., 0] * sideways[..., 1] - vectors[..., 1] * sideways[..., 0]
    across = ahead[..., 0] * vectors[..., 1] - ahead[..., 1] * vectors[..., 0]
    area[area == 0.0] = 1.0  # at a corner, whose weights are not used
    return np.stack([along / area, across / area], axis=-1)


def middles_of(mesh: SurfaceMesh, edges: IntArray) -> FloatArray:
    """Midpoints of the faces of some edges (...), shape (..., 3)."""
    both = mesh.vertices[mesh.edge_vertices[edges]].sum(axis=-2)
    return np.asarray(both / np.linalg.norm(both, axis=-1, keepdims=True))


def in_rows(faces: DiamondFaces, weights: FloatArray) -> FloatArray:
    """Weights (N, 6, 2) as the kernels take them, in single precision, shape (2, 12, n + 2, width)."""
    turned = faces.turned(weights.astype(np.float32)) * _SIGNS.astype(np.float32)[:, None, None, None]
    found = np.moveaxis(turned, [0, 4], [1, 2]).reshape(len(FIRST), 2 * DEGREE, faces.n + 2, faces.n + 2)
    return np.pad(found, [(0, 0)] * 3 + [(MARGIN - 1, faces.width - faces.n - LANES)])


def apart(faces: DiamondFaces, weights: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Cells (c, 2) of the faces that are apart, the six around each (c, 2, 6), and the weights of their differences.

    At corners, through which no lines lead, the weights are those of the gradient of least squares.
    """
    cells = faces.mesh.edges[faces.apart]
    near = faces.neighbours[cells]
    direction = np.argmax(near == cells[:, ::-1, None], axis=-1)[..., None]
    along, across = np.moveaxis(weights[cells[..., None], direction], -1, 0)
    found = np.zeros(near.shape)
    for turn, weight in ((0, along), (1, across), (2, across)):
        for opposite, sign in ((0, 1.0), (3, -1.0)):
            place = (direction + turn + opposite) % DEGREE
            np.put_along_axis(found, place, sign * weight, axis=-1)
    for face, side in np.argwhere(np.isin(cells, faces.corners)):
        corner = faces.mesh.points[cells[face, side], None]
        places = tangent_coordinates(corner, faces.mesh.points[near[face, side]][None])[0]
        middle = tangent_coordinates(corner, middles_of(faces.mesh, faces.apart[face, None])[None])[0, 0]
        found[face, side] = np.linalg.lstsq(places, np.eye(DEGREE), rcond=None)[0].T @ middle
    return cells.astype(np.uint32), near.astype(np.uint32), found
