"""[problem.velocity]: velocities on the sphere that are given from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from wgflow.errors import InputError
from wgflow.finite_volume.velocities import GivenVelocity, StreamFunction, Velocity
from wgflow.problems.energies.base import vector
from wgflow.problems.own_code import tried
from wgflow.problems.sections import Finite, Reference, Section, Vector
from wgflow.registry import Registry

if TYPE_CHECKING:
    from wgflow.domains import Domain
    from wgflow.problems.own_code import OwnCode
    from wgflow.typing import FloatArray

COMPONENTS = 3


class VelocitySection(Section):
    """A velocity as a table of a problem: its keys, and what is made of them."""

    def build(self, domain: Domain, code: OwnCode) -> GivenVelocity:
        """Build it; raises InputError if its numbers or functions do not fit the sphere."""
        raise NotImplementedError

    @property
    def code(self) -> Iterable[str]:
        """Functions in Python files that it needs, "FILE.py:NAME"."""
        return ()


class RotationVelocity(VelocitySection):
    """A solid rotation, counter-clockwise around an axis."""

    kind: Literal["rotation"]
    axis: Vector = Field([0.0, 0.0, 1.0], description="axis, of any length")
    turns: Finite = Field(1.0, description="turns in unit time")

    def build(self, domain: Domain, code: OwnCode) -> GivenVelocity:  # noqa: ARG002
        """Build it; raises InputError unless there is an axis."""
        axis = vector("[problem.velocity] axis", self.axis, COMPONENTS)
        length = float(np.linalg.norm(axis))
        if length == 0.0:
            raise InputError("[problem.velocity] axis = [0, 0, 0] is not allowed; give a direction")
        spin = -2.0 * np.pi * self.turns / length * axis
        return StreamFunction(lambda points, _: points @ spin, steady=True)


class DeformationVelocity(VelocitySection):
    """Filaments that are drawn out until half of a period, and back, in a rotation around z (Nair, Lauritzen, 2010)."""

    kind: Literal["deformation"]
    strength: Finite = Field(10.0, description="of the stream function that draws out, at the start")
    turns: Finite = Field(1.0, description="turns of the rotation in a period")
    period: float = Field(1.0, gt=0.0, allow_inf_nan=False, description="time after which all is back where it was")

    def build(self, domain: Domain, code: OwnCode) -> GivenVelocity:  # noqa: ARG002
        """Build it."""

        def stream(points: FloatArray, time: float) -> FloatArray:
            share = time / self.period
            angle = 2.0 * np.pi * self.turns * share
            sideways = points[:, 1] * np.cos(angle) - points[:, 0] * np.sin(angle)
            drawn = self.strength * np.cos(np.pi * share) * sideways**2
            return np.asarray((drawn - 2.0 * np.pi * self.turns * points[:, 2]) / self.period)

        return StreamFunction(stream)


class _PythonVelocity(VelocitySection):
    """A velocity by a function."""

    function: Reference = Field(description='a function in a file beside the problem, "FILE.py:NAME"; see --allow-code')
    steady: bool = Field(False, description="whether it is the same at all times")

    @property
    def code(self) -> Iterator[str]:
        """The function."""
        yield self.function

    def _tried(self, velocity: GivenVelocity, domain: Domain) -> GivenVelocity:
        """Try the function at the faces of the domain."""
        mesh: Any = domain.base.mesh
        tried(self.function, lambda: velocity.through_faces(mesh)(0.0))
        return velocity


class StreamVelocity(_PythonVelocity):
    """u = x cross grad psi by a function psi: unit vectors (N, 3) and a time to values (N,)."""

    kind: Literal["stream_function"]

    def build(self, domain: Domain, code: OwnCode) -> GivenVelocity:
        """Build it; raises InputError unless the function gives what it should."""
        return self._tried(StreamFunction(code[self.function], self.steady), domain)


class PythonVelocity(_PythonVelocity):
    """u by a function: unit vectors (N, 3) and a time to vectors (N, 3), of which the part along the sphere counts."""

    kind: Literal["python"]

    def build(self, domain: Domain, code: OwnCode) -> GivenVelocity:
        """Build it; raises InputError unless the function gives what it should."""
        return self._tried(Velocity(code[self.function], self.steady), domain)


VELOCITY_KINDS: Registry[type[VelocitySection]] = Registry(
    "velocity kind",
    {
        "rotation": RotationVelocity,
        "deformation": DeformationVelocity,
        "stream_function": StreamVelocity,
        "python": PythonVelocity,
    },
)
