"""[problem.potential]: potential energies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from wgflow.dispatch import DomainTable
from wgflow.domains import Box, Circle, Domain
from wgflow.errors import InputError
from wgflow.functionals import energies
from wgflow.problems.energies.base import EnergySection, table_of_kinds, vector
from wgflow.problems.energies.python import PythonPotential
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.problems.sections import Finite, Matrix, NonNegative, Positive, Vector
from wgflow.registry import Registry


class QuadraticPotential(EnergySection):
    """V(x) = 1/2 (x - centre)^T A (x - centre)."""

    kind: Literal["quadratic"]
    stiffness: Matrix | Finite = Field(1.0, description="symmetric matrix A, or a factor of the identity")
    centre: Vector | None = Field(None, description="centre; the origin by default")

    def energy(self, setting: ProblemSetting) -> energies.Potential:
        """Build it; raises InputError if it does not fit the domain."""
        size, given = setting.domain.geometry.components, self.stiffness
        matrix = given * np.eye(size) if isinstance(given, float) else np.array(given)
        if matrix.shape != (size, size) or not np.allclose(matrix, matrix.T):
            raise InputError(
                f"[problem.potential] stiffness = {given} is not allowed; give a number, or a symmetric {size} x "
                f"{size} matrix"
            )
        at = np.zeros(size) if self.centre is None else vector("[problem.potential] centre", self.centre, size)
        return energies.QuadraticWell(matrix, at).energy


class LinearPotential(EnergySection):
    """V(x) = slope . x."""

    kind: Literal["linear"]
    slope: Vector = Field(description="gradient of V")

    def energy(self, setting: ProblemSetting) -> energies.Potential:
        """Build it; raises InputError if it does not fit the domain."""
        return energies.Slope(
            vector("[problem.potential] slope", self.slope, setting.domain.geometry.components)
        ).energy


class DoubleWellPotential(EnergySection):
    """V(x) = height ((x_k / distance)^2 - 1)^2 + stiffness / 2 times the square of the other components."""

    kind: Literal["double_well"]
    height: Positive = Field(1.0, description="V at the saddle in the middle")
    distance: Positive = Field(1.0, description="distance of each minimum from the middle")
    axis: int = Field(0, ge=0, description="number k of the component on which the minima lie, from 0")
    stiffness: NonNegative = Field(1.0, description="stiffness of the other components")

    def energy(self, setting: ProblemSetting) -> energies.Potential:
        """Build it; raises InputError if the domain has no such axis."""
        size = setting.domain.geometry.components
        if self.axis >= size:
            raise InputError(f"[problem.potential] axis = {self.axis} is not allowed; allowed are 0 to {size - 1}")
        return energies.DoubleWell(self.height, self.distance, self.axis, self.stiffness).energy


class CosinePotential(EnergySection):
    """V = amplitude cos(frequency . angle - phase) on a circle, or a periodic box (an axis is a full turn)."""

    kind: Literal["cosine"]
    amplitude: Finite = Field(1.0, description="factor")
    frequency: Annotated[list[int], Field(min_length=1, max_length=3)] | int = Field(
        1, description="number of waves around the circle, or along each axis"
    )
    phase: Finite = Field(0.0, description="phase in radians")

    def energy(self, setting: ProblemSetting) -> energies.Potential:
        """Build it; raises InputError unless the domain is a torus."""
        domain = setting.domain
        wave = _WAVES.get(domain)
        energy = None if wave is None else wave(self, domain)
        if energy is None:
            raise InputError(
                '[problem.potential] kind = "cosine" needs a circle and one integer as frequency, or a box with '
                f"periodic = true; the domain is {domain.kind!r}, the frequency {self.frequency}"
            )
        return energy


def _around_circle(section: CosinePotential, domain: Domain) -> energies.Potential | None:  # noqa: ARG001
    if not isinstance(section.frequency, int):
        return None
    return energies.CircleWave(section.amplitude, section.phase, section.frequency).energy


def _along_axes(section: CosinePotential, domain: Domain) -> energies.Potential | None:
    box, given = domain.base.lattice, section.frequency
    if box is None or not all(box.periodic):
        return None
    numbers = [given] * len(box.shape) if isinstance(given, int) else given
    waves = vector("[problem.potential] frequency", [float(number) for number in numbers], len(box.shape))
    low, high = np.array(box.bounds).T
    return energies.PlaneWave(section.amplitude, section.phase, 2.0 * np.pi * waves / (high - low), low).energy


_WAVES: DomainTable[Callable[[CosinePotential, Domain], energies.Potential | None]] = DomainTable(
    "a cosine potential", {Circle: _around_circle, Box: _along_axes}
)

POTENTIALS: Registry[type[EnergySection]] = Registry(
    "potential kind",
    {
        "quadratic": QuadraticPotential,
        "linear": LinearPotential,
        "double_well": DoubleWellPotential,
        "cosine": CosinePotential,
        "python": PythonPotential,
    },
)
TABLE = table_of_kinds("potential", POTENTIALS, place=1)
