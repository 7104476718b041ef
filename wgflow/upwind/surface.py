"""The finite-volume scheme on surfaces, and on the sphere another way to the velocity through a face."""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.mesh import SurfaceMesh
from wgflow.domains.sphere import coordinates_in
from wgflow.errors import InputError
from wgflow.typing import FloatArray, IntArray
from wgflow.upwind.kernels import unstructured
from wgflow.upwind.kernels.limiters import FIRST_ORDER
from wgflow.upwind.scheme import SpaceScheme

TWO_POINT, MIDPOINT = "two_point", "midpoint"
VELOCITIES = (TWO_POINT, MIDPOINT)

_OWN_WEIGHT = 4.0  # of the two cells of a face: errors in L1 a fifth smaller than with 1; 30 spoils the order in Linf
_EDGES_AT_ONCE = 50_000  # bounds the memory of the preparation


class SurfaceScheme(SpaceScheme):
    """The scheme on surfaces and signed surfaces.

    The velocity through a face is minus the difference of J over the distance of the two centres: F falls exactly, but
    where faces are off the middle, as near the twelve pentagons of the sphere, it is of first order. The limiter
    "barth_jespersen" keeps face values within the range of the neighbours (Barth and Jespersen, 1989), "positive"
    within [0, 2 rho].

    Parameters
    ----------
    domain : Domain
        A domain with a mesh, or a signed one.
    transport, reaction : float
        The factors alpha and beta.
    limiter : int
        ``BARTH_JESPERSEN``, ``POSITIVE`` or ``FIRST_ORDER`` of `wgflow.upwind.kernels.limiters`.

    Raises
    ------
    InputError
        If the domain is no surface.
    """

    midpoint = False

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        surface, mesh = domain.base, domain.base.mesh
        if mesh is None:
            raise InputError(f"this scheme needs a surface, e.g. a sphere; the domain is {domain.kind!r}")
        super().__init__(domain)
        self._mesh, cells = mesh, len(mesh.points)
        self._shape, self._reaction = (domain.sheets, cells), float(reaction)
        self._face_factor = 1.0 if limiter == FIRST_ORDER else 2.0
        self._conductance = transport * mesh.lengths / mesh.distances
        self._inverse_volumes = 1.0 / mesh.volumes
        self._neighbours, self._opposite = mesh.neighbours.astype(np.uint32), mesh.opposite.astype(np.uint8)
        slopes = _least_squares(surface.tangent_coordinates(mesh.neighbour_points))
        offsets = surface.tangent_coordinates(mesh.midpoints)
        self._slopes, self._offsets = (np.ascontiguousarray(both.swapaxes(1, 2)) for both in (slopes, offsets))
        self._face_values = np.empty(mesh.lengths.shape)
        self._blocks = unstructured.PARALLEL_BLOCKS if cells >= unstructured.PARALLEL_THRESHOLD else 1
        self._rates = np.zeros((0, 0, 0))
        self._stage = unstructured.voronoi_stage_kernel(limiter, self.midpoint, self._blocks)
        self._largest_loss_rate = unstructured.voronoi_loss_rate_kernel(self.midpoint, self._blocks)
        self._largest = np.zeros(self._blocks)

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:
        velocities = self._velocities(potential)
        mesh = (self._inverse_volumes, self._neighbours, self._opposite, self._slopes, self._offsets)
        return step, self._reaction, *velocities, *mesh, self._face_values

    def _loss_arguments(self, potential: FloatArray) -> tuple[Any, ...]:
        factors = (self._face_factor, self._reaction, *self._velocities(potential))
        return *factors, self._inverse_volumes, self._neighbours, self._largest

    def _velocities(self, potential: FloatArray) -> tuple[FloatArray, FloatArray]:  # noqa: ARG002
        """What the kernels get the velocities from."""
        return self._conductance, self._rates


class MidpointScheme(SurfaceScheme):
    """The scheme on the sphere with velocities of second order everywhere, at about twice the cost.

    The velocity through a face is minus the derivative at its midpoint of the quadratic polynomial that fits J at the
    cells around it best. Arguments as in `SurfaceScheme`, on a sphere or signed sphere.
    """

    midpoint = True

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        super().__init__(domain, transport, reaction, limiter)
        self._rates = np.zeros((domain.sheets, *self._mesh.lengths.shape))
        self._edges = _EdgeVelocities(self._mesh, transport, self._blocks)

    def _velocities(self, potential: FloatArray) -> tuple[FloatArray, FloatArray]:
        self._edges(potential, self._rates)
        return super()._velocities(potential)


class _EdgeVelocities:
    """Outward velocities at the midpoints of all faces, times alpha and the length of the face."""

    def __init__(self, mesh: SurfaceMesh, transport: float, blocks: int) -> None:
        place = np.argmax(mesh.neighbours[mesh.edges] == mesh.edges[:, ::-1, None], axis=2)
        first = mesh.edges[:, 0]
        lengths = transport * mesh.lengths[first, place[:, 0]]
        midpoints = mesh.midpoints[first, place[:, 0]]
        parts = [
            _normal_derivatives(mesh, slice(begin, begin + _EDGES_AT_ONCE), midpoints)
            for begin in range(0, len(mesh.edges), _EDGES_AT_ONCE)
        ]
        self._stencils = np.concatenate([stencils for stencils, _ in parts]).astype(np.uint32)
        self._weights = -lengths[:, None] * np.concatenate([weights for _, weights in parts])
        self._ends, self._places = mesh.edges.astype(np.uint32), place.astype(np.uint8)
        self._edge_rates = unstructured.edge_rates_kernel(blocks)

    def __call__(self, potential: FloatArray, rates: FloatArray) -> None:
        """Write them for a potential of shape (sheets, N) into ``rates``, shape (sheets, N, 6)."""
        self._edge_rates(potential, self._stencils, self._weights, self._ends, self._places, rates)


def _least_squares(displacements: FloatArray) -> FloatArray:
    """Weights (N, k, 2) of the differences to k neighbours at the given displacements (N, k, 2) in the gradient."""
    normal = np.einsum("nki,nkj->nij", displacements, displacements)
    return np.ascontiguousarray(np.einsum("nij,nkj->nki", np.linalg.inv(normal), displacements))


def _normal_derivatives(mesh: SurfaceMesh, chosen: slice, midpoints: FloatArray) -> tuple[IntArray, FloatArray]:
    """Cells (E, 10) and weights (E, 10) of their values in the derivative across the midpoints of chosen edges.

    The derivative, towards the second cell, is that of the quadratic polynomial in tangent coordinates with the least
    weighted squares of errors; a stencil of fewer cells is filled up with its first one, of weight zero.
    """
    edges, middle = mesh.edges[chosen], midpoints[chosen]
    stencils, used = _stencils(mesh, edges)
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


def _stencils(mesh: SurfaceMesh, edges: IntArray) -> tuple[IntArray, FloatArray]:
    """The two cells of each edge and all that touch one of them, each once: cells and 1 (or 0 for fill), (E, 10)."""
    near = np.sort(mesh.neighbours[edges].reshape(len(edges), -1), axis=1)
    new = np.ones_like(near, dtype=bool)
    new[:, 1:] = near[:, 1:] != near[:, :-1]
    order = np.argsort(~new, axis=1, kind="stable")[:, : unstructured.STENCIL]
    used = np.take_along_axis(new, order, axis=1)
    stencils = np.take_along_axis(near, order, axis=1)
    return np.where(used, stencils, edges[:, :1]), used.astype(np.float64)
