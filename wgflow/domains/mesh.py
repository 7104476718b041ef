"""Meshes of surfaces: cells with up to six faces each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from wgflow.domains.faces import Faces
from wgflow.typing import FloatArray, IntArray

Values = TypeVar("Values", FloatArray, IntArray)

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


class VoronoiMesh(SurfaceMesh):
    """Cells known by the edges between them: what is known by cells is found where it is asked for.

    Parameters
    ----------
    points, volumes, vertices, edges, edge_vertices : array
        As in `SurfaceMesh`, edges in the order of their first and then of their second cell.
    edge_lengths, edge_distances : array, shape (E,)
        Length of the face at each edge, and distance of the two centres.
    """

    def __init__(
        self,
        points: FloatArray,
        volumes: FloatArray,
        vertices: FloatArray,
        edges: IntArray,
        edge_vertices: IntArray,
        edge_lengths: FloatArray,
        edge_distances: FloatArray,
    ) -> None:
        values = (points, volumes, vertices, edges, edge_vertices, edge_lengths, edge_distances)
        self.__dict__.update(zip(KEPT, values, strict=True))

    edge_lengths: FloatArray
    edge_distances: FloatArray

    @property
    def kept(self) -> dict[str, Any]:
        """The arrays that it is made of, by their names."""
        return {name: self.__dict__[name] for name in KEPT}

    @cached_property
    def neighbours(self) -> IntArray:
        """Cell behind each face, shape (N, 6)."""
        return self._by_cells(self.edges[:, ::-1], np.repeat(np.arange(len(self.points))[:, None], DEGREE, axis=1))

    @cached_property
    def opposite(self) -> IntArray:
        """Place of each cell among the faces of its neighbours, shape (N, 6)."""
        return self._by_cells(self._places[:, ::-1], np.zeros((len(self.points), DEGREE), dtype=np.int64))

    @cached_property
    def lengths(self) -> FloatArray:
        """Length of each face, shape (N, 6)."""
        return self._by_cells(_both(self.edge_lengths), np.zeros((len(self.points), DEGREE)))

    @cached_property
    def distances(self) -> FloatArray:
        """Distance of the two centres, shape (N, 6)."""
        return self._by_cells(_both(self.edge_distances), np.ones((len(self.points), DEGREE)))

    @cached_property
    def midpoints(self) -> FloatArray:
        """Midpoint of each face, shape (N, 6, p)."""
        middles = self.vertices[self.edge_vertices].sum(axis=1)
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
        return self._by_cells(_both(middles), np.repeat(self.points[:, None, :], DEGREE, axis=1))

    @property
    def faces(self) -> Faces:
        """The faces as a list of pairs."""
        return Faces(self.edges, self.edge_lengths / self.edge_distances)

    @cached_property
    def _places(self) -> IntArray:
        """Place of each edge among the faces of its two cells, shape (E, 2)."""
        cells = self.edges.T.ravel()  # first all first cells, then all second ones
        order = np.argsort(cells, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(cells, minlength=len(self.points)))[:-1]])
        place = np.empty(cells.size, dtype=np.int64)
        place[order] = np.arange(cells.size) - starts[cells[order]]
        return place.reshape(2, -1).T

    def _by_cells(self, of_ends: Values, result: Values) -> Values:
        """Put values of the two ends of edges (E, 2, ...) where their cells have them."""
        result[self.edges, self._places] = of_ends
        return result


KEPT = ("points", "volumes", "vertices", "edges", "edge_vertices", "edge_lengths", "edge_distances")


def _both(values: FloatArray) -> FloatArray:
    """Values of edges (E, ...) for both of their ends, (E, 2, ...)."""
    return np.stack([values, values], axis=1)
