"""The scheme of fifth order on boxes and circles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.typing import FloatArray
from wgflow.upwind.kernels.high_order import MIN_CELLS, PARTS, high_order_stage_kernel
from wgflow.upwind.kernels.rows_beside import GHOSTS
from wgflow.upwind.lattice import LatticeScheme

LIMITING_SHARE = 0.5  # of the bound P, in a step of which corrections leave every cell nonnegative
KEPT_DISSIPATION = 0.5  # share of the dissipation of the first-order fluxes that corrections do not undo


class HighOrderScheme(LatticeScheme):
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
                f"order = 5 is not available on the domain {domain.kind!r}; choose 1 or 2 there (3 on whole spheres), "
                "or a box or circle"
            )
        if min(box.shape) < MIN_CELLS:
            raise InputError(
                f"order = 5 needs {MIN_CELLS} cells along each axis; found {min(box.shape)}: refine, or choose 1 or 2"
            )
        super().__init__(domain, box, transport, reaction, face_factor=1.0)  # positivity rests on first order
        self._parts, self._stage = high_order_stage_kernel(self._tasks), self._in_two
        self._plane = math.prod(box.shape[1:-1])
        faces, cells = (len(box.shape), *self._shape), box.shape[-1]
        lines, rises = np.zeros((self._tasks, 3, cells + 2 * GHOSTS)), np.zeros((self._tasks, 2, cells))
        self._rises = np.zeros((len(self._bounds), 2))
        self._work = (np.zeros(faces), np.zeros(faces), np.zeros(self._shape), lines, rises, self._rises)

    def _in_two(
        self,
        rho: FloatArray,
        phi: FloatArray,
        old: FloatArray,
        weights: tuple[float, float],
        step: float,
        limiting: float,
        new: FloatArray,
    ) -> None:
        """Do a stage: all parts but the last, which must know how fast the corrections of all ranks raise F."""
        geometry = (self._mobility, self._reaction, self._periodic, self._bounds, self._plane)
        self._rises[...] = 0.0
        self._parts((0, PARTS - 1), rho, phi, old, weights, (step, limiting, step), *geometry, self._work, new)
        factor = common_factor(*self._loops.partition.sums(self._rises[:-1]).tolist())
        steps = (step, limiting, step * factor)
        self._parts((PARTS - 1, PARTS), rho, phi, old, weights, steps, *geometry, self._work, new)

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:
        return step, max(step, LIMITING_SHARE / max(self.loss_rate(potential), 1e-300))


def common_factor(upwind_rise: float, correction_rise: float) -> float:
    """Factor of all corrections that leaves the wanted part of the first-order dissipation."""
    allowed = -(1.0 - KEPT_DISSIPATION) * upwind_rise
    return 1.0 if correction_rise <= allowed else allowed / correction_rise
