"""What every domain offers to functionals, schemes, files and plots."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from wgflow.domains.faces import Faces
from wgflow.domains.geometry import Geometry
from wgflow.domains.partition import RowPartition
from wgflow.errors import InputError
from wgflow.registry import Argument
from wgflow.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from wgflow.domains.box import Box
    from wgflow.domains.mesh import SurfaceMesh
    from wgflow.domains.symmetric import ReferenceDensity

Density = Callable[[FloatArray], FloatArray]

SIGNED = Argument(bool, "one sheet for each sign of the output weight", default=False)


@dataclass(frozen=True)
class Coordinate:
    """A labelled axis of the density.

    Parameters
    ----------
    name : str
        Name of the axis, unique within the domain.
    values : array, shape (n,)
        Coordinate of each cell centre along the axis.
    units : str
        Unit in the notation of UDUNITS; "1" for none.
    long_name : str
        What a plot would print beside the axis.
    """

    name: str
    values: FloatArray
    units: str
    long_name: str


class Domain(Protocol):
    """A set cut into cells, on which measures have densities.

    Densities are arrays of ``shape``, cell averages with respect to the volume of the domain.
    """

    @property
    def kind(self) -> str:
        """Name of the domain in problem files."""

    @property
    def geometry(self) -> Geometry:
        """How points move, and how far they are apart."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a density; ``(0,)`` where there are no cells."""

    @property
    def points(self) -> FloatArray:
        """Cell centres, shape ``(*shape, p)``."""

    @property
    def volumes(self) -> FloatArray:
        """Cell volumes, shape ``shape``."""

    @property
    def sheets(self) -> int:
        """Number of copies of the underlying set: 2 on signed domains, else 1."""

    @property
    def signs(self) -> FloatArray:
        """Sign of each sheet, shape ``(sheets,)``: +1 first, then -1 on signed domains."""

    @property
    def base(self) -> UnsignedDomain:
        """The underlying unsigned domain (the domain itself where it is not signed)."""

    @property
    def reaction(self) -> float:
        """The beta that the paper's equation has on this domain."""

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """One labelled coordinate per axis of a density."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Arguments that rebuild the domain, apart from its kind."""


class UnsignedDomain(ABC):
    """What a domain of one sheet is made of: a geometry, and on grids cells, faces, and how they are filled.

    A subclass has ``kind``, ``reaction``, ``shape``, ``points``, ``volumes``, ``coordinates`` and ``parameters`` of
    `Domain`, and a geometry, without which it cannot be built. Grids also have ``faces``, ``cells_at``, ``averages``
    and ``place``; a mesh of one of the two structures that finite volumes know, ``lattice`` or ``mesh``.
    Domains of one class are equal where their parameters are.
    """

    kind: ClassVar[str]
    symbol: ClassVar[str] = r"\mu"
    """What the measure is called in figures."""
    about: ClassVar[str] = ""
    """What the domain is, in a sentence; by default the first line of the documentation of its class."""
    arguments: ClassVar[Mapping[str, Argument]] = {}
    """What problem files say of it: arguments of its class, and ``SIGNED`` under "signed" where it may be signed."""

    sheets = 1

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same class and parameters: a file then holds the domain of its problem."""
        return type(other) is type(self) and dict(other.parameters) == dict(self.parameters)

    def __hash__(self) -> int:
        return hash((type(self), repr(sorted(self.parameters.items()))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.parameters.items())})"

    if TYPE_CHECKING:  # fields or properties of the subclasses

        @property
        def shape(self) -> tuple[int, ...]:
            """Shape of a density."""

        @property
        def points(self) -> FloatArray:
            """Cell centres."""

        @property
        def volumes(self) -> FloatArray:
            """Cell volumes."""

        @property
        def reaction(self) -> float:
            """The beta of the equation."""

        @property
        def coordinates(self) -> tuple[Coordinate, ...]:
            """Axes of a density."""

        @property
        def parameters(self) -> Mapping[str, Any]:
            """Arguments that rebuild the domain."""

    @property
    @abstractmethod
    def geometry(self) -> Geometry:
        """How points move, and how far they are apart."""

    @property
    def base(self) -> UnsignedDomain:
        """The domain itself."""
        return self

    @property
    def signs(self) -> FloatArray:
        """The one sheet has sign +1."""
        return np.ones(1)

    @property
    def walls(self) -> tuple[tuple[int, int], ...]:
        """Sides that no mass passes, pairs of an axis and an end (0 lower, 1 upper)."""
        return ()

    @property
    def reference(self) -> ReferenceDensity | None:
        """Density that entropies are relative to; None for the volume."""
        return None

    @property
    def has_cells(self) -> bool:
        """Whether the domain is cut into cells, on which measures have densities."""
        return self.shape != (0,)

    @property
    def partition(self) -> RowPartition:
        """The blocks of cells by which sums over them are added up."""
        return RowPartition(self.shape)

    @property
    def lattice(self) -> Box | None:
        """The cells as those of a box, where they are equal and stand in rows; in one axis also those of a circle."""
        return None

    @property
    def mesh(self) -> SurfaceMesh | None:
        """The cells with their faces and neighbours, where the domain is a surface."""
        return None

    def tangent_coordinates(self, targets: FloatArray) -> FloatArray:  # noqa: ARG002
        """Coordinates (N, k, 2) in the tangent planes at the cell centres of points (N, k, p) near them, on surfaces.

        The direction is that of the shortest way to the point, the length its length; any orthonormal frame will do.
        """
        raise InputError(f"the domain {self.kind!r} is no surface")

    @property
    def faces(self) -> Faces:
        """The inner faces; raises InputError where there are no cells."""
        raise InputError(f"the domain {self.kind!r} has no cells; use a circle, a box or a sphere")

    def cells_at(self, points: FloatArray) -> IntArray:  # noqa: ARG002
        """Numbers (m,) of the cells of a flattened density that hold points (m, p); raises InputError without cells."""
        raise InputError(f"the domain {self.kind!r} has no cells; use a circle, a box or a sphere")

    def shares_at(self, points: FloatArray) -> list[tuple[IntArray, FloatArray]]:
        """Cells with the share of the mass at points (m, p) that is theirs; by default all goes to the cell there."""
        return [(self.cells_at(points), np.ones(len(points)))]

    @property
    def uniforms(self) -> int:
        """Number of uniforms that place a point, see `place`."""
        return self.geometry.dimension

    @property
    def strata(self) -> int:
        """Number of them, the first ones, in whose unit cube strata are strata of the measure."""
        return 1

    def place(self, masses: FloatArray, uniforms: FloatArray) -> FloatArray:  # noqa: ARG002
        """Points (m, p) that a measure has where the unit cube has uniforms (``self.uniforms``, m).

        The measure is that of the masses (N,) of the cells, spread evenly in each; raises InputError without cells.
        """
        raise InputError(f"particles cannot be drawn on the domain {self.kind!r}")

    def averages(self, density: Density) -> FloatArray:  # noqa: ARG002
        """Cell averages of a density given at points (..., p), by quadrature in each cell; shape ``shape``."""
        raise InputError(f"cell averages are not available on the domain {self.kind!r}")


def total_mass(domain: Domain, density: FloatArray) -> float:
    """Mass of the measure with the given cell averages, ``sum_K m_K rho_K``, block by block."""
    partition = domain.base.partition
    cells = partition.cells
    masses = (density * domain.volumes).reshape(domain.sheets, -1)[:, : cells[-1]]
    return float(partition.sums(np.add.reduceat(masses, cells[:-1], axis=1).sum(axis=0)[:, None])[0])
