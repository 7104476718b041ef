"""Velocities on the sphere that are given from outside, and what flows through faces with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wgflow.domains.mesh import SurfaceMesh
from wgflow.errors import InputError
from wgflow.functionals.checks import check_callable, values_of
from wgflow.text import shown
from wgflow.typing import FloatArray, IntArray

FaceFlows = Callable[[float], FloatArray]


class GivenVelocity(ABC):
    """A velocity of points and time that depends on no density.

    Attributes
    ----------
    steady : bool
        Whether it is the same at all times, so that steps evaluate it once; two times are compared at the start.
    """

    steady: bool

    @abstractmethod
    def through_faces(self, mesh: SurfaceMesh) -> FaceFlows:
        """Prepare, as a function of time, the integrals (E,) of the velocity through the faces of a mesh.

        They count outwards of the first cell of each edge.
        """


def _check_steady(steady: object) -> None:
    if not isinstance(steady, bool | np.bool_):
        raise InputError(f"steady = {shown(steady)} is not allowed; give True or False")


@dataclass(frozen=True)
class Velocity(GivenVelocity):
    """A velocity as a function of points and time.

    What flows through a face is its integral by Simpson's rule.

    Parameters
    ----------
    velocity : callable
        u, vectorised: unit vectors (N, 3) and a time to vectors (N, 3), of which the part along the sphere counts.
    steady : bool
        Whether it is the same at all times.

    Raises
    ------
    InputError
        If it is no function, or ``steady`` is neither true nor false.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Sphere, Velocity, solve_transport
    >>> spin = Velocity(lambda x, t: np.cross([0.0, 0.0, 1.0], x), steady=True)
    >>> flow = solve_transport(spin, Sphere(42), lambda x: 1.0 + x[:, 0], 1.0, times=[1.0])
    >>> flow.density.shape
    (2, 42)
    """

    velocity: Callable[[FloatArray, float], Any]
    steady: bool = False

    def __post_init__(self) -> None:
        check_callable("the velocity", self.velocity, "Velocity(lambda x, t: np.cross([0.0, 0.0, 1.0], x))")
        _check_steady(self.steady)

    def through_faces(self, mesh: SurfaceMesh) -> FaceFlows:
        """See `GivenVelocity.through_faces`."""
        (begin, end), outwards = _oriented(mesh)
        middle = mesh.vertices[begin] + mesh.vertices[end]
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)

        def at(points: FloatArray, time: float) -> FloatArray:
            return values_of("the velocity", lambda x: self.velocity(x, time), points, points.shape)

        def flows(time: float) -> FloatArray:
            at_vertices = at(mesh.vertices, time)
            mean = (at_vertices[begin] + 4.0 * at(middle, time) + at_vertices[end]) / 6.0
            return np.asarray(np.einsum("ei,ei->e", mean, outwards))

        return flows


@dataclass(frozen=True)
class StreamFunction(GivenVelocity):
    r"""The velocity :math:`u = x \times \nabla \psi(x, t)`, along the lines on which a function is constant.

    What flows through a face is the difference of :math:`\psi` at its ends: constant densities stay as they are, to
    round-off.

    Parameters
    ----------
    function : callable
        The stream function psi, vectorised: unit vectors (N, 3) and a time to values (N,).
    steady : bool
        Whether it is the same at all times.

    Raises
    ------
    InputError
        If it is no function, or ``steady`` is neither true nor false.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Sphere, StreamFunction, solve_transport
    >>> spin = StreamFunction(lambda x, t: -x[:, 2], steady=True)
    >>> flow = solve_transport(spin, Sphere(42), lambda x: np.ones(len(x)), 1.0, times=[1.0])
    >>> bool(abs(flow.density - 1.0).max() < 1e-14)
    True
    """

    function: Callable[[FloatArray, float], Any]
    steady: bool = False

    def __post_init__(self) -> None:
        check_callable("the stream function", self.function, "StreamFunction(lambda x, t: -x[:, 2])")
        _check_steady(self.steady)

    def through_faces(self, mesh: SurfaceMesh) -> FaceFlows:
        """See `GivenVelocity.through_faces`."""
        (begin, end), _ = _oriented(mesh)
        points = mesh.vertices

        def flows(time: float) -> FloatArray:
            values = values_of("the stream function", lambda x: self.function(x, time), points, points.shape[:1])
            return values[end] - values[begin]

        return flows


def _oriented(mesh: SurfaceMesh) -> tuple[IntArray, FloatArray]:
    """Ends (2, E) of each face, its first cell on the right, and normals (E, 3) out of that times its length."""
    ends = mesh.edge_vertices.T
    begin, end = mesh.vertices[ends]
    normals = np.cross(begin, end)
    across = mesh.points[mesh.edges[:, 1]] - mesh.points[mesh.edges[:, 0]]
    turned = np.einsum("ei,ei->e", normals, across) < 0.0
    sines = np.linalg.norm(normals, axis=1, keepdims=True)
    normals *= np.where(turned, -1.0, 1.0)[:, None] * np.arcsin(sines) / sines
    return np.where(turned, ends[::-1], ends), normals
