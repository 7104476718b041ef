"""Integrals over cells of the half sphere of powers of the height, the volumes of the orbits of rotations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wgflow.domains.mesh import SurfaceMesh
from wgflow.typing import FloatArray

GAUSS_POINTS = 24  # on a side of a cell
NEAR_POLE = 3.0  # sizes of cells
FAR = 0.8  # from the axis: cells that may touch the equator
EDGE = 1e-15  # of the equator, where the logarithm ends


def power_masses(mesh: SurfaceMesh, power: int) -> FloatArray:
    r"""Integral of :math:`z^n` over each cell of a mesh of the sphere, n >= 0, shape (N,).

    With the longitude :math:`\phi` the area is :math:`dz\,d\phi`, so that by Green's theorem the integral is
    :math:`\frac{1}{n+1} \oint z^{n+1} d\phi` around the cell (clockwise, up to a constant in :math:`z^{n+1}` that only
    counts around the pole: there it is :math:`z^{n+1} - 1`). On a great circle of the normal N,
    :math:`d\phi = N_z ds / (1 - z^2)`.
    """
    cells, corners = mesh.triangles
    first, second = mesh.vertices[corners[:, 0]], mesh.vertices[corners[:, 1]]
    size = np.sqrt(4.0 * np.pi / len(mesh.points))
    near = np.hypot(mesh.points[:, 0], mesh.points[:, 1]) < min(NEAR_POLE * size, FAR)
    chord = np.linalg.norm(second - first, axis=1)
    arc = 2.0 * np.arcsin(0.5 * chord.clip(max=2.0))
    normal = np.cross(first, second)
    sense = np.sign(np.einsum("ij,ij->i", normal, mesh.points[cells]))
    # A side of a cell, seen from its centre, goes round counter-clockwise where the normal points to the centre.
    slant = sense * normal[:, 2] / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)
    nodes, weights = np.polynomial.legendre.leggauss(GAUSS_POINTS)
    total = np.zeros(len(cells))
    for node, weight in zip(0.5 * (nodes + 1.0), 0.5 * weights, strict=True):
        along = np.sin((1.0 - node) * arc)[:, None] * first + np.sin(node * arc)[:, None] * second
        along /= np.sin(arc)[:, None]
        total += weight * arc * slant * _integrand(along, power + 1, near[cells])
    return np.bincount(cells, total, len(mesh.points)) / (power + 1.0)


def _integrand(points: FloatArray, power: int, near: NDArray[np.bool_]) -> FloatArray:
    """Give ``-z^m / (1 - z^2)`` at unit vectors (k, 3), near the pole ``(1 - z^m) / (1 - z^2)``, which is finite."""
    around = np.minimum(points[:, 0] ** 2 + points[:, 1] ** 2, 1.0 - EDGE)
    fallen = -np.expm1(0.5 * power * np.log1p(-around))
    values = np.where(near, fallen, -(np.abs(points[:, 2]) ** power))
    return np.divide(values, around, out=np.full_like(around, 0.5 * power), where=around > 0.0)
