"""Transport of third order on the sphere whose steps are corrected to lie within the range of neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.diamonds import DIAMONDS, side_of
from wgflow.reductions.aligned import aligned_zeros
from wgflow.typing import FloatArray, IntArray
from wgflow.upwind.diamond_faces import DiamondFaces
from wgflow.upwind.kernels.diamonds import bands_of
from wgflow.upwind.kernels.flux_correction import WORK_ROWS, correction_kernel, shares_kernel
from wgflow.upwind.sphere import surroundings
from wgflow.upwind.third_order import ThirdOrderGivenScheme


class FluxCorrectedScheme(ThirdOrderGivenScheme):
    """The scheme of third order with velocities from outside, and flux correction at the end of each step.

    The fluxes of all stages add up to that of the step. The upwind flux of the whole step, which keeps densities within
    the range of their neighbours without divergence, is corrected towards it: where the velocity has no divergence, no
    cell gets beyond the range of its own and its neighbours' densities. Arguments as in `SphereScheme`.

    References
    ----------
    Zalesak (1979), J. Comput. Phys. 31. Skamarock and Gassmann (2011), Mon. Wea. Rev. 139.
    """

    # Less makes that of a single bell larger, more those of hills and bells that are drawn out.
    upwinding = 0.15

    def __init__(self, domain: Domain, transport: float, reaction: float, limiter: int) -> None:
        super().__init__(domain, transport, reaction, limiter)
        sphere: Any = domain.base
        faces = DiamondFaces(sphere.mesh, side_of(sphere.level))
        in_rows = self._given[0].size
        self._flat = tuple(np.zeros(in_rows + len(faces.apart)) for _ in range(2))  # integrals of fluxes and of rates
        self._in_step = tuple(flows[:in_rows].reshape(self._given.shape[1:]) for flows in self._flat)
        self._apart_in_step = tuple(flows[in_rows:] for flows in self._flat)
        cells, near, edges, signs = surroundings(faces, oriented=True)
        places, turned = places_of(faces, in_rows)
        self._around = cells, near, places[edges].astype(np.uint32), signs * turned[edges]
        self._rows_of_shares = aligned_zeros(DIAMONDS * bands_of(faces.n), WORK_ROWS, faces.columns)
        self._low, self._gains, self._losses = np.zeros((3, sphere.cells))
        self._find_shares, self._correct = shares_kernel(self._parallel), correction_kernel(self._parallel)

    @property
    def _kept(self) -> tuple[Any, Any]:
        return self._in_step, self._apart_in_step

    def begin_step(self) -> None:
        """See `GivenScheme.begin_step`."""
        for flows in self._flat:
            flows[:] = 0.0

    def finish_step(self, start: FloatArray, result: FloatArray) -> None:
        """See `GivenScheme.finish_step`."""
        known = (start, *self._in_step, self._flat, *self._halo, self._around, self._inverse_volumes)
        found = (self._rows_of_shares, self._low, self._gains, self._losses)
        self._find_shares(*known, *found)
        self._correct(*known, *found, result)


def places_of(faces: DiamondFaces, in_rows: int) -> tuple[IntArray, IntArray]:
    """Places (E,) of edges in rows, of those apart behind them, and signs there."""
    places, signs = (values[:, 0].copy() for values in faces.places)
    places[faces.apart], signs[faces.apart] = in_rows + np.arange(len(faces.apart)), 1
    return places, signs
