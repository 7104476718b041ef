"""Finite-volume schemes in space on rows of equal cells, and what all schemes in space offer."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.typing import FloatArray
from wgflow.upwind.kernels import line, structured
from wgflow.upwind.kernels.limiters import FIRST_ORDER


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
        One of the limiters of `wgflow.upwind.kernels.line`.
    """

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        self._rows, self._cells = domain.sheets, domain.base.shape[0]
        self._mobility = transport / float(domain.base.volumes.flat[0]) ** 2
        self._reaction, self._limiter = float(reaction), limiter
        self._face_factor = 1.0 if limiter == FIRST_ORDER else 2.0
        large = self._rows * self._cells >= line.PARALLEL_THRESHOLD
        blocks = line.PARALLEL_BLOCKS if large else 1
        self._stage, self._largest_loss_rate = line.stage_kernel(blocks), line.loss_rate_kernel(blocks)
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
            self._limiter,
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
        box = domain.base.lattice
        if box is None:
            raise InputError(f"this scheme needs a box; the domain is {domain.kind!r}")
        missing = 3 - len(box.shape)
        self._shape = (domain.sheets, *(1,) * missing, *box.shape)
        self._mobility = np.array([0.0] * missing + [transport / width**2 for width in box.spacing])
        self._periodic = np.array([False] * missing + list(box.periodic))
        self._reaction = float(reaction)
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
