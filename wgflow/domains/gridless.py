"""Domains without a grid, where particles alone live: R^p and the unit sphere in any dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from wgflow.domains.base import SIGNED, Coordinate, UnsignedDomain
from wgflow.domains.geometry import Flat, UnitSphere
from wgflow.errors import InputError
from wgflow.registry import Argument
from wgflow.text import shown
from wgflow.typing import FloatArray


def _components(least: int) -> Argument:
    return Argument(int, "number p of components of a point", least=least, most=10**6, example=4)


@dataclass(frozen=True)
class Gridless(UnsignedDomain):
    """A set of points with p components that is not cut into cells; a density on it has the shape (0,).

    Parameters
    ----------
    dimension : int
        Number p of components of a point, at least 1.

    Raises
    ------
    InputError
        If the dimension is not a positive integer.
    """

    dimension: int

    kind: ClassVar[str]
    reaction: ClassVar[float]
    coordinates: ClassVar[tuple[Coordinate, ...]] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.dimension, int | np.integer) or self.dimension < 1:
            raise InputError(f"dimension = {shown(self.dimension)} is not allowed; give an integer of at least 1")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a density: there are no cells."""
        return (0,)

    @cached_property
    def points(self) -> FloatArray:
        """Cell centres, none, shape (0, p)."""
        return np.empty((0, self.dimension))

    @cached_property
    def volumes(self) -> FloatArray:
        """Cell volumes, none."""
        return np.empty(0)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Arguments that rebuild the domain."""
        return {"dimension": int(self.dimension)}


@dataclass(frozen=True)
class Space(Gridless):
    """The space R^p, where particles move by the continuity equation, without walls and without a grid.

    Examples
    --------
    >>> well, start = wgflow.Potential(lambda x: 0.5 * (x**2).sum(axis=-1)), wgflow.Particles([[1.0, 2.0]], [1.0])
    >>> flow = wgflow.simulate(well, start, 1.0, domain=wgflow.Space(2))
    >>> flow.position[-1].round(3)  # (1, 2) / e
    array([[0.368, 0.736]])
    """

    kind = "space"
    about = "The space R^p without a grid, for particles: pairs (a, b) of a network with p - 1 inputs."
    arguments: ClassVar[Mapping[str, Argument]] = {"dimension": _components(least=1)}
    reaction = 0.0

    @property
    def geometry(self) -> Flat:
        """R^p, without walls."""
        return Flat(self.dimension)


@dataclass(frozen=True)
class Hypersphere(Gridless):
    """The unit sphere of R^p without a grid, where particles have directions and weights.

    ``Signed(Hypersphere(d))`` is where balanced neurons of d inputs live.

    Examples
    --------
    >>> domain = wgflow.Signed(wgflow.Hypersphere(5))
    >>> neurons = wgflow.draw_directions(domain, mass=1.0, count=8, seed=0)
    >>> neurons.points.shape, bool(np.allclose(np.linalg.norm(neurons.points, axis=1), 1.0))
    ((8, 5), True)
    """

    kind = "hypersphere"
    about = "The unit sphere of R^p without a grid, for particles in any dimension."
    arguments: ClassVar[Mapping[str, Argument]] = {"dimension": _components(least=2), "signed": SIGNED}
    symbol = r"\nu"
    reaction = 4.0

    @property
    def geometry(self) -> UnitSphere:
        """The unit sphere of R^p."""
        return UnitSphere(self.dimension)
