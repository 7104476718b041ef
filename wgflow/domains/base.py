"""What every domain offers to functionals, schemes, files and plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from wgflow.typing import FloatArray


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
    def shape(self) -> tuple[int, ...]:
        """Shape of a density."""

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
    def base(self) -> Domain:
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


def total_mass(domain: Domain, density: FloatArray) -> float:
    """Mass of the measure with the given cell averages, ``sum_K m_K rho_K``."""
    return float((density * domain.volumes).sum())
