"""The finite-volume scheme on the sphere, and another way to the velocity through a face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.diamonds import DIAMONDS, side_of
from wgflow.reductions.aligned import aligned, aligned_zeros
from wgflow.typing import FloatArray
from wgflow.upwind import diamond_slopes
from wgflow.upwind.diamond_faces import DiamondFaces
from wgflow.upwind.edge_velocities import EdgeVelocities
from wgflow.upwind.kernels import diamonds, watched_diamonds
from wgflow.upwind.kernels.diamond_sums import SUMS
from wgflow.upwind.kernels.limiters import FIRST_ORDER
from wgflow.upwind.scheme import NOTHING, Combination, SpaceScheme, Stage, StageWatch

# At the places of faces in rows, of all edges, and of those apart.
FaceFactors = tuple[FloatArray, FloatArray, FloatArray]


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
        self._inverse_volumes = aligned(1.0 / sphere.mesh.volumes)
        slopes, self._corners, self._stage = self._reconstruct(faces, limiter)
        self._slopes = aligned(slopes)
        self._halo = faces.halo()
        self._conductance = transport * sphere.mesh.faces.conductance
        self._in_rows = aligned(faces.in_rows(self._conductance)[None])
        self._known = self._in_rows, self._conductance[None], self._conductance[None, self._apart]
        self._surroundings = surroundings(faces, oriented=self.midpoint)
        self._volumes_in_rows = np.where(np.isin(np.arange(cells), self._surroundings[0]), 0.0, sphere.mesh.volumes)
        self._make_work_space(faces)
        self._watched = watched_diamonds.watched_diamond_stage_kernel(limiter, self.midpoint, self._parallel)
        self._find_extremes = watched_diamonds.diamond_extremes_kernel(self.midpoint, self._parallel)

    def _reconstruct(self, faces: DiamondFaces, limiter: int) -> tuple[FloatArray, Any, Callable[..., None]]:
        """Weights of slopes in rows, those of faces that are apart, and the kernel of a stage with them."""
        weights = diamond_slopes.line_weights(faces)
        stage = diamonds.diamond_stage_kernel(limiter, self.midpoint, self._parallel)
        return diamond_slopes.in_rows(faces, weights), diamond_slopes.apart(faces, weights), stage

    def _make_work_space(self, faces: DiamondFaces) -> None:
        """Rows of each task, which stay in the fastest cache."""
        tasks = self._shape[0] * DIAMONDS * diamonds.bands_of(faces.n)
        self._work = aligned_zeros(tasks, diamonds.WORK_ROWS, faces.columns)
        self._largest, self._sums = np.zeros((tasks, 2)), np.zeros((tasks + 1, SUMS))

    def checked_stage(self, stage: Stage) -> float:
        """See `SpaceScheme.checked_stage`: all in one pass."""
        return self.watched_stage(stage, NOTHING, steady=False).loss_rate

    def watched_stage(self, stage: Stage, combination: Combination, *, steady: bool) -> StageWatch:
        """See `SpaceScheme.watched_stage`: all in one pass."""
        rho, phi, old, new = self._shaped(stage.density, stage.potential, stage.start, stage.result)
        factors = self._factors(phi)
        watch = (factors[1], self._face_factor, self._surroundings, self._volumes_in_rows, combination)
        arguments = (rho, phi, old, stage.weights, *self._arguments(stage.step, factors), *watch)
        rate = self._watched(*arguments, self._largest, self._sums, new)
        return StageWatch(0.0 if steady else rate, *self._sums.sum(axis=0).tolist())

    def state_sums(self, density: FloatArray, potential: FloatArray) -> tuple[float, float]:
        """See `SpaceScheme.state_sums`: those of a stage that changes nothing."""
        still = Stage(density, potential, density, (0.0, 1.0), 0.0, np.empty_like(density))
        found = self.watched_stage(still, NOTHING, steady=True)
        return found.mass_after, found.paired

    def loss_rate(self, potential: FloatArray) -> float:
        """See `SpaceScheme.loss_rate`."""
        return self.extremes(potential)[0]

    def extremes(self, potential: FloatArray) -> tuple[float, float]:
        """See `SpaceScheme.extremes`: both in one pass."""
        phi = potential.reshape(self._shape)
        known = (self._face_factor, self._reaction, self._inverse_volumes, *self._factors(phi)[:2])
        return self._find_extremes(phi, *known, *self._halo, self._surroundings, self._work, self._largest)

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:
        return self._arguments(step, self._factors(potential))

    def _arguments(self, step: float, factors: FaceFactors) -> tuple[Any, ...]:
        in_rows, _, apart = factors
        geometry = (self._slopes, *self._halo, self._corners)
        return step, self._reaction, self._inverse_volumes, in_rows, apart, *geometry, self._work

    def _factors(self, potential: FloatArray) -> FaceFactors:  # noqa: ARG002
        """What the kernels get velocities from."""
        return self._known


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

    def _factors(self, potential: FloatArray) -> FaceFactors:
        self._velocities(potential)
        rates = self._velocities.rates
        return self._velocities.factors, rates, rates[:, self._apart]


def surroundings(faces: DiamondFaces, *, oriented: bool) -> tuple[Any, ...]:
    """Cells (q,) with faces that are apart; the neighbours, the edges and the signs (q, 6) of all faces of each.

    What kernels know of edges is oriented, as velocities are, or not, as conductances.
    """
    cells = np.unique(faces.mesh.edges[faces.apart])
    near = faces.neighbours[cells]
    edges = faces.edges_between(cells[:, None], near)
    signs = np.where((cells[:, None] > near) & oriented, -1.0, 1.0) * (edges >= 0)
    return cells.astype(np.uint32), near.astype(np.uint32), np.maximum(edges, 0).astype(np.uint32), signs
