"""Velocities of second order at the midpoints of faces of the sphere, from quadratic polynomials around each."""

from __future__ import annotations

import numpy as np

from wgflow.domains.mesh import SurfaceMesh
from wgflow.domains.sphere import coordinates_in
from wgflow.typing import FloatArray, IntArray
from wgflow.upwind.diamond_faces import DiamondFaces
from wgflow.upwind.diamond_slopes import middles_of
from wgflow.upwind.kernels import edges as kernels

_OWN_WEIGHT = 4.0  # of the two cells of a face: errors in L1 a fifth smaller than with 1; 30 spoils the order in Linf
_EDGES_AT_ONCE = 50_000  # bounds the memory of the preparation


class EdgeVelocities:
    """Velocities at the midpoints of all faces, times alpha and the length of the face.

    Parameters
    ----------
    faces : DiamondFaces
        The faces.
    transport : float
        The factor alpha.
    sheets : int
        Number of sheets.
    parallel : bool
        Whether to compute on all cores.

    Attributes
    ----------
    rates : array, shape (sheets, E)
        Those last computed, outwards of the first cell of each face.
    factors : array, shape (sheets, 10, 3, n + 1, width)
        The same at the places of faces in rows.
    """

    def __init__(self, faces: DiamondFaces, transport: float, sheets: int, *, parallel: bool) -> None:
        mesh, count = faces.mesh, len(faces.mesh.edges)
        lengths = transport * edge_lengths(mesh)
        parts = [
            _normal_derivatives(mesh, faces.neighbours, slice(begin, begin + _EDGES_AT_ONCE))
            for begin in range(0, count, _EDGES_AT_ONCE)
        ]
        stencils = np.concatenate([stencils for stencils, _ in parts]).astype(np.uint32)
        weights = -lengths[:, None] * np.concatenate([weights for _, weights in parts])
        places, signs = faces.places
        places, signs = places.astype(np.uint32), signs.astype(np.int8)
        self._arguments = (mesh.edges[:, 0].astype(np.uint32), stencils, weights, places, signs)
        self.rates = np.zeros((sheets, count))
        self.factors = np.zeros((sheets, 10, 3, faces.n + 1, faces.width))
        self._in_rows = self.factors.reshape(sheets, -1)
        self._edge_rates = kernels.edge_rates_kernel(parallel)

    def __call__(self, potential: FloatArray) -> None:
        """Compute them for a potential of shape (sheets, N)."""
        self._edge_rates(potential, *self._arguments, self.rates, self._in_rows)


def edge_lengths(mesh: SurfaceMesh) -> FloatArray:
    """Length of the face at each edge, shape (E,)."""
    first, second = (mesh.vertices[mesh.edge_vertices[:, end]] for end in range(2))
    return np.asarray(2.0 * np.arcsin(0.5 * np.linalg.norm(first - second, axis=-1)))


def _normal_derivatives(mesh: SurfaceMesh, around: IntArray, chosen: slice) -> tuple[IntArray, FloatArray]:
    """Cells (E, 10) and weights (E, 10) of their values in the derivative across the midpoints of chosen edges.

    The derivative, towards the second cell, is that of the quadratic polynomial in tangent coordinates with the least
    weighted squares of errors; a stencil of fewer cells is filled up with its first one, of weight zero.
    """
    edges, middle = mesh.edges[chosen], middles_of(mesh, np.arange(len(mesh.edges))[chosen])
    stencils, used = _stencils(around, edges)
    towards = mesh.points[edges[:, 1]] - mesh.points[edges[:, 0]]
    towards -= np.einsum("ei,ei->e", towards, middle)[:, None] * middle
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    frames = np.stack([towards, np.cross(middle, towards)], axis=1)
    size = np.sqrt(4.0 * np.pi / len(mesh.points))  # of a cell: keeps the powers of the coordinates of one order
    x, y = np.moveaxis(coordinates_in(frames, middle, mesh.points[stencils]) / size, -1, 0)
    powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1) * used[..., None]
    own = (stencils == edges[:, :1]) | (stencils == edges[:, 1:])
    weighted = powers * np.where(own, _OWN_WEIGHT, 1.0)[..., None]
    normal = np.einsum("eki,ekj->eij", powers, weighted)
    slope = np.zeros((len(edges), 6, 1))
    slope[:, 1] = 1.0 / size
    return stencils, np.einsum("eki,ei->ek", weighted, np.linalg.solve(normal, slope)[..., 0])


def _stencils(around: IntArray, edges: IntArray) -> tuple[IntArray, FloatArray]:
    """The two cells of each edge and all that touch one of them, each once: cells and 1 (or 0 for fill), (E, 10)."""
    near = np.sort(around[edges].reshape(len(edges), -1), axis=1)
    new = np.ones_like(near, dtype=bool)
    new[:, 1:] = near[:, 1:] != near[:, :-1]
    order = np.argsort(~new, axis=1, kind="stable")[:, : kernels.STENCIL]
    used = np.take_along_axis(new, order, axis=1)
    stencils = np.take_along_axis(near, order, axis=1)
    return np.where(used, stencils, edges[:, :1]), used.astype(np.float64)
