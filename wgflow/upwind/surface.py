"""The finite-volume scheme on surfaces of any cells with up to six neighbours, in any order."""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.typing import FloatArray
from wgflow.upwind.kernels import unstructured
from wgflow.upwind.kernels.limiters import FIRST_ORDER
from wgflow.upwind.scheme import SpaceScheme


class SurfaceScheme(SpaceScheme):
    """The scheme on surfaces and signed surfaces.

    The velocity through a face is minus the difference of J over the distance of the two centres: F falls exactly, but
    where faces are off the middle, it is of first order. The limiter "barth_jespersen" keeps face values within the
    range of the neighbours (Barth and Jespersen, 1989), "positive" within [0, 2 rho].

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
        self._stage = unstructured.voronoi_stage_kernel(limiter, self._blocks)
        self._largest_loss_rate = unstructured.voronoi_loss_rate_kernel(self._blocks)
        self._largest = np.zeros(self._blocks)

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:  # noqa: ARG002
        mesh = (self._inverse_volumes, self._neighbours, self._opposite, self._slopes, self._offsets)
        return step, self._reaction, self._conductance, *mesh, self._face_values

    def _loss_arguments(self, potential: FloatArray) -> tuple[Any, ...]:  # noqa: ARG002
        factors = (self._face_factor, self._reaction, self._conductance)
        return *factors, self._inverse_volumes, self._neighbours, self._largest


def _least_squares(displacements: FloatArray) -> FloatArray:
    """Weights (N, k, 2) of the differences to k neighbours at the given displacements (N, k, 2) in the gradient."""
    normal = np.einsum("nki,nkj->nij", displacements, displacements)
    return np.ascontiguousarray(np.einsum("nij,nkj->nki", np.linalg.inv(normal), displacements))
