"""The scheme of third order on the sphere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wgflow.domains.diamonds import DIAMONDS
from wgflow.domains.mesh import DEGREE, SurfaceMesh
from wgflow.domains.sphere import tangent_coordinates
from wgflow.typing import FloatArray, IntArray
from wgflow.upwind import diamond_slopes
from wgflow.upwind.diamond_faces import DiamondFaces
from wgflow.upwind.diamond_slopes import in_chunks, lines_through, middles_of
from wgflow.upwind.given_velocities import GivenScheme
from wgflow.upwind.kernels.diamonds import bands_of
from wgflow.upwind.kernels.third_order import ROWS_OF_WORK, third_order_stage_kernel
from wgflow.upwind.scheme import SpaceScheme
from wgflow.upwind.sphere import MidpointScheme, SphereScheme

_TWELFTH = 1.0 / 12.0


class _ThirdOrder(SphereScheme):
    """What makes a scheme on the sphere one of third order: values at faces with second differences of both cells.

    They are limited to [0, 2 rho] of the cell that the flux leaves ("positive", which smooth extrema do not meet), or
    also to the range of its neighbours ("barth_jespersen"). Arguments as in `SphereScheme`.

    References
    ----------
    Skamarock and Gassmann (2011), Mon. Wea. Rev. 139.
    """

    # Beta of the reference, which takes 0.25: with 0.1 errors of bells are a tenth to a quarter smaller, as values at
    # faces are kept within bounds anyway.
    upwinding = 0.1

    # Not those of second order, which a kernel of its own adds up.
    watched_stage = SpaceScheme.watched_stage
    state_sums = SpaceScheme.state_sums

    def _reconstruct(self, faces: DiamondFaces, limiter: int) -> tuple[FloatArray, Any, Callable[..., None]]:
        weights, bends = diamond_slopes.line_weights(faces), bend_weights(faces)
        bent = diamond_slopes.in_rows(faces, bends)[:, :DEGREE]  # a line has the same bend towards both of its ends
        slopes = np.concatenate([diamond_slopes.in_rows(faces, weights), bent], axis=1)
        stage = third_order_stage_kernel(limiter, self.midpoint, self._parallel, self.upwinding)
        return slopes, _apart(faces, weights, bends), stage

    def _make_work_space(self, faces: DiamondFaces) -> None:
        super()._make_work_space(faces)
        tasks = self._shape[0] * DIAMONDS * bands_of(faces.n)
        self._rows = tuple(np.zeros((tasks, rows, faces.columns)) for rows in ROWS_OF_WORK)

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:
        *known, _ = super()._stage_arguments(potential, step)
        return *known, self._rows, *self._kept

    @property
    def _kept(self) -> tuple[Any, Any]:
        """What the kernel adds the fluxes of its stages to, in rows and apart."""
        return None, None


class ThirdOrderScheme(_ThirdOrder):
    """The scheme of third order with two-point velocities."""


class ThirdOrderMidpointScheme(_ThirdOrder, MidpointScheme):
    """The scheme of third order with velocities at the midpoints of faces."""


class ThirdOrderGivenScheme(_ThirdOrder, GivenScheme):
    """The scheme of third order with velocities from outside."""


def bend_weights(faces: DiamondFaces) -> FloatArray:
    """Weights along and across, shape (N, 6, 2), of what the bend of each line takes from its second difference.

    The places of the two cells beside one on a line do not add up to zero: a linear function has a second difference,
    a twelfth of which these weights take off. Corners have none.
    """
    weights = in_chunks(faces, _bends_of)
    weights[faces.corners] = 0.0
    return weights


def _bends_of(mesh: SurfaceMesh, part: slice, near: IntArray, around: IntArray) -> FloatArray:  # noqa: ARG001
    places = tangent_coordinates(mesh.points[part], mesh.points[near])
    return -_TWELFTH * lines_through(places, places + np.roll(places, -3, axis=1))


def _apart(faces: DiamondFaces, weights: FloatArray, bends: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """What `diamond_slopes.apart` gives, with second differences; at corners from the quadratic polynomial."""
    cells, near, found = diamond_slopes.apart(faces, weights + bends)
    direction = np.argmax(near == cells[:, ::-1, None], axis=-1)[..., None]
    for opposite in (0, 3):
        place = (direction + opposite) % DEGREE
        np.put_along_axis(found, place, np.take_along_axis(found, place, axis=-1) + _TWELFTH, axis=-1)
    for face, side in np.argwhere(np.isin(cells, faces.corners)):
        found[face, side] = _corner_weights(faces, face, near[face, side].astype(np.int64), cells[face, side])
    return cells, near, found


def _corner_weights(faces: DiamondFaces, face: int, near: IntArray, corner: int) -> FloatArray:
    """Weights (6,) of the differences around a corner in the value at a face that is apart.

    That is (rho_1 + rho_2) / 2 - s / 6, moved to the middle of the face, with the derivatives of the quadratic
    polynomial through the corner and its five neighbours.
    """
    points, edge = faces.mesh.points, faces.apart[face]
    centre = points[corner, None]
    places = tangent_coordinates(centre, points[near[:-1]][None])[0]
    x, y = places.T
    powers = np.stack([x, y, 0.5 * x * x, x * y, 0.5 * y * y], axis=1)
    towards = int(np.argmax(np.isin(near[:-1], faces.mesh.edges[edge])))
    middle = tangent_coordinates(centre, middles_of(faces.mesh, edge[None])[None])[0, 0]
    shift, (dx, dy) = middle - 0.5 * places[towards], places[towards]
    wanted = np.array([*shift, *(-np.array([dx * dx, 2.0 * dx * dy, dy * dy]) / 6.0)])
    found = np.linalg.solve(powers.T, wanted)
    found[towards] += 0.5
    return np.append(found, 0.0)
