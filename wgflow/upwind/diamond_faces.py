"""Where the faces and neighbours of the sphere lie in rows of diamonds, and which do not fit into them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wgflow.domains.diamonds import DIAMONDS, DIRECTIONS, lattice, locate, neighbours
from wgflow.domains.mesh import DEGREE, SurfaceMesh
from wgflow.typing import FloatArray, IntArray

LANES = 8  # numbers in a vector of the processor
MARGIN = LANES - 1  # numbers in a row of faces or of what is known at them before the cell i = 0
FAMILIES = 3  # of faces: towards the first three of the DIRECTIONS
NO_EDGE = -1
FIFTHS = 5  # of a turn around the poles, which lead each diamond to the next one
FIRST = np.array([0, FIFTHS])  # of the northern and of the southern diamonds: the others are these, turned


@dataclass(frozen=True)
class DiamondFaces:
    """The faces of a mesh of diamonds.

    Parameters
    ----------
    mesh : SurfaceMesh
        The cells of a sphere.
    n : int
        Cells along the side of a diamond.
    """

    mesh: SurfaceMesh
    n: int

    @cached_property
    def neighbours(self) -> IntArray:
        """Cells around each, counter-clockwise, shape (N, 6); a corner of the grid is its own sixth one."""
        return neighbours(self.n)

    @cached_property
    def corners(self) -> IntArray:
        """The twelve cells with five neighbours."""
        return np.flatnonzero(self.neighbours[:, -1] == np.arange(len(self.neighbours)))

    @property
    def width(self) -> int:
        """Numbers in a row of weights or factors of the cells -1 ... n, filled up to whole vectors on both sides."""
        return -(-(self.n + LANES) // LANES) * LANES

    @property
    def columns(self) -> int:
        """Numbers in a row of cells, of which kernels read two more than of faces."""
        return self.width + LANES

    def edges_between(self, first: IntArray, second: IntArray) -> IntArray:
        """Numbers of the edges of the mesh between cells, ``NO_EDGE`` where there is none."""
        count = len(self.mesh.points)
        keys = self.mesh.edges[:, 0] * count + self.mesh.edges[:, 1]
        wanted = np.minimum(first, second) * count + np.maximum(first, second)
        found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[found] == wanted, found, NO_EDGE)

    def _rows_of(self, diamonds: IntArray) -> tuple[IntArray, IntArray]:
        """Edges behind the cells i = 0 ... n in rows (d, 3, n + 1, width), none at other places.

        And 1 where they lead away from their first cell, else -1.
        """
        columns, rows = np.meshgrid(np.arange(self.n + 1), np.arange(self.n + 1))
        of = diamonds[:, None, None]
        ends = locate(self.n, of, columns, rows).cells
        starts = [locate(self.n, of, columns - i, rows - j).cells for i, j in DIRECTIONS[:FAMILIES]]
        edges = np.stack([self.edges_between(start, ends) for start in starts], axis=1)
        signs = np.stack([np.where(start < ends, 1, -1) for start in starts], axis=1)
        edges[:, 0, -1] = NO_EDGE  # its fluxes are not used
        rest = [(0, 0)] * 3 + [(MARGIN, self.width - self.n - LANES)]
        return np.pad(edges, rest, constant_values=NO_EDGE), np.pad(signs, rest, constant_values=1)

    @cached_property
    def apart(self) -> IntArray:
        """Edges that do not fit into rows.

        Those of corners, and at each first corner of a diamond one between two of its neighbours, of which both see
        the other at the place where there is no cell.
        """
        near = self.neighbours[self.corners]
        spokes = self.edges_between(np.repeat(self.corners, DEGREE), near.ravel())
        diamonds, here = np.arange(DIAMONDS), np.zeros(DIAMONDS, dtype=np.int64)
        rings = self.edges_between(
            locate(self.n, diamonds, here, here - 1).cells, locate(self.n, diamonds, here + 1, here).cells
        )
        return np.setdiff1d(np.concatenate([spokes, rings]), [NO_EDGE])

    @cached_property
    def places(self) -> tuple[IntArray, IntArray]:
        """Places in rows (E, 2) of each edge, flattened, and signs there; one that is not used fills up."""
        edges, signs = (values.ravel() for values in self._rows_of(np.arange(DIAMONDS)))
        unused = self.n * self.width  # of the first family in the last row of the first diamond
        places = np.full((len(self.mesh.edges), 2), unused)
        found = np.ones_like(places)
        held = np.flatnonzero((edges >= 0) & ~np.isin(edges, self.apart))
        order = held[np.argsort(edges[held], kind="stable")]
        again = np.concatenate([[False], edges[order[1:]] == edges[order[:-1]]]).astype(np.int64)
        places[edges[order], again], found[edges[order], again] = order, signs[order]
        return places, found

    def in_rows(self, of_edges: FloatArray) -> FloatArray:
        """Values of edges (E,) at their places in rows of the ``FIRST`` diamonds, (2, 3, n + 1, width), zero elsewhere.

        They are those of all diamonds, since the grid turns into itself: to the last bit on both sides of each seam.
        """
        edges = self._rows_of(FIRST)[0]
        ends = np.zeros(edges.shape, dtype=bool)
        ends[..., [0, self.n], :], ends[..., [MARGIN, MARGIN + self.n]] = True, True
        chosen = (edges >= 0) & ~np.isin(edges, self.apart)
        seams = ends & chosen
        edges[seams] = self._least_turned(edges[seams])
        return np.where(chosen, of_edges[edges], 0.0)

    def _least_turned(self, edges: IntArray) -> IntArray:
        """Of the edges that some (k,) become by fifths of a turn, those with the least numbers."""
        first, second = self.mesh.edges[edges].T
        turned = [self.edges_between(self._turn(first, k), self._turn(second, k)) for k in range(FIFTHS)]
        return np.asarray(np.min(turned, axis=0))

    def _turn(self, cells: IntArray, fifths: int) -> IntArray:
        """Cells to which some are turned, by fifths around the poles, which stay."""
        diamond, place = np.divmod(cells, self.n**2)
        turned = (diamond // FIFTHS * FIFTHS + (diamond + fifths) % FIFTHS) * self.n**2 + place
        return np.where(diamond < DIAMONDS, turned, cells)

    def halo(self) -> tuple[IntArray, IntArray]:
        """Cells of the rows -2, -1, n and n + 1 from -2 to n + 1 (10, 4, n + 4), and of such columns (10, n, 4)."""
        outer, inner = np.array([-2, -1, self.n, self.n + 1]), np.arange(self.n)
        rows = lattice(self.n, np.arange(-2, self.n + 2), outer).cells
        return rows.astype(np.uint32), lattice(self.n, outer, inner).cells.astype(np.uint32)

    def around(self) -> IntArray:
        """Edges around each cell, shape (N, 6), counter-clockwise; at corners the sixth is the first one again."""
        near = self.neighbours.copy()
        near[self.corners, -1] = near[self.corners, 0]
        return self.edges_between(np.arange(len(near))[:, None], near)

    def turned(self, values: FloatArray) -> FloatArray:
        """Values (N, 6, ...) by directions at the cells -1 ... n of the ``FIRST`` diamonds, (6, 2, n + 2, n + 2, ...).

        They are those of all diamonds, as in `in_rows`.
        """
        columns, rows = np.meshgrid(np.arange(-1, self.n + 1), np.arange(-1, self.n + 1))
        cells, turns = locate(self.n, FIRST[:, None, None], columns, rows)
        diamond, place = np.divmod(cells, self.n**2)
        alike = np.where(diamond < DIAMONDS, diamond // FIFTHS * FIFTHS * self.n**2 + place, cells)
        return values[alike, (np.arange(DEGREE)[:, None, None, None] + turns) % DEGREE]
