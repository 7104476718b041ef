"""The scheme of fifth order on boxes and circles."""

from __future__ import annotations

import math

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.typing import FloatArray
from wgflow.upwind.kernels.high_order import GHOSTS, MIN_CELLS, high_order_stage_kernel
from wgflow.upwind.kernels.structured import PARALLEL_BLOCKS, PARALLEL_THRESHOLD, box_loss_rate_kernel

LIMITING_SHARE = 0.5  # of the bound P, in a step of which corrections leave every cell nonnegative


class HighOrderScheme:
    """The scheme of fifth order on boxes and circles, also signed; see `wgflow.upwind.kernels.high_order`.

    Parameters
    ----------
    domain : Domain
        Box or circle, or a signed one, with at least 7 cells along each axis.
    transport, reaction : float
        The factors alpha and beta.

    Raises
    ------
    InputError
        If the domain is another one, or has fewer cells.
    """

    def __init__(self, domain: Domain, transport: float, reaction: float) -> None:
        box = domain.base.lattice
        if box is None:
            raise InputError(
                f"order = 5 is not available on the domain {domain.kind!r}; choose 1 or 2 there, or a box or circle"
            )
        if min(box.shape) < MIN_CELLS:
            raise InputError(
                f"order = 5 needs {MIN_CELLS} cells along each axis; found {min(box.shape)}: refine, or choose 1 or 2"
            )
        missing = 3 - len(box.shape)
        self._shape = (domain.sheets, *(1,) * missing, *box.shape)
        self._mobility = np.array([0.0] * missing + [transport / width**2 for width in box.spacing])
        self._periodic = np.array([False] * missing + list(box.periodic))
        self._reaction = float(reaction)
        blocks = PARALLEL_BLOCKS if math.prod(self._shape) >= PARALLEL_THRESHOLD else 1
        self._stage, self._largest_loss_rate = high_order_stage_kernel(blocks), box_loss_rate_kernel(blocks)
        faces, cells = (len(box.shape), *self._shape), box.shape[-1]
        lines, rises = np.zeros((blocks, 3, cells + 2 * GHOSTS)), np.zeros((blocks, 2, cells))
        self._work = (np.zeros(faces), np.zeros(faces), np.zeros(self._shape), lines, rises)
        self._rates, self._largest = np.zeros((blocks, 2, cells)), np.zeros(blocks)

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
        limiting = max(step, LIMITING_SHARE / max(self.loss_rate(potential), 1e-300))
        factors = (weights, (step, limiting), self._mobility, self._reaction, self._periodic)
        self._stage(*arrays, *factors, self._work, result.reshape(self._shape))

    def loss_rate(self, potential: FloatArray) -> float:
        """Largest relative loss rate of a cell by first-order fluxes, which positivity rests on."""
        factors = (self._mobility, 1.0, self._reaction, self._periodic)
        return self._largest_loss_rate(potential.reshape(self._shape), *factors, self._rates, self._largest)
