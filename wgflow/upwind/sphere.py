"""The finite-volume scheme on the sphere, and another way to the velocity through a face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.diamonds import DIAMONDS, side_of
from wgflow.typing import FloatArray
from wgflow.upwind import diamond_slopes
from wgflow.upwind.diamond_faces import DiamondFaces
from wgflow.upwind.edge_velocities import EdgeVelocities
from wgflow.upwind.kernels import diamonds
from wgflow.upwind.kernels.limiters import FIRST_ORDER
from wgflow.upwind.scheme import SpaceScheme

TWO_POINT, MIDPOINT = "two_point", "midpoint"
VELOCITIES = (TWO_POINT, MIDPOINT)

_LANES = 8  # numbers in a vector of the processor: rows of work space, too, are whole ones


class SphereScheme(SpaceScheme):
    """The scheme on spheres and signed spheres.

    The velocity through a face is minus the difference of J over the distance of the two centres: F falls exactly, but
    where faces are off the middle, as near the twelve pentagons, it is of first order. Face values follow from slopes
    along the three lines of cells through each cell, corrected for where the middle of the face lies, so that they are
    exact for linear functions. The limiter "barth_jespersen" keeps them within the range of the neighbours (Barth and
    Jespersen, 1989), "positive" within [0, 2 rho]; "minmod", "mc" and "van_leer" limit the slope along each line.

    Parameters
    ----------
    domain : Domain
        A sphere or signed sphere.
    transport, reaction : float
        The factors alpha and beta.
    limiter : int
        One of the limiters of `wgflow.upwind.kernels.limiters`.
    """

    midpoint = False

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        sphere: Any = domain.base
        super().__init__(domain)
        n, cells = side_of(sphere.level), sphere.cells
        faces = DiamondFaces(sphere.mesh, n)
        self._apart = faces.apart
        self._shape, self._reaction = (domain.sheets, cells), float(reaction)
        self._face_factor = 1.0 if limiter == FIRST_ORDER else 2.0
        self._parallel = cells * domain.sheets >= diamonds.PARALLEL_THRESHOLD
        self._inverse_volumes = 1.0 / sphere.mesh.volumes
        self._slopes, self._corners, self._stage = self._reconstruct(faces, limiter)
        self._halo = faces.halo()
        self._conductance = transport * sphere.mesh.faces.conductance
        self._in_rows = faces.in_rows(self._conductance)[None]
        self._surroundings = _surroundings(faces, oriented=self.midpoint)
        self._make_work_space(n, faces.width + 2)
        self._largest_loss_rate = diamonds.diamond_loss_rate_kernel(self.midpoint, self._parallel)

    def _reconstruct(self, faces: DiamondFaces, limiter: int) -> tuple[FloatArray, Any, Callable[..., None]]:
        """Weights of slopes in rows, those of faces that are apart, and the kernel of a stage with them."""
        weights = diamond_slopes.line_weights(faces)
        stage = diamonds.diamond_stage_kernel(limiter, self.midpoint, self._parallel)
        return diamond_slopes.in_rows(faces, weights), diamond_slopes.apart(faces, weights), stage

    def _make_work_space(self, n: int, width: int) -> None:
        """Rows of each task, of which some are kept beside those before them."""
        tasks = self._shape[0] * DIAMONDS * max(1, n // diamonds.ROWS_AT_ONCE)
        width = -(-width // _LANES) * _LANES
        one, two, three = (tasks, width), (tasks, 2, width), (tasks, 3, width)
        shapes = (three, two, one, two, two, one, one, one, two, two, two)
        self._work = tuple(np.zeros(shape) for shape in shapes)
        self._largest = np.zeros(tasks)

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:
        factors, of_edges = self._factors(potential)
        geometry = (self._slopes, *self._halo, self._corners)
        apart = of_edges[:, self._apart]
        return step, self._reaction, self._inverse_volumes, factors, apart, *geometry, self._work

    def _loss_arguments(self, potential: FloatArray) -> tuple[Any, ...]:
        factors, of_edges = self._factors(potential)
        rows = (self._work[1], self._work[2], *self._work[8:])
        known = (self._face_factor, self._reaction, self._inverse_volumes, factors, of_edges)
        return *known, *self._halo, self._surroundings, rows, self._largest

    def _factors(self, potential: FloatArray) -> tuple[FloatArray, FloatArray]:  # noqa: ARG002
        """What the kernels get velocities from: at the places of faces in rows, and of all edges."""
        return self._in_rows, self._conductance[None]


class MidpointScheme(SphereScheme):
    """The scheme on the sphere with velocities of second order everywhere, at about five times the cost.

    The velocity through a face is minus the derivative at its midpoint of the quadratic polynomial that fits J at the
    cells around it best. Arguments as in `SphereScheme`.
    """

    midpoint = True

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        super().__init__(domain, transport, reaction, limiter)
        sphere: Any = domain.base
        faces = DiamondFaces(sphere.mesh, side_of(sphere.level))
        self._velocities = EdgeVelocities(faces, transport, domain.sheets, parallel=self._parallel)

    def _factors(self, potential: FloatArray) -> tuple[FloatArray, FloatArray]:
        self._velocities(potential)
        return self._velocities.factors, self._velocities.rates


def _surroundings(faces: DiamondFaces, *, oriented: bool) -> tuple[Any, ...]:
    """Cells (q,) with faces that are apart; the neighbours, the edges and the signs (q, 6) of all faces of each.

    What kernels know of edges is oriented, as velocities are, or not, as conductances.
    """
    cells = np.unique(faces.mesh.edges[faces.apart])
    near = faces.neighbours[cells]
    edges = faces.edges_between(cells[:, None], near)
    signs = np.where((cells[:, None] > near) & oriented, -1.0, 1.0) * (edges >= 0)
    return cells.astype(np.uint32), near.astype(np.uint32), np.maximum(edges, 0).astype(np.uint32), signs
