"""Averages over the cells of a coarse sphere from those over the cells of a finer one, which do not nest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wgflow.domains import HalfSphere, Sphere
from wgflow.domains.half_mesh import ON_EQUATOR
from wgflow.domains.icosphere import triangle_areas, unit
from wgflow.domains.sphere import coordinates_in, tangent_frames
from wgflow.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SECOND_MOMENT = 5.0 / (36.0 * np.sqrt(3.0))  # mean of x^2 over a regular hexagon of area 1 around its centre


def sphere_restriction(fine: Sphere, coarse: Sphere) -> csr_array:
    """Matrix that takes cell averages on a fine sphere to those on a coarse one, exact for locally quadratic densities.

    Parameters
    ----------
    fine, coarse : Sphere
        The spheres, with N and n cells.

    Returns
    -------
    sparse array, shape (n, N)
        The averages of quadratic polynomials around the fine cells, which fit the averages of cell and neighbours.
    """
    from scipy.sparse import coo_array
    from scipy.spatial import KDTree

    cells, points, weights = _quadrature(coarse)
    nearest = KDTree(fine.points).query(points)[1]
    used, place = np.unique(nearest, return_inverse=True)
    stencil, fits = _quadratic_fits(fine, used)
    flat = coordinates_in(tangent_frames(fine.points[nearest]), fine.points[nearest], points[:, None, :])
    values = np.einsum("qb,qbs->qs", _basis(flat, np.zeros(flat.shape[:-1]))[:, 0], fits[place])
    rows = np.repeat(cells, stencil.shape[1])
    entries = (values * (weights / coarse.volumes[cells])[:, None]).ravel()
    return coo_array((entries, (rows, stencil[place].ravel())), shape=(coarse.cells, fine.cells)).tocsr()


def half_restriction(fine: HalfSphere, coarse: HalfSphere) -> csr_array:
    """Matrix (n, N) of the same from half spheres, whose densities go on below as their mirror images."""
    from scipy.sparse import coo_array

    below, above = Sphere(fine.cells), Sphere(coarse.cells)
    places = fine.cells_at(below.points)
    folded = coo_array((np.ones(places.size), (np.arange(places.size), places)), shape=(below.cells, *fine.shape))
    return (sphere_restriction(below, above) @ folded.tocsr())[above.points[:, 2] > -ON_EQUATOR]


def _quadrature(sphere: Sphere) -> tuple[IntArray, FloatArray, FloatArray]:
    """Cells, points and weights of a rule on all cells: the middles of the sides of their triangles."""
    mesh = sphere.mesh
    first, second = mesh.vertices[mesh.edge_vertices[:, 0]], mesh.vertices[mesh.edge_vertices[:, 1]]
    cells, points, weights = [], [], []
    for end in range(2):
        centre = mesh.points[mesh.edges[:, end]]
        third = triangle_areas(centre, first, second) / 3.0
        for middle in (unit(first + second), unit(centre + first), unit(centre + second)):
            cells.append(mesh.edges[:, end])
            points.append(middle)
            weights.append(third)
    return np.concatenate(cells), np.concatenate(points), np.concatenate(weights)


def _quadratic_fits(sphere: Sphere, cells: IntArray) -> tuple[IntArray, FloatArray]:
    """Stencils (k, 7), and the matrices (k, 6, 7) from averages there to the coefficients of quadratic polynomials."""
    mesh = sphere.mesh
    stencil = np.concatenate([cells[:, None], mesh.neighbours[cells]], axis=1)
    centres = mesh.points[cells]
    flat = coordinates_in(tangent_frames(centres), centres, mesh.points[stencil])
    averages = _basis(flat, SECOND_MOMENT * mesh.volumes[stencil])
    scale = np.sqrt(mesh.volumes[cells])[:, None, None] ** np.array([0, 1, 1, 2, 2, 2])
    return stencil, np.linalg.pinv(averages / scale) / np.swapaxes(scale, 1, 2)


def _basis(flat: FloatArray, moment: FloatArray) -> FloatArray:
    """Averages of 1, x, y, x^2, xy, y^2 over cells of a second moment around the places (..., 2), shape (..., 6)."""
    x, y = flat[..., 0], flat[..., 1]
    return np.stack([np.ones_like(x), x, y, x**2 + moment, x * y, y**2 + moment], axis=-1)
