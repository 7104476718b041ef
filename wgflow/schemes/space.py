"""Finite-volume schemes in space, one for each kind of mesh, behind one interface."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wgflow.domains import Circle, Domain
from wgflow.errors import InputError
from wgflow.schemes import line
from wgflow.typing import FloatArray

LIMITERS = {"minmod": line.MINMOD, "mc": line.MC, "van_leer": line.VAN_LEER, "positive": line.POSITIVE}


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
        One of the limiters of `wgflow.schemes.line`.
    """

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        self._rows, self._cells = domain.sheets, domain.base.shape[0]
        self._mobility = transport / float(domain.base.volumes.flat[0]) ** 2
        self._reaction = reaction
        self._face_factor = 1.0 if limiter == line.FIRST_ORDER else 2.0
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


def make_space_scheme(domain: Domain, *, transport: float, reaction: float, order: int, limiter: str) -> SpaceScheme:
    """Choose the scheme for a domain.

    Parameters
    ----------
    domain : Domain
        Where the density lives.
    transport, reaction : float
        The factors alpha and beta of the flow.
    order : int
        1 (upwind) or 2 (limited linear reconstruction).
    limiter : str
        A key of ``LIMITERS``; used with order 2.

    Raises
    ------
    InputError
        If there is no scheme for the domain, or the order or limiter is unknown.
    """
    if order not in (1, 2):
        raise InputError(f"order = {order!r} is not available; choose 1 or 2")
    if limiter not in LIMITERS:
        raise InputError(f"limiter = {limiter!r} is unknown; choose one of {', '.join(LIMITERS)}")
    for base, scheme in SPACE_SCHEMES.items():
        if isinstance(domain.base, base):
            chosen = LIMITERS[limiter] if order == 2 else line.FIRST_ORDER
            return scheme(domain, transport, reaction, chosen)
    raise InputError(f"there is no finite-volume scheme for the domain {domain.kind!r}")


SPACE_SCHEMES = {Circle: LineScheme}
