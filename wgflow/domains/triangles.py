"""Cells of spheres as the triangles that their centres make with their sides: averages over them, places in them."""

from __future__ import annotations

import numpy as np

from wgflow.domains.base import Density
from wgflow.domains.icosphere import triangle_areas, unit
from wgflow.domains.inversion import invert
from wgflow.domains.mesh import SurfaceMesh
from wgflow.typing import FloatArray

_AT_ONCE = 100_000  # triangles: bounds the memory


def triangle_averages(mesh: SurfaceMesh, density: Density) -> FloatArray:
    """Cell averages (N,) of a density given at unit vectors, (..., 3) to (...), by the middles of the sides."""
    cells, corners = mesh.triangles
    integrals = np.empty(len(cells))
    for begin in range(0, len(cells), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        first, second = mesh.vertices[corners[part, 0]], mesh.vertices[corners[part, 1]]
        centre = mesh.points[cells[part]]
        middles = (unit(first + second), unit(centre + first), unit(centre + second))
        values = sum(density(middle) for middle in middles) / 3.0
        integrals[part] = triangle_areas(centre, first, second) * values
    return np.bincount(cells, integrals, len(mesh.points)) / mesh.volumes


def place_in_triangles(mesh: SurfaceMesh, masses: FloatArray, uniforms: FloatArray) -> FloatArray:
    """Points (m, 3) from masses of cells (N,) and uniforms (3, m): a cell, one of its triangles, a point of that."""
    chosen_cells, fraction = invert(masses, uniforms[0])
    cells, corners = mesh.triangles
    by_cell = np.argsort(cells, kind="stable")
    starts = np.searchsorted(cells[by_cell], np.arange(len(mesh.points) + 1))
    number = starts[chosen_cells + 1] - starts[chosen_cells]
    # Triangles of one cell are nearly equal: the uniform that is left over chooses among them.
    chosen = by_cell[starts[chosen_cells] + np.minimum((fraction * number).astype(np.int64), number - 1)]
    root, along = np.sqrt(uniforms[1])[:, None], uniforms[2][:, None]
    first, second = mesh.vertices[corners[chosen, 0]], mesh.vertices[corners[chosen, 1]]
    return unit((1.0 - root) * mesh.points[chosen_cells] + root * ((1.0 - along) * first + along * second))
