"""Finite-volume schemes in space on rows of equal cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wgflow.domains import Box, Domain
from wgflow.errors import InputError
from wgflow.typing import FloatArray
from wgflow.upwind.kernels import line, structured
from wgflow.upwind.kernels.limiters import FIRST_ORDER
from wgflow.upwind.scheme import SpaceScheme


class LineScheme(SpaceScheme):
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
        rows, cells = self._shape = (domain.sheets, domain.base.shape[0])
        self._mobility = transport / float(domain.base.volumes.flat[0]) ** 2
        self._reaction = float(reaction)
        self._face_factor = 1.0 if limiter == FIRST_ORDER else 2.0
        blocks = line.PARALLEL_BLOCKS if rows * cells >= line.PARALLEL_THRESHOLD else 1
        self._stage, self._largest_loss_rate = line.stage_kernel(limiter, blocks), line.loss_rate_kernel(blocks)
        self._flux = np.zeros((rows, cells + 1))
        self._lanes = np.zeros((rows * blocks, line.LANES))

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:  # noqa: ARG002
        return step, self._mobility, self._reaction, self._flux

    def _loss_arguments(self, potential: FloatArray) -> tuple[Any, ...]:  # noqa: ARG002
        return self._mobility, self._face_factor, self._reaction, self._lanes


class LatticeScheme(SpaceScheme):
    """What the schemes on boxes and signed boxes of one to three dimensions have in common.

    Parameters
    ----------
    box : Box
        The cells of a sheet.
    sheets : int
        Number of sheets.
    transport, reaction : float
        The factors alpha and beta.
    face_factor : float
        Largest value at a face over that of its cell: 1 without a reconstruction, else 2.
    """

    def __init__(self, box: Box, sheets: int, transport: float, reaction: float, face_factor: float) -> None:
        missing, self._box = 3 - len(box.shape), box
        self._shape = (sheets, *(1,) * missing, *box.shape)
        self._mobility = np.array([0.0] * missing + [transport / width**2 for width in box.spacing])
        self._periodic = np.array([False] * missing + list(box.periodic))
        self._reaction, self._face_factor = float(reaction), face_factor
        large = math.prod(self._shape) >= structured.PARALLEL_THRESHOLD
        self._blocks = structured.PARALLEL_BLOCKS if large else 1
        self._largest_loss_rate = structured.box_loss_rate_kernel(self._blocks)
        self._rates, self._largest = np.zeros((self._blocks, 2, box.shape[-1])), np.zeros(self._blocks)

    def euler_stage(
        self,
        density: FloatArray,
        potential: FloatArray,
        start: FloatArray,
        weights: tuple[float, float],
        step: float,
        result: FloatArray,
    ) -> None:
        """Write ``weights[0] start + weights[1] (density + step L(density))`` into ``result``, on all ranks."""
        super().euler_stage(density, potential, start, weights, step, result)
        self._box.refresh(result)

    def _loss_arguments(self, potential: FloatArray) -> tuple[Any, ...]:  # noqa: ARG002
        factors = (self._mobility, self._face_factor, self._reaction, self._periodic)
        return *factors, self._rates, self._largest


class BoxScheme(LatticeScheme):
    """The scheme on boxes and signed boxes of one to three dimensions; arguments as in `LineScheme`."""

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        box = domain.base.lattice
        if box is None:
            raise InputError(f"this scheme needs a box; the domain is {domain.kind!r}")
        super().__init__(box, domain.sheets, transport, reaction, 1.0 if limiter == FIRST_ORDER else 2.0)
        self._stage = structured.box_stage_kernel(limiter, self._blocks)
        self._fluxes = np.zeros((self._blocks, 5, box.shape[-1] + 1))

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:  # noqa: ARG002
        return step, self._mobility, self._reaction, self._periodic, self._fluxes
