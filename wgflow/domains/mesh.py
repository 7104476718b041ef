"""Meshes of surfaces: cells with up to six faces each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wgflow.domains.faces import Faces
from wgflow.typing import FloatArray, IntArray

DEGREE = 6  # places for the neighbours of a cell; those that are not taken stay empty


@dataclass(frozen=True)
class SurfaceMesh:
    """Cells, and for each of their (up to six) faces its neighbour and geometry.

    Parameters
    ----------
    points : array, shape (N, p)
        Cell centres.
    volumes : array, shape (N,)
        Areas of the cells.
    neighbours : array, shape (N, 6)
        Cell behind each face; the cell itself where there is no face.
    opposite : array, shape (N, 6)
        Place of the cell among the faces of its neighbour.
    lengths : array, shape (N, 6)
        Length of each face, 0 where there is none.
    distances : array, shape (N, 6)
        Distance of the two centres, 1 where there is no face.
    midpoints : array, shape (N, 6, p)
        Midpoint of each face.
    vertices : array, shape (T, p)
        Corners of the cells.
    edges : array, shape (E, 2)
        The two cells of each face.
    edge_vertices : array, shape (E, 2)
        The two corners of each face.
    """

    points: FloatArray
    volumes: FloatArray
    neighbours: IntArray
    opposite: IntArray
    lengths: FloatArray
    distances: FloatArray
    midpoints: FloatArray
    vertices: FloatArray
    edges: IntArray
    edge_vertices: IntArray

    @property
    def neighbour_points(self) -> FloatArray:
        """Centres behind the faces, shape (N, 6, p)."""
        return self.points[self.neighbours]

    @property
    def triangles(self) -> tuple[IntArray, IntArray]:
        """Cells (T,) and corners (T, 2) of the triangles of centres and faces that cells are made of."""
        return np.concatenate([self.edges[:, 0], self.edges[:, 1]]), np.tile(self.edge_vertices, (2, 1))

    @property
    def faces(self) -> Faces:
        """The faces as a list of pairs."""
        first = self.edges[:, 0]
        place = np.argmax((self.neighbours[first] == self.edges[:, 1, None]) & (self.lengths[first] > 0.0), axis=1)
        return Faces(self.edges, self.lengths[first, place] / self.distances[first, place])
