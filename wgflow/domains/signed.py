"""Two copies of a domain, one for each sign of the output weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wgflow.domains.base import Coordinate, UnsignedDomain
from wgflow.domains.geometry import Geometry
from wgflow.errors import InputError
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class Signed:
    """The product of a domain with {+1, -1}; features change their sign on the second sheet.

    Balanced two-layer ReLU networks live here: the neuron ``a relu(b.x)`` with ``|a| = |b|`` sits at
    ``(b/|b|, sign a)`` with weight ``|a||b|``. The weight is ``r^2`` with ``|a| = |b| = r`` and moves at
    half the rate of the joint polar form, hence the reaction 2.

    Parameters
    ----------
    domain : UnsignedDomain
        The unsigned domain to be doubled.

    Raises
    ------
    InputError
        If the domain is signed already, or no domain.

    Examples
    --------
    >>> domain = wgflow.Signed(wgflow.Circle(8))
    >>> domain.shape, domain.signs, domain.reaction
    ((2, 8), array([ 1., -1.]), 2.0)
    """

    domain: UnsignedDomain

    def __post_init__(self) -> None:
        if not isinstance(self.domain, UnsignedDomain):
            raise InputError(f"Signed({self.domain!r}) is not allowed; give an unsigned domain, e.g. Circle(1024)")

    sheets = 2

    @property
    def kind(self) -> str:
        """Kind of the underlying domain."""
        return self.domain.kind

    @property
    def geometry(self) -> Geometry:
        """That of the underlying domain."""
        return self.domain.geometry

    @property
    def reaction(self) -> float:
        """Half the reaction of the underlying domain."""
        return 0.5 * self.domain.reaction

    @property
    def base(self) -> UnsignedDomain:
        """The underlying unsigned domain."""
        return self.domain

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a density, ``(2, *domain.shape)``, the positive sheet first."""
        return (2, *self.domain.shape)

    @property
    def points(self) -> FloatArray:
        """Cell centres, shape ``(2, *domain.shape, p)``, the same on both sheets (read-only view)."""
        return np.broadcast_to(self.domain.points, (2, *self.domain.points.shape))

    @property
    def volumes(self) -> FloatArray:
        """Cell volumes, shape ``shape`` (read-only view)."""
        return np.broadcast_to(self.domain.volumes, self.shape)

    @cached_property
    def signs(self) -> FloatArray:
        """Signs of the two sheets, ``[+1, -1]``."""
        return np.array([1.0, -1.0])

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The sign, then the coordinates of the underlying domain."""
        return (Coordinate("sign", self.signs, "1", "sign of the output weight"), *self.domain.coordinates)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Arguments that rebuild the underlying domain, and ``signed``."""
        return {**self.domain.parameters, "signed": True}
