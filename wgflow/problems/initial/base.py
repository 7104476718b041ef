"""What the initial measures of problem files have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.base import Density, UnsignedDomain
from wgflow.errors import InputError
from wgflow.measures import Particles
from wgflow.problems.sections import Section
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    from wgflow.problems.own_code import OwnCode

Representation = Callable[[Domain, Density], FloatArray]
"""`wgflow.domains.quadrature.cell_averages`, or `point_values` for the high-order mode."""


class InitialSection(Section):
    """A measure: a kind of [initial], with its density and its particles."""

    closed_form: ClassVar[bool] = False
    """Whether it has a density in closed form, by which it can be part of a mixture, or a target."""
    by_quadrature: ClassVar[bool] = True
    """Whether its cell averages are integrated in each cell."""
    from_file: ClassVar[bool] = False
    """Whether it is read from a file, and not made here."""

    if TYPE_CHECKING:
        kind: str
        seed: int

    @property
    def code(self) -> Iterable[str]:
        """Functions in Python files that it needs, "FILE.py:NAME"."""
        return ()

    def bound(self, code: OwnCode) -> InitialSection:  # noqa: ARG002
        """The measure with its functions."""
        return self

    def density(self, base: UnsignedDomain) -> Density:
        """Density on an unsigned domain; raises InputError if the measure does not live there."""
        raise InputError(f"[initial] kind = {self.kind!r} is not available on the domain {base.kind!r}")

    def averages(self, domain: Domain, represent: Representation) -> FloatArray:
        """Cell averages, shape ``domain.shape``; on signed domains half on each sheet."""
        values = self.scaled(domain.base, represent(domain.base, self.density(domain.base)))
        return np.broadcast_to(values / domain.sheets, domain.shape).copy()

    def at_points(self, domain: Domain, points: FloatArray) -> FloatArray:
        """Density at points (..., p) of a sheet or of both; raises InputError where there is no closed form.

        Unlike `averages`, it is that of the measure itself, and not scaled to what a grid holds.
        """
        return self.density(domain.base)(points) / domain.sheets

    def scaled(self, base: UnsignedDomain, values: FloatArray) -> FloatArray:  # noqa: ARG002
        """Cell averages with the mass that was asked for."""
        return values

    def draw(self, domain: Domain, count: int, method: str) -> Particles | None:  # noqa: ARG002
        """Particles drawn from the closed form; None where they are drawn from the cell averages."""
        return None


def symmetric_positive(covariance: float | list[list[float]], base: UnsignedDomain) -> FloatArray:
    """Matrix of a covariance; raises InputError unless it is symmetric positive definite and fits the domain."""
    needed = base.geometry.components
    matrix = covariance * np.eye(needed) if isinstance(covariance, float) else np.array(covariance)
    if matrix.shape != (needed, needed):
        raise InputError(f"[initial] covariance has {len(matrix)} rows; the domain needs {needed} x {needed}")
    if not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix).min() <= 0.0:
        raise InputError(
            f"[initial] covariance = {matrix.tolist()} is not allowed; give a symmetric positive definite matrix"
        )
    return matrix
