"""[initial] of kind "python"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, PrivateAttr

from wgflow.domains import Domain, total_mass
from wgflow.domains.base import Density, UnsignedDomain
from wgflow.errors import InputError
from wgflow.problems.initial.base import InitialSection
from wgflow.problems.sections import Positive, Reference, Seed
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.problems.own_code import OwnCode


class PythonInitial(InitialSection):
    """A density by a function in a Python file: points (N, p) to values (N,), all >= 0."""

    kind: Literal["python"]
    function: Reference = Field(description='a function in a file beside the problem, "FILE.py:NAME"; see --allow-code')
    mass: Positive | None = Field(None, description="total mass; that of the function by default")
    seed: Seed = Field(0, description="seed of the draw of particles")
    _density: Density | None = PrivateAttr(None)

    @property
    def code(self) -> Iterator[str]:
        """The function."""
        yield self.function

    def bound(self, code: OwnCode) -> PythonInitial:
        """The measure with its function."""
        found = self.model_copy()
        found._density = code[self.function]
        return found

    def density(self, base: UnsignedDomain) -> Density:
        """The function, checked, on a domain with cells."""
        function = self._density
        if not base.has_cells:
            return super().density(base)
        if function is None:
            raise InputError(f"{self.function} was not read; open the problem again")

        def density(points: FloatArray) -> FloatArray:
            flat = points.reshape(-1, points.shape[-1])
            return self._checked(function(flat), len(flat)).reshape(points.shape[:-1])

        return density

    def at_points(self, domain: Domain, points: FloatArray) -> FloatArray:
        """The function itself; raises InputError where it is to have another mass, which cells alone could measure."""
        if self.mass is not None:
            raise InputError(f"[initial] mass = {self.mass:g} of {self.function} is known on cells only; leave it out")
        return super().at_points(domain, points)

    def scaled(self, base: UnsignedDomain, values: FloatArray) -> FloatArray:
        """Cell averages with the mass that was asked for."""
        found = total_mass(base, values)
        if not found > 0.0:
            raise InputError(f"[initial] {self.function} is 0 everywhere")
        return values if self.mass is None else values * (self.mass / found)

    def _checked(self, values: FloatArray, count: int) -> FloatArray:
        found = np.asarray(values, dtype=np.float64)
        if found.shape != (count,):
            raise InputError(f"[initial] {self.function} gives values of shape {found.shape}; needed is {(count,)}")
        if not (np.isfinite(found).all() and found.min() >= 0.0):
            raise InputError(f"[initial] {self.function} goes down to {found.min():g}; a density is finite and >= 0")
        return found
