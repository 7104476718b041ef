"""The scheme of fifth order on boxes and circles."""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError
from wgflow.typing import FloatArray
from wgflow.upwind.kernels.high_order import GHOSTS, MIN_CELLS, high_order_stage_kernel
from wgflow.upwind.lattice import LatticeScheme

LIMITING_SHARE = 0.5  # of the bound P, in a step of which corrections leave every cell nonnegative


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
                f"order = 5 is not available on the domain {domain.kind!r}; choose 1 or 2 there, or a box or circle"
            )
        if min(box.shape) < MIN_CELLS:
            raise InputError(
                f"order = 5 needs {MIN_CELLS} cells along each axis; found {min(box.shape)}: refine, or choose 1 or 2"
            )
        super().__init__(domain, box, transport, reaction, face_factor=1.0)  # positivity rests on first order
        self._stage = high_order_stage_kernel(self._tasks)
        faces, cells = (len(box.shape), *self._shape), box.shape[-1]
        lines, rises = np.zeros((self._tasks, 3, cells + 2 * GHOSTS)), np.zeros((self._tasks, 2, cells))
        partial = np.zeros((len(self._bounds) - 1, 2))
        self._work = (np.zeros(faces), np.zeros(faces), np.zeros(self._shape), lines, rises, partial)

    def _stage_arguments(self, potential: FloatArray, step: float) -> tuple[Any, ...]:
        limiting = max(step, LIMITING_SHARE / max(self.loss_rate(potential), 1e-300))
        return (step, limiting), self._mobility, self._reaction, self._periodic, self._bounds, self._work
