"""Finite-volume schemes in space, one for each kind of mesh, behind one interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from wgflow.domains import Box, Circle, Domain, Sphere
from wgflow.errors import InputError
from wgflow.finite_volume import line, structured
from wgflow.finite_volume.limiters import FIRST_ORDER, choose_limiter, limiters_on
from wgflow.finite_volume.point_values import HighOrderScheme
from wgflow.finite_volume.sphere import MIDPOINT, TWO_POINT, VELOCITIES, SphereScheme
from wgflow.typing import FloatArray


class SpaceScheme(Protocol):
    """Right-hand side of the flow on a mesh: upwind transport and reaction."""

    def euler_stage(
        self,
        density: FloatArray,
        potential: FloatArray,
        start: FloatArray,
        weights: tuple[float, float],
        step: float,
        result: FloatArray,
    ) -> None:
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``."""

    def loss_rate(self, potential: FloatArray) -> float:
        """Rate r such that a stage with ``step * r <= 1`` keeps the density nonnegative (rule P)."""


class LineScheme:
    """The scheme on the circle and the signed circle.

    Parameters
    ----------
    domain : Domain
        Circle or signed circle.
    transport, reaction : float
        The factors alpha and beta.
    limiter : int
        One of the numbers of `wgflow.finite_volume.limiters`.
    """

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        self._rows, self._cells = domain.sheets, domain.base.shape[0]
        self._mobility = transport / float(domain.base.volumes.flat[0]) ** 2
        self._reaction = reaction
        self._face_factor = 1.0 if limiter == FIRST_ORDER else 2.0
        large = self._rows * self._cells >= line.PARALLEL_THRESHOLD
        blocks = line.PARALLEL_BLOCKS if large else 1
        self._stage, self._largest_loss_rate = line.stage_kernel(limiter, blocks), line.loss_rate_kernel(blocks)
        self._flux = np.zeros((self._rows, self._cells + 1))
        self._lanes = np.zeros((self._rows * blocks, line.LANES))

    def euler_stage(
        self,
        density: FloatArray,
        potential: FloatArray,
        start: FloatArray,
        weights: tuple[float, float],
        step: float,
        result: FloatArray,
    ) -> None:
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``."""
        self._stage(
            self._by_rows(density),
            self._by_rows(potential),
            self._by_rows(start),
            weights,
            step,
            self._mobility,
            self._reaction,
            self._flux,
            self._by_rows(result),
        )

    def loss_rate(self, potential: FloatArray) -> float:
        """Largest relative loss rate of a cell, with the reconstruction's factor."""
        return self._largest_loss_rate(
            self._by_rows(potential), self._mobility, self._face_factor, self._reaction, self._lanes
        )

    def _by_rows(self, values: FloatArray) -> FloatArray:
        return values.reshape(self._rows, self._cells)


class BoxScheme:
    """The scheme on boxes and signed boxes of one to three dimensions; arguments as in `LineScheme`."""

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        box = domain.base
        if not isinstance(box, Box):
            raise InputError(f"this scheme needs a box; the domain is {domain.kind!r}")
        missing = 3 - len(box.shape)
        self._shape = (domain.sheets, *(1,) * missing, *box.shape)
        self._mobility = np.array([0.0] * missing + [transport / width**2 for width in box.spacing])
        self._periodic = np.array([False] * missing + list(box.periodic))
        self._reaction = reaction
        self._face_factor = 1.0 if limiter == FIRST_ORDER else 2.0
        large = domain.sheets * box.points[..., 0].size >= structured.PARALLEL_THRESHOLD
        blocks = structured.PARALLEL_BLOCKS if large else 1
        self._stage = structured.box_stage_kernel(limiter, blocks)
        self._largest_loss_rate = structured.box_loss_rate_kernel(blocks)
        self._fluxes = np.zeros((blocks, 5, box.shape[-1] + 1))
        self._rates, self._largest = np.zeros((blocks, 2, box.shape[-1])), np.zeros(blocks)

    def euler_stage(
        self,
        density: FloatArray,
        potential: FloatArray,
        start: FloatArray,
        weights: tuple[float, float],
        step: float,
        result: FloatArray,
    ) -> None:
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``."""
        arrays = (values.reshape(self._shape) for values in (density, potential, start))
        factors = (weights, step, self._mobility, self._reaction, self._periodic)
        self._stage(*arrays, *factors, self._fluxes, result.reshape(self._shape))

    def loss_rate(self, potential: FloatArray) -> float:
        """Largest relative loss rate of a cell, with the reconstruction's factor."""
        factors = (self._mobility, self._face_factor, self._reaction, self._periodic)
        return self._largest_loss_rate(potential.reshape(self._shape), *factors, self._rates, self._largest)


def make_space_scheme(
    domain: Domain,
    *,
    transport: float,
    reaction: float,
    order: int,
    limiter: str | None = None,
    velocity: str = TWO_POINT,
) -> SpaceScheme:
    """Choose the scheme for a domain.

    Parameters
    ----------
    domain : Domain
        Where the density lives.
    transport, reaction : float
        The factors alpha and beta of the flow.
    order : int
        1 (upwind), 2 (limited linear reconstruction), or 5 (point values of smooth densities; boxes and circles).
    limiter : str, optional
        See `choose_limiter`; used with order 2.
    velocity : str
        "two_point", or on spheres "midpoint"; see `wgflow.finite_volume.sphere.SphereScheme`.

    Raises
    ------
    InputError
        If there is no scheme for the domain, or the order, limiter or velocity is unknown or not available there.
    """
    if order not in (1, 2, 5):
        raise InputError(f"order = {order!r} is not available; choose 1, 2, or on boxes and circles 5")
    limiter = choose_limiter(limiter, domain)
    if velocity not in VELOCITIES:
        raise InputError(f"velocity = {velocity!r} is unknown; choose one of {', '.join(VELOCITIES)}")
    if velocity == MIDPOINT and not isinstance(domain.base, Sphere):
        raise InputError(f'velocity = "{MIDPOINT}" is for spheres; on the domain {domain.kind!r} use "{TWO_POINT}"')
    if order == 5:
        return HighOrderScheme(domain, transport, reaction)
    for base, scheme in SPACE_SCHEMES.items():
        if isinstance(domain.base, base):
            chosen = limiters_on(domain)[limiter].code if order == 2 else FIRST_ORDER
            if velocity == MIDPOINT:
                return SphereScheme(domain, transport, reaction, chosen, velocity)
            return scheme(domain, transport, reaction, chosen)
    raise InputError(f"there is no finite-volume scheme for the domain {domain.kind!r}")


SPACE_SCHEMES: dict[type, Callable[[Domain, float, float, int], SpaceScheme]] = {
    Circle: LineScheme,
    Box: BoxScheme,
    Sphere: SphereScheme,
}
